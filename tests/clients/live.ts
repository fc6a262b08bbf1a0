// What an app does with the client, against a server that is there; prints what it saw.
import { Heed, HeedError } from "./index.js";

declare const process: { env: Record<string, string>; stdout: { write(text: string): void } };
const app = new Heed({ address: process.env.HOST ?? "", token: process.env.TOKEN ?? "" });
const titles = ["Night Ferry", "Salt Road", "Low Orbit"];
const put = await app.putItems(
  titles.map((title, n) => ({ kind: "movie", external_id: `ts/${n}`, title, genres: [n < 2 ? "Drama" : "Horror"] })),
);
await app.putPerson("jürgen");
const recorded = await app.record(
  [
    { user: "jürgen", kind: "movie", external_id: "ts/2", type: "click" },
    { user: "new", kind: "movie", external_id: "ts/9", type: "click" },
  ],
  true,
);
const person = app.asPerson("jürgen");
const pages: string[][] = [];
for await (const page of person.pages("movies", { filter: "genre:Drama", limit: 1 })) {
  pages.push(page.recommendations.map((slot) => slot.item.title));
}
const list = await person.recommend("movies");
const first = list.recommendations[0];
if (first === undefined) throw new Error("an empty list");
await person.reportSeen(list.recommendation_session_id, 1);
const no = await person.dislike(first.item.id, { reason: "wrong_genre", listId: list.recommendation_session_id });
const without = (await person.recommend("movies")).recommendations.length;
if (no.dislike_id === null) throw new Error("a dislike without an id");
await person.undoDislike(no.dislike_id);
await person.act("movies", first.item.id, "like", { listId: list.recommendation_session_id });
await person.undoAct("movies", first.item.id, "like");
await app.patchItem("movies", "ts/1", { is_active: false });
const exported: unknown[] = [];
for await (const row of app.export("items", "movie")) exported.push(row["external_id"]);
await app.deleteItem("movies", "ts/1", true);
let refused = "";
try {
  await person.recommend("movies", { filter: "taste:good" });
} catch (error) {
  if (error instanceof HeedError) refused = `${error.status} ${error.message}`;
}
await app.deletePerson("jürgen");
const dislikes = (await app.dislikes()).total;
const seen = { put, errors: recorded.errors?.length, pages, source: no.context_source, without, exported, refused, dislikes };
process.stdout.write(JSON.stringify(seen));
