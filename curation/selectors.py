"""Reads of the rules of staff."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from curation.models import Rule

DRAFT = -1


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule as it stands in the table; `id` is DRAFT for one that is not there yet."""

    id: int
    kind: str
    use_case: str
    segment: str
    about: str
    item_id: int | None
    facet_kind: str
    facet_name: str
    filter: str
    each: str
    number: float | None
    begins_at: datetime
    ends_at: datetime | None

    @classmethod
    def of(cls, rule: Rule) -> "RuleRow":
        """The row of a rule, saved or not."""
        values: dict[str, Any] = {name: getattr(rule, name) for name in COLUMNS}
        return cls(**{**values, "id": rule.pk or DRAFT})


COLUMNS = tuple(name for name in RuleRow.__dataclass_fields__)


def acting_rules(use_case: str, now: datetime) -> QuerySet[Rule]:
    """The rules that act now on lists of a use case, as they were made, each with its item."""
    standing = Rule.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), use_case__in=["", use_case])
    return standing.filter(begins_at__lte=now).select_related("item").order_by("pk")


def standing_rules(use_case: str, now: datetime) -> tuple[RuleRow, ...]:
    """The rules of a use case that act now or later, in the order in which they were made: one query."""
    standing = Rule.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), use_case__in=["", use_case])
    return tuple(RuleRow(*row) for row in standing.order_by("pk").values_list(*COLUMNS))
