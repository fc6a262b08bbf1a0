"""Rows of sparse matrices as flat arrays.

Slicing a matrix of SciPy costs a tenth of a millisecond before anything is added up, and a request asks for a
dozen slices of a few rows each. The same sums over flat arrays cost microseconds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix

from core.arrays import Doubles, Ints, Rows

# So much more an entry costs that is chosen by its column, which is copied first. To choose at all costs as
# much as so many entries.
_DEARER, _CHOOSING = 3, 200_000


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


def products(matrix: "csr_matrix[Any]", rows: Rows, others: Rows) -> Doubles:
    """(len(rows), len(others)) the inner products of rows of a matrix (·, m) with others of it."""
    if len(rows) > len(others):
        # The table is one of the fewer.
        return products(matrix, others, rows).T
    own, theirs = Entries.of(matrix, rows), Entries.of(matrix, others)
    met = np.zeros(matrix.shape[1], dtype=np.bool_)
    met[own.columns] = True
    columns = np.cumsum(met) - 1
    table = np.zeros((np.count_nonzero(met), len(rows)))
    table[columns[own.columns], own.owners] = matrix.data[own.places]
    shared = np.flatnonzero(met[theirs.columns])
    result = np.zeros((len(others), len(rows)))
    if len(shared):
        added = matrix.data[theirs.places[shared], None] * table[columns[theirs.columns[shared]]]
        owners = theirs.owners[shared]
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
        result[owners[starts]] = np.add.reduceat(added, starts, axis=0)
    return result.T


@dataclass(frozen=True, slots=True, eq=False)
class Reversible:
    """A sparse matrix (n, m). A product reads all of it, or the columns asked for where they hold less.

    by_column  the same matrix; None where no product would read it
    """

    by_row: "csr_matrix[Any]"
    by_column: "csc_matrix[Any] | None"

    @classmethod
    def of(cls, matrix: "csr_matrix[Any]") -> "Reversible":
        """Both forms of a matrix; of a full one, such as of embeddings, the rows alone."""
        is_sparse = _DEARER * matrix.nnz < matrix.shape[0] * matrix.shape[1]
        return cls(matrix, csc_matrix(matrix) if is_sparse else None)

    def product(self, vector: Doubles) -> Doubles:
        """(n,) the product with a vector (m,), most of whose entries may be 0."""
        if self.by_column is not None and self.by_row.nnz > _CHOOSING:
            columns = np.flatnonzero(vector)
            starts = self.by_column.indptr
            asked = int((starts[columns + 1] - starts[columns]).sum())
            if asked * _DEARER + _CHOOSING < self.by_row.nnz:
                return np.asarray(self.by_column[:, columns] @ vector[columns])
        return np.asarray(self.by_row @ vector)


def dense_row(matrix: "csr_matrix[Any]", row: int) -> Doubles:
    """(m,) one row of a matrix (·, m), with zeros."""
    entries = slice(*matrix.indptr[row : row + 2])
    dense = np.zeros(matrix.shape[1])
    dense[matrix.indices[entries]] = matrix.data[entries]
    return dense
