// Light and dark: what the system says, unless the person chose the other (heed-theme.js applies the choice).

import { get } from "./dom.js";

const darkSystem = matchMedia("(prefers-color-scheme: dark)");
const toggle = get(HTMLButtonElement, "[data-theme-toggle]");
const { dataset } = document.documentElement;

const isDark = () => (dataset.theme ?? (darkSystem.matches ? "dark" : "light")) === "dark";

function show() {
  toggle.ariaPressed = String(isDark());
}

toggle.addEventListener("click", () => {
  const wanted = isDark() ? "light" : "dark";
  const followsSystem = (wanted === "dark") === darkSystem.matches;
  if (followsSystem) delete dataset.theme;
  else dataset.theme = wanted;
  try {
    if (followsSystem) localStorage.removeItem("heed-theme");
    else localStorage.setItem("heed-theme", wanted);
  } catch {
    // Without storage it holds for this page only.
  }
  show();
});
darkSystem.addEventListener("change", show);
show();
