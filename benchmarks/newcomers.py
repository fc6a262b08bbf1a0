"""The effect of boosts on people of whom little is known: lists of ten with and without, window after window.

    DEBUG=1 python manage.py import_movielens ../shared/data/ml-latest-small
    DEBUG=1 python manage.py generate_als_dataset
    DEBUG=1 OMP_NUM_THREADS=1 python benchmarks/newcomers.py [--ranker] [--described-only] [--json]

For each tenth of the log from the third on, ALS, the demand and (--ranker) a bootstrap ranker are made from
the events before it alone. Evaluated are the people whose first event lies in it. Their first 1, 3, 5 and 10
films there, each with its rating and like, are all that is known of them; what they liked after that in the
same tenth is what the lists should hold. The stages are those of serving, without exploration and without
what dislikes hold back. Beside them, as "longer", stand the people who were there before, with all of
their past.

--described-only leaves films without actors out of log and catalog. With metadata for some films only,
those were chosen by what became popular, so that being lifted by an actor would tell the future.
Nothing is written.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

if TYPE_CHECKING:
    from core.arrays import Bools, Doubles, Ints
    from core.domain import UseCase
    from profiles.reduction import Event
    from ranking.candidates import Candidates
    from ranking.context import ScoringContext
    from ranking.datasets.bootstrap import BootstrapList
    from ranking.person import PersonState
    from ranking.request import RankingRequest
    from ranking.snapshot import CatalogSnapshot
    from ranking.statistics.events import Events
    from ranking.statistics.interval import Interval

SEED = 1
K = 10
KNOWN = (1, 3, 5, 10)
# Stands for a past of any length.
LONGER = 0
STRENGTHS = (0.0, 0.25, 0.5, 1.0)
# The log is cut into tenths. Those before FIRST_EVALUATED only teach.
TENTHS = 10
FIRST_TRAINED, FIRST_EVALUATED = 2, 3
METRICS = ("ndcg", "recall", "boosted")
BASELINES = ("popularity", "ALS")


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to make lists.

    sources     which are asked, in order of trust
    models      which trained kinds serve
    popularity  its share in the base score of somebody of whom nothing is known
    """

    sources: tuple[str, ...]
    models: tuple[str, ...] = ()
    popularity: float = 0.5


_TRAINED = ("als", "transitions", "ease", "content")
_ALL = (*_TRAINED, "popular", "taste", "similar", "fresh")
_MODELS = (*_TRAINED, "verdict")
_WITH_RANKER = (*_MODELS, "ranker")
VARIANTS = {
    "popularity": Variant(("popular",)),
    "no model": Variant(_ALL),
    "ALS": Variant(("als", "popular"), ("als",), popularity=0.0),
    "models alone": Variant(_ALL, _MODELS, popularity=0.0),
    "serving": Variant(_ALL, _MODELS),
    "models alone, with a ranker": Variant(_ALL, _WITH_RANKER, popularity=0.0),
    "serving, with a ranker": Variant(_ALL, _WITH_RANKER),
}


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedPerson:
    """Somebody with events in a window.

    events  all of theirs to its end, oldest first; names (n,) the type of each
    films   (f,) the items they acted on, in the order of the first time
    past    how many of these were before the window; 0 for somebody new
    """

    user_id: int
    events: "Events"
    names: list[str]
    films: "Ints"
    past: int

    @property
    def stages(self) -> dict[int, int]:
        """The number of films that are known of them, by one of KNOWN, or by LONGER for who has a past."""
        return {LONGER: self.past} if self.past else {known: known for known in KNOWN}

    def known(self, films: int) -> "Bools":
        """The events that are known when they have met so many films."""
        return np.isin(self.events.item_ids, self.films[:films])

    def targets(self, films: int) -> "Ints":
        """The films they liked after so many."""
        liked = np.unique(self.events.item_ids[self.events.relevant])
        return np.setdiff1d(liked, self.films[:films])


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """The shared input of all windows.

    names  (n,) the type of each event
    kinds  (m,) code of the kind of each facet of the catalog
    """

    events: "Events"
    names: list[str]
    catalog: "CatalogSnapshot"
    kinds: "Ints"
    use_case: "UseCase"

    def people(self, start: float, end: float) -> Iterator[EvaluatedPerson]:
        """The people who did something in start <= time < end."""
        times = self.events.times
        for user_id in np.unique(self.events.between(start, end).user_ids).tolist():
            # Stable: what happened in one second stays in the order of its writing.
            at = np.flatnonzero((times < end) & (self.events.user_ids == user_id))
            at = at[np.argsort(times[at], kind="stable")]
            events = self.events.select(at)
            films, first = np.unique(events.item_ids, return_index=True)
            past = int((events.times[first] < start).sum())
            names = [self.names[place] for place in at.tolist()]
            yield EvaluatedPerson(user_id, events, names, films[np.argsort(first)], past)

    def state(self, person: EvaluatedPerson, films: int) -> "PersonState":
        """The state that serving would have of somebody after their first `films`."""
        from profiles.boosts import personal_alpha
        from profiles.log import current_rules
        from profiles.reduction import no_taste, reduce_events
        from profiles.selectors import PersonalTaste
        from ranking.person import person_before

        known = np.flatnonzero(person.known(films))
        taste = reduce_events(
            no_taste(), [self._event(person, place) for place in known.tolist()], current_rules()
        )
        personal = PersonalTaste(taste, personal_alpha(taste), (), {})
        return person_before(person.events.select(known), taste=personal)

    def _event(self, person: EvaluatedPerson, place: int) -> "Event":
        from core.domain import TYPES
        from profiles.reduction import Event

        name = person.names[place]
        row = int(self.catalog.rows_of(person.events.item_ids[[place]])[0])
        content = self.catalog.content.facets
        columns = content.indices[content.indptr[row] : content.indptr[row + 1]].tolist()
        facets = tuple((int(self.catalog.facet_ids[at]), int(self.kinds[at]), "") for at in columns)
        return Event(place + 1, name, float(person.events.weights[place]), TYPES[name].is_rated, "", facets)


