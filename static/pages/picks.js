// First favorites: how many are ticked. The form works without it.

import { find, get } from "./dom.js";

const picks = find(HTMLFormElement, "[data-picks]");

if (picks) {
  const count = () => {
    const ticked = picks.querySelectorAll("[name=pick]:checked").length;
    get(HTMLElement, "[data-pick-count]", picks).textContent = ticked ? `${ticked} picked` : "";
  };
  picks.addEventListener("change", count);
  count();
}
