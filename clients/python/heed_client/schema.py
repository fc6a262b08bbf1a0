"""The forms of bodies and answers, made by clients/generate.py of docs/openapi.json"""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

TypeEnum: TypeAlias = Literal["view", "click", "like", "favorite", "apply", "interest", "watched", "watchlist_add", "watchlist_remove", "dislike"]
ContextSourceEnum: TypeAlias = Literal["session", "client", "import", "none"]
WishJsonStrengthEnum: TypeAlias = Literal["less", "much_less", "never", "allow"]
ReasonEnum: TypeAlias = Literal["wrong_genre", "poor_quality", "already_watched", "not_interested", "irrelevant", "other"]
ScopeEnum: TypeAlias = Literal["always", "title", "tonight", "day", "week", "month", "never"]
UseCaseEnum: TypeAlias = Literal["movie_home", "drama_home", "developer_startup", "investor_startup"]
KindEnum: TypeAlias = Literal["movie", "drama", "startup", "movies", "dramas", "startups"]
NullEnum: TypeAlias = Literal[None]
IncludeEnum: TypeAlias = Literal["features", "why"]
LastsEnum: TypeAlias = Literal["always", "tonight", "day", "week", "month"]
SortEnum: TypeAlias = Literal["newest", "oldest"]
RolesEnum: TypeAlias = Literal["developer", "investor"]
WishChangeBodyStrengthEnum: TypeAlias = Literal["less", "much_less", "never"]
RecentTrendEnum: TypeAlias = Literal["rising", "falling", "steady"]


class AccountProfileJson(TypedDict):
    """A profile of an account."""

    profile_id: int
    name: str


class AccountProfileAnswer(TypedDict):
    """One profile as it is now."""

    success: bool
    profile: AccountProfileJson


class AccountProfileBodyRequest(TypedDict):
    """A new profile."""

    name: str
    for_children: NotRequired[bool]
    wishes: NotRequired[str]


class AccountProfilesAnswer(TypedDict):
    """The profiles of the caller's account, the oldest first."""

    success: bool
    account_id: int
    acting_as: int
    profiles: list[AccountProfileJson]


class ActionAnswer(TypedDict):
    """The answer to an action."""

    interaction_id: int
    item_id: int
    type: str
    interaction_type: str
    created: bool
    occurred_at: str
    rating: float | None
    recommendation_session_id: str | None
    recommendation_rank: int | None
    recommendation_score: float | None
    recommendation_method: str
    recommendation_source: str
    success: bool


class ActionBodyRequest(TypedDict):
    """The body of an action: all of it may be left out. Only the session id says where the item was met."""

    recommendation_session_id: NotRequired[str | None]
    rating: NotRequired[float | None]


class ActiveVersionEntry(TypedDict):
    """The version that leads the lists of a use case."""

    version_id: int
    version: str
    use_case: str
    created_at: str
    accuracy: float | None


class Alpha(TypedDict):
    """The share of a score that is left to the model: at first, and for this person."""

    original_alpha: float
    personalized_alpha: float


class Years(TypedDict):
    """Years from the first to the last, both included; null is open."""

    first: int | None
    last: int | None


class Analysis(TypedDict):
    """The analysis of a query. `text` names nothing; `is_title`: it is the whole title of an item."""

    genres: list[str]
    themes: list[str]
    people: list[str]
    publishers: list[str]
    franchises: list[str]
    positions: list[str]
    years: Years | None
    text: str
    is_title: bool
    without: list[str]
    like: str
    children: bool
    country: str


class Item(TypedDict):
    """An item as the API shows it. Used to describe; `item_json` makes the same form faster."""

    id: int
    external_id: str
    kind: str
    title: str
    original_title: str
    year: int | None
    description: str
    published_at: str | None
    url: str
    image_url: str
    is_synthetic: bool
    genres: list[str]
    facets: dict[str, list[str]]


class Boost(TypedDict):
    """The factors of a base score: boosts by taste, the penalty by dislikes, and what the person has seen."""

    genre: float
    actor: float
    director: float
    theme: float
    dislikes: float
    seen: float
    asked: NotRequired[float]
    curated: NotRequired[float]


