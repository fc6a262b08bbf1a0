"""The words of all titles, to find the items whose titles hold a text."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.arrays import Bools, Ints


@dataclass(frozen=True, slots=True, eq=False)
class TitleWords:
    """The v different words of the titles of n items, and which items have each.

    letters  their letters in UTF-8, each word with the end of a line behind it
    starts   (v + 1,) where each begins
    rows     the items that have a word, word after word
    firsts   (v + 1,) where those of each word begin
    """

    letters: NDArray[np.uint8]
    starts: Ints
    rows: Ints
    firsts: Ints
    count: int

    @classmethod
    def of(cls, titles: Iterable[str]) -> "TitleWords":
        """The words of titles in lower case, an item after the other."""
        known: dict[str, int] = {}
        words, rows, count = [], [], 0
        for row, title in enumerate(titles):
            count += 1
            for word in {*title.split()}:
                words.append(known.setdefault(word, len(known)))
                rows.append(row)
        of_word = np.array(words, dtype=np.int64)
        written = [f"{word}\n".encode() for word in known]
        return cls(
            letters=np.frombuffer(b"".join(written), dtype=np.uint8),
            starts=np.cumsum([0, *map(len, written)]),
            rows=np.array(rows, dtype=np.int64)[np.argsort(of_word, kind="stable")],
            firsts=np.cumsum([0, *np.bincount(of_word, minlength=len(known))]),
            count=count,
        )

    def holding(self, text: str) -> Bools:
        """The mask (n,) of the items whose titles hold all words of `text`, each as a part of a word."""
        mask = np.ones(self.count, dtype=np.bool_)
        for word in text.split():
            found = np.zeros(self.count, dtype=np.bool_)
            found[self.rows[entries_of(self._with(word), self.firsts)]] = True
            mask &= found
        return mask

    def _with(self, part: str) -> Ints:
        """The words that hold `part`. What it costs does not depend on how many do."""
        sought = part.encode()
        places = np.flatnonzero(self.letters == sought[0])
        for further, letter in enumerate(sought[1:], 1):
            # No word reaches past the end of the last line.
            places = places[places + further < len(self.letters)]
            places = places[self.letters[places + further] == letter]
        # A mask, because sorting out doubles takes longer than all of the rest.
        has = np.zeros(len(self.starts) - 1, dtype=np.bool_)
        has[np.searchsorted(self.starts, places, side="right") - 1] = True
        words: Ints = np.flatnonzero(has)
        return words


def entries_of(groups: Ints, firsts: NDArray[np.integer[Any]]) -> Ints:
    """The entries of several groups, of which group g has those from firsts[g] to firsts[g + 1]."""
    begins, sizes = firsts[groups], firsts[groups + 1] - firsts[groups]
    # Counted on from the begin of each group.
    steps = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    entries: Ints = np.repeat(begins, sizes) + steps
    return entries
