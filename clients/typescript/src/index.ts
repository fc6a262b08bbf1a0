/** A client of Heed: `fetch`, one token, and answers in the forms of the API's description. */

import type {
  ActionAnswer,
  BulkAnswer,
  DislikeAnswer,
  ExportAnswer,
  HistoryAnswer,
  ItemUpsertRequest,
  KeptItemAnswer,
  ListAnswer,
  ListBodyRequest,
  PatchedItemFieldsRequest,
  PersonAnswer,
  PersonBodyRequest,
  PersonsInteractionRequest,
  UpsertAnswer,
} from "./schema.js";

export type * from "./schema.js";

/** An answer that is no success: its status, and the sentence that came with it. */
export class HeedError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "HeedError";
    this.status = status;
  }
}

export interface Options {
  /** Where the server is, such as `https://heed.example`. */
  address: string;
  /** A token of a program, or with `scheme` "Page-Token" one of a page. */
  token: string;
  scheme?: "Token" | "Page-Token";
  /** For whom a token that may act for others speaks, by the name that the app gives them. */
  person?: string;
  /** After so many milliseconds a request is given up. */
  timeout?: number;
  fetch?: typeof fetch;
}

/** A server of Heed, asked with one token. */
export class Heed {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The same server, asked for a person of the app. */
  asPerson(person: string): Heed {
    return new Heed({ ...this.#options, person });
  }

  // --- For a person

  /** A list for the person, best first. It is on record as shown. */
  recommend(kind: string, wishes: ListBodyRequest = {}): Promise<ListAnswer> {
    return this.#ask("POST", `recommendations/personalized/${encodeURIComponent(kind)}`, wishes);
  }

  /** The same, page after page, until nothing is left; no item comes twice. */
  async *pages(kind: string, wishes: ListBodyRequest = {}): AsyncGenerator<ListAnswer> {
    let page = await this.recommend(kind, wishes);
    yield page;
    while (page.next) {
      page = await this.recommend(kind, { cursor: page.next });
      yield page;
    }
  }

  /** Says how far down a list the person looked. */
  reportSeen(listId: string, rank: number): Promise<unknown> {
    return this.#ask("POST", `recommendations/session/${listId}/seen`, { rank });
  }

  /** Records what the person does with an item: `like`, `watched` and so on. */
  act(
    kind: string,
    itemId: number,
    action: string,
    said: { listId?: string; rating?: number } = {},
  ): Promise<ActionAnswer> {
    const body = { recommendation_session_id: said.listId, rating: said.rating };
    return this.#ask("POST", `${encodeURIComponent(kind)}/${itemId}/${encodeURIComponent(action)}`, body);
  }

  /** Takes that back. */
  undoAct(kind: string, itemId: number, action: string): Promise<void> {
    return this.#ask("DELETE", `${encodeURIComponent(kind)}/${itemId}/${encodeURIComponent(action)}`);
  }

  /** Records a no, and why. */
  dislike(
    itemId: number,
    said: { reason?: string; comment?: string; listId?: string } = {},
  ): Promise<DislikeAnswer> {
    return this.#ask("POST", "dislike", {
      movie_id: itemId,
      reason: said.reason,
      feedback_text: said.comment,
      recommendation_set_id: said.listId,
    });
  }

  /** Takes a no back, with all that it changed. */
  undoDislike(dislikeId: number): Promise<void> {
    return this.#ask("DELETE", `dislike/${dislikeId}`);
  }

  /** The person's dislikes that stand, newest first. */
  dislikes(limit = 50): Promise<HistoryAnswer> {
    return this.#ask("GET", `dislike-history?limit=${limit}`);
  }

  // --- For an app

  /** Creates or changes many items by the ids of the app. Bad rows are reported in `errors`. */
  putItems(items: ItemUpsertRequest[]): Promise<UpsertAnswer> {
    return this.#ask("POST", "items", { items });
  }

  /** Changes the fields of an item that are given. */
  patchItem(kind: string, externalId: string, fields: PatchedItemFieldsRequest): Promise<KeptItemAnswer> {
    return this.#ask("PATCH", item(kind, externalId), fields);
  }

  /** Deletes an item; where people did something with it, only together with that. */
  deleteItem(kind: string, externalId: string, withHistory = false): Promise<void> {
    return this.#ask("DELETE", item(kind, externalId) + (withHistory ? "?history=delete" : ""));
  }

  /** Creates or changes a person by the name that the app gives them. */
  putPerson(name: string, fields: PersonBodyRequest = {}): Promise<PersonAnswer> {
    return this.#ask("PUT", `users/${encodeURIComponent(name)}`, fields);
  }

  /** Erases a person, with everything that is kept of them. */
  deletePerson(name: string): Promise<void> {
    return this.#ask("DELETE", `users/${encodeURIComponent(name)}`);
  }

  /** Records what many people did, at most 1,000 rows. Bad rows are reported in `errors`. */
  record(interactions: PersonsInteractionRequest[], createUsers = false): Promise<BulkAnswer> {
    return this.#ask("POST", "interactions", { interactions, create_users: createUsers });
  }

  /** All rows of a table, read page by page. */
  async *export(
    table: "items" | "interactions" | "dislikes",
    kind?: string,
  ): AsyncGenerator<Record<string, unknown>> {
    const ofKind = kind === undefined ? "" : `&kind=${encodeURIComponent(kind)}`;
    let cursor: number | null = 0;
    while (cursor !== null) {
      const page: ExportAnswer = await this.#ask("GET", `export/${table}?cursor=${cursor}${ofKind}`);
      yield* page.rows as Record<string, unknown>[];
      cursor = page.next;
    }
  }

  async #ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const { address, token, scheme = "Token", person, timeout = 10_000, fetch: ask = fetch } = this.#options;
    const headers: Record<string, string> = { Authorization: `${scheme} ${token}` };
    if (person !== undefined) headers["X-User-Name"] = asHeader(person);
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const answer = await ask(`${address.replace(/\/+$/, "")}/api/${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(timeout),
    });
    const text = await answer.text();
    if (!answer.ok) throw new HeedError(answer.status, sentence(text) ?? answer.statusText);
    return (text ? JSON.parse(text) : undefined) as Answer;
  }
}

function item(kind: string, externalId: string): string {
  return `items/${encodeURIComponent(kind)}/${encodeURIComponent(externalId)}`;
}

/** UTF-8 byte by byte, which is all that a header holds. */
function asHeader(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/** The sentence of a refusal; undefined for the page of something that lies between, such as a proxy. */
function sentence(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}