class Slot(TypedDict):
    """One position of a list."""

    item: Item
    rank: int
    score: float
    base_score: float
    personalized_score: float
    boost_multiplier: float
    boost_details: Boost
    method: str
    why: str
    features: NotRequired[dict[str, float | None]]


class BestAnswer(TypedDict):
    """The single best item now."""

    recommendation_session_id: str
    use_case: str
    method_used: str
    model_version: str
    recommendation: Slot


class Recorded(TypedDict):
    """The interaction on record now. The recommendation fields are the server's own."""

    interaction_id: int
    item_id: int
    type: str
    interaction_type: str
    created: bool
    occurred_at: str
    rating: float | None
    recommendation_session_id: str | None
    recommendation_rank: int | None
    recommendation_score: float | None
    recommendation_method: str
    recommendation_source: str


class RowError(TypedDict):
    """A row of a batch that was not taken, and the cause."""

    row: int
    error: str


class BulkAnswer(TypedDict):
    """The answer to interactions in bulk, in the order in which they were sent."""

    success: bool
    recorded: int
    interactions: list[Recorded]
    unchanged: NotRequired[int]
    created_users: NotRequired[int]
    errors: NotRequired[list[RowError]]


class InteractionBodyRequest(TypedDict):
    """One interaction in bulk."""

    recommendation_session_id: NotRequired[str | None]
    rating: NotRequired[float | None]
    item_id: int
    type: TypeEnum
    occurred_at: NotRequired[str | None]


class BulkBodyRequest(TypedDict):
    """Many interactions."""

    interactions: list[InteractionBodyRequest]


class SimilarItem(TypedDict):
    """An item with how near it is, 0 to 1."""

    item: Item
    rank: int
    score: float


class Carousel(TypedDict):
    """One row of items similar to one that the person has done something with."""

    recommendation_session_id: str
    because: Item
    did: str
    recommendations: list[SimilarItem]


class CarouselsAnswer(TypedDict):
    """The rows, newest reason first. Each is recorded, so that actions can name it."""

    use_case: str
    carousels: list[Carousel]


class Change(TypedDict):
    """An entry of the taste vector that moved."""

    kind: str
    name: str
    before: float
    after: float


class CheckAuth(TypedDict):
    """The caller."""

    authenticated: bool
    user_id: int | None
    username: str | None


class ContextBodyRequest(TypedDict):
    """Items that count as liked and disliked for this one list; nothing of them is recorded as an act."""

    positives: NotRequired[list[int]]
    negatives: NotRequired[list[int]]
    alone: NotRequired[bool]


class WishJson(TypedDict):
    """A rule that stands for the caller's lists."""

    wish_id: int
    strength: WishJsonStrengthEnum
    about: str | None
    item_id: int | None
    title: str | None
    dislike_id: int | None
    words: str
    says: str
    created_at: str
    ends_at: str | None


class TrainingImpact(TypedDict):
    """The examples that models will learn from it."""

    error_recorded: float | None
    weight: float


class FeatureAdjustments(TypedDict):
    """A penalty in this person's lists from now on: −0.15 is 15 % less."""

    genre_adjustments: dict[str, float]
    cast_adjustments: dict[str, float]
    franchise_adjustment: float
    reason: str


class RecentTrend(TypedDict):
    """The dislikes of the last 30 days."""

    total_dislikes: int
    avg_predicted_score: float | None


class UserPatterns(TypedDict):
    """The dislikes of this person."""

    reason_distribution: dict[str, int]
    recent_trend: RecentTrend
    trend: str
    total_dislikes: int


class RetrainingState(TypedDict):
    """The progress of the examples towards asking for a model, of the use case that is nearest to it."""

    use_case: str
    untrained: int
    threshold: int
    due: bool


class DislikeAnswer(TypedDict):
    """That the no is on record, and all that follows from it."""

    success: bool
    dislike_id: int | None
    wish: WishJson | None
    message: str
    context_source: ContextSourceEnum
    training_impact: TrainingImpact
    feature_adjustments: FeatureAdjustments
    user_patterns: UserPatterns
    retraining: RetrainingState


