"""The session log in chunks, oldest list first, with its slots as Arrow columns instead of JSON objects.

Each chunk is a query of its own that goes on where the one before ended. So nothing is held open meanwhile,
and rows may be written while they are walked through.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pyarrow.json
from django.db.models import BinaryField, Model, Q, QuerySet, TextField, Value, Window
from django.db.models.functions import Cast, Mod, RowNumber

from accounts.selectors import counts_for_others
from core.arrays import Bools, Doubles, Floats, Ints, Rows
from core.arrow import pa
from core.domain import UseCase
from ranking.datasets.manifest import DatasetError
from ranking.features import FEATURES
from ranking.methods import PIN, PRUNED, SEARCH
from recommendations.models import RecommendationSession

CHUNK = 2_000
# Another machine reads so many chunks at once: some megabytes of rows, about a second of work.
PART_CHUNKS = 2
Table = TypeVar("Table", bound=Model)

_SLOT = pa.struct(
    [
        ("item_id", pa.int64()),
        ("rank", pa.int64()),
        ("score", pa.float64()),
        ("base_score", pa.float64()),
        ("method", pa.string()),
        ("source", pa.string()),
        ("source_score", pa.float64()),
        ("propensity", pa.float64()),
        ("rules", pa.list_(pa.int64())),
    ]
)
_LINE = pa.schema([("shown", pa.list_(_SLOT))])


@dataclass(frozen=True, eq=False)
class SessionChunk:
    """g lists with n slots in all, list after list, in the order of time.

    session_ids  (g,) of type UUID
    keys         (g,) the same as text in the form that this database gives them
    user_ids     (g,)
    seen_ranks   (g,) deepest rank seen; 0 is none
    times        (g,) when it was shown, seconds since 1970
    lists        (g,) Arrow lists of slots
    logged       (g,) the features as bytes, a row of float32 per slot, or None
    span         when the first and the last was shown
    """

    session_ids: Sequence[Any]
    keys: Sequence[str]
    user_ids: Ints
    seen_ranks: Ints
    times: Doubles
    lists: pa.ListArray
    logged: Sequence[bytes | memoryview | None]
    span: tuple[datetime, datetime]

    def rows(self) -> QuerySet[RecommendationSession]:
        """The rows of these lists, and of whichever others were shown meanwhile.

        In a query, two moments cost less than thousands of ids.
        """
        return RecommendationSession.objects.filter(created_at__range=self.span).order_by()

    @cached_property
    def sizes(self) -> Ints:
        """(g,) slots of each list."""
        sizes: Ints = self.lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        return sizes

    @cached_property
    def list_of_slot(self) -> Rows:
        """(n,) the list each slot belongs to."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @cached_property
    def ranks(self) -> Ints:
        """(n,) from 1: the place that the entry names, as an imported list may lack some; else by order."""
        starts = np.cumsum(self.sizes) - self.sizes
        counted: Ints = np.arange(1, len(self.list_of_slot) + 1) - starts[self.list_of_slot]
        told: Ints = self.slots.field("rank").fill_null(0).to_numpy(zero_copy_only=False)
        return np.where(told > 0, told, counted)

    @cached_property
    def slots(self) -> pa.StructArray:
        """(n,) all slots."""
        return self.lists.flatten()

    def numbers(self, name: str) -> Doubles:
        """(n,) one number of each slot; NaN where there is none."""
        column: Doubles = self.slots.field(name).fill_null(np.nan).to_numpy(zero_copy_only=False)
        return column

    def texts(self, name: str) -> pa.StringArray:
        """(n,) one text of each slot; empty where there is none."""
        return self.slots.field(name).fill_null("")

    @cached_property
    def item_ids(self) -> Ints:
        """(n,); 0, which no item has, where there is none."""
        item_ids: Ints = self.slots.field("item_id").fill_null(0).to_numpy(zero_copy_only=False)
        return item_ids

    @cached_property
    def pinned(self) -> Bools:
        """(n,) the slots that a rule of staff filled: no model chose them, so none learns from them."""
        pinned: Bools = np.equal(self.texts("method").to_numpy(zero_copy_only=False), PIN)
        return pinned

    @cached_property
    def ruled(self) -> Bools:
        """(n,) the slots that rules of staff pinned, boosted or buried."""
        acted = self.slots.field("rules").value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        ruled: Bools = self.pinned | (acted > 0)
        return ruled

    def features(self) -> Floats:
        """(n, f) as logged; NaN in the lists of which they are missing or not as long as they must be."""
        width = len(FEATURES)
        empty = np.float32(np.nan).tobytes() * width
        whole = [
            logged if logged is not None and len(logged) == size * width * 4 else empty * size
            for logged, size in zip(self.logged, self.sizes.tolist(), strict=True)
        ]
        return np.frombuffer(b"".join(whole), dtype="<f4").reshape(-1, width)


