"""Rows of Parquet files, as JSON Lines would say them."""

import json
import math
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow.parquet as pq

from core.arrow import pa
from imports.sources import BrokenFile

BATCH = 1_000
# Of a row group as it is unpacked: a file of a few bytes may say that it holds a terabyte.
MAX_GROUP_BYTES = 1 << 30
# In a column of text, as the exports write it.
_AS_JSON = "attributes"


def parquet_rows(stream: BinaryIO, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a file, one at a time, times as ISO 8601, nothing as None. Raises BrokenFile."""
    try:
        file = pq.ParquetFile(stream)
        groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
        if any(group.total_byte_size > MAX_GROUP_BYTES for group in groups):
            most = f"{MAX_GROUP_BYTES:,} bytes"
            raise BrokenFile(f"{name}: a row group is larger than {most}. Write smaller ones.")
        for batch in file.iter_batches(batch_size=BATCH):
            for row in batch.to_pylist():
                yield {column: _plain(column, value) for column, value in row.items()}
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        # Also what Python cannot say of a value, such as a moment of the year 30000.
        reason = str(error).split("\n", 1)[0][:200]
        raise BrokenFile(f"{name} is a damaged Parquet file ({reason}). Write it anew.") from error


def _plain(column: str, value: object) -> object:
    match value:
        case date():
            return value.isoformat()
        case Decimal():
            return float(value)
        case float() if math.isnan(value):
            return None
        case str() if column == _AS_JSON:
            return _read(value)
        case _:
            return value


def _read(text: str) -> object:
    """The value of a text of JSON; the text itself where it is none, for the checks to refuse."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