class DislikeBodyRequest(TypedDict):
    """A no. `predicted_score`, `genres` and `cast` count only where the server has no record of its own."""

    movie_id: NotRequired[int | None]
    movie_title: NotRequired[str]
    recommendation_set_id: NotRequired[int | str | None]
    predicted_score: NotRequired[float | None]
    reason: NotRequired[ReasonEnum]
    feedback_text: NotRequired[str]
    genres: NotRequired[list[str]]
    cast: NotRequired[list[str]]
    about: NotRequired[str]
    scope: NotRequired[ScopeEnum]


class DislikeEntry(TypedDict):
    """One dislike of the caller."""

    dislike_id: int
    movie_id: int
    movie_title: str
    item_id: int
    title: str
    recommendation_set_id: str | None
    context_source: ContextSourceEnum
    reason: str
    feedback_text: str
    predicted_score: float | None
    created_at: str
    about: str | None
    title_only: bool
    used_in_training: bool


class DislikeReasonBodyRequest(TypedDict):
    """The reason, and the list in which the item was met."""

    reason: NotRequired[ReasonEnum]
    feedback_text: NotRequired[str]
    recommendation_session_id: NotRequired[str | None]
    about: NotRequired[str]
    scope: NotRequired[ScopeEnum]


class Error(TypedDict):
    """The body of every answer that is not a success."""

    success: NotRequired[bool]
    error: str


class ExampleErrorsEntry(TypedDict):
    """The negative training examples of any time, and how wrong the predictions behind them were."""

    total_negative_examples: int
    avg_prediction_error: float | None
    max_error: float | None
    min_error: float | None


class ExportAnswer(TypedDict):
    """A page of rows, and the cursor of the next page; null at the end."""

    rows: list[dict[str, Any]]
    next: int | None


class ExternalSlotRequest(TypedDict):
    """One position of a list that was made elsewhere."""

    item_id: int
    rank: int
    score: float
    method: str


class ExternalSessionRequest(TypedDict):
    """A list that was made elsewhere, as it was shown."""

    recommendation_session_id: str
    use_case: UseCaseEnum
    method: str
    model_version: NotRequired[str]
    recommendations: list[ExternalSlotRequest]


class FeedbackAnswer(TypedDict):
    """That the feedback is on record, and what it moved."""

    success: bool
    created: bool
    item_id: int
    updated: bool
    changes: list[Change]
    feedback_count: int
    next_update_in: int


class FeedbackBodyRequest(TypedDict):
    """A like (1) or a dislike (0) of an item, named by its id or its title."""

    item_id: NotRequired[int | None]
    kind: NotRequired[KindEnum | NullEnum | None]
    recommendation_session_id: NotRequired[str | None]
    user_id: NotRequired[str | int | None]
    movie_name: NotRequired[str]
    rating: int


class Found(TypedDict):
    """An item that was found. `boost_percent` is what taste adds to its relevance."""

    item: Item
    rank: int
    score: float
    relevance: float
    base_score: float
    personalized_score: float
    boost_multiplier: float
    boost_percent: int
    boost_details: Boost
    why: str


class HistoryAnswer(TypedDict):
    """The caller's dislikes that stand, newest first."""

    success: bool
    count: int
    total: int
    dislikes: list[DislikeEntry]


class HistoryTitle(TypedDict):
    """One title of the file: the row that `POST /api/interactions` takes, and what it is here."""

    title: str
    year: int | None
    type: str
    rating: float | None
    occurred_at: str | None
    item_id: int | None
    item_title: str
    item_year: int | None
    doubt: str


class HistoryFileAnswer(TypedDict):
    """The titles of a file. Nothing is recorded yet."""

    success: bool
    format: str
    bad_rows: int
    titles: list[HistoryTitle]


class HistoryFileBodyRequest(TypedDict):
    """A file that another service gave a person, as text."""

    name: str
    text: str


class IdentifiedPattern(TypedDict):
    """Something that the caller turns down: a genre, a person, a series."""

    kind: str
    name: str
    dislikes: int
    since: str
    last_at: str


