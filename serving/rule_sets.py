"""The rules of staff over one catalog: the items that each names, found by the conditions that lists take."""

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Bools, Ints
from core.domain import FACETS
from core.filters import ATTRIBUTE, BadFilter, Is, parse_filter
from curation.acting import NO_RULES, ActingRule, RuleSet
from curation.kinds import QUOTA
from curation.models import Rule
from curation.selectors import RuleRow
from ranking.snapshot import CatalogSnapshot
from serving.filtering import ItemIndex, index_of

FACET_WORDS = {word: facet.name for facet in FACETS.values() for word in (facet.column, facet.name)}
About = Rule.About


def rule_set_of(rows: tuple[RuleRow, ...], catalog: CatalogSnapshot) -> RuleSet:
    """The rules over a catalog: two queries for a catalog where one of them names more than single items."""
    return RuleSet(tuple(acting_rule(row, catalog) for row in rows)) if rows else NO_RULES


def acting_rule(row: RuleRow, catalog: CatalogSnapshot) -> ActingRule:
    """One rule over a catalog. What it says and the catalog does not have names nothing."""
    groups = _groups(row, catalog) if row.kind == QUOTA else None
    named = _named(row, catalog) if groups is None else groups.getnnz(axis=1) > 0
    return ActingRule(
        rule_id=row.id,
        kind=row.kind,
        segment=row.segment,
        number=row.number or 0.0,
        begins=row.begins_at.timestamp(),
        ends=np.inf if row.ends_at is None else row.ends_at.timestamp(),
        item_ids=catalog.item_ids[named],
        groups=groups,
    )


def _named(row: RuleRow, catalog: CatalogSnapshot) -> Bools:
    """The mask (n,) of the items that a rule is about."""
    if row.about == About.ITEM:
        only: Bools = catalog.item_ids == (row.item_id or 0)
        return only
    index = index_of(catalog)
    if row.about == About.FACET:
        return index.matching(Is(row.facet_kind, (row.facet_name.casefold(),)))
    try:
        return index.matching(parse_filter(row.filter, FACET_WORDS))
    except BadFilter:
        # Its words are of a heed.toml of before.
        return np.zeros(len(catalog.item_ids), dtype=np.bool_)


def _groups(row: RuleRow, catalog: CatalogSnapshot) -> "csr_matrix[np.float64]":
    """(n, g) what of the items counts together under a quota: all that it names, or each value apart."""
    if row.about != About.EACH:
        return csr_matrix(_named(row, catalog)[:, None].astype(np.float64))
    index = index_of(catalog)
    if row.each.startswith(ATTRIBUTE):
        return _by_attribute(index, row.each.removeprefix(ATTRIBUTE), len(catalog.item_ids))
    columns = [column for (kind, _), column in index.columns.items() if kind == row.each]
    return index.facets[:, columns].tocsr()


def _by_attribute(index: ItemIndex, name: str, items: int) -> "csr_matrix[np.float64]":
    attribute = index.attributes.get(name)
    values: list[Ints] = [] if attribute is None else list(attribute.texts.values())
    rows = np.concatenate(values) if values else np.empty(0, dtype=np.int64)
    groups = np.repeat(np.arange(len(values)), [len(one) for one in values])
    return csr_matrix((np.ones(len(rows)), (rows, groups)), shape=(items, len(values)))