@dataclass(frozen=True, slots=True)
class Measured:
    """The list of one person by one variant at one strength, evaluated."""

    user_id: int
    known: int
    variant: str
    strength: float
    ndcg: float
    recall: float
    boosted: float


def main() -> None:
    import django

    django.setup()

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranker", action="store_true", help="also with a bootstrap ranker")
    parser.add_argument("--described-only", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    started = time.perf_counter()
    world = load_world(described_only=options.described_only)
    cuts = np.quantile(world.events.times, np.arange(TENTHS + 1) / TENTHS, method="higher").tolist()
    cuts[-1] = float(np.nextafter(world.events.times.max(), np.inf))
    lists = bootstrapped(world) if options.ranker else []
    measured = []
    for tenth in range(FIRST_EVALUATED, TENTHS):
        # Lists of earlier windows alone: what happened in this one teaches nothing.
        past = [one for one in lists if one.window < tenth - FIRST_TRAINED]
        context = context_at(world, cuts[tenth - 1], cuts[tenth], past)
        measured += list(measure(world, context, cuts[tenth], cuts[tenth + 1]))
    result: dict[str, Any] = {"films": len(world.catalog.item_ids), "events": len(world.events)}
    result |= {str(known): figures([one for one in measured if one.known == known]) for known in KNOWN}
    result["all of these"] = figures([one for one in measured if one.known != LONGER])
    result["longer"] = figures([one for one in measured if one.known == LONGER])
    result["seconds"] = round(time.perf_counter() - started, 1)
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


def load_world(*, described_only: bool) -> World:
    """The newest dataset with its types, and the catalog."""
    import pandas as pd

    from catalog.models import Facet
    from core.domain import USE_CASES
    from profiles.reduction import CODES
    from ranking.datasets.event_log import load_als_events
    from ranking.datasets.manifest import DATA, newest_dataset
    from ranking.snapshot import read_snapshot

    use_case = USE_CASES["movie_home"]
    folder = newest_dataset("als", use_case.name)
    _, events = load_als_events(folder, use_case)
    names = pd.read_parquet(folder / DATA, columns=["type"])["type"].astype(str).to_numpy()
    catalog = read_snapshot(use_case.name)
    codes = {pk: CODES[kind] for pk, kind in Facet.objects.values_list("pk", "kind") if kind in CODES}
    kinds = np.array([codes[facet_id] for facet_id in catalog.facet_ids.tolist()], dtype=np.int64)
    if described_only:
        actors = catalog.content.facets[:, kinds == CODES["actor"]]
        described = np.diff(actors.indptr) > 0
        catalog = catalog.only(described, catalog.demand.only(described))
    known = np.isin(events.item_ids, catalog.item_ids)
    return World(events.select(known), names[known].tolist(), catalog, kinds, use_case)


def bootstrapped(world: World) -> list["BootstrapList"]:
    """The lists that rankers learn from, one window for each tenth from FIRST_TRAINED on."""
    from ranking.datasets.bootstrap import BootstrapPlan, bootstrap_lists

    plan = BootstrapPlan(windows=TENTHS - FIRST_TRAINED, first=FIRST_TRAINED / TENTHS)
    lists = bootstrap_lists(
        world.events,
        catalog=world.catalog,
        use_case=world.use_case,
        plan=plan,
        seed=SEED,
    )
    return list(lists)


def context_at(world: World, since: float, start: float, lists: list["BootstrapList"]) -> "ScoringContext":
    """The context at `start`, with a ranker where there are lists; ALS is calibrated from `since` on."""
    from core.progress import Progress
    from ranking.context import ScoringContext
    from ranking.datasets.bootstrap import PARAMETERS, context_before, ranker_data
    from ranking.datasets.past_models import PastModels
    from ranking.recommenders.ranker.train import fit_calibrated_ranker
    from ranking.registry.loading import LoadedModel

    past = world.events.before(start)
    models = next(PastModels.of(world.use_case, {}, SEED, world.catalog.content).at([start], past, since))
    context = context_before(past, start, world.catalog, world.use_case, models)
    if not lists:
        return context
    quiet = Progress("ranker", quiet=True)
    fitted = fit_calibrated_ranker(ranker_data(lists), PARAMETERS, seed=SEED, progress=quiet)
    models = context.models.with_model("ranker", LoadedModel(0, "ranker", fitted.ranker))
    return ScoringContext.of(world.use_case, context.catalog, models)


def measure(world: World, context: "ScoringContext", start: float, end: float) -> Iterator[Measured]:
    """Every variant for everybody who liked something in the window start <= time < end."""
    from ranking.request import RankingRequest
    from ranking.scoring import rank, retrieve

    for person in world.people(start, end):
        for known, films in person.stages.items():
            targets = person.targets(films)
            if len(person.films) <= films or not len(targets):
                continue
            for name, variant in VARIANTS.items():
                if "ranker" in variant.models and context.ranker is None:
                    continue
                state = world.state(person, films)
                request = RankingRequest.of(state, varied(context, variant), start)
                ranked = rank(request, retrieve(request))
                for strength, shown in lists_of(ranked, request):
                    yield Measured(person.user_id, known, name, strength, *metrics_of(shown, targets))


def varied(context: "ScoringContext", variant: Variant) -> "ScoringContext":
    """The context with the models, the sources and the share of popularity of a variant."""
    from ranking.context import ScoringContext
    from ranking.registry.loading import ModelSet

    by_kind = {kind: one for kind, one in context.models.by_kind.items() if kind in variant.models}
    policy = replace(context.policy, sources=variant.sources, popularity_share=variant.popularity)
    return ScoringContext.of(context.use_case, context.catalog, ModelSet(by_kind), policy)


def lists_of(ranked: "Candidates", request: "RankingRequest") -> Iterator[tuple[float, "Candidates"]]:
    """The list at each strength of boosts."""
    from ranking.boosting import personalize
    from ranking.scoring import exclude

    for strength in STRENGTHS:
        policy = replace(request.context.policy, boost_strength=strength, boost_strength_with_ranker=strength)
        mine = replace(request, context=replace(request.context, policy=policy))
        yield (
            strength,
            exclude(personalize(ranked, mine), request.not_to_show).take(np.arange(len(ranked)) < K),
        )


def metrics_of(shown: "Candidates", targets: "Ints") -> tuple[float, float, float]:
    """NDCG@10, recall@10, and the share of the slots that say by how much taste boosted them."""
    from ranking.statistics.metrics import ndcg_at_k

    hits = np.isin(shown.item_ids, targets)[None, :]
    ranked = np.pad(hits.astype(np.float64), ((0, 0), (0, K - hits.shape[1])))
    wanted = np.ones((1, min(K, len(targets))))
    boosted = np.mean([boost.percent > 0 for boost in shown.boost_rows()]) if len(shown) else 0.0
    return float(ndcg_at_k(ranked, wanted, k=K)[0]), float(hits.sum() / len(targets)), float(boosted)


def figures(measured: list[Measured]) -> dict[str, Any]:
    """Means with 95 % intervals over people; a person of whom several lists are here counts once."""
    from ranking.statistics.metrics import bootstrap_interval, paired_bootstrap_interval

    rng = np.random.default_rng(SEED)
    users = np.unique([one.user_id for one in measured])
    cells: dict[tuple[str, float], list[Measured]] = {}
    for one in measured:
        cells.setdefault((one.variant, one.strength), []).append(one)
    # NaN for somebody who was evaluated before there was a ranker.
    values = {
        (*cell, metric): _per_person(of_cell, metric, users)
        for cell, of_cell in cells.items()
        for metric in METRICS
    }
    result: dict[str, Any] = {"people": len(users), "lists": len(cells[BASELINES[0], 0.0])}
    for variant, strength in cells:
        mine = {metric: values[variant, strength, metric] for metric in METRICS}
        row: dict[str, Any] = {
            metric: _rounded(bootstrap_interval(mine[metric], rng=rng)) for metric in METRICS[:2]
        }
        row["boosted"] = round(float(np.nanmean(mine["boosted"])), 3)
        for metric in METRICS[:2]:
            without = values[variant, 0.0, metric]
            against = {f"{metric} - without boosts": without} if strength else {}
            against |= {f"{metric} - {name}": values[name, 0.0, metric] for name in BASELINES}
            row |= {
                name: _rounded(paired_bootstrap_interval(mine[metric], other, rng=rng))
                for name, other in against.items()
            }
        result.setdefault(variant, {})[str(strength)] = row
    return result


def _per_person(measured: list[Measured], metric: str, users: "Ints") -> "Doubles":
    """(p,) the mean over the lists of each of `users`, sorted; NaN without one."""
    places = np.searchsorted(users, [one.user_id for one in measured])
    counts = np.bincount(places, minlength=len(users))
    sums = np.bincount(places, [getattr(one, metric) for one in measured], minlength=len(users))
    means: Doubles = np.full(len(users), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _rounded(interval: "Interval") -> list[float]:
    return [round(value, 4) for value in asdict(interval).values()]


if __name__ == "__main__":
    main()
