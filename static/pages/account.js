// The account menu closes on Escape and on a click elsewhere.

import { find, get } from "./dom.js";

const account = find(HTMLDetailsElement, ".account");

if (account) {
  document.addEventListener("click", (event) => {
    if (event.target instanceof Node && !account.contains(event.target)) account.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !account.open) return;
    account.open = false;
    get(HTMLElement, "summary", account).focus();
  });
}