class ImprovementEntry(TypedDict):
    """This period against the one before."""

    dislike_rate: float | None
    dislike_rate_before: float | None
    mean_error: float | None
    mean_error_before: float | None


class PersonsInteractionRequest(TypedDict):
    """One interaction of one of many people. Used to describe: a bad row is reported by itself."""

    user: str
    item_id: NotRequired[int]
    kind: NotRequired[KindEnum]
    external_id: NotRequired[str]
    type: TypeEnum
    occurred_at: NotRequired[str | None]
    rating: NotRequired[float | None]
    recommendation_session_id: NotRequired[str | None]


class PeoplesBodyRequest(TypedDict):
    """Interactions of many people. Used to describe."""

    interactions: list[PersonsInteractionRequest]
    create_users: NotRequired[bool]


class InvitationAnswer(TypedDict):
    """An invitation of the caller, for whoever is to have a list with them."""

    success: bool
    invitation: str
    expires_in: int


class ItemDetailAnswer(TypedDict):
    """An item, its attributes, and what stands between it and the caller."""

    id: int
    external_id: str
    kind: str
    title: str
    original_title: str
    year: int | None
    description: str
    published_at: str | None
    url: str
    image_url: str
    is_synthetic: bool
    genres: list[str]
    facets: dict[str, list[str]]
    attributes: dict[str, str | float | bool | list[str]]
    states: list[str]


class ItemFieldsRequest(TypedDict):
    """The fields of an item as an app sends them, each of which may be left out. Used to describe."""

    title: NotRequired[str]
    original_title: NotRequired[str]
    year: NotRequired[int | None]
    description: NotRequired[str]
    published_at: NotRequired[str | None]
    url: NotRequired[str]
    image_url: NotRequired[str]
    is_active: NotRequired[bool]
    is_synthetic: NotRequired[bool]
    attributes: NotRequired[dict[str, str | float | bool | list[str]]]
    genres: NotRequired[list[str]]
    actors: NotRequired[list[str]]
    directors: NotRequired[list[str]]
    themes: NotRequired[list[str]]
    publishers: NotRequired[list[str]]
    franchise: NotRequired[list[str]]
    positions: NotRequired[list[str]]


class ItemPage(TypedDict):
    """One page of the catalog."""

    count: int
    page: int
    results: list[Item]


class ItemUpsertRequest(TypedDict):
    """An item with the names by which the app knows it. Used to describe."""

    title: NotRequired[str]
    original_title: NotRequired[str]
    year: NotRequired[int | None]
    description: NotRequired[str]
    published_at: NotRequired[str | None]
    url: NotRequired[str]
    image_url: NotRequired[str]
    is_active: NotRequired[bool]
    is_synthetic: NotRequired[bool]
    attributes: NotRequired[dict[str, str | float | bool | list[str]]]
    kind: KindEnum
    external_id: str
    genres: NotRequired[list[str]]
    actors: NotRequired[list[str]]
    directors: NotRequired[list[str]]
    themes: NotRequired[list[str]]
    publishers: NotRequired[list[str]]
    franchise: NotRequired[list[str]]
    positions: NotRequired[list[str]]


class KeptItem(TypedDict):
    """An item as the app that keeps it sees it."""

    id: int
    external_id: str
    kind: str
    title: str
    original_title: str
    year: int | None
    description: str
    published_at: str | None
    url: str
    image_url: str
    is_synthetic: bool
    genres: list[str]
    facets: dict[str, list[str]]
    attributes: dict[str, str | float | bool | list[str]]
    is_active: bool


class KeptItemAnswer(TypedDict):
    """The item as it is stored now."""

    success: bool
    created: bool
    item: KeptItem


class Personalization(TypedDict):
    """The influence of the person's taste profile on the list."""

    applied: bool
    alpha_adjusted: bool
    original_alpha: float
    personalized_alpha: float
    top_genres: dict[str, float]
    top_genre_names: list[str]
    persona: list[str]
    persona_name: str | None


