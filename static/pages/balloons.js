// Balloons when something was rated. Their motion is in heed-more.css; who wants no motion sees none.

import { make } from "./dom.js";

const BALLOONS = 7;

export function celebrate() {
  const place = make("div", "balloons");
  place.ariaHidden = "true";
  place.append(...Array.from({ length: BALLOONS }, () => make("span", "")));
  document.body.append(place);
  const rising = place.getAnimations({ subtree: true }).map((animation) => animation.finished);
  Promise.allSettled(rising).then(() => place.remove());
}
