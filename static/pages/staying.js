// A button that takes one entry of a page back does so in its place: the entries follow, and the focus stays there.

import { all, enclosing, find, get } from "./dom.js";
import { actionsForm } from "./page.js";
import { messageOf } from "./send.js";
import { showToast } from "./toasts.js";

const main = get(HTMLElement, "main");
const BUTTON = "button[form=actions][formaction]:not(.act)";

/** Sends the form of the page to where a button says, and shows what comes back.
 * @type {(button: HTMLButtonElement, form: HTMLFormElement, place: number) => Promise<void>} */
async function act(button, form, place) {
  button.ariaBusy = button.ariaDisabled = "true";
  try {
    const sent = new URLSearchParams({ [button.name]: button.value });
    for (const [name, value] of new FormData(form)) sent.append(name, String(value));
    const response = await fetch(button.formAction, { method: "POST", body: sent });
    if (!response.ok) throw new Error("That did not work. Load the page again and try once more.");
    show(new DOMParser().parseFromString(await response.text(), "text/html"), form, place);
  } catch (error) {
    showToast(error instanceof TypeError ? "The server could not be reached. Try again." : messageOf(error));
  } finally {
    button.ariaBusy = button.ariaDisabled = null;
  }
}

/** @type {(page: Document, form: HTMLFormElement, place: number) => void} */
function show(page, form, place) {
  const next = get(HTMLElement, "main", page);
  const messages = find(HTMLElement, ".messages", next);
  messages?.remove();
  main.replaceChildren(...next.childNodes);
  const buttons = all(HTMLButtonElement, BUTTON, main);
  const back = buttons[place] ?? buttons.at(-1) ?? main;
  back.focus({ preventScroll: back !== main });
  if (!messages) return;
  const undo = find(HTMLButtonElement, "button", messages);
  undo?.remove();
  const more = undo ? { label: undo.textContent ?? "", act: () => act(undo, form, place) } : {};
  showToast(messages.textContent?.trim() ?? "", more);
}

if (actionsForm) {
  const form = actionsForm;
  document.addEventListener("click", (event) => {
    const button = enclosing(HTMLButtonElement, BUTTON, event.target);
    if (!button || !main.contains(button)) return;
    event.preventDefault();
    if (button.ariaBusy !== "true") act(button, form, all(HTMLButtonElement, BUTTON, main).indexOf(button));
  });
}
