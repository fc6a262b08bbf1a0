// Toasts: one at a time. It stays while it is pointed at or holds the focus.

import { get, make, makeButton } from "./dom.js";

const STAYS = 9000;
const place = get(HTMLElement, "[data-toasts]");
/** @type {number | undefined} */
let timer;
/** @type {(() => void) | undefined} */
let giveFocusBack;

/** Shows a sentence, with a button where `label` is given. `back` takes the focus, if the toast has it when it goes.
 * @type {(text: string, more?: {label?: string, act?: () => void, kind?: string, back?: () => void}) => HTMLElement} */
export function showToast(text, { label, act, kind = "", back } = {}) {
  const toast = make("div", `toast ${kind}`);
  toast.append(make("p", "", text));
  if (label) {
    const press = () => {
      hideToast();
      act?.();
    };
    toast.append(makeButton(label, press));
  }
  for (const event of ["pointerenter", "focusin"]) toast.addEventListener(event, () => clearTimeout(timer));
  for (const event of ["pointerleave", "focusout"]) toast.addEventListener(event, hideLater);
  place.replaceChildren(toast);
  giveFocusBack = back;
  hideLater();
  return toast;
}

export function hideToast() {
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren();
  clearTimeout(timer);
  if (hadFocus) giveFocusBack?.();
}

function hideLater() {
  clearTimeout(timer);
  timer = setTimeout(hideToast, STAYS);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hideToast();
});
