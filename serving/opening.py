"""The person of a request: what is known of them, read in two queries at most and kept while it stays."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import numpy as np

from core.arrays import Ints
from core.domain import APPROVAL_WEIGHT, DISLIKE, TYPES
from core.errors import InvalidInput
from curation.acting import ActingRule, RuleSet
from feedback.adjustments import Adjustment, combine_adjustments
from feedback.records import AskedRecord, PersonRecord, ask_record
from feedback.rules import StandingRules
from profiles.boosts import penalties_of
from profiles.log import mark_rows
from profiles.selectors import STRANGER, PersonalTaste, get_taste
from ranking.context import ScoringContext
from ranking.evaluation_report import segment_of
from ranking.memory import Acquaintance
from ranking.person import PersonState, build_person
from ranking.request import RankingRequest
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.exposure import Impressions
from serving.wishes import MAX_BEFORE, NO_WISHES, Wishes

# The type of an example in a history: a name that heed.toml does not have, so that no reason claims an act.
EXAMPLE = "example"
_EXCLUDING = frozenset(name for name, row in TYPES.items() if row.excludes)
# Of what a person turned down because they know it, so many count last.
MOST_KNOWN = 20


def open_request(
    user_id: int, context: ScoringContext, now: datetime, wishes: Wishes = NO_WISHES
) -> RankingRequest:
    """All that is known of the person, before the recommenders of the context.

    One query, and one more for the taste of somebody of whom it says anything new.
    """
    wishes.check_examples(context.catalog)
    asked = ask_record(
        user_id=user_id,
        use_case=context.use_case,
        now=now,
        after=wishes.after,
        alike=wishes.alike if wishes.offset else "",
        beside=None if wishes.alone else mark_rows,
    )
    if not wishes.alone and wishes.are_of_now:
        return _usual_request(user_id, context, now, wishes, asked)
    taste = STRANGER if wishes.alone else get_taste(user_id)
    return request_of(user_id, context, now, taste, asked.read(context.catalog.of_kind), wishes)


def request_of(
    user_id: int,
    context: ScoringContext,
    now: datetime,
    taste: PersonalTaste,
    record: PersonRecord,
    wishes: Wishes = NO_WISHES,
) -> RankingRequest:
    """A person as they were read, before the recommenders of the context: no query."""
    if wishes.offset:
        record = replace(record, before=record.before[: wishes.offset])
    if len(record.before) > MAX_BEFORE:
        raise InvalidInput(
            f"after: these pages showed {len(record.before):,} items; {MAX_BEFORE:,} is the most."
        )
    rules = _rules_of(record, context, now)
    person = _person_of(record, user_id, now, taste, wishes, context.catalog, rules)
    before = [*record.before, *(_met(record) if wishes.unseen else ())]
    barred = wishes.barred(context.catalog, np.array(before, dtype=np.int64))
    return RankingRequest.of(
        person, context, now.timestamp(), barred=barred, shown_before=record.before, rules=rules
    )


def _usual_request(
    user_id: int,
    context: ScoringContext,
    now: datetime,
    wishes: Wishes,
    asked: AskedRecord,
) -> RankingRequest:
    """The request of somebody as they are: not made anew where all that was read is as it was before."""
    known = None if context.memory is None else context.memory.met(user_id, asked.mark)
    barred = wishes.barred(context.catalog, np.empty(0, dtype=np.int64))
    if known is not None and known.rules == _in_force(context, now, known.segment):
        person = known.person
        if known.fading is not None:
            person = replace(person, penalties=_penalties(*known.fading, now=now))
        return RankingRequest.of(
            person,
            context,
            now.timestamp(),
            barred=barred,
            remembered=known.remembered,
            rules=RuleSet(known.rules),
        )
    record, taste = asked.read(context.catalog.of_kind), get_taste(user_id)
    rules = _rules_of(record, context, now)
    person = _person_of(record, user_id, now, taste, wishes, context.catalog, rules)
    request = RankingRequest.of(person, context, now.timestamp(), barred=barred, rules=rules)
    if context.memory is not None:
        fading = (record.adjustments, record.rules, taste) if record.adjustments else None
        parts = len(record.adjustments)
        known = Acquaintance(
            asked.mark, person, fading, _segment_of(record), rules.rules, request.remembered, parts
        )
        context.memory.meet(known)
    return request


def _rules_of(record: PersonRecord, context: ScoringContext, now: datetime) -> RuleSet:
    """The rules of staff that are in force for the lists of the person of a record."""
    return RuleSet(_in_force(context, now, _segment_of(record)))


def _segment_of(record: PersonRecord) -> str:
    return segment_of(len({item_id for item_id, _, _ in record.history}))


def _in_force(context: ScoringContext, now: datetime, segment: str) -> tuple[ActingRule, ...]:
    return context.rules.in_force(now.timestamp(), segment).rules


def _met(record: PersonRecord) -> list[int]:
    """The ids of the items that the person saw in their last lists or did anything with."""
    return [*(slot.item_id for slot in record.seen), *(item_id for item_id, _, _ in record.history)]


def load_person(
    user_id: int, context: ScoringContext, now: datetime, *, taste: PersonalTaste = STRANGER
) -> PersonState:
    """The record of a person in the use case of a context, without what staff block: one query."""
    asked = ask_record(user_id=user_id, use_case=context.use_case, now=now)
    record = asked.read(context.catalog.of_kind)
    rules = _rules_of(record, context, now)
    return _person_of(record, user_id, now, taste, NO_WISHES, context.catalog, rules)


def _person_of(
    record: PersonRecord,
    user_id: int,
    now: datetime,
    taste: PersonalTaste,
    wishes: Wishes,
    catalog: CatalogSnapshot,
    of_staff: RuleSet,
) -> PersonState:
    """The person of a record. Examples come last in their history; what they excluded stays out with any.

    What staff block is excluded too: so nothing brings it back, and what is remembered of them is without it.
    """
    rules = record.rules
    excluded = {item_id for item_id, type_name, _ in record.history if type_name in _EXCLUDING}
    excluded |= barred_by(rules, catalog)
    penalties = {} if wishes.alone else _penalties(record.adjustments, rules, taste, now=now)
    if wishes.alone:
        record = replace(record, history=[], adjustments=[], passed_over={}, seen=[])
    history = [
        *record.history,
        *((item_id, EXAMPLE, APPROVAL_WEIGHT) for item_id in wishes.positives),
        *((item_id, EXAMPLE, TYPES[DISLIKE].training) for item_id in wishes.negatives),
    ]
    return build_person(
        user_id=user_id,
        item_ids=np.array([row[0] for row in history], dtype=np.int64),
        weights=np.array([row[2] for row in history], dtype=np.float64),
        types=[row[1] for row in history],
        excluded=_and_blocked(excluded, of_staff),
        penalties=penalties,
        taste=taste,
        known=[item_id for item_id, name, weight in history if name == DISLIKE and not weight][-MOST_KNOWN:],
        passed_over=record.passed_over,
        seen=Impressions(
            np.array([slot.item_id for slot in record.seen], dtype=np.int64),
            np.array([slot.rank for slot in record.seen], dtype=np.int64),
            np.array([slot.shown_at.timestamp() for slot in record.seen], dtype=np.float64),
        ),
        allowed=sorted(rules.allowed),
    )


def _and_blocked(excluded: set[int], of_staff: RuleSet) -> set[int] | Ints:
    blocked = of_staff.blocked
    if not len(blocked):
        return excluded
    return np.union1d(np.array(sorted(excluded), dtype=np.int64), blocked)


def _penalties(
    adjustments: list[Adjustment], rules: StandingRules, taste: PersonalTaste, *, now: datetime
) -> dict[int, float]:
    """The factor below 1 of each facet that dislikes, as far as they have not faded, and rules hold back."""
    penalties = _stronger(combine_adjustments(adjustments, now=now), penalties_of(taste.taste))
    for facet_id, factor in rules.less.items():
        penalties[facet_id] = penalties.get(facet_id, 1.0) * factor
    return penalties


def barred_by(rules: StandingRules, catalog: CatalogSnapshot) -> set[int]:
    """The ids of the items that a person's own rules leave out of every list."""
    of_facets = catalog.with_facets(rules.never).tolist() if rules.never else ()
    return {*rules.left_out, *(set(of_facets) - rules.allowed)}


def _stronger(one: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    """The lower factor of each facet: a dislike is in the taste too, and holds back once."""
    return {facet_id: min(one.get(facet_id, 1.0), other.get(facet_id, 1.0)) for facet_id in {*one, *other}}
