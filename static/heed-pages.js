// What the pages do beyond their forms: act in place, report what was seen, load rows as they come near.
// Every page works without this file.

const actions = document.getElementById("actions");
const sentences = JSON.parse(document.getElementById("sentences")?.textContent ?? "{}");
const session = actions?.elements.session.value ?? "";
/** The list that a card stands in: that of its row, where it has one, else that of the page. */
const listOf = (card) => card.closest("[data-session]")?.dataset.session ?? session;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

async function send(method, url, body, options = {}) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": actions.elements.csrfmiddlewaretoken.value };
  let response;
  try {
    response = await fetch(url, { method, headers, body: body && JSON.stringify(body), ...options });
  } catch {
    throw new Error("The server could not be reached. Check the connection and try again.");
  }
  if (response.status === 204) return null;
  if (response.ok) return response.json();
  if (response.status === 401) throw new Error("You are logged out. Load the page again and log in.");
  const answer = await response.json().catch(() => ({}));
  throw new Error(answer.error ?? "That did not work. Try it again.");
}

/* Toasts: one at a time; it stays while it is pointed at or holds the focus. */

const toasts = document.querySelector("[data-toasts]");
let toastTimer;

function hideToast() {
  clearTimeout(toastTimer);
  toasts.replaceChildren();
}

function restToast() {
  clearTimeout(toastTimer);
  toastTimer = setTimeout(hideToast, 9000);
}

function showToast(text, label, act, kind = "") {
  const toast = Object.assign(document.createElement("div"), { className: `toast ${kind}` });
  toast.append(Object.assign(document.createElement("p"), { textContent: text }));
  if (label) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
    button.addEventListener("click", () => { hideToast(); act(); });
    toast.append(button);
  }
  for (const event of ["pointerenter", "focusin"]) toast.addEventListener(event, () => clearTimeout(toastTimer));
  for (const event of ["pointerleave", "focusout"]) toast.addEventListener(event, restToast);
  toasts.replaceChildren(toast);
  restToast();
  return toast;
}

// heed-find.js has no part in this file; what it has to say comes as an event.
document.addEventListener("heed:toast", ({ detail }) => showToast(detail.text, detail.label, detail.act));

/* Actions. A change made on a list is remembered for as long as the tab lives, so that going back to the
   list from an item does not show it as it was. */

const remembered = `heed-list-${session}`;

function remember(api, name, stands) {
  try {
    const changes = JSON.parse(sessionStorage.getItem(remembered) ?? "{}");
    (changes[api] ??= {})[name] = stands;
    sessionStorage.setItem(remembered, JSON.stringify(changes));
  } catch { /* Without storage the list is only less up to date. */ }
}

function recall() {
  let changes = {};
  try {
    changes = JSON.parse(sessionStorage.getItem(remembered) ?? "{}");
  } catch { return; }
  for (const card of document.querySelectorAll("[data-rank]")) {
    for (const [name, stands] of Object.entries(changes[card.dataset.api] ?? {})) {
      const button = card.querySelector(`.act[value="${name}"]`);
      if (button) setPressed(button, stands);
      if (name === "dislike" && stands) card.closest("li").remove();
    }
  }
}

function setPressed(button, stands) {
  button.setAttribute("aria-pressed", String(stands));
  button.name = stands ? "undo" : "action";
}

async function toggle(button) {
  if (button.getAttribute("aria-busy") === "true") return;
  const card = button.closest("[data-api]");
  const name = button.value;
  const stands = button.getAttribute("aria-pressed") !== "true";
  const again = () => toggle(button);
  button.setAttribute("aria-busy", "true");
  button.setAttribute("aria-disabled", "true");
  try {
    const body = stands ? { recommendation_session_id: listOf(card) || null } : undefined;
    await send(stands ? "POST" : "DELETE", `${card.dataset.api}/${name}`, body);
  } catch (error) {
    showToast(error.message, "Retry", again);
    return;
  } finally {
    button.removeAttribute("aria-busy");
    button.removeAttribute("aria-disabled");
  }
  note(card, name, stands);
  const text = sentences[name][stands ? "done" : "undone"].replace("{title}", card.dataset.title);
  if (name === "dislike") showToast(text);
  else showToast(text, "Undo", async () => { await again(); button.focus(); });
}

