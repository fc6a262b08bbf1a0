"""A whole app that uses no admin and no command: catalog, people, events, pages, a no, and all of it back.

It needs the client (`pip install ./clients/python`), and one token that an operator issued with
`manage.py issue_token my-app --create --may-act-for-others`:

HEED_ADDRESS=http://127.0.0.1:8000 HEED_TOKEN=… python docs/examples/app.py
"""

import os
import sys
import time
from datetime import UTC, datetime, timedelta

from heed_client import Heed
from heed_client.schema import ItemUpsertRequest, PersonsInteractionRequest

# A catalog of this size, and people with so many events each, in batches.
FILMS, PEOPLE, EVENTS, BATCH = 60, 20, 50, 1_000
GENRES = ["Drama", "Horror", "Comedy"]
PREFIX = "app-"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def films() -> list[ItemUpsertRequest]:
    return [
        {
            "kind": "movie",
            "external_id": f"{PREFIX}{number}",
            "title": f"Film {number}",
            "year": 1990 + number % 30,
            "genres": [GENRES[number % 3]],
            "attributes": {"runtime": 80 + number},
        }
        for number in range(FILMS)
    ]


def events() -> list[PersonsInteractionRequest]:
    """Everybody clicked on films, each with a favorite genre."""
    begin = datetime.now(UTC) - timedelta(days=30)
    return [
        {
            "user": f"{PREFIX}reader-{person}",
            "kind": "movie",
            "external_id": f"{PREFIX}{(3 * event + person % 3) % FILMS}",
            "type": "click",
            "occurred_at": (begin + timedelta(hours=event, seconds=person)).isoformat(),
        }
        for event in range(EVENTS)
        for person in range(PEOPLE)
    ]


def main() -> None:
    app = Heed(os.environ["HEED_ADDRESS"], os.environ["HEED_TOKEN"], timeout=60)
    catalog = app.put_items(films())
    say(f"catalog: {catalog['created']} new, {catalog['unchanged']} as before")
    app.put_person(f"{PREFIX}reader-0")
    rows, begun, new = events(), time.perf_counter(), 0
    for start in range(0, len(rows), BATCH):
        new += app.record(rows[start : start + BATCH], create_users=True)["recorded"]
    seconds = time.perf_counter() - begun
    say(f"events: {new} recorded, {len(rows) / seconds:,.0f}/s in batches of {BATCH:,}")

    reader = app.as_person(f"{PREFIX}reader-0")
    shown = []
    for number, page in enumerate(reader.pages("movies", filter="genre:Drama,year:2000..", limit=3), 1):
        titles = [slot["item"]["title"] for slot in page["recommendations"]]
        say(f"page {number}: {', '.join(titles) or 'nothing more'}")
        shown += titles
    say(f"pages: {len(shown)} films, {len(set(shown))} different ones")

    served = reader.recommend("movies", limit=3)
    worst = served["recommendations"][0]
    say(f"first: {worst['item']['title']}. {worst['why']}")
    list_id = served["recommendation_session_id"]
    no = reader.dislike(worst["item"]["id"], reason="wrong_genre", list_id=list_id)
    say(f"a no holds back: {no['feature_adjustments']['genre_adjustments']}")
    after = reader.recommend("movies", limit=100)["recommendations"]
    gone = worst["item"]["id"] not in [slot["item"]["id"] for slot in after]
    say(f"turned down and gone: {gone}")

    log = [row for row in app.export("interactions") if row["user"].startswith(PREFIX)]
    items = [row for row in app.export("items", kind="movie") if row["external_id"].startswith(PREFIX)]
    say(f"export: {len(items)} items, {len(log)} interactions, {len(list(app.export('dislikes')))} dislikes")


if __name__ == "__main__":
    main()
