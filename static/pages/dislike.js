// Recording a dislike with what it is about, showing at once what it changes, and taking it back.

import { listAfter } from "./changing.js";
import { connectDialog } from "./dislike-dialog.js";
import { find } from "./dom.js";
import { focusIn, takeAway } from "./leaving.js";
import { listOf, sentenceFor } from "./page.js";
import { messageOf, send } from "./send.js";
import { setState } from "./states.js";
import { showToast } from "./toasts.js";

/** @import { Asked, Said } from "./dislike-dialog.js" */
/** @typedef {{ dislike_id: number | null, wish: { wish_id: number } | null, message: string }} Answer */

const PATIENCE = 20000;
const dialog = find(HTMLDialogElement, "[data-dislike]");
const { dislike: url = "", wishes = "" } = dialog?.dataset ?? {};

/** Asks for the reason; null where the page has no dialog for it. */
export const askWhy = dialog && connectDialog(dialog, record);

/** @type {(asked: Asked, said: Said) => Promise<() => void>} */
async function record(asked, said) {
  const { card } = asked;
  const about = { movie_id: Number(card.dataset.item), recommendation_set_id: listOf(card) || null };
  const answer = await send("POST", url, { ...about, ...said.body }, { signal: AbortSignal.timeout(PATIENCE) });
  return () => showRecorded(asked, answer, said.words);
}

/** @type {(asked: Asked, answer: Answer, words: string) => void} */
function showRecorded({ button, card, byKeyboard }, { dislike_id: id, wish, message }, words) {
  const address = id === null ? `${wishes}/${wish?.wish_id}` : `${url}/${id}`;
  const putListBack = listAfter(card, words);
  if (id !== null) setState(card, "dislike", true);
  if (card.dataset.rank && !card.closest("[data-keeps]")) takeAway(card);
  const back = () => focusIn(card, button);
  const undo = async () => {
    try {
      await send("DELETE", address);
    } catch (error) {
      showToast(messageOf(error), { label: "Retry", act: undo, back });
      return;
    }
    setState(card, "dislike", false);
    putListBack();
    showToast(sentenceFor("dislike", false, card));
    button.focus();
  };
  const toast = showToast(message, { label: "Undo", act: undo, kind: "toast--good", back });
  if (byKeyboard) find(HTMLElement, "button", toast)?.focus();
}