const opposite = { like: "dislike", dislike: "like" };

/** Shows and remembers that an action stands or not; a like and a dislike end each other. */
function note(card, name, stands) {
  const changes = stands && opposite[name] ? { [opposite[name]]: false, [name]: true } : { [name]: stands };
  for (const [action, now] of Object.entries(changes)) {
    const button = card.querySelector(`.act[value="${action}"]`);
    if (button) setPressed(button, now);
    if (session && listOf(card) === session) remember(card.dataset.api, action, now);
  }
  if (changes.dislike === false) leaving.get(card)?.();
}

/* A dislike asks for its reason. What was typed is kept until it is recorded or another title is asked about. */

const dialog = document.querySelector("[data-dislike]");
const dislikeForm = dialog?.querySelector("form");
const confirm = dialog?.querySelector("[data-confirm]");
const leaving = new WeakMap(); // cards on their way out of a list, each with what keeps it
const FADES_AFTER = 2000;
const PATIENCE = 20000;
let asked;

function openDislike(button, byKeyboard) {
  const card = button.closest("[data-api]");
  button.focus(); // Not every browser does so on a click, and closing the dialog goes back to it.
  if (confirm.disabled) return dialog.showModal();
  if (dislikeForm.dataset.item !== card.dataset.item) dislikeForm.reset();
  dislikeForm.dataset.item = card.dataset.item;
  asked = { button, card, byKeyboard };
  dialog.querySelector("h2").textContent = `Not for you: ${card.dataset.title}?`;
  showError();
  countLeft();
  dialog.showModal();
  firstField().focus();
}

const firstField = () => dislikeForm.querySelector("[name=reason]:checked") ?? dislikeForm.elements.reason[0];

function countLeft() {
  const { value, maxLength } = dislikeForm.elements.feedback_text;
  dialog.querySelector("[data-left]").textContent = `${value.length} of ${maxLength} characters.`;
}

function showError(text) {
  const place = dialog.querySelector("[data-error]");
  place.replaceChildren();
  if (!text) return;
  const line = Object.assign(document.createElement("p"), { textContent: text });
  const buttons = Object.assign(document.createElement("div"), { className: "row" });
  for (const [label, act] of [["Retry", () => dislikeForm.requestSubmit()], ["Dismiss"]]) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: label });
    button.addEventListener("click", () => { firstField().focus(); showError(); act?.(); });
    buttons.append(button);
  }
  place.append(line, buttons);
  buttons.firstChild.focus();
}

async function sendDislike() {
  if (confirm.disabled) return;
  const { button, card, byKeyboard } = asked;
  const { reason, feedback_text } = Object.fromEntries(new FormData(dislikeForm));
  const body = { movie_id: Number(card.dataset.item), recommendation_set_id: listOf(card) || null, reason, feedback_text };
  confirm.disabled = true;
  let answer;
  try {
    answer = await send("POST", dialog.dataset.dislike, body, { signal: AbortSignal.timeout(PATIENCE) });
  } catch (error) {
    confirm.disabled = false;
    if (!dialog.open) dialog.showModal();
    showError(error.message);
    return;
  }
  confirm.disabled = false;
  delete dislikeForm.dataset.item;
  dialog.close();
  note(card, "dislike", true);
  if (card.dataset.rank && !card.closest("[data-keeps]")) takeAway(card);
  const undo = async () => {
    try {
      await send("DELETE", `${dialog.dataset.dislike}/${answer.dislike_id}`);
    } catch (error) {
      showToast(error.message, "Retry", undo);
      return;
    }
    note(card, "dislike", false);
    showToast(sentences.dislike.undone.replace("{title}", card.dataset.title));
    button.focus();
  };
  const toast = showToast(answer.message, "Undo", undo, "toast--good");
  if (byKeyboard) toast.querySelector("button").focus();
}

