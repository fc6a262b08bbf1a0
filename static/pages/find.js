// Search while typing: the same page is asked for, or the part of it that the form names, and its results are taken
// over. The last answer wins. The form works without it.

import { all, find, get } from "./dom.js";
import { showToast } from "./toasts.js";

const AFTER_TYPING = 200;
const FAILED = "The search could not be made. Check the connection and try again.";
/** @type {AbortController | undefined} */
let running;

/** @type {(form: HTMLFormElement) => Promise<void>} */
async function search(form) {
  const part = form.dataset.search;
  const url = new URL(part || form.action, location.href);
  for (const [name, value] of new FormData(form)) url.searchParams.set(name, String(value));
  running?.abort();
  running = new AbortController();
  const results = get(HTMLElement, "[data-results]");
  results.ariaBusy = "true";
  try {
    const response = await fetch(url, { signal: running.signal, headers: { "X-Typing": "1" } });
    if (!response.ok) throw new Error(response.statusText);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (part) results.replaceChildren(...page.body.childNodes);
    else takeOver(page, url);
    results.ariaBusy = null;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    results.ariaBusy = null;
    showToast(FAILED, { label: "Retry", act: () => search(form) });
  }
}

/** @type {(page: Document, url: URL) => void} */
function takeOver(page, url) {
  for (const part of all(HTMLElement, "[data-part], [data-results]")) {
    part.replaceChildren(...get(HTMLElement, `#${part.id}`, page).childNodes);
  }
  document.title = page.title;
  history.replaceState(null, "", url);
}

const form = find(HTMLFormElement, "[data-search]");
if (form) {
  /** @type {number | undefined} */
  let timer;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, AFTER_TYPING, form);
  });
  // Text that was typed before this file had arrived.
  const typed = get(HTMLInputElement, "[type=search]", form);
  if (typed.value !== typed.defaultValue) search(form);
}
