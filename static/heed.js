// Heed in the pages of another site (docs/how-to/embedding.md). Its one global is Heed.
(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const server = new URL(script.src).origin;
  let { token } = script.dataset;
  let renewal;

  /** @type {H.Words} */
  const words = {
    like: "Like", favorite: "Favorite", watchlist: "Watchlist", watched: "Watched", apply: "Apply", interest: "Interested",
    dislike: "Not for me", why: "Are you sure you want to dislike this {kind}? Confirm, or say why.", confirm: "Confirm", gone: "Not shown again: ", undo: "Undo", because: "More like ",
    empty: "Nothing to show at the moment.", failed: "That did not work. Try it again.",
    reasons: {
      wrong_genre: "Wrong genre for me", poor_quality: "Poorly made", already_watched: "I know it already",
      not_interested: "Not interested", irrelevant: "Does not belong in my list", other: "Something else",
    },
  };

  async function onTokenExpired() {
    if (!script.dataset.tokenUrl) throw new Error("no token that is valid, and no data-token-url");
    return (await (await fetch(script.dataset.tokenUrl, { cache: "no-store" })).json()).page_token;
  }

  // However many requests find the token ended, one asks for the next.
  function renew() {
    renewal ??= (async () => { token = await Heed.onTokenExpired(); })().finally(() => { renewal = undefined; });
    return renewal;
  }

  /** Asks the API. A failure is tried once more: under the same key, so that nothing is done twice. @type {H.Ask} */
  async function ask(method, path, body, options) {
    const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
    for (let last = false; ; last = true) {
      if (!token) await renew();
      const used = token;
      const headers = { Authorization: `Page-Token ${used}` };
      if (body) Object.assign(headers, { "Content-Type": "application/json", "Idempotency-Key": key });
      const response = await fetch(`${server}/api/${path}`, {
        method, headers, body: JSON.stringify(body), credentials: "omit", cache: "no-store", ...options,
      }).catch((error) => { if (last) throw error; return null; });
      if (response?.ok) return response.status === 204 ? null : response.json();
      if (last || (response && response.status !== 401 && response.status !== 503)) {
        throw new Error(`${response?.status} ${await response?.text()}`);
      }
      if (response?.status !== 401) await new Promise((resolve) => { setTimeout(resolve, 2000); });
      else if (used === token) await renew();
    }
  }

  /** @type {H.Get} */
  const get = (path, query = {}) => ask("GET", `${path}?${new URLSearchParams(query)}`);
  /** @type {H.PathOf} */
  const pathOf = ({ item }) => `${encodeURIComponent(item.kind)}/${encodeURIComponent(item.id)}`;
  /** @type {H.Entries} */
  const entries = (slots, session) => slots.map((slot) => ({ ...slot, session }));
  /** @type {H.Context} */
  const context = ({ session }) => ({ recommendation_session_id: session ?? null });

  /** @type {H.Api} */
  const Heed = {
    words,
    onTokenExpired,
    async list(kind, query) {
      const answer = await get(`recommendations/personalized/${encodeURIComponent(kind)}`, query);
      return entries(answer.recommendations, answer.recommendation_session_id);
    },
    similar: async (entry, query) => entries((await get(`${pathOf(entry)}/similar`, query)).similar),
    async becauseYouWatched(query) {
      const { carousels } = await get("because-you-watched", query);
      return carousels.map((/** @type {H.Answer} */ row) => ({ ...row, entries: entries(row.recommendations, row.recommendation_session_id) }));
    },
    act: (entry, action, more) => ask("POST", `${pathOf(entry)}/${encodeURIComponent(action)}`, { ...context(entry), ...more }),
    undo: (entry, action) => ask("DELETE", `${pathOf(entry)}/${encodeURIComponent(action)}`),
    dislike: (entry, { reason, text = "" } = {}) => Heed.act(entry, "dislike", { reason, feedback_text: text }),
    watch, show,
  };

  /* What was seen: half of an element in view for half a second. Of each list the deepest rank is sent. */

  const watched = new WeakMap();
  const lists = new Map();
  const observer = new IntersectionObserver((changes) => {
    for (const { target, intersectionRatio } of changes) {
      const one = watched.get(target);
      clearTimeout(one.timer);
      if (intersectionRatio >= 0.5) one.timer = setTimeout(see, 500, one.entry);
    }
  }, { threshold: 0.5 });

  /** @type {H.Api["watch"]} */
  function watch(element, entry) {
    if (!entry.session) return;
    watched.set(element, { entry });
    observer.observe(element);
  }

  /** @type {H.See} */
  function see({ session, rank }) {
    if (document.visibilityState !== "visible") return;
    if (!lists.has(session)) lists.set(session, { deepest: 0, sent: 0 });
    const list = lists.get(session);
    list.deepest = Math.max(list.deepest, rank);
    list.timer ??= setTimeout(send, 1000, session);
  }

  /** @type {H.Send} */
  async function send(session, options) {
    const list = lists.get(session);
    clearTimeout(list.timer);
    list.timer = undefined;
    const { sent, deepest } = list;
    if (deepest <= sent) return;
    list.sent = deepest;
    try {
      await ask("POST", `recommendations/session/${session}/seen`, { rank: deepest }, options);
    } catch (error) {
      list.sent = sent;
      console.error("Heed:", error);
    }
  }

  const sendAll = () => { for (const session of lists.keys()) send(session, { keepalive: true }); };
  addEventListener("pagehide", sendAll);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") sendAll(); });

  /* Lists in the page. Titles go in as text, never as HTML. */

  /** @type {H.Make} */
  function make(tag, name, text = "", attributes = {}) {
    const element = Object.assign(document.createElement(tag), { className: `heed-${name}`, textContent: text });
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }

  /** A button that does one thing at a time. What fails is said in `note`. @type {H.Button} */
  function button(label, { item }, note, work, attributes) {
    const one = make("button", "button", label, { type: "button", "aria-label": `${label}: ${item.title}`, ...attributes });
    one.addEventListener("click", async () => {
      if (one.ariaBusy === "true") return;
      one.ariaBusy = "true";
      note.textContent = "";
      try {
        await work(one);
      } catch (error) {
        console.error("Heed:", error);
        note.textContent = words.failed;
      }
      one.ariaBusy = "false";
    });
    return one;
  }

  /** @type {H.ActionButton} */
  function actionButton(entry, action, note) {
    return button(words[action] ?? action, entry, note, async (one) => {
      const stands = one.ariaPressed === "true";
      await Heed[stands ? "undo" : "act"](entry, action);
      one.ariaPressed = String(!stands);
    }, { "aria-pressed": "false", "data-heed-action": action });
  }

  /** The button that asks whether, and the answers: a plain yes and the reasons. A card that was turned down leaves a line and a way back.
   * @type {H.DislikeButton} */
  function dislikeButton(entry, box, note) {
    const question = words.why.replace("{kind}", entry.item.kind);
    const reasons = make("div", "reasons", question, { role: "group", "aria-label": question });
    /** @type {H.Open} */
    const open = (isOpen) => {
      reasons.hidden = !isOpen;
      no.ariaExpanded = String(isOpen);
    };
    const no = button(words.dislike, entry, note, () => open(reasons.hidden));
    open(false);
    for (const [reason, label] of Object.entries({ "": words.confirm, ...words.reasons })) {
      reasons.append(button(label, entry, note, async () => {
        await Heed.dislike(entry, { reason: reason || undefined });
        const parts = [...box.childNodes];
        const undo = button(words.undo, entry, note, async () => {
          await Heed.undo(entry, "dislike");
          open(false);
          box.replaceChildren(...parts);
          no.focus();
        });
        // A dislike ends a like, and its undoing brings the like back: the buttons stay as they were.
        box.replaceChildren(make("p", "gone", words.gone + entry.item.title), undo, note);
        undo.focus();
      }));
    }
    return [no, reasons];
  }

  /** A picture leaves its place where it does not come, or the page's policy forbids it. @type {H.Picture} */
  function picture({ image_url: src }) {
    const how = { alt: "", width: "200", height: "300", loading: "lazy", referrerpolicy: "no-referrer" };
    const one = make("img", "picture", "", { ...how, src });
    one.addEventListener("error", () => one.remove());
    return one;
  }

  /** @type {H.Card} */
  function card(entry, { heedActions = "like", heedLink }) {
    const { item } = entry;
    const box = make("li", "card");
    const title = make(heedLink ? "a" : "strong", "title", item.title);
    if (heedLink) {
      const url = heedLink.replace("{id}", `${item.id}`).replace("{external_id}", encodeURIComponent(item.external_id));
      title.setAttribute("href", url);
    }
    const note = make("p", "note", "", { role: "status" });
    const [no, reasons] = dislikeButton(entry, box, note);
    const buttons = make("div", "actions");
    buttons.append(...heedActions.split(" ").filter(Boolean).map((action) => actionButton(entry, action, note)), no);
    if (item.image_url) box.append(picture(item));
    const meta = [item.year, item.genres.join(", ")].filter(Boolean).join(" · ");
    box.append(title, make("p", "meta", meta), make("p", "why", entry.why), buttons, reasons, note);
    watch(box, entry);
    return box;
  }

  /** Fills an element that has data-heed-list; again, if it is filled already. @type {H.Api["show"]} */
  async function show(place) {
    const { heedList: list = "", heedItem: item = "", heedUseCase: useCase, heedLimit: limit = "12" } = place.dataset;
    /** @type {H.Query} */
    const query = useCase ? { limit, use_case: useCase } : { limit };
    /** @type {{ because?: H.Item, entries: H.Entry[] }[]} */
    let rows = [];
    place.ariaBusy = "true";
    try {
      if (list === "because-you-watched") rows = await Heed.becauseYouWatched(query);
      else if (list !== "similar") rows = [{ entries: await Heed.list(list, query) }];
      else {
        const [kind = "", id = ""] = item.split("/");
        rows = [{ entries: await Heed.similar({ item: { kind, id } }, { limit }) }];
      }
    } catch (error) {
      console.error("Heed:", error);
    }
    place.ariaBusy = "false";
    place.replaceChildren();
    for (const { because, entries } of rows.filter((row) => row.entries.length)) {
      if (because) place.append(make("p", "because", words.because + because.title));
      const shown = make("ol", "list", "", { role: "list" });
      shown.append(...entries.map((entry) => card(entry, place.dataset)));
      place.append(shown);
    }
    if (!place.firstChild) place.append(make("p", "empty", words.empty));
  }

  // Constructed, because a page's own policy may forbid style elements; :where() yields to any rule of the page.
  const style = new CSSStyleSheet();
  style.replaceSync(`
    :where(.heed-list) { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: 1rem }
    :where(.heed-list) { align-items: start; padding: 0; list-style: none }
    :where(.heed-card) { padding: .75rem; border: 1px solid #8888; border-radius: .5rem; overflow-wrap: anywhere }
    :where(.heed-picture) { display: block; max-width: 100%; height: auto; aspect-ratio: 2 / 3; object-fit: cover; margin-bottom: .5rem }
    :where(.heed-meta, .heed-why, .heed-note, .heed-gone) { margin: .25rem 0 }
    :where(.heed-meta:empty, .heed-why:empty) { display: none }
    :where(.heed-actions, .heed-reasons:not([hidden])) { display: flex; flex-wrap: wrap; gap: .375rem; margin-top: .5rem }
    :where(.heed-button) { min-height: 2rem; font: inherit }
    :where(.heed-button[aria-pressed=true])::before { content: "\\2713\\20" }`);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, style];

  window.Heed = Heed;
  let started = false;
  function start() {
    /** @type {NodeListOf<HTMLElement>} */
    const places = document.querySelectorAll("[data-heed-list]");
    if (!started) places.forEach(show);
    started = true;
  }
  if (document.readyState === "complete") start();
  else for (const event of ["DOMContentLoaded", "load"]) addEventListener(event, start);
})();
