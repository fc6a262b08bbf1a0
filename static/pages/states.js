// States of the actions on a card. A change made on a list is remembered for as long as the tab lives, so that
// going back to the list from an item does not show it as it was.

import { all, find } from "./dom.js";
import { putBack } from "./leaving.js";
import { listOf, session } from "./page.js";

const KEY = `heed-list-${session}`;
/** @type {Record<string, string>} */
const opposite = { like: "dislike", dislike: "like" };

/** Shows and remembers that an action stands or not; a like and a dislike end each other.
 * @type {(card: HTMLElement, name: string, stands: boolean) => void} */
export function setState(card, name, stands) {
  const other = stands && opposite[name];
  /** @type {Record<string, boolean>} */
  const changes = other ? { [other]: false, [name]: true } : { [name]: stands };
  for (const [action, now] of Object.entries(changes)) {
    press(card, action, now);
    if (session && listOf(card) === session) remember(card.dataset.api ?? "", action, now);
  }
  if (changes.dislike === false) putBack(card);
}

/** @type {(card: HTMLElement, action: string, stands: boolean) => void} */
function press(card, action, stands) {
  const button = find(HTMLButtonElement, `.act[value="${action}"]`, card);
  button?.setAttribute("aria-pressed", String(stands));
  if (button) button.name = stands ? "undo" : "action";
}

/** Changes by the address of the item and the action. @returns {Record<string, Record<string, boolean>>} */
function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  } catch {
    return {}; // Without storage the list is only less up to date.
  }
}

/** @type {(api: string, name: string, stands: boolean) => void} */
function remember(api, name, stands) {
  const changes = remembered();
  changes[api] = { ...changes[api], [name]: stands };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(changes));
  } catch {
    // As above.
  }
}

function recall() {
  const changes = remembered();
  for (const card of all(HTMLElement, "[data-rank]")) {
    for (const [name, stands] of Object.entries(changes[card.dataset.api ?? ""] ?? {})) {
      press(card, name, stands);
      if (name === "dislike" && stands) card.closest("li")?.remove();
    }
  }
}

recall();