def sessions_until(use_case: UseCase, end: datetime) -> QuerySet[RecommendationSession]:
    """The lists of a use case that were shown up to `end`.

    Left out are answers to a search, which follow another order, those whose slots are gone, and those of
    profiles.
    """
    shown = RecommendationSession.objects.filter(use_case=use_case.name, created_at__lte=end)
    return shown.filter(counts_for_others()).exclude(method__in=[SEARCH, PRUNED])


def read_sessions(
    sessions: QuerySet[RecommendationSession], *, with_features: bool = True
) -> Iterator[SessionChunk]:
    """These sessions, oldest first. Raises DatasetError for a row whose list is none.

    Without features, those that were logged are not read.
    """
    # The text of the JSON goes to Arrow's parser, which is several times faster than Python's.
    shown_text = as_text("recommendations_shown")
    logged = "features" if with_features else Value(None, output_field=BinaryField())
    columns = (as_text("pk"), "user_id", "seen_rank", shown_text, logged)
    for rows in in_time_order(sessions, "created_at", *columns, chunk=CHUNK):
        moments, session_ids, keys, user_ids, seen_ranks, shown, features = zip(*rows, strict=True)
        yield SessionChunk(
            session_ids=session_ids,
            keys=keys,
            user_ids=np.array(user_ids, dtype=np.int64),
            seen_ranks=np.array(seen_ranks, dtype=np.int64),
            times=np.array([moment.timestamp() for moment in moments]),
            lists=_parse(shown),
            logged=features,
            span=(moments[0], moments[-1]),
        )


def as_text(column: str) -> Cast:
    """A column as the database writes it, which spares Python the making of objects."""
    return Cast(column, TextField())


def in_time_order(
    rows: QuerySet[Table], moment: str, *columns: Any, chunk: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Chunks of `rows` by the time in the column `moment` and then by id: (time, id, *columns) of each."""
    ordered = rows.order_by(moment, "pk")
    after = Q()
    while batch := list(ordered.filter(after).values_list(moment, "pk", *columns)[:chunk]):
        yield batch
        if len(batch) < chunk:
            return
        after = _after(moment, *batch[-1][:2])


def parts_of(sessions: QuerySet[RecommendationSession]) -> list[Q]:
    """Filters for parts of these sessions that follow each other, of PART_CHUNKS each: one query.

    Whatever comes in between or after them meanwhile belongs to one part too.
    """
    place = Window(RowNumber(), order_by=["created_at", "pk"])
    ends = sessions.annotate(rest=Mod(place, PART_CHUNKS * CHUNK)).filter(rest=0).order_by("created_at", "pk")
    keys = list(ends.values_list("created_at", "pk"))
    firsts = [Q(), *(_after("created_at", *key) for key in keys)]
    lasts = [*(_up_to("created_at", *key) for key in keys), Q()]
    return [first & last for first, last in zip(firsts, lasts, strict=True)]


def _after(moment: str, time: datetime, key: Any) -> Q:
    # The first condition says nothing new, but it is the one that an index answers.
    return Q((f"{moment}__gte", time)) & (Q((f"{moment}__gt", time)) | Q(pk__gt=key))


def _up_to(moment: str, time: datetime, key: Any) -> Q:
    return Q((f"{moment}__lte", time)) & (Q((f"{moment}__lt", time)) | Q(pk__lte=key))


def _parse(shown: Sequence[str]) -> pa.ListArray:
    lines = "".join(f'{{"shown":{text}}}\n' for text in shown).encode()
    try:
        table = pyarrow.json.read_json(
            io.BytesIO(lines),
            # One block, because a row must not lie across two.
            read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=_LINE, newlines_in_values=True, unexpected_field_behavior="ignore"
            ),
        )
    except pa.ArrowInvalid as error:
        raise DatasetError(f"A recommendation session holds a list that cannot be read: {error}") from error
    column = table["shown"].combine_chunks()
    return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
