// Toasts: one at a time. It stays while it is pointed at or holds the focus.

import { all, get, make, makeButton } from "./dom.js";

const STAYS = 9000;
const GAP = 4;
const CONTROLS = "main button, main input, main select, main summary";
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
  settle();
  hideLater();
  return toast;
}

export function hideToast() {
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren();
  clearTimeout(timer);
  if (hadFocus) giveFocusBack?.();
}

/** Puts the toast where it lies over no button: at the bottom, or as little above it as is needed. */
function settle() {
  const [toast] = all(HTMLElement, ".toast", place);
  if (!toast) return;
  place.style.setProperty("--lift", "0px");
  const { left, right, height, bottom } = toast.getBoundingClientRect();
  const buttons = all(Element, CONTROLS, document)
    .filter((control) => !place.contains(control) && control.checkVisibility())
    .map((control) => control.getBoundingClientRect())
    .filter((box) => box.right > left && box.left < right && box.bottom > 0);
  let end = bottom;
  for (;;) {
    const hit = buttons.filter((box) => box.top < end && box.bottom > end - height);
    if (!hit.length) break;
    end = Math.min(...hit.map((box) => box.top)) - GAP;
  }
  // No room at all is left on a page of nothing but buttons.
  if (end - height > 0) place.style.setProperty("--lift", `${bottom - end}px`);
}

function hideLater() {
  clearTimeout(timer);
  timer = setTimeout(hideToast, STAYS);
}

document.addEventListener("scrollend", settle);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hideToast();
});
