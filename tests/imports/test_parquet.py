"""Rows of Parquet: values that Python cannot hold break the file in words."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imports.parquet import parquet_rows
from imports.sources import BrokenFile

FAR = [
    pa.array([2**62], pa.timestamp("us")),
    pa.array([10**12], pa.timestamp("s")),
    pa.array([10**15], pa.date64()),
    pa.array([10**8], pa.date32()),
]


@pytest.mark.parametrize("values", FAR, ids=lambda values: str(values.type))
def test_a_moment_that_no_calendar_has_is_said(values: Any) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"occurred_at": values}), file)
    file.seek(0)
    with pytest.raises(BrokenFile, match="out of range"):
        list(parquet_rows(file, "log.parquet"))
