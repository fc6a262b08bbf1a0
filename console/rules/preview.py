"""A rule before it acts: the items that it names, and one list without it and with it."""

from dataclasses import dataclass, replace

import numpy as np

from accounts.models import User
from catalog.models import Item
from console.rules.checking import Finding, findings_of, named_by_use_case
from core.domain import USE_CASES, UseCase
from curation.acting import ActingRule, RuleSet
from curation.kinds import PIN
from curation.selectors import RuleRow
from ranking.evaluation_report import PEOPLE_SEGMENTS
from serving.live import get_context, get_state
from serving.looking import Look, look, why_not
from serving.pipeline import DEFAULT_LIMIT
from serving.rule_sets import acting_rule

MOST_TITLES = 10


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the list without the rule and with it; a title is "" where the list is shorter.

    mark  what became of the title that is there with the rule, in words; "" where it stood there before
    """

    rank: int
    before: str
    after: str
    mark: str
    by_rule: bool
    is_gone: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """The effect of a rule.

    named     how many items it names, by the label of the use case
    titles    the first of them
    use_case  the one of the list that is shown; None where it names nothing
    whose     whose list that is
    """

    named: dict[str, int]
    titles: tuple[str, ...]
    use_case: UseCase | None
    whose: str
    places: tuple[Place, ...]
    findings: tuple[Finding, ...]

    @property
    def is_refused(self) -> bool:
        """True where a finding keeps the rule from being saved."""
        return any(one.refuses for one in self.findings)


def preview_of(row: RuleRow, person: User | None, stored: RuleRow | None = None) -> Preview:
    """The effect of a rule on the list of a person, or of a newcomer, as if it acted from now on.

    `stored` is the same rule as it stands: the list before is with that one. Seven queries, and
    one for each use case.
    """
    named, findings = named_by_use_case(row), findings_of(row)
    labels = {USE_CASES[name].label: len(item_ids) for name, item_ids in named.items()}
    whose = "a newcomer" if person is None else person.username
    name = next((one for one in named if person is None or _is_open(person, one)), None)
    if name is None:
        if named:
            findings.append(Finding(f"{whose} has no lists of these."))
        return Preview(labels, (), None, whose, (), tuple(findings))
    titles = Item.objects.filter(pk__in=named[name][:MOST_TITLES].tolist()).order_by("pk")
    use_case = USE_CASES[name]
    mine = replace(acting_rule(row, get_context(name).catalog), begins=-np.inf, ends=np.inf)
    others = tuple(one for one in get_state(name).rules if one.rule_id != row.id)
    kept = [] if stored is None else [acting_rule(stored, get_context(name).catalog)]
    user_id = None if person is None else person.pk
    before, after = (
        look(user_id=user_id, use_case=use_case, limit=DEFAULT_LIMIT, rules=RuleSet((*others, *extra)))
        for extra in (kept, [mine])
    )
    found = [*findings, *_of_list(mine, before, after, whose, row)]
    return Preview(
        labels,
        tuple(str(one) for one in titles),
        use_case,
        whose,
        _places(before, after, row.id),
        tuple(found),
    )


def _is_open(person: User, use_case: str) -> bool:
    return USE_CASES[use_case].role in (None, *person.roles)


def _of_list(mine: ActingRule, before: Look, after: Look, whose: str, row: RuleRow) -> list[Finding]:
    """The findings on the list that is shown."""
    if before.served.slots and not after.served.slots:
        return [Finding(f"It would leave nothing in the list of {whose}.", refuses=True)]
    if all(one.rule_id != mine.rule_id for one in after.request.rules):
        why = _not_for(mine, whose) or "The arm of an experiment that they are in runs without it."
        return [Finding(f"It does not act on this list. {why}")]
    shown = {slot.item.id for slot in after.served.slots}
    if mine.kind == PIN and row.item_id and row.item_id not in shown:
        item = Item.objects.get(pk=row.item_id)
        return [Finding(f"It is not in this list. {' '.join(why_not(after, item))}")]
    if [slot.item.id for slot in before.served.slots] == [slot.item.id for slot in after.served.slots]:
        return [Finding("It changes nothing in this list.")]
    was, remains = len(before.served.slots), len(after.served.slots)
    if remains < was:
        return [Finding(f"It would leave {remains} titles of {was} in the list of {whose}.")]
    return []


def _not_for(mine: ActingRule, whose: str) -> str:
    if not mine.segment:
        return ""
    title = PEOPLE_SEGMENTS[mine.segment].title if mine.segment in PEOPLE_SEGMENTS else mine.segment
    return f"It is for {title}, and {whose} is in another segment."


def _places(before: Look, after: Look, rule_id: int) -> tuple[Place, ...]:
    was = {slot.item.id: slot.rank for slot in before.served.slots}
    stays = {slot.item.id for slot in after.served.slots}
    old, new = before.served.slots, after.served.slots
    rows = []
    for row in range(max(len(old), len(new))):
        left, right = (slots[row] if row < len(slots) else None for slots in (old, new))
        mark = ""
        if right is not None and right.item.id not in was:
            mark = "new"
        elif right is not None and was[right.item.id] != right.rank:
            mark = f"was {was[right.item.id]}"
        rows.append(
            Place(
                rank=row + 1,
                before="" if left is None else left.item.title,
                after="" if right is None else right.item.title,
                mark=mark,
                by_rule=right is not None and rule_id in right.rules,
                is_gone=left is not None and left.item.id not in stays,
            )
        )
    return tuple(rows)
