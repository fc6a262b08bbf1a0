// The form that says that a title was watched, with a rating or without.

import { all, enclosing, get } from "./dom.js";
import { cardOf, listOf, sentenceFor } from "./page.js";
import { messageOf, send } from "./send.js";
import { showToast } from "./toasts.js";

/** @type {(form: HTMLFormElement, button: HTMLButtonElement) => Promise<void>} */
async function submit(form, button) {
  if (button.ariaBusy === "true") return;
  const card = cardOf(form);
  const watched = button.name === "action";
  const rating = new FormData(form).get("rating");
  const body = { recommendation_session_id: listOf(card) || null, rating: rating === null ? null : Number(rating) };
  const back = () => button.focus();
  button.ariaBusy = "true";
  try {
    await send(watched ? "POST" : "DELETE", `${card.dataset.api}/${button.value}`, watched ? body : undefined);
  } catch (error) {
    showToast(messageOf(error), { label: "Retry", act: () => form.requestSubmit(button), back });
    return;
  } finally {
    button.ariaBusy = null;
  }
  const undo = showWatched(form, watched);
  const way = watched ? { label: "Undo", act: () => form.requestSubmit(undo), back } : {};
  showToast(sentenceFor(button.value, watched, card), way);
}

/** Shows whether the title was watched; gives the button that takes it back.
 * @type {(form: HTMLFormElement, watched: boolean) => HTMLElement} */
function showWatched(form, watched) {
  const save = get(HTMLElement, "[data-watched]", form);
  const undo = get(HTMLElement, "[data-unwatched]", form);
  const legend = (watched ? form.dataset.stated : form.dataset.asked) ?? "";
  get(HTMLElement, "legend", form).textContent = legend;
  save.textContent = watched ? "Save rating" : (form.dataset.affirm ?? "");
  if (!watched) {
    for (const radio of all(HTMLInputElement, "[type=radio]", form)) radio.checked = false;
    save.focus();
  }
  undo.hidden = !watched;
  return undo;
}

document.addEventListener("submit", (event) => {
  const form = enclosing(HTMLFormElement, "[data-rating]", event.target);
  if (!form || !(event.submitter instanceof HTMLButtonElement)) return;
  event.preventDefault();
  submit(form, event.submitter);
});
