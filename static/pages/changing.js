// The list below a card that was turned down is made anew in its place, and says what changed.

import { all, enclosing, find, make } from "./dom.js";
import { glide } from "./leaving.js";
import { watchCards } from "./seen.js";

const NAMED = 4;

/** Asks for the list anew after a no to a card of the feed; gives what puts back exactly what stood there.
 * @type {(card: HTMLElement, words: string) => () => void} */
export function listAfter(card, words) {
  const list = enclosing(HTMLElement, "[data-again]", card);
  const entry = enclosing(HTMLElement, "li", card);
  if (!list || !entry) return () => {};
  // A note of a no before is no title, and goes with the next change.
  find(HTMLElement, ".wall-note", list)?.remove();
  const before = [...list.childNodes];
  const asked = new AbortController();
  change(list, entry, words, asked.signal).catch(() => {}); // The list stays as it is then.
  return () => {
    asked.abort();
    glide(list, () => list.replaceChildren(...before));
  };
}

/** @type {(list: HTMLElement, entry: HTMLElement, words: string, signal: AbortSignal) => Promise<void>} */
async function change(list, entry, words, signal) {
  const length = all(HTMLElement, "li", list).length;
  const response = await fetch(`${list.dataset.again}&length=${length}`, { signal });
  if (!response.ok || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const wall = find(HTMLElement, "[data-again]", page);
  if (!wall || signal.aborted) return;
  const old = all(HTMLElement, "li", list);
  const place = old.indexOf(entry);
  if (place < 0) return;
  const stay = new Set(old.slice(0, place + 1).map(itemOf));
  const below = old.slice(place + 1);
  const known = new Map(below.map((one) => [itemOf(one), one]));
  const next = all(HTMLElement, "li", wall)
    .filter((one) => !stay.has(itemOf(one)))
    .slice(0, below.length);
  const items = new Set(next.map(itemOf));
  const out = below.filter((one) => !items.has(itemOf(one)));
  const come = next.filter((one) => !known.has(itemOf(one)));
  const note = noteOf(titlesOf(out), titlesOf(come), words || `no to ${titlesOf([entry])[0] ?? "it"}`);
  glide(list, () => {
    for (const one of below) one.remove();
    list.append(note, ...next.map((one) => known.get(itemOf(one)) ?? one));
  });
  // What comes behind the list goes on from the list as it is now.
  const behind = find(HTMLElement, "[data-more]", page);
  if (behind) find(HTMLElement, "[data-more]")?.replaceWith(behind);
  watchCards(
    wall.dataset.seen ?? "",
    come.flatMap((one) => all(HTMLElement, "[data-rank]", one)),
  );
}

/** @type {(out: string[], come: string[], words: string) => HTMLElement} */
function noteOf(out, come, words) {
  const note = make("li", "wall-note");
  const said = make("div", "");
  said.setAttribute("role", "status");
  note.append(said);
  const changed = out.length || come.length;
  said.append(make("p", "", `${changed ? "Changed" : "Nothing else changed"} because you said ${words}.`));
  if (out.length) said.append(make("p", "", `Out: ${named(out)}.`));
  if (come.length) said.append(make("p", "", `In: ${named(come)}.`));
  return note;
}

/** @param {string[]} titles */
function named(titles) {
  const more = titles.length - NAMED;
  return titles.slice(0, NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** Titles that are there by more than chance. @param {HTMLElement[]} entries */
function titlesOf(entries) {
  const told = entries.filter((one) => !("byChance" in one.dataset));
  return told.map((one) => find(HTMLElement, "[data-title]", one)?.dataset.title ?? "").filter(Boolean);
}

/** @param {HTMLElement} entry */
function itemOf(entry) {
  return find(HTMLElement, "[data-item]", entry)?.dataset.item;
}
