"""Reading of datasets: columns of a Parquet file as arrays."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.arrow import pa
from ranking.datasets.manifest import DATA


def read_columns(folder: Path, *columns: str) -> dict[str, NDArray[Any]]:
    """Columns of a dataset as arrays (n,), NaN for what is missing; moments as seconds since 1970."""
    table = pq.read_table(folder / DATA, columns=list(columns))
    return {name: _values(table[name]) for name in columns}


def _values(column: pa.ChunkedArray) -> NDArray[Any]:
    if pa.types.is_timestamp(column.type):
        seconds: NDArray[Any] = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy() / 1e6
        return seconds
    values: NDArray[Any] = column.to_numpy()
    return values