class ListAnswer(TypedDict):
    """A personalized list, as it was recorded."""

    recommendation_session_id: str
    use_case: str
    method_used: str
    model_version: str
    personalization: Personalization
    recommendations: list[Slot]
    scores: dict[str, float]
    next: NotRequired[str | None]
    movie_ids: NotRequired[list[int]]
    drama_ids: NotRequired[list[int]]
    startup_ids: NotRequired[list[int]]


class ListBodyRequest(TypedDict):
    """The body of a request for a personalized list; all of it may be left out."""

    limit: NotRequired[int]
    use_case: NotRequired[UseCaseEnum]
    scenario: NotRequired[str]
    filter: NotRequired[str | dict[str, Any]]
    exclude: NotRequired[str | dict[str, Any]]
    boost: NotRequired[str | dict[str, Any] | list[Any]]
    bury: NotRequired[str | dict[str, Any] | list[Any]]
    unseen: NotRequired[bool]
    sort: NotRequired[SortEnum]
    after: NotRequired[str]
    offset: NotRequired[int]
    cursor: NotRequired[str]
    include: NotRequired[list[IncludeEnum]]
    context: NotRequired[ContextBodyRequest]


class ModelFeedbackEntry(TypedDict):
    """One model version over the period."""

    model_version: str
    lists: int
    slots_seen: int
    dislikes: int
    dislike_rate: float | None
    mean_error: float | None


class MetricsAnswer(TypedDict):
    """Statistics of dislikes per model."""

    success: bool
    metrics: ExampleErrorsEntry
    active_model_version: ActiveVersionEntry | None
    models: list[ModelFeedbackEntry]
    improvement: ImprovementEntry
    retraining: RetrainingState
    retraining_by_use_case: list[RetrainingState]


class NameCount(TypedDict):
    """A name and how often it occurs."""

    name: str
    count: int


class PageToken(TypedDict):
    """A token for the pages of another site."""

    success: bool
    page_token: str
    expires_in: int


class UnderstoodWish(TypedDict):
    """One wish as it was understood."""

    strength: str
    name: str
    about: list[str]
    scope: ScopeEnum


class ParsedAnswer(TypedDict):
    """The wishes that a text says. Nothing of it acts yet."""

    success: bool
    understood: list[UnderstoodWish]
    not_understood: str


class PatchedAccountProfileNameBodyRequest(TypedDict):
    """The new name of a profile."""

    name: NotRequired[str]


class PatchedItemFieldsRequest(TypedDict):
    """The fields of an item as an app sends them, each of which may be left out. Used to describe."""

    title: NotRequired[str]
    original_title: NotRequired[str]
    year: NotRequired[int | None]
    description: NotRequired[str]
    published_at: NotRequired[str | None]
    url: NotRequired[str]
    image_url: NotRequired[str]
    is_active: NotRequired[bool]
    is_synthetic: NotRequired[bool]
    attributes: NotRequired[dict[str, str | float | bool | list[str]]]
    genres: NotRequired[list[str]]
    actors: NotRequired[list[str]]
    directors: NotRequired[list[str]]
    themes: NotRequired[list[str]]
    publishers: NotRequired[list[str]]
    franchise: NotRequired[list[str]]
    positions: NotRequired[list[str]]


class PatchedPersonBodyRequest(TypedDict):
    """The fields of a person that an app may set; those left out stay as they are."""

    is_active: NotRequired[bool]
    roles: NotRequired[list[RolesEnum]]


class PatchedWishChangeBodyRequest(TypedDict):
    """The strength of a wish and how long it stands from now on."""

    strength: NotRequired[WishChangeBodyStrengthEnum]
    lasts: NotRequired[LastsEnum]


class PatternsAnswer(TypedDict):
    """The caller's patterns in full; beside `patterns` the same and more under its older names."""

    success: bool
    patterns: UserPatterns
    identified: list[IdentifiedPattern]
    reason_distribution: dict[str, int]
    recent_trend: RecentTrendEnum
    total_dislikes: int
    last_30_days: int
    top_genres: list[NameCount]
    top_people: list[NameCount]


class Person(TypedDict):
    """A person as the app that keeps them sees them."""

    external_id: str
    user_id: int
    is_active: bool
    roles: list[str]


class PersonAnswer(TypedDict):
    """The person as they are stored now."""

    success: bool
    created: bool
    user: Person