/** Fades a card out of its list after a while, unless the dislike is taken back; then it is put back. */
function takeAway(card) {
  const entry = card.closest("li");
  const place = document.createComment("");
  let fading;
  const timer = setTimeout(async () => {
    fading = entry.animate([{ opacity: 1 }, { opacity: 0 }], { duration: calm.matches ? 0 : 400 });
    try {
      await fading.finished;
    } catch { return; }
    const next = entry.nextElementSibling ?? entry.previousElementSibling;
    if (entry.contains(document.activeElement)) next?.querySelector("a").focus({ preventScroll: true });
    glide(entry.parentNode, () => entry.replaceWith(place));
  }, FADES_AFTER);
  leaving.set(card, () => {
    clearTimeout(timer);
    fading?.cancel();
    if (place.parentNode) glide(place.parentNode, () => place.replaceWith(entry));
  });
}

/** Makes a change to a list, whose other entries then move to where they belong instead of jumping there. */
function glide(list, change) {
  const before = new Map([...list.children].map((entry) => [entry, entry.getBoundingClientRect()]));
  change();
  if (calm.matches) return;
  for (const entry of list.children) {
    const [then, now] = [before.get(entry), entry.getBoundingClientRect()];
    const moved = then && [then.left - now.left, then.top - now.top];
    if (moved?.some(Boolean)) {
      entry.animate({ translate: [`${moved[0]}px ${moved[1]}px`, "0 0"] }, { duration: 250, easing: "ease-out" });
    }
  }
}

dislikeForm?.addEventListener("submit", (event) => {
  event.preventDefault();
  sendDislike();
});
dislikeForm?.addEventListener("input", countLeft);
dialog?.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
dialog?.addEventListener("keydown", (event) => {
  if (event.key !== "Tab") return;
  const last = [...dialog.querySelectorAll("button:not(:disabled)")].at(-1);
  const isFirst = document.activeElement.name === "reason";
  if (event.shiftKey ? !isFirst : document.activeElement !== last) return;
  event.preventDefault();
  (event.shiftKey ? last : firstField()).focus();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest(".act");
  if (!button || !actions) return;
  event.preventDefault();
  const asks = dialog && button.value === "dislike" && button.getAttribute("aria-pressed") === "false";
  if (asks) openDislike(button, event.detail === 0);
  else toggle(button);
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (!form.matches("[data-rating]") || !button) return;
  event.preventDefault();
  if (button.getAttribute("aria-busy") === "true") return;
  const card = form.closest("[data-api]");
  const watched = button.name === "action";
  const rating = new FormData(form).get("rating");
  const body = { recommendation_session_id: listOf(card) || null, rating: rating === null ? null : Number(rating) };
  button.setAttribute("aria-busy", "true");
  try {
    await send(watched ? "POST" : "DELETE", `${card.dataset.api}/watched`, watched ? body : undefined);
  } catch (error) {
    showToast(error.message, "Retry", () => form.requestSubmit(button));
    return;
  } finally {
    button.removeAttribute("aria-busy");
  }
  if (!watched) form.reset();
  const [save, undo] = [form.querySelector("[data-watched]"), form.querySelector("[data-unwatched]")];
  form.querySelector("legend").textContent = watched ? "You watched it. Your rating:" : "Seen it? Rate it if you like, 0 to 10:";
  save.textContent = watched ? "Save rating" : "I watched it";
  if (!watched) save.focus();
  undo.hidden = !watched;
  if (!watched) for (const radio of form.querySelectorAll("input[type=radio]")) radio.checked = false;
  const text = sentences.watched[watched ? "done" : "undone"].replace("{title}", card.dataset.title);
  showToast(text, watched ? "Undo" : undefined, () => form.requestSubmit(undo));
});

recall();

/* How far down a list the person looked: a card counts once half of it was in view for half a second. */

const LOOKED_AT = 500;
const BETWEEN_REPORTS = 1000;

