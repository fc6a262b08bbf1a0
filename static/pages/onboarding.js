// First favorites: how many are ticked. The form works without it.

import { find, get } from "./dom.js";

const form = find(HTMLFormElement, "[data-onboarding]");

if (form) {
  const count = () => {
    const ticked = form.querySelectorAll("[name=pick]:checked").length;
    get(HTMLElement, "[data-pick-count]", form).textContent = ticked ? `${ticked} picked` : "";
  };
  form.addEventListener("change", count);
  count();
}
