"""The list of a person as staff look at it: made as it is served, and recorded nowhere."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from django.utils import timezone

from catalog.models import Item
from catalog.selectors import ItemCard
from core.domain import KINDS, REASONS, TYPES, UseCase
from curation.acting import RuleSet
from curation.kinds import BLOCK, QUOTA
from feedback.patterns import reasons_against
from feedback.rules import StandingRules, get_rules
from profiles.log import name_facets
from ranking.candidates import Boost, Candidates
from ranking.request import RankingRequest
from ranking.scoring import kept_after_refusal, refusal_chances, score_items
from serving.arranging import arrange
from serving.curating import curate
from serving.kept_out import titles_kept_out
from serving.live import get_context, get_state
from serving.opening import open_request
from serving.pipeline import ServedList, order, respond
from serving.wishes import NO_WISHES, Wishes

TOLD_OF = 3


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A list of now without the places that chance would fill.

    ordered  all that the person may be shown, best first; the list is its front
    """

    served: ServedList
    ordered: Candidates
    request: RankingRequest
    use_case: UseCase
    now: datetime

    def place_of(self, item_id: int) -> int | None:
        """The place of an item in the whole order, from 1; None where no source brought it."""
        found = np.flatnonzero(self.ordered.item_ids == item_id)
        return int(found[0]) + 1 if len(found) else None


def look(
    *,
    user_id: int | None,
    use_case: UseCase,
    limit: int,
    now: datetime | None = None,
    rules: RuleSet | None = None,
) -> Look:
    """The best `limit` items (1 to MAX_LIMIT) for a person now: three queries, and no session.

    Without a person for somebody of whom nothing is known. `rules` stand in for those of staff that stand.
    """
    now = now or timezone.now()
    context = get_state(use_case.name).for_person(user_id or 0) if user_id else get_context(use_case.name)
    if rules is not None:
        context = replace(context, rules=rules.without(context.policy.without_rules))
    wishes = NO_WISHES if user_id else Wishes(alone=True)
    request = open_request(user_id or 0, context, now, wishes)
    return look_by(request, limit, now)


def look_by(request: RankingRequest, limit: int, now: datetime) -> Look:
    """The best `limit` items by a request that was opened: one query."""
    ordered = order(request)
    served = respond(arrange(ordered, request, limit, None), request)
    return Look(served, ordered, request, request.context.use_case, now)


def why_not(found: Look, item: Item) -> list[str]:
    """Sentences on why an item is not in the list that was looked at, or where it stands in it.

    Seven queries at most.
    """
    shown = {slot.item.id: slot.rank for slot in found.served.slots}
    if item.pk in shown:
        return [f"It is in the list, at rank {shown[item.pk]}."]
    kind, catalog = KINDS[found.use_case.kind], found.request.context.catalog
    if item.kind != kind.name:
        return [f"Its kind is {item.kind}; this is a list of kind {kind.name}."]
    if not item.is_active:
        return ["It is hidden: no list holds it."]
    if catalog.rows_of(np.array([item.pk]))[0] < 0:
        return ["The catalog that lists are made of does not have it yet."]
    rules = get_rules(found.request.person.user_id)
    barred = _barred(found, item.pk, rules)
    return [
        *(barred or _outdone(found, item.pk)),
        *_turned_down(found, item.pk),
        *_held_back(found, item.pk, rules),
    ]


def _barred(found: Look, item_id: int, rules: StandingRules) -> list[str]:
    """Sentences on what keeps the item out of every list of the person."""
    person = found.request.person
    if item_id not in person.excluded:
        return []
    said = [
        f"Rule {one.rule_id} of staff blocks it."
        for one in found.request.rules.of_kind(BLOCK)
        if one.names(np.array([item_id]))[0]
    ]
    said += ["Their own wish leaves this title out."] if item_id in rules.left_out else []
    acts = dict(zip(person.item_ids.tolist(), person.last_types, strict=False))
    act = acts.get(item_id)
    if act is not None and TYPES[act].excludes:
        said.append(f"It is excluded by what they did with it: {act}.")
    never = found.request.context.catalog.with_facets(rules.never) if rules.never else np.empty(0)
    if item_id in never and item_id not in rules.allowed:
        said.append("Their own wish leaves out something that it has.")
    return said or ["It is excluded by what they did with it before."]


