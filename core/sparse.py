"""Rows of sparse matrices as flat arrays.

Slicing a matrix of SciPy costs a tenth of a millisecond before anything is added up, and a request asks for a
dozen slices of a few rows each. The same sums over flat arrays cost microseconds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Doubles, Ints, Rows


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """The stored entries of n chosen rows, row after row, (k,) each.

    size     n
    owners   the chosen row of each, from 0 to n - 1
    places   its position in the arrays of the matrix
    columns  its column
    """

    size: int
    owners: Rows
    places: Rows
    columns: Ints

    @classmethod
    def of(cls, matrix: "csr_matrix[Any]", rows: Rows) -> "Entries":
        """The entries of the rows (n,) of a matrix."""
        starts = matrix.indptr[rows]
        counts = matrix.indptr[rows + 1] - starts
        ends = np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else 0
        places = np.arange(total) + np.repeat(starts - ends + counts, counts)
        return cls(len(rows), np.repeat(np.arange(len(rows)), counts), places, matrix.indices[places])

    def sums(self, values: Doubles) -> Doubles:
        """(n,) the sum of the values (k,) of each row's entries."""
        sums: Doubles = np.bincount(self.owners, weights=values, minlength=self.size).astype(
            np.float64, copy=False
        )
        return sums

    def sums_by(self, groups: Ints, values: Doubles, number: int) -> Doubles:
        """(n, number) the sums of the values (k,) of each row's entries, by the group (k,) of each entry."""
        cells = self.owners * number + groups
        sums = np.bincount(cells, weights=values, minlength=self.size * number).astype(np.float64, copy=False)
        return sums.reshape(self.size, number)


def weighted_sum(matrix: "csr_matrix[Any]", rows: Rows, weights: Doubles) -> Doubles:
    """(m,) the sum of rows (n,) of a matrix (·, m), each by its weight."""
    entries = Entries.of(matrix, rows)
    added = matrix.data[entries.places] * weights[entries.owners]
    total: Doubles = np.bincount(entries.columns, weights=added, minlength=matrix.shape[1]).astype(
        np.float64, copy=False
    )
    return total


def dense_rows(matrix: "csr_matrix[Any]", rows: Rows) -> Doubles:
    """(m, n) the rows (n,) of a matrix (·, m) as columns, with zeros."""
    entries = Entries.of(matrix, rows)
    dense = np.zeros((matrix.shape[1], len(rows)))
    dense[entries.columns, entries.owners] = matrix.data[entries.places]
    return dense
