// Recording a dislike with its reason, and taking it back.

import { connectDialog } from "./dislike-dialog.js";
import { find } from "./dom.js";
import { focusIn, takeAway } from "./leaving.js";
import { listOf, sentenceFor } from "./page.js";
import { messageOf, send } from "./send.js";
import { setState } from "./states.js";
import { showToast } from "./toasts.js";

/** @import { Asked, Reason } from "./dislike-dialog.js" */

const PATIENCE = 20000;
const dialog = find(HTMLDialogElement, "[data-dislike]");
const url = dialog?.dataset.dislike ?? "";

/** Asks for the reason; null where the page has no dialog for it. */
export const askWhy = dialog && connectDialog(dialog, record);

/** @type {(asked: Asked, reason: Reason) => Promise<() => void>} */
async function record(asked, reason) {
  const { card } = asked;
  const body = { movie_id: Number(card.dataset.item), recommendation_set_id: listOf(card) || null, ...reason };
  const answer = await send("POST", url, body, { signal: AbortSignal.timeout(PATIENCE) });
  return () => showRecorded(asked, answer);
}

/** @type {(asked: Asked, answer: { dislike_id: number, message: string }) => void} */
function showRecorded({ button, card, byKeyboard }, { dislike_id: id, message }) {
  setState(card, "dislike", true);
  if (card.dataset.rank && !card.closest("[data-keeps]")) takeAway(card);
  const back = () => focusIn(card, button);
  const undo = async () => {
    try {
      await send("DELETE", `${url}/${id}`);
    } catch (error) {
      showToast(messageOf(error), { label: "Retry", act: undo, back });
      return;
    }
    setState(card, "dislike", false);
    showToast(sentenceFor("dislike", false, card));
    button.focus();
  };
  const toast = showToast(message, { label: "Undo", act: undo, kind: "toast--good", back });
  if (byKeyboard) find(HTMLElement, "button", toast)?.focus();
}
