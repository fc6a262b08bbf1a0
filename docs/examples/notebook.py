# %% [markdown]
# # Heed in a notebook
#
# Imports a history, trains a model, evaluates it, and tries a recommender of one's own. Open this file as a
# notebook in VS Code or PyCharm, or in Jupyter with [jupytext](https://jupytext.readthedocs.io): with the
# Python of `.venv`, in the root of the repository. As a script the tests run it:
#
#     DEBUG=1 .venv/bin/python docs/examples/notebook.py
#
# It has a database of its own in a temporary folder. Yours is not touched.

# %%
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

HERE = Path.cwd()
folder = tempfile.TemporaryDirectory()
for name in ("MODEL_DIR", "DATASET_DIR", "REPORT_DIR", "LOCK_DIR"):
    os.environ[name] = f"{folder.name}/{name}"
os.environ |= {
    "DATABASE_URL": f"sqlite:///{folder.name}/heed.sqlite3",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # a notebook has an event loop, which Django would refuse
    "LOG_LEVEL": "ERROR",
}
sys.path.insert(0, str(HERE))

import django

django.setup()

from django.core.management import call_command


def manage(*words: str) -> Any:
    """The answer of a command of `manage.py`, as an object."""
    out = StringIO()
    call_command(*words, "--json", "--quiet", stdout=out)
    return json.loads(out.getvalue())


# %% [markdown]
# ## Import
#
# The films and dramas of the demo, and what 110 invented people did with them in five months.

# %%
from runpy import run_path

call_command("migrate", verbosity=0)
history = f"{folder.name}/history.csv"
run_path("docs/examples/make_history.py")["main"](Path(history))
manage("import_items", "demo/data/films.jsonl", "--kind", "movie")
manage("import_items", "demo/data/dramas.jsonl", "--kind", "drama")
imported = manage("import_interactions", history)
print(f"{imported['created']:,} acts of {imported['new_users']} people")

# %% [markdown]
# ## Train and evaluate
#
# ALS on everything but the last part, which is held out. The same commands run in cron.

# %%
manage("generate_als_dataset")
trained = manage("train_als", "--factors", "8", "--seed", "0")
print(trained["version"])
for result in manage("evaluate_models")["evaluation"]["results"]:
    ndcg = result["figures"]["ndcg"]
    print(f"{result['name']}: NDCG@10 {ndcg['mean']:.3f} [{ndcg['low']:.3f}, {ndcg['high']:.3f}]")

# %% [markdown]
# ## A recommender of one's own
#
# An idea: bring films whose genres, people and themes a person liked often. `represent` makes of a person
# what the recommender needs, once; `retrieve` brings the best items that are not barred. Both work on
# arrays of the whole catalog.

# %%
import numpy as np
from django.utils import timezone

from core.arrays import Doubles
from core.domain import USE_CASES
from ranking.datasets.event_log import read_events
from ranking.person import PersonState, person_before
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import Retrieved
from ranking.recommenders.popular.recommender import Popular
from ranking.recommenders.rows import retrieve_above
from ranking.snapshot import CatalogSnapshot, read_snapshot
from ranking.statistics.demand import demand_of


@dataclass(frozen=True, slots=True)
class Kindred:
    """Films with facets that the person liked often: genres, people, themes."""

    catalog: CatalogSnapshot

    def represent(self, person: PersonState) -> Doubles | None:
        """The score of each item: how often its facets were liked, less so for one that has many."""
        rows = self.catalog.rows_of(person.item_ids[person.weights > 0])
        rows = rows[rows >= 0]
        if not len(rows):
            return None
        facets = self.catalog.content.facets
        liked = np.asarray(facets[rows].mean(axis=0)).ravel()
        scores: Doubles = (facets @ liked) / np.sqrt(np.diff(facets.indptr) + 1.0)
        scores /= max(1.0, scores.max())
        return scores

    def retrieve(self, scores: Doubles, limit: int, barred: Barred) -> Retrieved:
        return retrieve_above(scores, self.catalog.item_ids, limit, barred, 1e-9)


# %% [markdown]
# ## Is it better than what is popular?
#
# The last fifth of the acts is held out. For each person: is anything that they liked in it among the first
# ten? A recommender sees only what came before, and popularity is of before, too.

# %%
films = USE_CASES["movie_home"]
events = read_events(films, timezone.now())
cut = float(np.quantile(events.times, 0.8))
before, after = events.before(cut), events.between(cut, np.inf)
catalog = read_snapshot(films.name)
catalog = catalog.at(demand_of(before, catalog.item_ids, half_life_days=365.0))


def hit_rate(recommender: Any) -> float:
    """Share of the people with a hit among the first ten, of those who liked anything held out."""
    hits = []
    for user_id in np.unique(after.user_ids[after.relevant]):
        person = person_before(before.select(before.user_ids == user_id))
        liked = after.item_ids[after.relevant & (after.user_ids == user_id)]
        known = recommender.represent(person)
        shown = [] if known is None else recommender.retrieve(known, 10, Barred(person.excluded)).item_ids
        hits.append(np.isin(liked, shown).any())
    return float(np.mean(hits))


rates = {"popular": hit_rate(Popular(catalog)), "kindred": hit_rate(Kindred(catalog))}
print({name: round(rate, 3) for name, rate in rates.items()})

# %% [markdown]
# These people are invented, by their genres, so the figures say little of yours: import your own history
# above. [Your first recommender](../tutorials/your-first-recommender.md) makes a folder of such a class,
# and the suite of all recommenders tries it. [An experiment](../tutorials/an-experiment.md) asks people.

# %%
folder.cleanup()
