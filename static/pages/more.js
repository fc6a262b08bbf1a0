// "Show more": the page behind the list joins it. Without it the link leads to that page.

import { all, enclosing, find, get } from "./dom.js";
import { watchCards } from "./seen.js";
import { messageOf } from "./send.js";
import { showToast } from "./toasts.js";

const FAILED = "The next titles could not be loaded. Check the connection and try again.";

/** @type {(place: HTMLElement, link: HTMLElement) => Promise<void>} */
async function load(place, link) {
  if (link.ariaBusy === "true") return;
  link.ariaBusy = "true";
  try {
    const response = await fetch(place.dataset.more ?? "").catch(() => null);
    if (!response?.ok || response.redirected) throw new Error(FAILED);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    join(place, page);
  } catch (error) {
    showToast(messageOf(error), { label: "Retry", act: () => load(place, link), back: () => link.focus() });
  } finally {
    link.ariaBusy = null;
  }
}

/** @type {(place: HTMLElement, page: Document) => void} */
function join(place, page) {
  const wall = get(HTMLElement, "[data-again]");
  const more = find(HTMLElement, "[data-again]", page);
  const shown = new Set(all(HTMLElement, "[data-item]", wall).map((card) => card.dataset.item));
  const come = more ? all(HTMLElement, "li", more).filter((one) => !shown.has(itemOf(one))) : [];
  wall.append(...come);
  watchCards(
    more?.dataset.seen ?? "",
    come.flatMap((one) => all(HTMLElement, "[data-rank]", one)),
  );
  const next = find(HTMLElement, "[data-more]", page);
  if (next) place.replaceWith(next);
  else place.remove();
  const first = come[0] && find(HTMLElement, "a", come[0]);
  first?.focus({ preventScroll: true });
}

/** @param {HTMLElement} entry */
function itemOf(entry) {
  return find(HTMLElement, "[data-item]", entry)?.dataset.item;
}

document.addEventListener("click", (event) => {
  const place = enclosing(HTMLElement, "[data-more]", event.target);
  const link = enclosing(HTMLElement, "a", event.target);
  if (!place || !link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  load(place, link);
});
