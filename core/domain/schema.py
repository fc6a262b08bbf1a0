"""The classes of the domain: each key of heed.toml with its type, its default and what is allowed.

One definition for both: pydantic reads the annotations once, at start, and the product uses plain frozen
dataclasses from then on. docs/reference/heed-toml.md says what each key means.
"""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, TypeAlias

from django.conf import settings
from pydantic import ConfigDict, Field

MAX_RATING = 10.0
MIDDLE_RATING = MAX_RATING / 2
# The share of its full weight with which a rated interaction without a rating speaks for its item.
UNRATED = 0.5
# The middle of a person's ratings is drawn to that of the scale as if they had given so many there, and lies
# at most so far from it: whoever has rated little, or all alike, has not said where their middle is.
MIDDLE_PRIOR = 10.0
MIDDLE_REACH = 1.5
# Graded relevance, as in the ranker's dataset.
_REFUSED, _INDIFFERENT, _LOOKED_AT = 0, 1, 2

Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
ShortName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,15}$")]
Plural: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Words: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
# Part of the name of a feature, and a key of JSON that no database takes for a place in a list.
NumberName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,59}$")]
OptionalWords: TypeAlias = Annotated[str, Field(max_length=200)]
Share: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]

Color: TypeAlias = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]

FacetGroup: TypeAlias = Literal["category", "theme", "people", "series", "other"]
Icon: TypeAlias = Literal["like", "favorite", "watchlist", "apply", "interest", "dislike"]
_STRICT = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class ItemKind:
    """A kind of item, and the actions that a person has with it.

    noun     of one, in a sentence; the name where it is left out
    plural   in addresses: /api/<plural>
    label    on pages, for many of them
    actions  the interaction types that it takes, by the word in the address
    kept     those of them that put an item on the page of what a person kept
    numbers  the attributes, numbers, that the ranker reads
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Name
    noun: Words
    plural: Plural
    label: Words
    actions: Annotated[frozenset[str], Field(min_length=1)]
    kept: frozenset[str] = frozenset()
    numbers: Annotated[tuple[NumberName, ...], Field(max_length=16)] = ()


@dataclass(frozen=True, slots=True)
class FacetKind:
    """A kind of facet of items.

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
    """An interaction type: its meaning and its words.

    training      weight as ALS confidence and ranker label; of a rated one it is scaled by `strength`
    profile       weight in the taste profile; None where something else decides (a dislike's reason)
    polarity      +1 speaks for the item, -1 against it, 0 neither
    relevance     graded relevance for the ranker (dislike 0, passed over 1, view 2, like 3, apply 4)
    is_state      at most one active row per person and item (a like), against an event that recurs (a view)
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
    question      of a rated one, before a person is asked for a rating
    affirm, deny  of a rated one, on the buttons that record it and take it back
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
    icon: Icon = "like"
    because: OptionalWords = ""
    said: OptionalWords = ""
    unsaid: OptionalWords = ""
    question: Words = "Do you know it?"
    affirm: Words = "I know it"
    deny: Words = "I do not know it"

    @property
    def is_action(self) -> bool:
        """True where it stands on a button."""
        return bool(self.label)

    @property
    def is_look(self) -> bool:
        """True where it recurs and a reason may name it."""
        return bool(self.because) and not self.is_state

    @property
    def can_be_withdrawn(self) -> bool:
        """True where the person can take it back."""
        return self.is_state or self.is_look

    def strength(self, rating: float | None, middle: float = MIDDLE_RATING) -> float:
        """The share of its full weight with which one interaction speaks for its item, -1 to 1.

        1 for a type that is not rated, UNRATED without a rating. Else it rises from -1 at 0 over 0 at
        `middle` to 1 at 10, on a straight line on both sides: a rating below the middle is a no.
        """
        if not self.is_rated:
            return 1.0
        if rating is None:
            return UNRATED
        return (rating - middle) / (middle if rating < middle else MAX_RATING - middle)

    def training_weight(self, rating: float | None, middle: float = MIDDLE_RATING) -> float:
        """The signed training weight of one interaction; `middle` is that of the person's own ratings."""
        return self.training * self.strength(rating, middle)

    def strength_of(self, weight: float) -> float:
        """The strength, -1 to 1, that is behind a training weight; below 0 it is a no.

        To a millionth: a database that writes numbers as text does not give the last digits back.
        """
        return max(-1.0, min(1.0, round(weight / abs(self.training), 6))) if self.training else 0.0

    def relevance_of(self, weight: float) -> int:
        """The graded relevance of one interaction with this training weight, 0 to 4.

        A rating is a no below the middle, nothing at it, a look as long as it speaks for the item less than
        having watched it does, and from there on what the type says.
        """
        if not self.is_rated:
            return self.relevance
        strength = self.strength_of(weight)
        if strength <= 0.0:
            return _REFUSED if strength < 0.0 else _INDIFFERENT
        return self.relevance if strength >= UNRATED else min(self.relevance, _LOOKED_AT)


