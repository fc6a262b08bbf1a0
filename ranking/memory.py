"""Keeps what a context found of a person, for as long as nothing about them changes.

Most of what a list costs is the same sums over the same history. They are kept under a digest of all that
they are made of, so that nothing kept can be out of date, whoever changed what: another history, another
taste or another list seen has another digest. A context has its own memory, so another catalog, model or
policy begins with nothing. All memories of a process together are at most PEOPLE_MEMORY_MB large: whoever was
asked for longest ago goes first, whichever context they were met in.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import count
from threading import Lock
from typing import Any
from weakref import WeakSet

from django.conf import settings

from core.arrays import Doubles, Floats, Ints
from ranking.candidates import Brought, Candidates
from ranking.largeness import bytes_of_findings, bytes_of_person
from ranking.person import PersonState

# Of a context at most, however little each is: bytes bound them long before, at some 150 kB each.
MOST_PEOPLE = 10_000
# While somebody is asked for, and until they were weighed, their findings count as if they were so large.
_UNWEIGHED = 150_000
# Of one person: what they are now, and one other, as what asks for less reads of them.
_MOST_OF_ONE = 2


@dataclass(slots=True)
class Remembered:
    """Findings about one person. Whatever is set here is never changed, but for another as good.

    digest     of all that they are made of
    known      the recommenders that know the person; None until they were asked
    brought    what all sources brought to a list that asked for nothing else, and the pool of it
    features   the ids of a pool (n,), and what lasts of the features that were computed for it
    ranked     a digest of what the moment said to a ranker, and the pool of `brought` as it was ranked
    personalized  what bent scores beside the taste, the base scores, and the candidates as they were bent
    reasons    what the last reasons were asked for, and the reasons
    slots      the slots that were shown, by all that a slot is made of, with the card that its reason names
    sentences  the reasons in words, by reason and by what names both items as they are now
    """

    digest: bytes = b""
    known: tuple[str, ...] | None = None
    brought: tuple[list[Brought], Candidates] | None = None
    features: tuple[Ints, Floats] | None = None
    ranked: tuple[bytes, Candidates] | None = None
    personalized: tuple[tuple[Any, ...], Doubles, Candidates] | None = None
    reasons: tuple[tuple[Any, ...], tuple[Any, ...]] | None = None
    slots: dict[tuple[Any, ...], tuple[Any, Any]] = field(default_factory=dict)
    sentences: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def weight(self) -> int:
        """The bytes of all this, about."""
        held = (
            self.brought and self.brought[1],
            self.ranked and self.ranked[1],
            self.personalized and self.personalized[2],
        )
        return bytes_of_findings(
            pools=sum(len(pool) for pool in held if pool is not None),
            retrieved=sum(map(len, self.brought[0])) if self.brought else 0,
            features=sum(array.nbytes for array in self.features or ()),
            slots=self.slots,
            sentences=self.sentences,
        )


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """A person as they were met last, and what was found out about them then.

    mark      of all that was read of them: with the same mark all but their penalties is the same
    fading    what their penalties of a moment are made of; None where these stay as they are
    parts     the number of its parts: each no leaves one for every facet that it is laid on
    segment   theirs, and `rules` the rules of staff that were in force for them
    """

    mark: bytes
    person: PersonState
    fading: Any
    segment: str
    rules: tuple[Any, ...]
    remembered: Remembered
    parts: int = 0


@dataclass(slots=True)
class _Kept:
    """Findings, or somebody who was met; when they were asked for last, in ticks of the process."""

    what: Any
    size: int
    tick: int = 0


class Memory:
    """The people met last, by digest. Safe to use from several threads."""

    def __init__(self, most: int = MOST_PEOPLE) -> None:
        self._most = most
        self._people: OrderedDict[bytes, _Kept] = OrderedDict()
        self._digests: dict[int, list[bytes]] = {}
        self._met: OrderedDict[int, _Kept] = OrderedDict()
        self._size = 0
        with _lock:
            _memories.add(self)

    def __len__(self) -> int:
        """The number of findings that are kept."""
        return len(self._people)

    @property
    def size(self) -> int:
        """The bytes of what is kept, as it was weighed."""
        return self._size

    def of(self, person: PersonState) -> Remembered:
        """The findings about somebody of whom all the same is known; none yet where nobody was met.

        What they were before goes: who does much would else take the place of many.
        """
        digest = digest_of(person)
        with _lock:
            kept = self._people.get(digest)
            if kept is None:
                kept = self._people[digest] = _Kept(Remembered(digest), 0)
            self._ask(kept, self._people, digest)
            # People without a record are nobody in particular.
            if person.user_id:
                digests = self._digests.setdefault(person.user_id, [])
                if digest in digests:
                    digests.remove(digest)
                digests.append(digest)
                if len(digests) > _MOST_OF_ONE:
                    self._drop(self._people, digests.pop(0))
            if len(self._people) > self._most:
                self._drop(self._people, next(iter(self._people)))
            if len(self._digests) > self._most:
                del self._digests[next(iter(self._digests))]
            remembered: Remembered = kept.what
            _make_room()
        return remembered

    def met(self, user_id: int, mark: bytes) -> Acquaintance | None:
        """The person of this id as they were met last; None where something about them has changed."""
        with _lock:
            kept = self._met.get(user_id)
            if kept is None or kept.what.mark != mark:
                return None
            known: Acquaintance = kept.what
            kept.tick = next(_ticks)
            self._met.move_to_end(user_id)
            if (findings := self._people.get(known.remembered.digest)) is not None:
                self._ask(findings, self._people, known.remembered.digest)
        return known

    def meet(self, acquaintance: Acquaintance) -> None:
        """Keeps a person in place of what they were before.

        Slots and sentences are kept by all that they are made of, so those of before are as good.
        """
        user_id, now = acquaintance.person.user_id, acquaintance.remembered
        large = bytes_of_person(acquaintance.person, acquaintance.parts)
        with _lock:
            before = self._met.get(user_id)
            if before is not None and not now.slots:
                earlier: Remembered = before.what.remembered
                now.slots, now.sentences = earlier.slots, earlier.sentences
            self._drop(self._met, user_id)
            self._met[user_id] = _Kept(acquaintance, large, next(_ticks))
            self._size += large
            if len(self._met) > self._most:
                self._drop(self._met, next(iter(self._met)))
            _make_room()

    def weigh(self, remembered: Remembered) -> None:
        """Counts findings as large as they are, once a request has added all that it found."""
        size = remembered.weight()
        with _lock:
            kept = self._people.get(remembered.digest)
            if kept is not None and kept.what is remembered:
                self._size += size - kept.size
                kept.size = size
                _make_room()

    def _ask(self, kept: _Kept, among: "OrderedDict[Any, _Kept]", key: Any) -> None:
        """Puts findings last, as large as whoever asks may make them."""
        large = max(kept.size, _UNWEIGHED)
        self._size += large - kept.size
        kept.size, kept.tick = large, next(_ticks)
        among.move_to_end(key)

    def _drop(self, among: "OrderedDict[Any, _Kept]", key: Any) -> None:
        kept = among.pop(key, None)
        if kept is not None:
            self._size -= kept.size

    def oldest(self) -> int | None:
        """The tick of what was asked for longest ago; None where nothing is kept."""
        firsts = [next(iter(kept.values())).tick for kept in (self._people, self._met) if kept]
        return min(firsts, default=None)

    def drop_oldest(self) -> None:
        """Drops what was asked for longest ago."""
        among = min(
            (kept for kept in (self._people, self._met) if kept),
            key=lambda kept: next(iter(kept.values())).tick,
        )
        self._drop(among, next(iter(among)))


# Of a process. One lock for all: each holds it for some microseconds.
_lock = Lock()
_ticks = count(1)
_memories: "WeakSet[Memory]" = WeakSet()


def _make_room() -> None:
    """Drops who was asked for longest ago, of whatever context, until all is as large as it may be."""
    most = 1_000_000 * settings.PEOPLE_MEMORY_MB
    memories = list(_memories)
    while sum(memory.size for memory in memories) > most:
        filled = [(tick, memory) for memory in memories if (tick := memory.oldest()) is not None]
        if not filled:
            return
        min(filled, key=lambda one: one[0])[1].drop_oldest()


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
