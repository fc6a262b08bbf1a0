// A slider in the place of the eleven values of a rating. Where no script runs, the values stay.

import { find, make } from "./dom.js";

const MIDDLE = "5";

/** Slider from 0 to 10 in halves. It has no value, and its form sends none, until it was moved or pressed. */
export class RatingSlider extends HTMLElement {
  #input = Object.assign(make("input", "slider"), { type: "range", min: "0", max: "10", step: "0.5" });
  #shown = make("span", "slider-value");

  connectedCallback() {
    if (this.contains(this.#input)) return;
    // A value that was chosen before this file had arrived counts.
    const value = find(HTMLInputElement, ":checked", this)?.value ?? this.dataset.rating;
    this.#input.ariaLabel = "Your rating, 0 to 10";
    this.#shown.ariaHidden = "true";
    for (const event of ["input", "pointerup"]) this.#input.addEventListener(event, () => this.#show(true));
    const row = make("div", "slider-row");
    row.append(this.#input, this.#shown);
    this.replaceChildren(row);
    this.#input.value = value ?? MIDDLE;
    this.#show(value !== undefined);
  }

  /** Takes the rating back. */
  clear() {
    this.#input.value = MIDDLE;
    this.#show(false);
  }

  /** @param {boolean} isRated */
  #show(isRated) {
    const { value } = this.#input;
    this.#input.name = isRated ? "rating" : "";
    this.#input.setCustomValidity(
      isRated || this.dataset.required === undefined ? "" : "Move the slider to your rating.",
    );
    this.#input.ariaValueText = isRated ? `${value} of 10` : "Not rated";
    this.#shown.textContent = isRated ? value : "–";
    this.#input.classList.toggle("slider--unset", !isRated);
  }
}

customElements.define("rating-slider", RatingSlider);
