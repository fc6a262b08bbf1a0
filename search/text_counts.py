"""Counts of words and of character sequences, weighted: BM25F for words, TF-IDF for the sequences.

Counting is a dictionary and one sparse matrix. scikit-learn does the same with its vectorizers, but importing
it costs every worker 117 MB and its first search three seconds.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, diags_array

from core.domain import PEOPLE
from core.text import words

Floats = NDArray[np.float32]

# Weight of a word by where it stands (BM25F's field weights), and how much a long field dilutes it.
TITLE_WEIGHT, PEOPLE_WEIGHT, FACET_WEIGHT, DESCRIPTION_WEIGHT = 5.0, 3.0, 3.0, 1.0
_DILUTION = 0.4
_SATURATION = 1.2
_GRAM = 3


@dataclass(frozen=True, slots=True)
class WordCounts:
    """The weight of each word in each of n items, from 0 to 1, and how many items hold it."""

    columns: Mapping[str, int]
    weights: "csc_matrix[np.float32]"  # (n, words)

    def weights_of(self, column: int) -> tuple[NDArray[np.int32], Floats]:
        """The rows of the items that hold the word of `column`, and its weight in each."""
        span = slice(self.weights.indptr[column], self.weights.indptr[column + 1])
        return self.weights.indices[span], self.weights.data[span]

    def rarity(self, holders: int) -> float:
        """The weight of being one of `holders` (the IDF of BM25): above 0."""
        return float(np.log1p((self.weights.shape[0] - holders + 0.5) / (holders + 0.5)))

    def holders_of(self, word: str) -> int:
        """The number of items that hold `word`."""
        column = self.columns.get(word)
        return 0 if column is None else len(self.weights_of(column)[0])


def count_words(
    *,
    titles: Sequence[str],
    descriptions: Sequence[str],
    facets: Sequence[tuple[str, str]],
    holders: "csr_matrix[np.float32]",
) -> tuple[WordCounts, list[str]]:
    """Weighs the words of n items; beside the weights, the words that stand in a title or a name.

    `holders` (n, facets) is 1 where an item has a facet of `facets` (kind, name). Robertson and Zaragoza,
    The Probabilistic Relevance Framework, 2009, section 3.6: frequencies are summed over the fields, each
    with its weight and divided by its relative length, and saturated once, without the IDF.
    """
    columns, counts = _count([*titles, *(name for _, name in facets), *descriptions], words)
    facets_begin, facets_end = len(titles), len(titles) + len(facets)
    in_names = counts[facets_begin:facets_end]
    is_person = np.array([kind in PEOPLE for kind, _ in facets], dtype=np.float32)
    total = (
        TITLE_WEIGHT * _by_length(counts[:facets_begin])
        + PEOPLE_WEIGHT * _by_length(csr_matrix(holders @ diags_array(is_person) @ in_names))
        + FACET_WEIGHT * _by_length(csr_matrix(holders @ diags_array(1 - is_person) @ in_names))
        + DESCRIPTION_WEIGHT * _by_length(counts[facets_end:])
    )
    weights = csc_matrix(total, dtype=np.float32)
    weights.data /= _SATURATION + weights.data
    is_label = np.asarray(counts[:facets_end].sum(axis=0)).ravel() > 0
    return WordCounts(columns, weights), [word for word, column in columns.items() if is_label[column]]


def _count(
    texts: Iterable[str], cut: Callable[[str], list[str]]
) -> tuple[dict[str, int], "csr_matrix[np.float32]"]:
    """The columns of the pieces into which `cut` divides the texts, and how often each text has each."""
    columns: dict[str, int] = {}
    indices, ends = array("i"), array("q", [0])
    for text in texts:
        indices.extend([columns.setdefault(piece, len(columns)) for piece in cut(text)])
        ends.append(len(indices))
    ones = np.ones(len(indices), dtype=np.float32)
    shape = (len(ends) - 1, len(columns))
    counts = csr_matrix((ones, np.asarray(indices), np.asarray(ends)), shape=shape)
    counts.sum_duplicates()
    return columns, counts


def _by_length(counts: "csr_matrix[np.float32]") -> "csr_matrix[np.float32]":
    """Frequencies divided by the length of the field relative to its mean, as far as it dilutes."""
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    mean = lengths[lengths > 0].mean() if (lengths > 0).any() else 1.0
    factors = 1.0 / (1.0 - _DILUTION + _DILUTION * lengths / mean)
    return csr_matrix(diags_array(factors.astype(np.float32)) @ counts)


@dataclass(frozen=True, slots=True)
class Grams:
    """The TF-IDF of the sequences of three characters in labels, for what is spelled alike."""

    columns: Mapping[str, int]
    rarities: Floats
    labels: "csr_matrix[np.float32]"  # (sequences, labels), the weights of a label with norm 1

    def alike(self, text: str) -> tuple[NDArray[np.int32], Floats]:
        """The labels that share a sequence with `text`, and the cosines, above 0 and at most 1."""
        known = [self.columns[gram] for gram in _grams(text) if gram in self.columns]
        found, times = np.unique(np.array(known, dtype=np.int64), return_counts=True)
        weights = times * self.rarities[found]
        # A sequence that no label has makes the text as unlike as the rarest that one has.
        strange = (len(_grams(text)) - len(known)) * float(self.rarities.max(initial=0.0)) ** 2
        norm = np.sqrt(np.square(weights).sum() + strange) or 1.0
        query = csr_matrix((weights / norm, found, [0, len(found)]), shape=(1, len(self.rarities)))
        alike = csr_matrix(query @ self.labels)
        return alike.indices, np.minimum(alike.data, 1.0).astype(np.float32)


def count_grams(labels: Sequence[str]) -> Grams:
    """The sequences of `labels`, which are squashed already."""
    columns, counts = _count(labels, _grams)
    holders = np.bincount(counts.indices, minlength=len(columns))
    rarities = (np.log((1 + len(labels)) / (1 + holders)) + 1).astype(np.float32)
    weights = csr_matrix(counts @ diags_array(rarities))
    norms = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
    norms[norms == 0] = 1.0
    weights = csr_matrix(diags_array((1 / norms).astype(np.float32)) @ weights)
    return Grams(columns, rarities, csr_matrix(weights.T))


def _grams(text: str) -> list[str]:
    marked = f"^{text}$" if text else ""
    return [marked[place : place + _GRAM] for place in range(len(marked) - _GRAM + 1)]
