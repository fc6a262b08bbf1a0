// Data that the server wrote into the page for the scripts. A card is an element with data-api, the address of its item.

import { enclosing, find, get } from "./dom.js";

/** The form that every action belongs to; null for visitors. */
export const actionsForm = find(HTMLFormElement, "#actions");
export const csrfToken = actionsForm ? get(HTMLInputElement, "[name=csrfmiddlewaretoken]", actionsForm).value : "";
/** Id of the page's list, "" where it has none. */
export const session = actionsForm ? get(HTMLInputElement, "[name=session]", actionsForm).value : "";

/** @type {Record<string, { done: string, undone: string }>} */
const sentences = JSON.parse(document.getElementById("sentences")?.textContent ?? "{}");

/** Sentence that says that an action was done, or undone.
 * @type {(action: string, stands: boolean, card: HTMLElement) => string} */
export function sentenceFor(action, stands, card) {
  const sentence = sentences[action]?.[stands ? "done" : "undone"] ?? "";
  return sentence.replace("{title}", card.dataset.title ?? "");
}

/** Id of the list that a card stands in: of its row, where that has one, else of the page. "" for none.
 * @type {(card: HTMLElement) => string} */
export function listOf(card) {
  return enclosing(HTMLElement, "[data-session]", card)?.dataset.session ?? session;
}

/** @type {(element: Element) => HTMLElement} */
export function cardOf(element) {
  const card = enclosing(HTMLElement, "[data-api]", element);
  if (!card) throw new TypeError("This stands in no card");
  return card;
}