class PersonBodyRequest(TypedDict):
    """The fields of a person that an app may set; those left out stay as they are."""

    is_active: NotRequired[bool]
    roles: NotRequired[list[RolesEnum]]


class Score(TypedDict):
    """The attitude of a person to a facet: above 0 they like it."""

    name: str
    score: float


class Statistics(TypedDict):
    """The acts of the person since the last reset, without those they took back."""

    interactions: dict[str, int]
    ratings: int
    mean_rating: float | None
    since: str | None


class ProfileAnswer(TypedDict):
    """The taste profile of a person."""

    user_id: int
    persona: list[str]
    persona_name: str | None
    personalization: Alpha
    preferences: dict[str, list[Score]]
    top_preferences: dict[str, dict[str, float]]
    avoided: dict[str, list[Score]]
    statistics: Statistics
    reset_at: str | None


class RateBodyRequest(TypedDict):
    """A rating of an item, named by its id or its title."""

    item_id: NotRequired[int | None]
    kind: NotRequired[KindEnum | NullEnum | None]
    recommendation_session_id: NotRequired[str | None]
    title: NotRequired[str]
    drama_title: NotRequired[str]
    rating: float


class Role(TypedDict):
    """A role that may be chosen, and the use cases whose lists it opens."""

    name: str
    title: str
    use_cases: list[str]


class RolesAnswer(TypedDict):
    """The caller's roles, and those there are."""

    roles: list[str]
    available: list[Role]


class RolesBodyRequest(TypedDict):
    """All the roles that the caller is to have."""

    roles: list[RolesEnum]


class SaidBodyRequest(TypedDict):
    """The words in which a person says what they want less of."""

    text: str


class SearchAnswer(TypedDict):
    """The hits, best first. The session is null where there are none."""

    recommendation_session_id: str | None
    use_case: str
    query: str
    analysis: Analysis
    personalization: Personalization
    recommendations: list[Found]


class SeenAnswer(TypedDict):
    """The deepest rank on record."""

    success: bool
    seen_rank: int


class SeenRequest(TypedDict):
    """The deepest rank that a person saw."""

    rank: int


class SessionAnswer(TypedDict):
    """That a list is on record."""

    success: bool
    recommendation_session_id: str


class SimilarAnswer(TypedDict):
    """Items like a given one, nearest first."""

    similar: list[SimilarItem]


class TogetherAnswer(TypedDict):
    """A list for two, recorded as one of the caller's."""

    recommendation_session_id: str
    use_case: str
    method_used: str
    model_version: str
    personalization: Personalization
    recommendations: list[Slot]
    scores: dict[str, float]
    together_with: str
    movie_ids: NotRequired[list[int]]
    drama_ids: NotRequired[list[int]]
    startup_ids: NotRequired[list[int]]


class TogetherBodyRequest(TypedDict):
    """The body of a request for a list for two."""

    invitation: str
    limit: NotRequired[int]
    use_case: NotRequired[UseCaseEnum]
    filter: NotRequired[str | dict[str, Any]]
    exclude: NotRequired[str | dict[str, Any]]


class UpsertAnswer(TypedDict):
    """The outcome of many items: those that were taken, and the rows that were not."""

    success: bool
    created: int
    updated: int
    unchanged: int
    errors: list[RowError]


class UpsertBodyRequest(TypedDict):
    """Many items. Used to describe."""

    items: list[ItemUpsertRequest]


class VectorEntry(TypedDict):
    """An entry of the taste vector: 0.5 is neutral."""

    kind: str
    name: str
    value: float


class VectorAnswer(TypedDict):
    """The clearest entries of the taste vector, and when it moves again."""

    user_id: int
    vector: list[VectorEntry]
    feedback_count: int
    next_update_in: int


class WishAnswer(TypedDict):
    """One wish as it stands now."""

    success: bool
    wish: WishJson


class WishesAnswer(TypedDict):
    """The caller's wishes that stand, newest first."""

    success: bool
    wishes: list[WishJson]


InteractionsBodyRequest: TypeAlias = BulkBodyRequest | PeoplesBodyRequest
