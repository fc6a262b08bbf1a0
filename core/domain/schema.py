"""The classes of the domain: each key of heed.toml with its type, its default and what is allowed.

One definition for both: pydantic reads the annotations once, at start, and the product uses plain frozen
dataclasses from then on. docs/heed-toml.md says what each key means.
"""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import ConfigDict, Field

MAX_RATING = 10.0
# What a rated interaction without a rating counts as.
UNRATED = 7.0

Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
ShortName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,15}$")]
Plural: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Words: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
OptionalWords: TypeAlias = Annotated[str, Field(max_length=200)]
Share: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]

FacetGroup: TypeAlias = Literal["category", "theme", "people", "series", "other"]
_STRICT = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class ItemKind:
    """What an item is, and what a person can do with it.

    plural   in addresses: /api/<plural>
    label    on pages, for many of them
    actions  the interaction types that it takes, by the word in the address
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Name
    plural: Plural
    label: Words
    actions: Annotated[frozenset[str], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class FacetKind:
    """What a facet says of an item.

    column     of an import file
    label      of one, such as Genre
    plural     of many, such as Genres
    heading    before the names on an item's page; `plural` where it is left out
    group      what it is to a program: the category that describes an item best, a theme, a person, a series
    cues       words before a name in a search that say that this kind is meant
    taste      whether a profile learns how a person stands to it
    boost_cap  how much of a base score liked facets of this kind add at the most
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: ShortName
    column: Name
    label: Words
    plural: Words
    heading: OptionalWords = ""
    group: FacetGroup = "other"
    cues: tuple[Words, ...] = ()
    taste: bool = False
    boost_cap: Share = 0.0


@dataclass(frozen=True, slots=True)
class InteractionType:
    """What one kind of interaction means, and how it reads.

    training      weight as ALS confidence and ranker label; of a rated one it is scaled by rating / 10
    profile       weight in the taste profile; None where something else decides (a dislike's reason)
    polarity      +1 speaks for the item, -1 against it, 0 neither
    relevance     graded relevance for the ranker (dislike 0, passed over 1, view 2, like 3, apply 4)
    is_state      at most one live row per person and item (a like), against an event that recurs (a view)
    excludes      the item is known to the person and is not recommended again
    is_statement  said on purpose, so that it moves the taste vector
    is_rated      comes with a rating from 0 to 10, where the person gives one
    ends_dislike  it and a dislike end each other
    action        the word in the address
    undo          the type that taking it back records; "" for none
    label         on its button; "" where it is no action, so that every kind takes it and no page offers it
    done          in a list of what a person did
    because       why something similar is there
    said, unsaid  when it is done or taken back
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Name
    action: Name
    training: Annotated[float, Field(ge=-10.0, le=10.0)]
    relevance: Annotated[int, Field(ge=0, le=4)]
    done: Words
    profile: Annotated[float, Field(ge=-1.0, le=1.0)] | None = None
    polarity: Literal[-1, 0, 1] = 0
    is_state: bool = False
    excludes: bool = False
    is_statement: bool = False
    is_rated: bool = False
    ends_dislike: bool = False
    undo: str = ""
    label: OptionalWords = ""
    icon: OptionalWords = ""
    because: OptionalWords = ""
    said: OptionalWords = ""
    unsaid: OptionalWords = ""

    @property
    def is_action(self) -> bool:
        """Whether it stands on a button."""
        return bool(self.label)

    def training_weight(self, rating: float | None) -> float:
        """The training weight of one interaction: of a rated type × rating / 10, unrated as if 7."""
        if not self.is_rated:
            return self.training
        return self.training * (UNRATED if rating is None else rating) / MAX_RATING


@dataclass(frozen=True, slots=True)
class Role:
    """What a person comes for. They say so themselves, in the words of `label`, and may hold several."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Name
    label: Words


@dataclass(frozen=True, slots=True)
class UseCase:
    """Whom lists are for.

    `positive_interactions` are the interaction types that count as a success when a model is evaluated; the
    first is what a person does with what they pick to begin with.
    `sources` names the candidate sources asked at serving, in order of trust.
    `models` names the kinds of recommender that `retrain` trains.
    `role` is the one that a person must hold to get these lists; None where they are for everybody.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    kind: str
    label: Words
    positive_interactions: Annotated[tuple[str, ...], Field(min_length=1)]
    sources: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "als",
        "two_tower",
        "popular",
        "taste",
        "similar",
        "fresh",
    )
    models: tuple[str, ...] = ("als", "two_tower", "ranker")
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """All that heed.toml says, in its order; the first kind and the first use case are the defaults."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    kinds: Annotated[dict[str, ItemKind], Field(min_length=1)]
    facets: dict[str, FacetKind]
    interactions: dict[str, InteractionType]
    use_cases: Annotated[dict[str, UseCase], Field(min_length=1)]
    roles: dict[str, Role] = field(default_factory=dict)
