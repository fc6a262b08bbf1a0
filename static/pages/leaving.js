// A card that was turned down fades out of its list after a while, unless the dislike is taken back.

import { enclosing, find } from "./dom.js";

const FADES_AFTER = 2000;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
/** Where cards that leave stood, and what keeps them.
 * @type {WeakMap<HTMLElement, { place: Comment, keep: () => void }>} */
const leaving = new WeakMap();

/** @type {(card: HTMLElement) => void} */
export function takeAway(card) {
  const entry = enclosing(HTMLElement, "li", card);
  if (!entry) return;
  const place = document.createComment("");
  /** @type {Animation | undefined} */
  let fading;
  const timer = setTimeout(async () => {
    fading = entry.animate([{ opacity: 1 }, { opacity: 0 }], { duration: calm.matches ? 0 : 400 });
    try {
      await fading.finished;
    } catch {
      return; // It was canceled.
    }
    if (entry.contains(document.activeElement)) focusBeside(entry);
    glide(entry.parentElement, () => entry.replaceWith(place));
  }, FADES_AFTER);
  const keep = () => {
    clearTimeout(timer);
    fading?.cancel();
    if (place.parentElement) glide(place.parentElement, () => place.replaceWith(entry));
  };
  leaving.set(card, { place, keep });
}

/** Puts a card back where it was, if it left. @type {(card: HTMLElement) => void} */
export function putBack(card) {
  leaving.get(card)?.keep();
}

/** Moves the focus to a button of a card, or beside the card, if it left.
 * @type {(card: HTMLElement, button: HTMLElement) => void} */
export function focusIn(card, button) {
  const { place } = leaving.get(card) ?? {};
  if (place?.isConnected) focusBeside(place);
  else button.focus();
}

/** @param {Element | Comment} gone */
function focusBeside(gone) {
  let next = gone.nextElementSibling;
  while (next && !find(HTMLElement, "a", next)) next = next.nextElementSibling; // A note has no link.
  next ??= gone.previousElementSibling;
  if (next) find(HTMLElement, "a", next)?.focus({ preventScroll: true });
}

/** Makes a change to a list, whose other entries then move to where they belong instead of jumping there.
 * @type {(list: Element | null, change: () => void) => void} */
export function glide(list, change) {
  const before = [...(list?.children ?? [])].map((entry) => ({ entry, old: entry.getBoundingClientRect() }));
  change();
  if (calm.matches) return;
  for (const { entry, old } of before) {
    const { left, top } = entry.getBoundingClientRect();
    const [x, y] = [old.left - left, old.top - top];
    if (!entry.isConnected || !(x || y)) continue;
    entry.animate({ translate: [`${x}px ${y}px`, "0 0"] }, { duration: 250, easing: "ease-out" });
  }
}
