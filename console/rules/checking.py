"""Rules held against each other and the catalog: what one names, contradicts, or would leave of a list."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from django.utils import timezone

from core.arrays import Ints
from core.domain import USE_CASES
from curation.acting import ActingRule
from curation.kinds import BLOCK, BOOST, BURY, PIN, QUOTA
from curation.selectors import RuleRow, standing_rules
from ranking.snapshot import CatalogSnapshot
from serving.live import get_context
from serving.rule_sets import acting_rule, rule_set_of


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about a rule; one that `refuses` keeps it from being saved."""

    text: str
    refuses: bool = False


def use_cases_of_rule(row: RuleRow) -> list[str]:
    """The use cases in whose lists a rule acts."""
    return [name for name in USE_CASES if row.use_case in ("", name)]


def named_by_use_case(row: RuleRow) -> dict[str, Ints]:
    """The ids of the items that a rule names, by the use cases where it names any."""
    catalogs = {name: get_context(name).catalog for name in use_cases_of_rule(row)}
    found = {name: acting_rule(row, catalog).item_ids for name, catalog in catalogs.items()}
    return {name: item_ids for name, item_ids in found.items() if len(item_ids)}


def findings_of(row: RuleRow) -> list[Finding]:
    """The findings on a rule beside those that stand, what refuses it first; none twice."""
    if not named_by_use_case(row):
        return [Finding("It names nothing in the catalog, so it would change nothing.", refuses=True)]
    found = dict.fromkeys(one for name in use_cases_of_rule(row) for one in _beside(row, name))
    return sorted(found, key=lambda one: not one.refuses)


def _beside(row: RuleRow, use_case: str) -> Iterator[Finding]:
    catalog = get_context(use_case).catalog
    mine = acting_rule(row, catalog)
    if not len(mine.item_ids):
        return
    standing = tuple(one for one in standing_rules(use_case, timezone.now()) if one.id != row.id)
    others = [one for one in rule_set_of(standing, catalog) if meets(mine, one) and len(one.item_ids)]
    for other in others:
        yield from _pair(mine, other)
    yield from _crowded(mine, others)
    yield from _empties(mine, others, catalog, use_case)


def meets(one: ActingRule, other: ActingRule) -> bool:
    """True where there is a moment and a person for which both act."""
    at_once = one.begins < other.ends and other.begins < one.ends
    return at_once and (one.segment == other.segment or "" in (one.segment, other.segment))


def _pair(mine: ActingRule, other: ActingRule) -> Iterator[Finding]:
    """The findings on two rules that meet."""
    rule, kinds = f"Rule {other.rule_id}", {mine.kind, other.kind}
    same = np.array_equal(mine.item_ids, other.item_ids)
    if BLOCK in kinds and kinds & {PIN, BOOST, BURY}:
        yield from _blocked(mine, other)
    elif kinds == {BOOST, BURY} and same:
        yield Finding(f"{rule} is to {other.kind} just the same. End one of them first.", refuses=True)
    elif kinds == {PIN} and mine.number == other.number:
        yield Finding(f"{rule} has this place already. Choose another.", refuses=True)
    elif kinds == {PIN} and same and len(mine.item_ids) == 1:
        yield Finding(f"{rule} pins the same item to place {other.number:.0f}.", refuses=True)
    elif kinds == {QUOTA} and same and _width(mine) == _width(other):
        yield Finding(f"{rule} counts the same already, at most {other.number:.0f}.", refuses=True)
    elif len(kinds) == 1 and same and mine.kind in (BOOST, BURY):
        yield Finding(f"{rule} is to {other.kind} just the same: both factors multiply.")
    elif kinds == {BLOCK} and _inside(mine, other):
        yield Finding(f"{rule} blocks all of it already.")


def _blocked(mine: ActingRule, other: ActingRule) -> Iterator[Finding]:
    block, moved = (mine, other) if mine.kind == BLOCK else (other, mine)
    hit = int(block.names(moved.item_ids).sum())
    if not hit:
        return
    whole = hit == len(moved.item_ids)
    if block is mine:
        what = "all" if whole else f"{hit:,} of the {len(moved.item_ids):,}"
        yield Finding(f"It would block {what} that rule {moved.rule_id} is to {moved.kind}.", refuses=whole)
    else:
        what = "all of it" if whole else f"{hit:,} of the {len(moved.item_ids):,} that it names"
        yield Finding(f"Rule {block.rule_id} blocks {what}.", refuses=whole)


def _crowded(mine: ActingRule, others: Iterable[ActingRule]) -> Iterator[Finding]:
    """Quotas that have more pins than they allow."""
    known = [mine, *others]
    pins = [one for one in known if one.kind == PIN]
    for quota in (one for one in known if one.kind == QUOTA and _width(one) == 1):
        inside = [one for one in pins if _inside(one, quota)]
        if len(inside) > quota.number and (mine is quota or any(mine is one for one in inside)):
            which = "It" if mine is quota else f"Rule {quota.rule_id}"
            yield Finding(
                f"{which} allows {quota.number:.0f} and {len(inside)} are pinned. End a pin, or allow more.",
                refuses=True,
            )


def _empties(
    mine: ActingRule, others: Iterable[ActingRule], catalog: CatalogSnapshot, use_case: str
) -> Iterator[Finding]:
    if mine.kind != BLOCK:
        return
    blocking = [mine, *(one for one in others if one.kind == BLOCK)]
    blocked = np.unique(np.concatenate([one.item_ids for one in blocking]))
    if len(blocked) == len(catalog.item_ids):
        yield Finding(f"It would leave nothing for any list of {USE_CASES[use_case].label}.", refuses=True)


def _inside(one: ActingRule, other: ActingRule) -> bool:
    return bool(other.names(one.item_ids).all())


def _width(quota: ActingRule) -> int:
    return 0 if quota.groups is None else int(quota.groups.shape[1])
