// The dialog that asks whether, and why. What was typed is kept until it is recorded or another title is asked about.

import { all, get, make, makeButton } from "./dom.js";
import { cardOf } from "./page.js";
import { messageOf } from "./send.js";

/** @typedef {{ button: HTMLButtonElement, card: HTMLElement, byKeyboard: boolean }} Asked */
/** What is said: as the API takes it, and in words what it is about.
 * @typedef {{ body: Record<string, string>, words: string }} Said */

/** Function that opens the dialog. `record` gives what to do when it has closed; its errors are shown.
 * @type {(dialog: HTMLDialogElement, record: (asked: Asked, said: Said) => Promise<() => void>)
 *   => (button: HTMLButtonElement, byKeyboard: boolean) => void} */
export function connectDialog(dialog, record) {
  const form = get(HTMLFormElement, "form", dialog);
  const confirm = get(HTMLButtonElement, "[data-confirm]", form);
  /** @type {Asked} */
  let asked;
  /** Chip that was tapped last; a retry says the same again. @type {HTMLElement | null} */
  let tapped = null;
  form.addEventListener("input", () => countCharacters(form));
  get(HTMLElement, "[data-cancel]", form).addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => keepFocus(form, event));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (confirm.disabled) return;
    if (event.submitter) tapped = event.submitter.matches(".chip") ? event.submitter : null;
    confirm.disabled = true;
    let proceed;
    try {
      proceed = await record(asked, saidIn(form, tapped));
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
function askAbout({ dataset: { item = "", title = "", noun = "", chips = "[]" } }, form) {
  if (form.dataset.item !== item) {
    form.reset();
    get(HTMLDetailsElement, "details", form).open = false;
    showChips(form, JSON.parse(chips));
  }
  form.dataset.item = item;
  const question = get(HTMLElement, "[data-question]", form);
  question.textContent = (question.dataset.question ?? "").replace("{noun}", noun);
  get(HTMLElement, "[data-asked]", form).textContent = title;
  showError(form);
  countCharacters(form);
}

/** Offers what this very item has. @type {(form: HTMLFormElement, chips: [string, string][]) => void} */
function showChips(form, chips) {
  get(HTMLElement, "[data-about]", form).hidden = chips.length === 0;
  const buttons = chips.map(([value, name]) =>
    Object.assign(make("button", "chip", name), { type: "submit", name: "about", value }),
  );
  get(HTMLElement, "[data-chips]", form).replaceChildren(...buttons);
}

/** What was tapped, chosen and typed; the server knows what a no without a reason means.
 * @type {(form: HTMLFormElement, chip: HTMLElement | null) => Said} */
function saidIn(form, chip) {
  const data = new FormData(form);
  const text = (/** @type {string} */ name) => String(data.get(name) ?? "");
  const { name, value } = chip instanceof HTMLButtonElement ? chip : { name: "", value: "" };
  const lasts = text("lasts");
  /** @type {Record<string, string>} */
  const body = { feedback_text: text("feedback_text"), scope: name === "only" ? value : lasts };
  const reason = name === "known" ? value : text("reason");
  if (reason) body.reason = reason;
  if (name === "about") body.about = value;
  const about = chip?.textContent ?? "";
  return { body, words: name === "about" ? `${lasts === "never" ? "never" : "less"} ${about}` : "" };
}

/** @param {HTMLFormElement} form */
function firstField(form) {
  return get(HTMLElement, ".about:not([hidden]) .chip", form);
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
  const first = firstField(form);
  const last = all(HTMLElement, "button:not(:disabled)", form).at(-1);
  if (document.activeElement !== (event.shiftKey ? first : last)) return;
  event.preventDefault();
  (event.shiftKey ? last : first)?.focus();
}
