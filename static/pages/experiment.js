// The draft of an experiment in the admin: each arm offers the versions of the use case that is chosen, and no other.
// Without this script all are offered, and the server takes none of another use case.

import { all, get } from "./dom.js";

const chosen = get(HTMLSelectElement, "#id_use_case");
// The row that new arms are copies of keeps all.
const versions = "select[name^=arms-][name$=-versions]:not([name*=__prefix__])";
/** All options of each select, by the select.
 * @type {WeakMap<HTMLSelectElement, HTMLOptionElement[]>} */
const offers = new WeakMap();

/** @type {(select: HTMLSelectElement) => void} */
function offer(select) {
  const known = offers.get(select) ?? [...select.options];
  offers.set(select, known);
  const fit = known.filter((option) => option.dataset.useCase === chosen.value);
  for (const option of known) option.selected &&= fit.includes(option);
  select.replaceChildren(...fit);
}

const offerAll = () => all(HTMLSelectElement, versions).forEach(offer);

chosen.addEventListener("change", offerAll);
document.addEventListener("formset:added", offerAll);
offerAll();
