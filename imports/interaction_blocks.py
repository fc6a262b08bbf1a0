"""Blocks of interactions, checked by columns.

A row that is in any way unusual is left to `parse_interaction`, which knows every rule and names what is
wrong. So no rule is said twice: here stands what surely keeps it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from core.arrow import pa
from core.domain import TYPES
from core.values import CLOCK_SKEW, LEAST_EPOCH, TAKEN, BadValue, check_rated, named
from imports.blocks import Block
from imports.interaction_rows import RatingScale, kind_in, read_type
from imports.said import SAID_COLUMNS

Mask: TypeAlias = npt.NDArray[np.bool_]
Integers: TypeAlias = npt.NDArray[np.int64]

# What their rules store as it is.
_PLAIN_USERNAME = r"^[A-Za-z0-9@.+_-]{1,150}$"
_PLAIN_ID = "^[!-~]{1,200}$"
_SECONDS = "^[0-9]{9,11}$"
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3}|\.[0-9]{6})?(Z|\+00:00)?$"
_UTC = r"(Z|\+00:00)$"
_MOMENT = pa.timestamp("us", "UTC")


@dataclass(frozen=True, slots=True)
class _Coded:
    """Cells by the place of each in `values`, which are what the rule makes of them, or a BadValue."""

    codes: Integers
    values: Sequence[Any]

    def take(self, places: Integers) -> pa.Array:
        return pa.array([None if isinstance(value, BadValue) else value for value in self.values]).take(
            pa.array(self.codes[places])
        )


@dataclass(frozen=True, slots=True)
class CheckedBlock:
    """The columns of the good rows of a block, the `kinds` of their items, and the places of its others."""

    columns: Mapping[str, pa.Array]
    kinds: frozenset[str]
    others: Sequence[int]


def check_block(
    block: Block, *, default_kind: str, scale: RatingScale, refused: Collection[str]
) -> CheckedBlock:
    """The block with the rows apart that are to be looked at one by one; `refused` are names of people."""
    cells = block.cells
    kinds = _coded(cells.get("kind"), lambda text: kind_in(text) or default_kind, block.size)
    types = _coded(cells["type"], read_type, block.size)
    ratings = _coded(cells.get("rating"), scale.read, block.size)
    weights = _weigh(kinds, types, ratings)
    happened, good = _read_moments(cells["occurred_at"])
    good &= ~np.isnan(weights) & _matches(cells["user"], _PLAIN_USERNAME) & _matches(cells["item"], _PLAIN_ID)
    good &= ~_mask(pc.is_in(cells["user"], pa.array(sorted(refused), pa.string())))
    for name in SAID_COLUMNS:
        if name in cells:
            good &= _is_blank(cells[name])
    ended, is_ended = _read_ends(cells.get("withdrawn_at"), types, happened)
    good &= is_ended | (ended == 0)
    places = np.flatnonzero(good)
    columns = {
        "line": pa.array(places + block.first),
        "username": cells["user"].take(places),
        "kind": kinds.take(places),
        "external_id": cells["item"].take(places),
        "type": types.take(places),
        "weight": pa.array(weights[places]),
        "rating": ratings.take(places).cast(pa.float64()),
        "occurred_at": pa.array(happened[places]).cast(_MOMENT),
    }
    if is_ended.any():
        columns["withdrawn_at"] = pa.array(ended[places], mask=~is_ended[places]).cast(_MOMENT)
    named_kinds = frozenset(kinds.values[code] for code in np.unique(kinds.codes[places]).tolist())
    return CheckedBlock(columns, named_kinds, np.flatnonzero(~good).tolist())


def _coded(cells: pa.StringArray | None, read: Callable[[str | None], object], size: int) -> _Coded:
    """A column by the values that a rule makes of its texts; one that the file lacks is empty."""
    if cells is None:
        return _Coded(np.zeros(size, np.int64), [read(None)])
    coded = cells.dictionary_encode()
    values: list[object] = []
    for text in coded.dictionary.to_pylist():
        try:
            values.append(read(text))
        except BadValue as error:
            values.append(error)
    return _Coded(coded.indices.to_numpy().astype(np.int64), values)


def _weigh(kinds: _Coded, types: _Coded, ratings: _Coded) -> npt.NDArray[np.float64]:
    """The training weight of each row; NaN where kind, type and rating are bad or do not go together."""
    codes = (kinds.codes * len(types.values) + types.codes) * len(ratings.values) + ratings.codes
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    found = [
        _weight(
            kinds.values[kinds.codes[place]],
            types.values[types.codes[place]],
            ratings.values[ratings.codes[place]],
        )
        for place in first.tolist()
    ]
    return np.array(found)[inverse]


def _weight(kind: Any, type_name: Any, rating: Any) -> float:
    if any(isinstance(value, BadValue) for value in (kind, type_name, rating)):
        return np.nan
    try:
        named("type", TAKEN[kind], type_name)
        if rating is not None:
            check_rated(type_name)
    except BadValue:
        return np.nan
    return TYPES[type_name].training_weight(rating)


def _read_moments(cells: pa.StringArray) -> tuple[Integers, Mask]:
    """The moments as microseconds since 1970, and where these surely are what the rule makes of the cells."""
    moments = np.zeros(len(cells), np.int64)
    is_number, is_iso = _matches(cells, _SECONDS), _matches(cells, _ISO)
    if is_number.any():
        moments[is_number] = cells.filter(pa.array(is_number)).cast(pa.int64()).to_numpy() * 1_000_000
    if is_iso.any():
        texts = pc.replace_substring_regex(cells.filter(pa.array(is_iso)), _UTC, "")
        try:
            moments[is_iso] = texts.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
        except pa.ArrowInvalid:
            # One of them is on a 30th of February.
            is_iso[:] = False
    latest = (datetime.now(UTC) + CLOCK_SKEW).timestamp() * 1e6
    is_past = (moments >= np.where(is_number, LEAST_EPOCH * 1e6, 0)) & (moments < latest)
    return moments, (is_number | is_iso) & is_past


def _read_ends(cells: pa.StringArray | None, types: _Coded, happened: Integers) -> tuple[Integers, Mask]:
    """Moments at which acts were taken back, and where they are sure; 0 for none, -1 for what is not sure."""
    if cells is None or (blank := _is_blank(cells)).all():
        return np.zeros_like(happened), np.zeros_like(happened, dtype=np.bool_)
    ended, is_sure = _read_moments(cells)
    can_end = np.array([name in TYPES and TYPES[name].can_be_withdrawn for name in map(str, types.values)])
    is_sure &= can_end[types.codes] & (ended >= happened)
    return np.where(is_sure, ended, np.where(blank, 0, -1)), is_sure


def _matches(cells: pa.StringArray, pattern: str) -> Mask:
    return _mask(pc.match_substring_regex(cells, pattern))


def _is_blank(cells: pa.StringArray) -> Mask:
    return _mask(pc.equal(cells, ""))


def _mask(found: pa.BooleanArray) -> Mask:
    result: Mask = found.to_numpy(zero_copy_only=False)
    return result
