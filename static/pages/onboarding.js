// First favorites: how many are ticked, and the arrow keys for a pair. The form works without it.

import { all, find, get } from "./dom.js";

const form = find(HTMLFormElement, "[data-onboarding]");

if (form) {
  const count = () => {
    const ticked = form.querySelectorAll("[name=pick]:checked").length;
    get(HTMLElement, "[data-pick-count]", form).textContent = ticked ? `${ticked} picked` : "";
  };
  form.addEventListener("change", count);
  count();
}

const pair = find(HTMLElement, "[data-pair]");

if (pair) {
  const [left, right] = all(HTMLButtonElement, ".pair-one", pair);
  document.addEventListener("keydown", (event) => {
    const chosen = { ArrowLeft: left, ArrowRight: right }[event.key];
    const types = event.target instanceof HTMLInputElement;
    if (chosen && !types && !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey) chosen.click();
  });
}
