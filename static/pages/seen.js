// The deepest rank of a list that the person examined: a card counts once half of it was in view for half a second.

import { all } from "./dom.js";
import { send } from "./send.js";

const IN_VIEW = 500;
const BETWEEN_REPORTS = 1000;

/** Reports, from now on, how far down a list was seen. @type {(list: HTMLElement) => void} */
export function watchList(list) {
  watchCards(list.dataset.seen ?? "", all(HTMLElement, "[data-rank]", list));
}

/** Reports to an address how far down these cards were seen. @type {(url: string, cards: HTMLElement[]) => void} */
export function watchCards(url, cards) {
  if (!url || !cards.length) return;
  const report = reporter(url);
  const timers = new Map();
  /** @type {IntersectionObserverCallback} */
  const look = (entries) => {
    for (const { target, intersectionRatio } of entries) {
      clearTimeout(timers.get(target));
      const see = () => report.add(Number(target.getAttribute("data-rank")));
      if (intersectionRatio >= 0.5) timers.set(target, setTimeout(see, IN_VIEW));
    }
  };
  const observer = new IntersectionObserver(look, { threshold: 0.5 });
  for (const card of cards) observer.observe(card);
  const leave = () => report.send({ keepalive: true });
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") leave();
  });
}

/** What tells the server the deepest rank that was seen. @param {string} url */
function reporter(url) {
  let deepest = 0;
  let reported = 0;
  /** @type {number | undefined} */
  let waiting;

  /** @param {RequestInit} [options] */
  async function report(options) {
    clearTimeout(waiting);
    waiting = undefined;
    if (deepest <= reported) return;
    const before = reported;
    reported = deepest;
    try {
      await send("POST", url, { rank: deepest }, options);
    } catch {
      // Nobody has to know; the next report carries the deepest rank again.
      reported = before;
    }
  }

  /** @param {number} rank */
  function add(rank) {
    if (document.visibilityState !== "visible") return;
    deepest = Math.max(deepest, rank);
    waiting ??= setTimeout(report, reported ? BETWEEN_REPORTS : 0);
  }

  return { add, send: report };
}

all(HTMLElement, "[data-seen]").forEach(watchList);
