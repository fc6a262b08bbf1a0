"""Makes a history for the README's tour: invented people with tastes, on the films and dramas of demo/data/.

    python docs/examples/make_history.py var/history.csv

Circles of people each like two genres and avoid one, and talk about half of the titles of these genres. Ann's
circle likes mysteries and crime. The same rows come out each time.
"""

import csv
import json
import random
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path

DATA = Path(__file__).parents[2] / "demo" / "data"
FILES = {"movie": "films.jsonl", "drama": "dramas.jsonl"}
PEOPLE = 110
# Items of each kind that a person meets.
MEETS = {"movie": 20, "drama": 10}
BEGIN, DAYS = datetime(2026, 5, 1, 18, tzinfo=UTC), 150
# Two genres that a circle likes and one that it avoids. Ann is of the first.
TASTES = {
    "movie": (
        ("Mystery", "Crime", "Romance"),
        ("Romance", "Comedy", "Horror"),
        ("Science Fiction", "Horror", "Music"),
        ("Animation", "Family", "Crime"),
        ("War", "History", "Animation"),
        ("Action", "Adventure", "Drama"),
    ),
    "drama": (
        ("Thriller", "Crime", "Romance"),
        ("Romance", "Comedy", "Thriller"),
        ("Fantasy", "Historical", "Crime"),
    ),
}


@dataclass(frozen=True, slots=True)
class Circle:
    """People with one taste."""

    likes: frozenset[str]
    avoids: str
    canon: frozenset[int]


def read_items(kind: str) -> list[tuple[str, frozenset[str]]]:
    """External id and genres of each item of a kind."""
    lines = (DATA / FILES[kind]).read_text("utf-8").splitlines()
    return [(row["external_id"], frozenset(row["genres"])) for row in map(json.loads, lines)]


def utility(genres: frozenset[str], place: int, circle: Circle) -> float:
    """Liking of an item, -2 to 4: by its genres, and more where the circle talks about it."""
    return 1.2 * len(genres & circle.likes) + 1.3 * (place in circle.canon) - 2.0 * (circle.avoids in genres)


def circles_of(kind: str, items: list[tuple[str, frozenset[str]]], rng: random.Random) -> list[Circle]:
    """Tastes that several people share: two genres, one they avoid, and the titles they talk about."""
    circles = []
    for first, second, avoids in TASTES[kind]:
        fitting = [place for place, (_, genres) in enumerate(items) if genres & {first, second}]
        canon = frozenset(rng.sample(fitting, len(fitting) // 2))
        circles.append(Circle(frozenset({first, second}), avoids, canon))
    return circles


def rows_of(
    person: int, kind: str, items: list[tuple[str, frozenset[str]]], circle: Circle, rng: random.Random
) -> list[tuple[str, ...]]:
    """Acts of a person on items of a kind, and one dislike of something that their circle avoids."""
    fame = [1 / (1 + rank / 150) for rank in range(len(items))]
    random.Random(kind).shuffle(fame)  # the same for everybody
    felt = [utility(genres, place, circle) for place, (_, genres) in enumerate(items)]
    weights = [known * 4**liking for known, liking in zip(fame, felt, strict=True)]
    met: dict[int, None] = {}
    while len(met) < MEETS[kind]:
        met.setdefault(rng.choices(range(len(items)), weights)[0])
    rows: list[tuple[str, ...]] = []
    for place in met:
        at = BEGIN + timedelta(days=rng.uniform(0, DAYS))
        act, rating = act_of(felt[place] + rng.gauss(0, 0.7), rng)
        name = "ann" if person == 0 else f"reader-{person:03}"
        rows.append((name, kind, items[place][0], act, f"{at:%Y-%m-%dT%H:%M:00Z}", rating))
    avoided = [n for n, (_, genres) in enumerate(items) if circle.avoids in genres and n not in met]
    at = BEGIN + timedelta(days=rng.uniform(0, DAYS))
    rows.append((rows[0][0], kind, items[rng.choice(avoided)][0], "dislike", f"{at:%Y-%m-%dT%H:%M:00Z}", ""))
    return rows


def act_of(felt: float, rng: random.Random) -> tuple[str, str]:
    """The type of an interaction and its rating, by how an item was liked."""
    if felt > 2.2:
        return ("favorite", "") if rng.random() < 0.4 else ("watched", "9")
    if felt > 0.8:
        return ("like", "") if rng.random() < 0.6 else ("watchlist_add", "")
    if felt < -1.2:
        return "dislike", ""
    return "view", ""


def main(target: Path) -> None:
    rng = random.Random(20)
    rows: list[tuple[str, ...]] = []
    for kind in FILES:
        items = read_items(kind)
        circles = circles_of(kind, items, rng)
        for person in range(PEOPLE):
            rows += rows_of(person, kind, items, circles[person % len(circles)], rng)
    rows.sort(key=itemgetter(4))
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("user", "kind", "item", "type", "occurred_at", "rating"))
        writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
