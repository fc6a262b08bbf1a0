"""The words of dislikes in a file: the reason, the comment, and what the no was about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.models import Facet, Item
from core.domain import DISLIKE, DOMAIN, FACETS
from core.sql import Table, column_field, column_names, fill, table_name
from core.values import COMMENT, REASON, TRUTH, BadValue, shown
from feedback.models import Dislike
from feedback.rules import ABOUT
from imports.cells import optional
from imports.rows import MAX_REPORTS, BadRows
from imports.staging import execute, execute_write
from interactions.models import UserInteraction

SAID_COLUMNS = ("reason", "feedback_text", "about", "title_only")
_SAID = frozenset(SAID_COLUMNS)


@dataclass(frozen=True, slots=True)
class Said:
    """The words of a person with a no; None where a row says nothing of it.

    about_kind, about_name  the one facet that it is about
    """

    reason: str | None = None
    feedback_text: str | None = None
    about_kind: str | None = None
    about_name: str | None = None
    title_only: bool | None = None


NOTHING = Said()

STAGED_SAID = {
    "reason": column_field(Dislike, "reason"),
    "feedback_text": column_field(Dislike, "feedback_text"),
    "about_kind": column_field(Facet, "kind"),
    "about_name": column_field(Facet, "name"),
    "title_only": column_field(Dislike, "title_only"),
}

_TABLES: dict[str, Table | str] = {
    "staged": "heed_interactions",
    "new": "heed_new_interactions",
    "item": Table(Item, "item"),
    "facet": Table(Facet, "facet"),
    "done": Table(UserInteraction, "done"),
    "dislike": Table(Dislike, "dislike"),
    "dislikes": table_name(Dislike),
}

# Rows of unknown items are bad already.
_UNKNOWN_FACETS = """
FROM {staged} AS staged
JOIN {item} ON {item.kind} = staged.kind AND {item.external_id} = staged.external_id
LEFT JOIN {facet} ON {facet.kind} = staged.about_kind AND {facet.name} = staged.about_name
WHERE staged.about_kind IS NOT NULL AND {facet.id} IS NULL
"""
_LIST_UNKNOWN_FACETS = fill(
    "SELECT staged.line, staged.about_kind, staged.about_name" + _UNKNOWN_FACETS + "ORDER BY line LIMIT %s",
    **_TABLES,
)
_DELETE_UNKNOWN_FACETS = fill(
    "DELETE FROM {staged} WHERE line IN (SELECT staged.line" + _UNKNOWN_FACETS + ")",  # noqa: S608  our own names
    **_TABLES,
)

# Of the rows that entered the log. They are finished with those that say nothing.
_INSERT_SAID = fill(
    """
INSERT INTO {dislikes} ({columns})
SELECT {done.user}, {done.item}, {item.title}, {done.id}, '', '', '{unfinished}',
       COALESCE(fresh.reason, '{plain}'), '', COALESCE(fresh.feedback_text, ''), {facet.id},
       COALESCE(fresh.title_only, {false}), '{imported}', {done.occurred_at}
FROM {new} AS fresh
JOIN {done} ON {done.user} = fresh.user_id AND {done.item} = fresh.item_id AND {done.type} = fresh.type
 AND {done.occurred_at} = fresh.occurred_at
JOIN {item} ON {item.id} = {done.item}
LEFT JOIN {facet} ON {facet.kind} = fresh.about_kind AND {facet.name} = fresh.about_name
LEFT JOIN {dislike} ON {dislike.interaction} = {done.id}
WHERE fresh.part = %s AND fresh.type = '{type}' AND {dislike.id} IS NULL
  AND (fresh.reason IS NOT NULL OR fresh.feedback_text IS NOT NULL OR fresh.about_kind IS NOT NULL
       OR fresh.title_only)
""",
    columns=column_names(
        Dislike,
        "user",
        "item",
        "title",
        "interaction",
        "use_case",
        "model_version",
        "context_source",
        "reason",
        "recommendation_set_id",
        "feedback_text",
        "about",
        "title_only",
        "review_state",
        "created_at",
    ),
    unfinished=Dislike.UNFINISHED,
    plain=DOMAIN.dislikes.plain,
    imported=Dislike.ReviewState.IMPORTED.value,
    false="FALSE",
    type=DISLIKE,
    **_TABLES,
)


def parse_said(values: Mapping[str, Any], type_name: str) -> Said:
    """The words of one row of this type. Raises BadValue."""
    if not _SAID.intersection(values):
        return NOTHING
    reason = optional("reason", REASON, values.get("reason"))
    text = optional("feedback_text", COMMENT, values.get("feedback_text"))
    about = optional("about", ABOUT, values.get("about"))
    title_only = optional("title_only", TRUTH, values.get("title_only"))
    if (reason, text, about, title_only) == (None, None, None, None):
        return NOTHING
    if type_name != DISLIKE:
        raise BadValue(f"{', '.join(SAID_COLUMNS)} belong to a dislike, not to {type_name}")
    if about is None:
        return Said(reason, text, title_only=title_only)
    kind, _, name = (part.strip() for part in about.partition(":"))
    if kind not in FACETS or not name:
        example = f"{next(iter(FACETS))}:Name"
        raise BadValue(f"about must be a kind of facet and a name, such as {example}, not {shown(about)}")
    return Said(reason, text, kind, name, title_only)


def report_unknown_facets(file: str, bad_rows: BadRows) -> int:
    """Notes the staged rows that are about a facet that does not exist, and drops them; returns how many."""
    listed = execute(_LIST_UNKNOWN_FACETS, [MAX_REPORTS])
    for line, kind, name in listed:
        bad_rows.add(file, line, f"about: there is no facet {shown(f'{kind}:{name}')}")
    dropped = execute_write(_DELETE_UNKNOWN_FACETS) if listed else 0
    bad_rows.count += dropped - len(listed)
    return dropped


def write_said(part: int) -> None:
    """Writes what was said with the noes that just entered the log, for `complete_dislikes` to finish."""
    execute_write(_INSERT_SAID, [part])
