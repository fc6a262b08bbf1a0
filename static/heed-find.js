// Finding titles: search while typing, and the first favourites. Their pages work without this file.

/* Search while typing: the same page is asked for, or the part of it that the form names, and its results
   are taken over. The last answer wins. */

const search = document.querySelector("[data-search]");

if (search) {
  let timer;
  let running;
  const find = async () => {
    const url = new URL(search.dataset.search || search.action, location);
    for (const [name, value] of new FormData(search)) url.searchParams.set(name, value);
    running?.abort();
    running = new AbortController();
    const results = document.querySelector("[data-results]");
    results.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(url, { signal: running.signal, headers: { "X-Typing": "1" } });
      if (!response.ok) throw new Error(response.statusText);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (search.dataset.search) {
        results.replaceChildren(...page.body.childNodes);
      } else {
        for (const part of document.querySelectorAll("[data-part], [data-results]")) {
          part.replaceChildren(...page.getElementById(part.id).childNodes);
        }
        document.title = page.title;
        history.replaceState(null, "", url);
      }
      results.removeAttribute("aria-busy");
    } catch (error) {
      if (error.name === "AbortError") return;
      results.removeAttribute("aria-busy");
      const text = "The search could not be made. Check the connection and try again.";
      document.dispatchEvent(new CustomEvent("heed:toast", { detail: { text, label: "Retry", act: find } }));
    }
  };
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, 200);
  });
  // What was typed before this file had arrived.
  const typed = search.querySelector("[type=search]");
  if (typed.value !== typed.defaultValue) find();
}

/* First favourites: how many are ticked. */

const picks = document.querySelector("[data-picks]");

if (picks) {
  const count = () => {
    const ticked = picks.querySelectorAll("[name=pick]:checked").length;
    picks.querySelector("[data-pick-count]").textContent = ticked ? `${ticked} picked` : "";
  };
  picks.addEventListener("change", count);
  count();
}
