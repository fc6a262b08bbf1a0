// The buttons of a card: each does its action, or takes it back, without leaving the page.

import { askWhy } from "./dislike.js";
import { enclosing } from "./dom.js";
import { actionsForm, cardOf, listOf, sentenceFor } from "./page.js";
import { messageOf, send } from "./send.js";
import { setState } from "./states.js";
import { showToast } from "./toasts.js";

/** @param {HTMLButtonElement} button */
async function toggle(button) {
  if (button.ariaBusy === "true") return;
  const card = cardOf(button);
  const name = button.value;
  const stands = button.ariaPressed !== "true";
  const back = () => button.focus();
  button.ariaBusy = button.ariaDisabled = "true";
  try {
    const body = stands ? { recommendation_session_id: listOf(card) || null } : undefined;
    await send(stands ? "POST" : "DELETE", `${card.dataset.api}/${name}`, body);
  } catch (error) {
    showToast(messageOf(error), { label: "Retry", act: () => toggle(button), back });
    return;
  } finally {
    button.ariaBusy = button.ariaDisabled = null;
  }
  setState(card, name, stands);
  const undo = () => toggle(button).then(back);
  showToast(sentenceFor(name, stands, card), name === "dislike" ? {} : { label: "Undo", act: undo, back });
}

if (actionsForm) {
  document.addEventListener("click", (event) => {
    const button = enclosing(HTMLButtonElement, ".act", event.target);
    if (!button) return;
    event.preventDefault();
    const asks = button.value === "dislike" && button.ariaPressed === "false";
    if (asks && askWhy) askWhy(button, event.detail === 0);
    else toggle(button);
  });
}