def _outdone(found: Look, item_id: int) -> list[str]:
    """The place of an item that may be shown, beside the last of the list."""
    place = found.place_of(item_id)
    if place is None:
        score = float(score_items(found.request, np.array([item_id])).base[0])
        return [f"No source brought it among its best. Its base score would be {score:.3f}."]
    row = found.ordered.take(np.array([place - 1]))
    boost = row.boost_rows()[0]
    said = (
        f"It stands at place {place:,} of {len(found.ordered):,}, brought by {row.sources[0]} from its place "
        f"{int(row.source_ranks[0]):,}: base score {row.base_scores[0]:.3f} × {boost.multiplier:.3f} = "
        f"{row.scores[0]:.3f} (taste × {boost.taste:.3f}, dislikes × {boost.penalty:.3f}, "
        f"seen × {boost.seen:.3f}{_by_rules(boost)})."
    )
    slots = found.served.slots
    last = [f"The last of the list has {slots[-1].score:.3f}."] if slots else []
    return [said, *last, *_over_quota(found, place - 1)]


def _by_rules(boost: Boost) -> str:
    return "" if boost.curated == 1.0 else f", rules of staff × {boost.curated:.3f}"


def _over_quota(found: Look, row: int) -> list[str]:
    """The sentence on the quotas that leave out what stands in a row of the order; none where none does."""
    curated = curate(found.ordered, found.request, max(1, len(found.served.slots)))
    if row in curated.rest or row in curated.pinned:
        return []
    ids = [
        str(one.rule_id)
        for one in found.request.rules.of_kind(QUOTA)
        if one.rule_id in curated.quotas and one.names(found.ordered.item_ids[[row]])[0]
    ]
    return [f"A quota of staff leaves it out: rule {' or '.join(ids)}."] if ids else []


def _turned_down(found: Look, item_id: int) -> list[str]:
    """The sentence on how likely a no is and what that costs; none where no model of verdicts can tell."""
    item_ids = np.array([item_id])
    chance = float(refusal_chances(found.request, item_ids)[0])
    kept = float(kept_after_refusal(found.request, item_ids)[0])
    if np.isnan(chance) or kept == 1.0:
        return []
    said = f"The chance that they turn it down once they look at it is {chance:.0%}: base score × {kept:.3f}."
    reasons = reasons_against(item_id=item_id)
    people = sum(count for _, count in reasons)
    # Of fewer, a reason is somebody's own and no pattern.
    if people >= TOLD_OF:
        label = REASONS[reasons[0][0]].label if reasons[0][0] in REASONS else reasons[0][0]
        said += f" {people:,} people turned it down, most often for “{label}” ({reasons[0][1]:,})."
    return [said]


def _held_back(found: Look, item_id: int, rules: StandingRules) -> list[str]:
    """Sentences on the facets of the item that dislikes and wishes hold back, and which cost it its place."""
    catalog, person = found.request.context.catalog, found.request.person
    row = catalog.content.facets[catalog.rows_of(np.array([item_id]))]
    held = set(catalog.facet_ids[row.indices].tolist()) & {*person.penalties, *rules.never}
    if not held or item_id in person.allowed or not (strength := found.request.context.policy.hold_back):
        return []
    names = name_facets(held)
    lost = titles_kept_out(
        user_id=person.user_id,
        use_case=found.use_case,
        facets_of={0: held, **{one: {one} for one in held}},
        rules=rules,
        limit=max(1, len(found.served.slots)),
        now=found.now,
    )
    said = []
    for one in sorted(held):
        kind, name = names.get(one, ("facet", str(one)))
        factor = "left out" if one in rules.never else f"× {person.penalties[one] ** strength:.3f}"
        alone = " Without this alone it would be in the list." if _has(lost, one, item_id) else ""
        said.append(f"Held back for its {kind} {name}: {factor}.{alone}")
    if len(held) > 1 and _has(lost, 0, item_id):
        said.append("Without all of these it would be in the list.")
    return said


def _has(lost: dict[int, list[ItemCard]], key: int, item_id: int) -> bool:
    return any(card.id == item_id for card in lost.get(key, ()))
