// The dialog that asks whether, and why. What was typed is kept until it is recorded or another title is asked about.

import { all, find, get, make, makeButton } from "./dom.js";
import { cardOf } from "./page.js";
import { messageOf } from "./send.js";

/** @typedef {{ button: HTMLButtonElement, card: HTMLElement, byKeyboard: boolean }} Asked */
/** @typedef {{ reason?: string, feedback_text: string }} Reason */

/** Function that opens the dialog. `record` gives what to do when it has closed; its errors are shown.
 * @type {(dialog: HTMLDialogElement, record: (asked: Asked, reason: Reason) => Promise<() => void>)
 *   => (button: HTMLButtonElement, byKeyboard: boolean) => void} */
export function connectDialog(dialog, record) {
  const form = get(HTMLFormElement, "form", dialog);
  const confirm = get(HTMLButtonElement, "[data-confirm]", form);
  /** @type {Asked} */
  let asked;
  form.addEventListener("input", () => countCharacters(form));
  get(HTMLElement, "[data-cancel]", form).addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => keepFocus(form, event));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (confirm.disabled) return;
    confirm.disabled = true;
    let proceed;
    try {
      proceed = await record(asked, reasonOf(form));
    } catch (error) {
      if (!dialog.open) dialog.showModal();
      showError(form, messageOf(error));
      return;
    } finally {
      confirm.disabled = false;
    }
    delete form.dataset.item;
    dialog.close();
    proceed();
  });
  return (button, byKeyboard) => {
    button.focus(); // Not every browser does so on a click, and closing the dialog goes back to it.
    if (!confirm.disabled) {
      asked = { button, card: cardOf(button), byKeyboard };
      askAbout(asked.card, form);
    }
    dialog.showModal();
    if (!confirm.disabled) firstField(form).focus();
  };
}

/** @type {(card: HTMLElement, form: HTMLFormElement) => void} */
function askAbout({ dataset: { item = "", title = "", noun = "" } }, form) {
  if (form.dataset.item !== item) form.reset();
  form.dataset.item = item;
  const question = get(HTMLElement, "[data-question]", form);
  question.textContent = (question.dataset.question ?? "").replace("{noun}", noun);
  get(HTMLElement, "[data-asked]", form).textContent = title;
  showError(form);
  countCharacters(form);
}

/** What was chosen and typed; the server knows what a no without a reason means.
 * @type {(form: HTMLFormElement) => Reason} */
function reasonOf(form) {
  const data = new FormData(form);
  const reason = data.get("reason");
  return { ...(reason ? { reason: String(reason) } : {}), feedback_text: String(data.get("feedback_text")) };
}

/** @param {HTMLFormElement} form */
function firstField(form) {
  return find(HTMLElement, "[name=reason]:checked", form) ?? get(HTMLElement, "[name=reason]", form);
}

/** @param {HTMLFormElement} form */
function countCharacters(form) {
  const { value, maxLength } = get(HTMLTextAreaElement, "[name=feedback_text]", form);
  get(HTMLElement, "[data-left]", form).textContent = `${value.length} of ${maxLength} characters.`;
}

/** @type {(form: HTMLFormElement, text?: string) => void} */
function showError(form, text) {
  const place = get(HTMLElement, "[data-error]", form);
  place.replaceChildren();
  if (!text) return;
  const dismiss = () => {
    firstField(form).focus();
    showError(form);
  };
  const retry = () => {
    dismiss();
    form.requestSubmit();
  };
  const buttons = make("div", "row");
  buttons.append(makeButton("Retry", retry, "button"), makeButton("Dismiss", dismiss, "button"));
  place.append(make("p", "", text), buttons);
  get(HTMLElement, "button", buttons).focus();
}

/** Lets Tab go round in the dialog. @type {(form: HTMLFormElement, event: KeyboardEvent) => void} */
function keepFocus(form, event) {
  if (event.key !== "Tab") return;
  const last = all(HTMLElement, "button:not(:disabled)", form).at(-1);
  const { activeElement } = document;
  const leaves = event.shiftKey ? activeElement?.getAttribute("name") === "reason" : activeElement === last;
  if (!leaves) return;
  event.preventDefault();
  (event.shiftKey ? last : firstField(form))?.focus();
}
