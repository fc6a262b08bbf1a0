// The review of dislikes in the admin by keyboard. Without this script the actions of the list do the same.

import { all, find, get } from "./dom.js";

/** @typedef {{ row: HTMLElement, label: string }} Decision */

const form = get(HTMLFormElement, "#changelist-form");
const rows = all(HTMLElement, "#result_list tr.data-row");
const said = get(HTMLElement, "[data-review-said]");
/** @type {{ keys: Record<string, string>, labels: Record<string, string> }} */
const words = JSON.parse(get(HTMLElement, "#review-words").textContent ?? "{}");
/** @type {Decision[]} */
const decisions = [];
const next = ["j", "ArrowDown"];
const before = ["k", "ArrowUp"];
// Keys are done one after the other, however fast they come.
let turn = Promise.resolve();

/** @type {(row: HTMLElement) => string} */
const titleOf = (row) => get(HTMLElement, ".field-title", row).textContent?.trim() ?? "";
/** @type {(row: HTMLElement) => HTMLElement} */
const stateOf = (row) => get(HTMLElement, ".field-review_state", row);
const current = () => rows.find((row) => row.contains(document.activeElement));

/** @type {(row: HTMLElement | undefined) => void} */
function go(row) {
  if (row) find(HTMLElement, "th a, td a", row)?.focus();
}

/** Row beside the one that has the focus; the first where none has.
 * @type {(step: number) => HTMLElement | undefined} */
function beside(step) {
  const row = current();
  return row ? rows[rows.indexOf(row) + step] : rows[0];
}

/** Does an action of the list with one row. Throws an error where the server did not.
 * @type {(row: HTMLElement, action: string) => Promise<void>} */
async function act(row, action) {
  const body = new FormData(form);
  for (const name of ["_selected_action", "select_across"]) body.delete(name);
  body.set("action", action);
  body.set("_selected_action", get(HTMLInputElement, "input.action-select", row).value);
  // Without the filters: what was decided is no longer in a list of what is new.
  const answer = await fetch(location.pathname, { method: "POST", body });
  if (!answer.ok || !new URL(answer.url).pathname.endsWith(location.pathname)) throw new Error();
}

/** @type {(row: HTMLElement, action: string, says: string) => Promise<void>} */
async function decide(row, action, says) {
  const state = stateOf(row);
  try {
    await act(row, action);
    state.textContent = words.labels[action] ?? "";
    row.toggleAttribute("data-decided", says !== "");
    said.textContent = says || `${titleOf(row)}: ${state.textContent} again.`;
  } catch {
    said.textContent = "That did not work. Load the page again.";
    throw new Error("not decided");
  }
}

/** @type {(action: string) => Promise<void>} */
async function decideCurrent(action) {
  const row = current();
  if (!row) return;
  const label = stateOf(row).textContent?.trim() ?? "";
  if (label === words.labels[action]) return go(beside(1));
  await decide(row, action, `${titleOf(row)}: ${words.labels[action]}. u undoes it.`);
  decisions.push({ row, label });
  go(beside(1));
}

async function undo() {
  const last = decisions.at(-1);
  const action = Object.keys(words.labels).find((name) => words.labels[name] === last?.label);
  if (!last || !action) {
    said.textContent = "There is nothing to undo.";
    return;
  }
  await decide(last.row, action, "");
  decisions.pop();
  go(last.row);
}

/** @type {(event: KeyboardEvent) => boolean} */
function isTyping(event) {
  const where = event.target instanceof Element ? event.target : null;
  const typed = where?.closest("textarea, select, [contenteditable], input:not([type='checkbox'])");
  return event.ctrlKey || event.metaKey || event.altKey || Boolean(typed);
}

/** @type {(key: string) => Promise<void> | void} */
function press(key) {
  if (next.includes(key)) return go(beside(1));
  if (before.includes(key)) return go(beside(-1));
  return key === "u" ? undo() : decideCurrent(words.keys[key] ?? "");
}

document.addEventListener("keydown", (event) => {
  const { key } = event;
  // Arrows are those of the page until a row has the focus.
  if (isTyping(event) || (key.startsWith("Arrow") && !current())) return;
  if (![...next, ...before, "u", ...Object.keys(words.keys)].includes(key)) return;
  event.preventDefault();
  turn = turn.then(() => press(key)).catch(() => {});
});

get(HTMLElement, "[data-review]").hidden = false;
