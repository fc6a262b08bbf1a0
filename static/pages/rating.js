// The form that says that a title was watched, read, visited …, with a rating or without.

import { celebrate } from "./balloons.js";
import { all, enclosing, get } from "./dom.js";
import { cardOf, listOf, sentenceFor } from "./page.js";
import { messageOf, send } from "./send.js";
import { RatingSlider } from "./slider.js";
import { showToast } from "./toasts.js";

/** @type {(form: HTMLFormElement, button: HTMLButtonElement) => Promise<void>} */
async function submit(form, button) {
  if (button.ariaBusy === "true") return;
  const card = cardOf(form);
  const done = button.name === "action";
  const rating = new FormData(form).get("rating");
  const body = { recommendation_session_id: listOf(card) || null, rating: rating === null ? null : Number(rating) };
  const back = () => button.focus();
  button.ariaBusy = "true";
  try {
    await send(done ? "POST" : "DELETE", `${card.dataset.api}/${button.value}`, done ? body : undefined);
  } catch (error) {
    showToast(messageOf(error), { label: "Retry", act: () => form.requestSubmit(button), back });
    return;
  } finally {
    button.ariaBusy = null;
  }
  showDone(form, done);
  const undo = get(HTMLElement, "[name=undo]", form);
  const way = done ? { label: "Undo", act: () => form.requestSubmit(undo), back } : {};
  showToast(sentenceFor(button.value, done, card), way);
  if (done && rating !== null) celebrate();
}

/** @type {(form: HTMLFormElement, done: boolean) => void} */
function showDone(form, done) {
  for (const part of all(HTMLElement, "[data-when]", form)) part.hidden = (part.dataset.when === "done") !== done;
  if (done) return;
  get(RatingSlider, "rating-slider", form).clear();
  get(HTMLElement, "[data-save]", form).focus();
}

document.addEventListener("submit", (event) => {
  const form = enclosing(HTMLFormElement, "[data-rating]", event.target);
  if (!form || !(event.submitter instanceof HTMLButtonElement)) return;
  event.preventDefault();
  submit(form, event.submitter);
});
