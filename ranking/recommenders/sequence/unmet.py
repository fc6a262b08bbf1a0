"""Items that nobody met get a place among those of a finished model, by their facets and texts.

The plain way is `SequenceModel.with_items`, an item in the middle of its facets. Beside it stands the
regression of `ranking.recommenders.sequence.regression`, from facets alone or from texts too. Which of them
holds is asked of the log: items of the model are held back, and what people chose among these is told from
what they did before.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from core.arrays import Bools, Doubles, Floats, Ints, Rows, positions
from ranking.item_content import ItemContent
from ranking.recommenders.sequence.data import Sequences
from ranking.recommenders.sequence.model import SequenceModel, middles, person_vector
from ranking.recommenders.sequence.regression import Learned, Regression, Strengths, Traits
from ranking.statistics.events import Events
from ranking.statistics.metrics import paired_bootstrap_interval

K = 10
FACET_STRENGTHS = (0.1, 0.3, 1.0, 3.0)
TEXT_STRENGTHS = (30.0, 10.0, 3.0, 1.0)
FOLDS = 5
# The vector of an item that so many people acted on counts half as much as one of the best known.
HALF_TRUSTED = 30
# A way is taken where it is better beyond this doubt by so large a share. Of several strengths the best looks
# better than it is, and the network has met what is held back here.
CONFIDENCE, MARGIN = 0.99, 0.01
# Fewer people tell nothing; more people, choices of each and items cost time alone.
FEWEST_PEOPLE, MOST_PEOPLE, MOST_CHOICES, MOST_ITEMS = 20, 1000, 3, 10_000


def with_unmet(
    model: SequenceModel, events: Events, content: ItemContent, texts: Floats, *, seed: int
) -> SequenceModel:
    """The model of these events with those items of the catalog that nobody met, and how they were placed.

    texts  (k, t) of the items of the catalog (k,), zeros for one without

    Where the plain way holds the model gets no item: it goes that way when it is put into service.
    """
    new = positions(content.item_ids, model.item_ids) < 0
    if not new.any():
        return model
    everything = Traits.of(content.facets, texts)
    rows = positions(model.item_ids, content.item_ids)
    described = np.flatnonzero(rows >= 0)
    sequences = Sequences.of(events, model.item_ids)
    learned = Learned(
        everything.take(rows[described]), model.item_vectors[described], _trust(model, sequences)[described]
    )
    choice = choose(model, described, learned, sequences, seed=seed)
    model = replace(model, unmet=json.dumps(choice.report))
    if choice.strengths is None:
        return model
    met = np.asarray(learned.traits.facets.sum(axis=0)).ravel() > 0
    known = np.asarray(everything.facets @ met.astype(np.float32)) > 0
    if choice.strengths.texts is not None:
        known |= texts.any(axis=1)
    placed = np.flatnonzero(new & known)
    regression = Regression.of(learned, choice.strengths)
    return model.joined(content.item_ids[placed], regression.vectors(everything.take(placed)))


@dataclass(frozen=True, slots=True)
class Choice:
    """The strengths of the regression, None for the plain way, and what spoke for them, as JSON."""

    strengths: Strengths | None
    report: dict[str, Any]


def choose(
    model: SequenceModel, described: Rows, learned: Learned, sequences: Sequences, *, seed: int
) -> Choice:
    """The way by which items that were held back are ordered best for people, by NDCG@10.

    described  rows (k,) of the items of the model that the catalog has, which are `learned` (k,) from
    sequences  of everybody, over the items of the model

    Facets by regression must be clearly better than the plain way, and texts clearly better than without.
    """
    rng = np.random.default_rng(seed)
    folds = _folds(model, described, learned, sequences, rng)
    people = np.concatenate([np.empty(0, dtype=np.int64), *(fold.people for fold in folds)])
    if len(np.unique(people)) < FEWEST_PEOPLE:
        return Choice(None, {"why_not": "too few people chose something to judge by"})

    def ndcg(strengths: Strengths | None) -> Doubles:
        """(p,) of each person."""
        return _by_person(people, np.concatenate([fold.ndcg(strengths) for fold in folds]))

    taken, best = None, ndcg(None)
    report: dict[str, Any] = {"people": len(best), "plain": {"ndcg": float(best.mean())}}
    tries = [Strengths(one) for one in FACET_STRENGTHS] if learned.traits.facets.nnz else [Strengths(1.0)]
    for name in ("facets", "texts") if learned.traits.texts.any() else ("facets",):
        found = {one: ndcg(one) for one in tries}
        strengths = max(tries, key=lambda one: found[one].mean())
        gain = paired_bootstrap_interval(found[strengths], best, rng=rng, confidence=CONFIDENCE)
        is_taken = bool(gain.low > MARGIN * best.mean())
        report[name] = {
            "strengths": asdict(strengths),
            "ndcg": float(found[strengths].mean()),
            "gain": asdict(gain),
            "taken": is_taken,
        }
        if is_taken:
            taken, best = strengths, found[strengths]
        tries = [Strengths(strengths.facets, one) for one in TEXT_STRENGTHS]
    return Choice(taken, report)


@dataclass(frozen=True, slots=True, eq=False)
class _Fold:
    """Items that are held back, and q choices of one of them.

    back     what is known of those held back, (f,)
    others   the items that they are told from
    people   (q,) who chose
    asking   (q, d) the vector of the person before the choice, from items that are not held back
    wanted   (q,) place of what was chosen among those held back
    """

    back: Traits
    others: Learned
    people: Ints
    asking: Floats
    wanted: Rows

    def ndcg(self, strengths: Strengths | None) -> Doubles:
        """(q,) NDCG@K of each choice among all that are held back; equal scores share their places."""
        scores = self.asking @ self._vectors(strengths).T
        chosen = scores[np.arange(len(scores)), self.wanted][:, None]
        place = (scores > chosen).sum(axis=1) + ((scores == chosen).sum(axis=1) - 1) / 2
        found: Doubles = np.where(place < K, 1 / np.log2(2 + place), 0.0)
        return found

    def _vectors(self, strengths: Strengths | None) -> Floats:
        """The vectors (f, d) that those held back get; zeros where the plain way knows none."""
        if strengths is not None:
            return Regression.of(self.others, strengths).vectors(self.back)
        return middles(self.others.traits.facets, self.others.vectors, self.back.facets)[0]


def _folds(
    model: SequenceModel, described: Rows, learned: Learned, sequences: Sequences, rng: np.random.Generator
) -> list[_Fold]:
    """The folds in which somebody chose something."""
    everybody = np.unique(sequences.people)
    drawn = rng.choice(everybody, size=min(MOST_PEOPLE, len(everybody)), replace=False)
    sequences = sequences.take(np.isin(sequences.people, drawn))
    some = rng.choice(len(described), size=min(MOST_ITEMS, len(described)), replace=False)
    found = []
    for part in np.array_split(some, FOLDS):
        back = np.sort(part)
        choices = list(choices_among(sequences, np.isin(np.arange(len(model.item_ids)), described[back])))
        if not choices:
            continue
        at = np.array([place for place, _ in choices])
        asking = [person_vector(model, sequences.items[rows], sequences.kinds[rows]) for _, rows in choices]
        found.append(
            _Fold(
                back=learned.traits.take(back),
                others=learned.take(np.setdiff1d(some, part)),
                people=sequences.people[at],
                asking=np.stack(asking),
                wanted=positions(sequences.items[at], described[back]),
            )
        )
    return found


def choices_among(sequences: Sequences, held_back: Bools) -> Iterator[tuple[int, Rows]]:
    """The last choices of each person among items of a mask (n,), with what they did before with others."""
    known, approved = ~held_back[sequences.items], sequences.verdicts > 0
    starts = np.flatnonzero(np.diff(sequences.people, prepend=-1)).tolist()
    for start, end in zip(starts, [*starts[1:], len(sequences)], strict=True):
        chosen = start + np.flatnonzero(approved[start:end] & ~known[start:end])[-MOST_CHOICES:]
        for place in chosen.tolist():
            before = start + np.flatnonzero(known[start:place])
            if approved[before].any():
                yield place, before


def _trust(model: SequenceModel, sequences: Sequences) -> Floats:
    """(n,) how much the vector of each item says, from 0 to 1, by how many people acted on it."""
    people = np.bincount(sequences.items, minlength=len(model.item_ids))
    trust: Floats = (people / (people + HALF_TRUSTED)).astype(np.float32)
    return trust


def _by_person(people: Ints, values: Doubles) -> Doubles:
    """(p,) the mean of the values (q,) of each person."""
    _, person = np.unique(people, return_inverse=True)
    means: Doubles = np.bincount(person, values) / np.bincount(person)
    return means
