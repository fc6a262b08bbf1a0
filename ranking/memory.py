"""Keeps what a context found of a person, for as long as nothing about them changes.

Most of what a list costs is the same sums over the same history. They are kept under a digest of all that
they are made of, so that nothing kept can be out of date, whoever changed what: another history, another
taste or another list seen has another digest. A context has its own memory, so another catalog, model or
policy begins with nothing.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from threading import Lock
from typing import Any

from core.arrays import Doubles, Floats, Ints
from ranking.candidates import Brought, Candidates
from ranking.person import PersonState
from ranking.recommenders.base import Retrieved

# So many people are kept, the last of them: some 300 kB each, however large the catalog is.
MOST_PEOPLE = 200
# Of one person: what they are now, and one other, as what asks for less reads of them.
_MOST_OF_ONE = 2


@dataclass(slots=True)
class Remembered:
    """Findings about one person. Whatever is set here is never changed, but for another as good.

    known      the recommenders that know the person; None until they were asked
    retrieved  the items that were brought, by recommender and limit, of what the person did not exclude
    brought    what all sources brought to a list that asked for nothing else, and the pool of it
    features   the ids of a pool (n,), and the features that were computed for it
    ranked     what a ranker told apart of them by their moment, and the pool of `brought` as it was ranked
    personalized  what bent scores beside the taste, the base scores, and the candidates as they were bent
    reasons    what the last reasons were asked for, and the reasons
    slots      the slots that were shown, by all that a slot is made of, with the card that its reason names
    sentences  the reasons in words, by reason and by what names both items as they are now
    """

    known: tuple[str, ...] | None = None
    retrieved: dict[tuple[str, int], Retrieved] = field(default_factory=dict)
    brought: tuple[list[Brought], Candidates] | None = None
    features: tuple[Ints, Floats] | None = None
    ranked: tuple[Ints | None, Candidates] | None = None
    personalized: tuple[tuple[Any, ...], Doubles, Candidates] | None = None
    reasons: tuple[tuple[Any, ...], tuple[Any, ...]] | None = None
    slots: dict[tuple[Any, ...], tuple[Any, Any]] = field(default_factory=dict)
    sentences: dict[tuple[Any, ...], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """A person as they were met last, and what was found out about them then.

    mark      of all that was read of them: with the same mark all but their penalties is the same
    fading    what their penalties of a moment are made of; None where these stay as they are
    segment   theirs, and `rules` the rules of staff that were in force for them
    """

    mark: bytes
    person: PersonState
    fading: Any
    segment: str
    rules: tuple[Any, ...]
    remembered: Remembered


class Memory:
    """The people met last, by digest. Safe to use from several threads."""

    def __init__(self, most: int = MOST_PEOPLE) -> None:
        self._most = most
        self._people: OrderedDict[bytes, Remembered] = OrderedDict()
        self._digests: dict[int, list[bytes]] = {}
        self._met: OrderedDict[int, Acquaintance] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """The number of findings that are kept."""
        return len(self._people)

    def of(self, person: PersonState) -> Remembered:
        """The findings about somebody of whom all the same is known; none yet where nobody was met.

        What they were before goes: who does much would else take the place of many.
        """
        digest = digest_of(person)
        with self._lock:
            remembered = self._people.setdefault(digest, Remembered())
            self._people.move_to_end(digest)
            # People without a record are nobody in particular.
            if person.user_id:
                digests = self._digests.setdefault(person.user_id, [])
                if digest in digests:
                    digests.remove(digest)
                digests.append(digest)
                if len(digests) > _MOST_OF_ONE:
                    self._people.pop(digests.pop(0), None)
            if len(self._people) > self._most:
                self._people.popitem(last=False)
            if len(self._digests) > self._most:
                del self._digests[next(iter(self._digests))]
        return remembered

    def met(self, user_id: int, mark: bytes) -> Acquaintance | None:
        """The person of this id as they were met last; None where something about them has changed."""
        known = self._met.get(user_id)
        return known if known is not None and known.mark == mark else None

    def meet(self, acquaintance: Acquaintance) -> None:
        """Keeps a person in place of what they were before.

        Slots and sentences are kept by all that they are made of, so those of before are as good.
        """
        before, now = self._met.get(acquaintance.person.user_id), acquaintance.remembered
        if before is not None and not now.slots:
            now.slots, now.sentences = before.remembered.slots, before.remembered.sentences
        with self._lock:
            self._met[acquaintance.person.user_id] = acquaintance
            self._met.move_to_end(acquaintance.person.user_id)
            if len(self._met) > self._most:
                self._met.popitem(last=False)


def digest_of(person: PersonState) -> bytes:
    """16 bytes that are others for whoever differs in anything that recommenders and features read.

    The factors of dislikes are not among it, for they fade from moment to moment: they are applied to what
    was ranked, each time anew.
    """
    taste = person.taste.taste
    digest = blake2b(digest_size=16)
    arrays = (
        *(person.item_ids, person.weights, person.excluded),
        *(person.seen.item_ids, person.seen.ranks, person.seen.times),
        *(taste.facet_ids, taste.kinds, taste.scores, taste.values, taste.running),
    )
    rest = (person.last_types, person.known, person.taste.alpha, taste.evidence, taste.feedback, taste.names)
    for part in (*(array.tobytes() for array in arrays), repr(rest).encode()):
        # Each with its length, so that no two parts can be cut in another place.
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()


class Representations(Mapping[str, Any]):
    """The person as each recommender that knows them sees them, made when it is asked for."""

    def __init__(self, known: tuple[str, ...], represent: Callable[[str], Any]) -> None:
        self._known, self._represent = known, represent
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            if name not in self._known:
                raise KeyError(name)
            self._made[name] = self._represent(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)