function watchList(list) {
  const timers = new Map();
  let deepest = 0;
  let reported = 0;
  let waiting;

  async function report(options) {
    clearTimeout(waiting);
    waiting = undefined;
    if (deepest <= reported) return;
    const before = reported;
    reported = deepest;
    try {
      await send("POST", list.dataset.seen, { rank: deepest }, options);
    } catch {
      // Nobody has to know; the next report carries the deepest rank again.
      reported = before;
    }
  }

  function see(card) {
    timers.delete(card);
    if (document.visibilityState !== "visible") return;
    deepest = Math.max(deepest, Number(card.dataset.rank));
    waiting ??= setTimeout(report, reported ? BETWEEN_REPORTS : 0);
  }

  const observer = new IntersectionObserver((entries) => {
    for (const { target, intersectionRatio } of entries) {
      clearTimeout(timers.get(target));
      timers.delete(target);
      if (intersectionRatio >= 0.5) timers.set(target, setTimeout(() => see(target), LOOKED_AT));
    }
  }, { threshold: 0.5 });
  for (const card of list.querySelectorAll("[data-rank]")) observer.observe(card);
  for (const [target, event] of [[window, "pagehide"], [document, "visibilitychange"]]) {
    target.addEventListener(event, () => {
      if (event === "pagehide" || document.visibilityState === "hidden") report({ keepalive: true });
    });
  }
}

for (const list of document.querySelectorAll("[data-seen]")) watchList(list);

/* Rows below a list are asked for once the person comes near, and scroll by a button too. */

const NEAR = "800px";
const rows = document.querySelector("[data-rows]");

async function loadRows() {
  rows.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(rows.dataset.rows);
    // Who is logged out is sent to another page. The link stays then.
    if (!response.ok || response.redirected) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    rows.replaceChildren(...page.body.childNodes);
    rows.querySelectorAll("[data-seen]").forEach(watchList);
    rows.querySelectorAll(".reel").forEach(watchTurns);
  } catch {
    // The link stays.
  } finally {
    rows.removeAttribute("aria-busy");
  }
}

/** Dims the button of a row in whose direction there is no more. */
function watchTurns(reel) {
  const list = reel.querySelector(".reel-list");
  const show = () => {
    for (const button of reel.querySelectorAll("[data-turn]")) {
      const left = button.dataset.turn < 0 ? list.scrollLeft : list.scrollWidth - list.clientWidth - list.scrollLeft;
      button.setAttribute("aria-disabled", String(left < 2));
    }
  };
  list.addEventListener("scroll", show, { passive: true });
  new ResizeObserver(show).observe(list);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-turn]");
  const list = button?.closest(".reel").querySelector(".reel-list");
  list?.scrollBy({ left: button.dataset.turn * list.clientWidth * .8 });
});
document.querySelectorAll(".reel").forEach(watchTurns);
if (rows) {
  new IntersectionObserver(([entry], observer) => {
    if (!entry.isIntersecting) return;
    observer.disconnect();
    loadRows();
  }, { rootMargin: NEAR }).observe(rows);
}

/* Light and dark: what the system says, unless the person chose the other. */

const darkSystem = matchMedia("(prefers-color-scheme: dark)");
const themeToggle = document.querySelector("[data-theme-toggle]");
const isDark = () => (document.documentElement.dataset.theme ?? (darkSystem.matches ? "dark" : "light")) === "dark";
const showTheme = () => themeToggle.setAttribute("aria-pressed", String(isDark()));

themeToggle.addEventListener("click", () => {
  const wanted = isDark() ? "light" : "dark";
  const followsSystem = (wanted === "dark") === darkSystem.matches;
  if (followsSystem) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wanted;
  try {
    if (followsSystem) localStorage.removeItem("heed-theme");
    else localStorage.setItem("heed-theme", wanted);
  } catch { /* Then it holds for this page only. */ }
  showTheme();
});
darkSystem.addEventListener("change", showTheme);
showTheme();

/* The account menu closes on Escape and on a click elsewhere. */

const account = document.querySelector(".account");
document.addEventListener("click", (event) => {
  if (account?.open && !account.contains(event.target)) account.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  hideToast();
  if (account?.open) {
    account.open = false;
    account.querySelector("summary").focus();
  }
});
