"""Quality and speed of the text search, beside a plain TF-IDF and the search by title.

    DATABASE_URL=… DEBUG=1 OMP_NUM_THREADS=1 python benchmarks/text_search.py --set demo [--json]
    … --set movielens             the same for a catalog from import_movielens with --metadata
    … --synthetic 10000 100000    sizes of invented catalogs; no database is needed for these

`search_queries.csv` says which titles may stand first for each query. All ways answer every query in turn,
so that ratios hold on a noisy machine; times are those of the processor. Nothing is written.
"""

import argparse
import csv
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

QUERIES = Path(__file__).with_name("search_queries.csv")
SEED = 1
TOP = 5
REPEAT = 5

Finder = Callable[[str], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query, and the titles that may stand first."""

    kind: str
    group: str
    query: str
    titles: frozenset[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--set", choices=("demo", "movielens"))
    parser.add_argument("--synthetic", type=int, nargs="*", default=[])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    result: dict[str, Any] = {}
    if options.set:
        result["queries"] = evaluate(options.set)
    for size in options.synthetic:
        result[f"{size} invented items"] = measure(size)
    text = json.dumps(result, indent=None if options.json else 2, ensure_ascii=False)
    sys.stdout.write(text + "\n")


def evaluate(name: str) -> dict[str, Any]:
    """success@1 and success@5 of each way over the queries of a set, and its times."""
    from catalog.models import Item
    from search.state import search

    with QUERIES.open(newline="", encoding="utf-8") as stream:
        wanted = [
            Wanted(row["kind"], row["group"], row["query"], frozenset(row["expected"].split("|")))
            for row in csv.DictReader(stream)
            if row["set"] == name
        ]
    kinds = sorted({one.kind for one in wanted})
    titles = dict(Item.objects.filter(kind__in=kinds).values_list("pk", "title"))
    plain = {kind: plain_tfidf(kind) for kind in kinds}
    ways: dict[str, Callable[[str], Finder]] = {
        "search()": lambda kind: lambda query: search(kind, query, TOP).hits.item_ids.tolist(),
        "plain TF-IDF": lambda kind: plain[kind],
        "search_by_title()": by_title,
    }
    places: dict[str, dict[str, int]] = {way: {} for way in ways}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for one in wanted:
        for way, make in ways.items():
            find = make(one.kind)
            find(one.query)
            for _ in range(REPEAT):
                started = time.process_time()
                found = find(one.query)
                times[way].append(time.process_time() - started)
            hits = [place for place, item in enumerate(found, 1) if titles[item] in one.titles]
            places[way][one.query] = min(hits, default=0)
    return {
        "items": len(titles),
        "queries": len(wanted),
        "ways": {way: {**success(list(places[way].values())), **milliseconds(times[way])} for way in ways},
        "by group": {
            group: success([places["search()"][one.query] for one in wanted if one.group == group])
            for group in dict.fromkeys(one.group for one in wanted)
        },
        "place of the first right item": places["search()"],
    }


def by_title(kind: str) -> Finder:
    from catalog.selectors import search_by_title

    return lambda query: list(search_by_title(query, kind=kind).values_list("pk", flat=True)[:TOP])


def plain_tfidf(kind: str) -> Finder:
    """All text of an item in one document, cosine of its TF-IDF with the query's."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    from catalog.models import Item
    from catalog.selectors import get_cards

    ids = list(Item.objects.filter(kind=kind).values_list("pk", flat=True))
    chunks = [ids[start : start + 5_000] for start in range(0, len(ids), 5_000)]
    cards = [card for chunk in chunks for card in get_cards(chunk).values()]
    vectorizer = TfidfVectorizer(stop_words="english", strip_accents="unicode", sublinear_tf=True)
    documents = vectorizer.fit_transform(
        f"{card.title} {card.original_title} {card.description} "
        + " ".join(name for names in card.facets.values() for name in names)
        for card in cards
    )
    item_ids = np.array([card.id for card in cards])

    def find(query: str) -> Sequence[int]:
        scores = (documents @ vectorizer.transform([query]).T).toarray().ravel()
        best = np.argsort(-scores, kind="stable")[:TOP]
        found: list[int] = item_ids[best[scores[best] > 0]].tolist()
        return found

    return find


def measure(size: int) -> dict[str, Any]:
    """Seconds and memory of building the index of `size` invented items, and the times of searches."""
    import sklearn.feature_extraction.text  # noqa: F401  its own memory and time are no part of the index's

    from search.text_index import build_index

    items, facets, links = invent(size, np.random.default_rng(SEED))
    before, started = resident_megabytes(), time.process_time()
    index = build_index(items, facets, links)
    seconds, after = time.process_time() - started, resident_megabytes()
    rng = np.random.default_rng(SEED)
    queries: dict[str, list[str]] = {
        "title": [],
        "title with an error": [],
        "person and genre": [],
        "words": [],
    }
    for row in rng.integers(size, size=50):
        title, words = items[row].title, items[row].description.split()
        place = int(rng.integers(len(title)))
        queries["title"].append(title)
        queries["title with an error"].append(title[:place] + "x" + title[place + 1 :])
        queries["person and genre"].append(f"{facets[20 + row % 1000][1]} {facets[row % 20][1]} 90s")
        queries["words"].append(" ".join(words[:6]))
    times: dict[str, list[float]] = {name: [] for name in queries}
    for number in range(50):
        for name, texts in queries.items():
            started = time.process_time()
            index.search(texts[number], 20)
            times[name].append(time.process_time() - started)
    return {
        "build_cpu_seconds": round(seconds, 2),
        "megabytes": round(after - before, 1),
        "words": len(index.counts.columns),
        "facets": len(facets),
        "searches": {name: milliseconds(values) for name, values in times.items()},
    }


def invent(size: int, rng: np.random.Generator) -> tuple[list[Any], list[tuple[str, str]], Any]:
    """Items with titles of 1 to 4 words, descriptions of 40, 2 genres, 5 people and 3 themes each."""
    from search.text_index import TextItem

    syllables = [first + vowel + last for first in "bcdfglmnprst" for vowel in "aeiou" for last in "nrsl"]
    vocabulary = np.array(["".join(rng.choice(syllables, rng.integers(2, 4))) for _ in range(50_000)])

    def text(length: int) -> str:
        # Word frequencies fall like 1 / rank, as in a language.
        ranks = np.exp(rng.random(length) * np.log(len(vocabulary))).astype(np.int64)
        return " ".join(vocabulary[np.minimum(ranks, len(vocabulary) - 1)])

    items = [
        TextItem(row + 1, text(int(rng.integers(1, 5))).title(), "", 1950 + row % 75, text(40))
        for row in range(size)
    ]
    people, themes = size // 2, 2_000
    facets = [("genre", f"{word} genre") for word in vocabulary[-20:]]
    facets += [("actor", " ".join(rng.choice(vocabulary, 2)).title()) for _ in range(people)]
    facets += [("theme", str(word)) for word in vocabulary[-2_100:-100]]
    drawn = [
        rng.integers(0, 20, (size, 2)),
        rng.integers(20, 20 + people, (size, 5)),
        rng.integers(20 + people, 20 + people + themes, (size, 3)),
    ]
    rows = np.arange(size)
    links = np.concatenate(
        [
            np.stack([rows, columns[:, billing], np.full(size, billing)], axis=1)
            for columns in drawn
            for billing in range(columns.shape[1])
        ]
    )
    _, first = np.unique(links[:, :2], axis=0, return_index=True)
    return items, facets, links[first]


def success(places: Sequence[int]) -> dict[str, float]:
    found = np.asarray(places)
    return {
        "success@1": round(float((found == 1).mean()), 3),
        f"success@{TOP}": round(float((found > 0).mean()), 3),
    }


def milliseconds(values: Sequence[float]) -> dict[str, float]:
    return {
        "median_cpu_ms": round(float(np.percentile(values, 50)) * 1000, 2),
        "p95_cpu_ms": round(float(np.percentile(values, 95)) * 1000, 2),
    }


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
