// Runs before the first paint, so that the colors never flash from one scheme to the other.
document.documentElement.classList.add("js");
try {
  const theme = localStorage.getItem("heed-theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's choice stands.
}