@dataclass(frozen=True, slots=True)
class Role:
    """A role of people. They choose it themselves, in the words of `label`, and may hold several."""

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
        "transitions",
        "ease",
        "content",
        "popular",
        "taste",
        "similar",
        "fresh",
    )
    models: tuple[str, ...] = ("als", "two_tower", "transitions", "ease", "content", "verdict", "ranker")
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A place in an app where a list stands, with what it asks for where a request says nothing else.

    use_case         whom the lists are for
    limit            items in a list
    filter, exclude  conditions, as a query string says them
    boost, bury      conditions with factors, likewise
    sources          those of the use case that are asked; all where there are none here
    include          what every slot says besides
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Name
    use_case: str
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    filter: str = ""
    exclude: str = ""
    boost: tuple[str, ...] = ()
    bury: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    include: tuple[Literal["features", "why"], ...] = ()

    def wishes(self) -> dict[str, str | int | list[str]]:
        """All of it that asks for something, by the names of parameters."""
        values: dict[str, str | int | list[str]] = {
            "use_case": self.use_case,
            "limit": self.limit,
            "filter": self.filter,
            "exclude": self.exclude,
            "boost": list(self.boost),
            "bury": list(self.bury),
            "sources": list(self.sources),
            "include": list(self.include),
        }
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class DislikeReason:
    """A reason of a dislike and its effect.

    label       the reason in a person's words
    holds_back  by how much facets of each kind are held back: a share from 0 to 1, or the setting that has it
    weight      how much of a full no it is: 1 for a plain one, 0 where it says nothing about taste
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Name
    label: Words
    holds_back: dict[str, float | str] = field(default_factory=dict)
    weight: Share = 1.0

    def shares(self) -> dict[str, float]:
        """By how much each kind of facet is held back, as a share from 0 to 1."""
        return {kind: _share(share) for kind, share in self.holds_back.items()}


def _share(share: float | str) -> float:
    return float(getattr(settings, share)) if isinstance(share, str) else share


@dataclass(frozen=True, slots=True)
class Dislikes:
    """A no in general.

    plain     the reason that a no without a reason means, wherever it was said
    question  before it is recorded, with the noun of the item's kind in the place of {noun}
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    plain: str
    question: Words = "Are you sure you want to dislike this {noun}?"


@dataclass(frozen=True, slots=True)
class Search:
    """The words of a search.

    fillers      words that name nothing, with blanks between them
    names        what people type for a category, and the name that the catalog has for it
    expressions  what is read as other words; its hyphens and blanks may be left out, and an s may follow
    more         what people type for more of something, and the name that the catalog has for it
    countries    what people type for a country, and the name that `attributes.country` has for it
    children     categories of which an item for children has one
    grown_up     categories of which an item for children has none
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    fillers: str = ""
    names: dict[str, Words] = field(default_factory=dict)
    expressions: dict[str, Words] = field(default_factory=dict)
    more: dict[str, Words] = field(default_factory=dict)
    countries: dict[str, Words] = field(default_factory=dict)
    children: tuple[Words, ...] = ()
    grown_up: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class Personas:
    """A persona: a name for a person by the facets they like best.

    rules      a name, and the categories or themes (small letters) of which one must be among the strongest;
               from the particular to the general, because the first that fits names the person
    otherwise  where none fits, with the best-liked category in the place of {name}
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    rules: dict[str, Annotated[frozenset[str], Field(min_length=1)]] = field(default_factory=dict)
    otherwise: Words = "{name} Enthusiast"


@dataclass(frozen=True, slots=True)
class Site:
    """The name of the site, and the look and language of its pages.

    color, dark_color  of links and the name, on light and on dark ground: #rrggbb
    logo         a picture beside heed.toml, before the name and as the icon of a tab; "" for none
    headline, tagline  of the page for visitors
    kept, kept_short   the page of what a person kept, and its link beside those of other kinds
    kept_empty         what it says while there is nothing on it
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Words = "Heed"
    color: Color = "#a83a1f"
    dark_color: Color = "#ff9673"
    logo: OptionalWords = ""
    headline: Words = "Picked for you"
    tagline: OptionalWords = (
        "Your list is made from what you like and what you turn down, and says why each title is on it."
    )
    kept: Words = "Kept"
    kept_short: Words = "Kept"
    kept_empty: Words = "What you keep stands here."


@dataclass(frozen=True, slots=True)
class Job:
    """Something that `manage.py schedule` does at its times.

    at             minute, hour, day, month and weekday as in a crontab, UTC
    run            command lines of manage.py, one after the other until one fails
    each_use_case  each of them is run for every use case, one after the other
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Name
    at: Words
    run: Annotated[tuple[Words, ...], Field(min_length=1)]
    each_use_case: bool = False


def usual_schedule() -> dict[str, Job]:
    """The jobs where heed.toml names none: new models where they are due, deliveries, and upkeep."""
    jobs = (
        Job("retrain", "*/15 * * * *", ("retrain --if-needed",), each_use_case=True),
        Job("alerts", "*/10 * * * *", ("check_alerts",)),
        Job("webhooks", "*/5 * * * *", ("deliver_webhooks",)),
        Job("privacy", "50 2 * * *", ("erase_user --datasets",)),
        Job("prune", "20 3 * * *", ("prune",)),
    )
    return {job.name: job for job in jobs}


@dataclass(frozen=True, slots=True)
class Domain:
    """All that heed.toml says, in its order; the first kind and the first use case are the defaults."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    kinds: Annotated[dict[str, ItemKind], Field(min_length=1)]
    facets: dict[str, FacetKind]
    interactions: dict[str, InteractionType]
    use_cases: Annotated[dict[str, UseCase], Field(min_length=1)]
    reasons: Annotated[dict[str, DislikeReason], Field(min_length=1)]
    dislikes: Dislikes
    roles: dict[str, Role] = field(default_factory=dict)
    scenarios: dict[str, Scenario] = field(default_factory=dict)
    search: Search = field(default_factory=Search)
    personas: Personas = field(default_factory=Personas)
    site: Site = field(default_factory=Site)
    schedule: dict[str, Job] = field(default_factory=usual_schedule)
