"""Reads of the rules that a person made for their own lists: what comes less or never, or is let through."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import FloatField, Q, QuerySet, Value
from django.utils import timezone

from catalog.models import Item, ItemFacet
from core.queries import Parameter, moment_as_text
from core.values import Choice, Text
from feedback.models import OwnRule

Strength = OwnRule.Strength

FACTORS: Mapping[str, float] = {Strength.LESS: 0.5, Strength.MUCH_LESS: 0.2}
"""The factor of the score of what is shown less."""

ALWAYS, TITLE, TONIGHT, NEVER = "always", "title", "tonight", "never"
DAYS = {"day": 1, "week": 7, "month": 30}
SCOPES = (ALWAYS, TITLE, TONIGHT, *DAYS, NEVER)
"""The reach of a no: from now on, to this title only, until an end, or as a block for good."""
SCOPE = Choice(SCOPES)
ABOUT = Text(300)

# A night is over at this hour, and is never shorter than so much.
_MORNING = 5
_SHORTEST_NIGHT = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class StandingRules:
    """A person's rules that stand now.

    less      factor of the score of what has each facet
    never     ids of facets that are in no list
    left_out  ids of items that are in no list
    allowed   ids of items that no facet keeps out or holds back
    """

    less: Mapping[int, float] = field(default_factory=dict)
    never: frozenset[int] = frozenset()
    left_out: frozenset[int] = frozenset()
    allowed: frozenset[int] = frozenset()

    @classmethod
    def of(cls, facets: Iterable[tuple[int, str]], items: Iterable[tuple[int, str]]) -> "StandingRules":
        """The rules by (facet id, strength) and by (item id, strength). The strongest of a facet counts."""
        less: dict[int, float] = {}
        never, left_out, allowed = set[int](), set[int](), set[int]()
        for facet_id, strength in facets:
            if strength == Strength.NEVER:
                never.add(facet_id)
            else:
                less[facet_id] = min(less.get(facet_id, 1.0), FACTORS.get(strength, 1.0))
        for item_id, strength in items:
            (allowed if strength == Strength.ALLOW else left_out).add(item_id)
        return cls(less, frozenset(never), frozenset(left_out - allowed), frozenset(allowed))


NO_RULES = StandingRules()


def standing_rules(user_id: int | Parameter, now: datetime | Parameter | None = None) -> QuerySet[OwnRule]:
    """The rules of a person that stand, newest first."""
    moment = now or timezone.now()
    return OwnRule.objects.filter(Q(ends_at=None) | Q(ends_at__gt=moment), user_id=user_id, ended_at=None)


def rule_rows(
    user_id: int | Parameter, now: datetime | Parameter, target: str
) -> QuerySet[OwnRule, tuple[int, str, float, str]]:
    """The standing rules of items or of facets, by `target`, as rows for a union with other reads."""
    rows = standing_rules(user_id, now).filter(**{f"{target}__isnull": False}).order_by()
    nothing, since = Value(0.0, output_field=FloatField()), moment_as_text("created_at")
    return rows.values_list(f"{target}_id", "strength", nothing, since)


def get_rules(user_id: int, now: datetime | None = None) -> StandingRules:
    """The rules of a person that stand: one query."""
    rows = list(standing_rules(user_id, now).order_by().values_list("facet_id", "item_id", "strength"))
    return StandingRules.of(
        ((facet_id, strength) for facet_id, _, strength in rows if facet_id),
        ((item_id, strength) for _, item_id, strength in rows if item_id),
    )


def wanted_items(items: QuerySet[Item], rules: StandingRules) -> QuerySet[Item]:
    """Those of the items that a person's own rules do not keep out of their lists."""
    blocked = Q(pk__in=rules.left_out)
    if rules.never:
        with_facets = ItemFacet.objects.filter(facet_id__in=rules.never).values("item_id")
        blocked |= Q(pk__in=with_facets) & ~Q(pk__in=rules.allowed)
    return items.exclude(blocked)


def end_of(scope: str, now: datetime) -> datetime | None:
    """The moment at which a scope ends; None for one that lasts."""
    if scope in DAYS:
        return now + timedelta(days=DAYS[scope])
    if scope != TONIGHT:
        return None
    local = timezone.localtime(now)
    morning = local.replace(hour=_MORNING, minute=0, second=0, microsecond=0)
    return morning if morning - local >= _SHORTEST_NIGHT else morning + timedelta(days=1)
