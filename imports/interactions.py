"""Import of interactions from CSV, JSON Lines or Parquet."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from django.utils import timezone

from core.domain import DEFAULT_KIND, USE_CASES
from core.progress import Progress
from core.values import (
    BadValue,
)
from imports.cells import Bindable
from imports.interaction_merge import merge_interactions
from imports.interaction_rows import INTERACTION_COLUMNS, OUR_SCALE, RatingScale, parse_interaction
from imports.item_rows import kind_named
from imports.reading import read_parts
from imports.rows import AS_IT_SHOWS, BadRow, BadRows, Notation, Row
from imports.slices import in_slices
from imports.staged_interactions import STAGED_INTERACTIONS, StagedInteraction
from imports.staging import Staging, open_staging
from interactions.popularity import refresh_popularity

if TYPE_CHECKING:
    from imports.blocks import Block


@dataclass(frozen=True, slots=True)
class InteractionSummary:
    """The outcome of `import_interactions`. `replaced`: active states that a newer row ended."""

    rows: int
    created: int
    replaced: int
    unchanged: int
    new_users: int
    bad_rows: int
    reports: tuple[BadRow, ...]


def import_interactions(
    *,
    path: Path,
    kind: str = DEFAULT_KIND,
    notation: Notation = AS_IT_SHOWS,
    scale: RatingScale = OUR_SCALE,
    max_errors: int = 0,
    accounts: Collection[str] = (),
    progress: Progress | None = None,
) -> InteractionSummary:
    """Imports a file of interactions; `kind` is that of items in rows that name none.

    `scale` is that of its ratings; `accounts` are the names of people who log in and to whom it may add.

    All or nothing, and the same file again changes nothing: one person does one thing with one item at one
    moment once. Of a state such as a like the first stands; of several ratings the newest is active.
    Raises BrokenFile, ImportRefused when more than `max_errors` rows are bad, and InvalidInput.
    """
    kind = kind_named(kind)
    bad_rows = BadRows(allowed=max_errors)
    people = Bindable(accounts)
    progress = progress or Progress(quiet=True)
    now = timezone.now()
    with open_staging(STAGED_INTERACTIONS) as staging:
        stage = _Stage(staging, kind, scale, people, bad_rows, progress)
        for part in read_parts(path, columns=INTERACTION_COLUMNS, bad_rows=bad_rows, notation=notation):
            stage.add(part)
        usable = staging.count + bad_rows.count
        with in_slices() as slices:
            counts = merge_interactions(staging, path.name, bad_rows, slices)
            # Nobody's demand changed for items of other kinds.
            for use_case in USE_CASES.values():
                if use_case.kind in stage.kinds:
                    refresh_popularity(use_case=use_case.name, now=now)
    return InteractionSummary(
        rows=usable,
        created=counts.created,
        replaced=counts.replaced,
        unchanged=counts.unchanged,
        new_users=counts.new_users,
        bad_rows=bad_rows.count,
        reports=tuple(bad_rows.reports),
    )


@dataclass(slots=True)
class _Stage:
    """The way of a file's rows into the staging table. `kinds` are those of their items."""

    staging: Staging[StagedInteraction]
    default_kind: str
    scale: RatingScale
    people: Bindable
    bad_rows: BadRows
    progress: Progress
    kinds: set[str] = field(default_factory=set)

    def add(self, part: "Block | Row") -> None:
        if isinstance(part, Row):
            self._add_row(part)
        else:
            self._add_block(part)

    def _add_block(self, block: "Block") -> None:
        # Arrow takes a tenth of a second to load, and only CSV comes in blocks.
        from imports.interaction_blocks import check_block

        checked = check_block(
            block, default_kind=self.default_kind, scale=self.scale, refused=self.people.refused
        )
        self.staging.add_columns(checked.columns)
        self.kinds |= checked.kinds
        self.progress.advance(block.size - len(checked.others))
        for place in checked.others:
            self._add_row(block.row(place))

    def _add_row(self, row: Row) -> None:
        self.progress.advance()
        try:
            staged = parse_interaction(row, default_kind=self.default_kind, scale=self.scale)
            self.people.check(staged.username)
        except BadValue as error:
            self.bad_rows.add(row.file, row.number, str(error))
        else:
            self.staging.add(staged)
            self.kinds.add(staged.kind)
