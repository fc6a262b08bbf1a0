// Rows of titles below a list: asked for once the person comes near, and scrolled sideways by buttons too.

import { all, enclosing, find, get } from "./dom.js";
import { watchList } from "./seen.js";

const NEAR = "800px";

/** Puts the rows in the place of the link to them. @type {(rows: HTMLElement, url: string) => Promise<void>} */
async function load(rows, url) {
  rows.ariaBusy = "true";
  try {
    const response = await fetch(url);
    // Who is logged out is sent to another page. The link stays then.
    if (!response.ok || response.redirected) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    rows.replaceChildren(...page.body.childNodes);
    all(HTMLElement, "[data-seen]", rows).forEach(watchList);
    all(HTMLElement, ".reel", rows).forEach(watchTurns);
  } catch {
    // The link stays.
  } finally {
    rows.ariaBusy = null;
  }
}

/** Dims the button of a row in whose direction there is no more. @type {(reel: HTMLElement) => void} */
function watchTurns(reel) {
  const list = get(HTMLElement, ".reel-list", reel);
  const show = () => {
    const toTheRight = list.scrollWidth - list.clientWidth - list.scrollLeft;
    for (const button of all(HTMLElement, "[data-turn]", reel)) {
      const left = Number(button.dataset.turn) < 0 ? list.scrollLeft : toTheRight;
      button.ariaDisabled = String(left < 2);
    }
  };
  list.addEventListener("scroll", show, { passive: true });
  new ResizeObserver(show).observe(list);
}

document.addEventListener("click", (event) => {
  const button = enclosing(HTMLElement, "[data-turn]", event.target);
  const reel = enclosing(HTMLElement, ".reel", button);
  const list = reel && get(HTMLElement, ".reel-list", reel);
  list?.scrollBy({ left: Number(button?.dataset.turn) * list.clientWidth * 0.8 });
});
all(HTMLElement, ".reel").forEach(watchTurns);

const rows = find(HTMLElement, "[data-rows]");
if (rows) {
  const come = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      come.disconnect();
      load(rows, rows.dataset.rows ?? "");
    },
    { rootMargin: NEAR },
  );
  come.observe(rows);
}
