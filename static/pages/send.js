// Requests to the API in the name of whoever is logged in.

import { csrfToken } from "./page.js";

/** Answer of the API; null where it has no body. Throws an error whose message is a sentence for the person.
 * @type {(method: "POST" | "DELETE", url: string, body?: object, options?: RequestInit) => Promise<any>} */
export async function send(method, url, body, options = {}) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken };
  const request = { method, headers, body: body ? JSON.stringify(body) : null, ...options };
  const response = await fetch(url, request).catch(() => {
    throw new Error("The server could not be reached. Check the connection and try again.");
  });
  if (response.status === 204) return null;
  if (response.ok) return response.json();
  if (response.status === 401) throw new Error("You are logged out. Load the page again and log in.");
  const answer = await response.json().catch(() => ({}));
  throw new Error(answer.error ?? "That did not work. Try it again.");
}

/** @type {(error: unknown) => string} */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
