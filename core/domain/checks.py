"""Rules that hold between the tables of heed.toml."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError
from django.conf import settings

from core.domain.schema import Domain, InteractionType, ItemKind, Job, Scenario, UseCase
from core.filters import BOOST_FACTORS, BURY_FACTORS, MAX_FACTORS, BadFilter, parse_filter, split_factor

CRON_FIELDS = 5
# The interactions that the product itself records, so that every file has them.
VIEW, DISLIKE = "view", "dislike"
# Words that stand in an address where the name or plural of a kind would.
_RESERVED_WORDS = frozenset({
    "analytics", "collaborations", "dislike", "export", "feedback", "interactions", "items", "profile",
    "recommend", "recommendations", "roles", "schema", "session", "taste", "users",
})  # fmt: skip
_RESERVED_ACTIONS = frozenset({"similar"})
# Names of an item's own columns in an import file.
_RESERVED_COLUMNS = frozenset({
    "attributes", "description", "external_id", "image_url", "is_active", "is_synthetic", "kind",
    "original_title", "published_at", "title", "url", "year",
})  # fmt: skip
# The settings of which a reason may take its share.
SHARE_SETTINGS = tuple(
    name for name in dir(settings) if name.startswith("DISLIKE_") and name.endswith("_SHARE")
)


class Mistake(Exception):
    """A mistake in heed.toml: the key, and what is allowed there."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(f"{key}: {sentence}." if key else f"{sentence}.")


def check(domain: Domain) -> None:
    """Raises Mistake for the first thing in the domain that contradicts another."""
    _check_interactions(domain)
    _check_kinds(domain)
    _check_facets(domain)
    for use_case in domain.use_cases.values():
        _check_use_case(use_case, domain)
    for name in domain.kinds:
        if all(use_case.kind != name for use_case in domain.use_cases.values()):
            raise Mistake("use_cases", f"none is of the kind {name}; every kind needs one")
    for scenario in domain.scenarios.values():
        _check_scenario(scenario, domain)
    _check_roles(domain)
    _check_reasons(domain)
    _check_template("personas.otherwise", domain.personas.otherwise, "name")
    for job in domain.schedule.values():
        _check_times(job)


def _check_times(job: Job) -> None:
    key, fields = f"schedule.{job.name}.at", job.at.split()
    if len(fields) != CRON_FIELDS:
        raise Mistake(key, 'must be minute, hour, day, month and weekday, such as "20 3 * * *"')
    try:
        # The first time shows those that never come, such as 30 February.
        next(CronSim(job.at, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        raise Mistake(key, f'{job.at!r} is no time of a crontab, such as "20 3 * * *"') from None


def _check_interactions(domain: Domain) -> None:
    types = domain.interactions
    for name in (VIEW, DISLIKE):
        if name not in types:
            raise Mistake(f"interactions.{name}", "is missing; the product itself records it")
    for row in types.values():
        _check_words(row)
        if row.undo:
            _one_of(f"interactions.{row.name}.undo", row.undo, set(types) - {row.name})
    dislike = types[DISLIKE]
    if dislike.polarity != -1 or not dislike.is_state or dislike.profile is not None:
        allowed = "must have polarity = -1, is_state = true and no profile: its reason says what it means"
        raise Mistake(f"interactions.{DISLIKE}", allowed)
    if dislike.action != DISLIKE or not dislike.is_action:
        raise Mistake(f"interactions.{DISLIKE}", f"must have a label, and {DISLIKE} as its action")
    if types[VIEW].is_state or types[VIEW].is_action:
        raise Mistake(f"interactions.{VIEW}", "must have is_state = false and no label: a page records it")
    _once("interactions.{}.action", {row.name: row.action for row in types.values() if row.is_action})


def _check_words(row: InteractionType) -> None:
    key = f"interactions.{row.name}"
    if row.is_action and not row.is_state:
        raise Mistake(f"{key}.is_state", "must be true where there is a label: a button can be pressed once")
    if row.is_action and not (row.said and row.unsaid):
        raise Mistake(f"{key}.said", "said and unsaid are needed where there is a label")
    if row.action in _RESERVED_ACTIONS:
        raise Mistake(f"{key}.action", f"must not be {row.action}, which is an address already")
    for name in ("because", "said", "unsaid"):
        _check_template(f"{key}.{name}", getattr(row, name))


def _check_template(key: str, text: str, place: str = "title") -> None:
    try:
        text.format(**{place: ""})
    except (KeyError, IndexError, ValueError, AttributeError):
        raise Mistake(key, f"may have {{{place}}} in it and no other braces")


def _check_kinds(domain: Domain) -> None:
    actions = {row.action for row in domain.interactions.values() if row.is_action}
    _once("kinds.{}.plural", {kind.name: kind.plural for kind in domain.kinds.values()})
    for kind in domain.kinds.values():
        if kind.plural in _RESERVED_WORDS:
            raise Mistake(
                f"kinds.{kind.name}.plural", f"must not be {kind.plural}, which is an address already"
            )
        if kind.name in _RESERVED_WORDS:
            raise Mistake(f"kinds.{kind.name}", f"must not be {kind.name}, which is an address already")
        if any(kind.name == other.plural and kind is not other for other in domain.kinds.values()):
            raise Mistake(f"kinds.{kind.name}", "must not be the plural of another kind")
        for action in sorted(kind.actions):
            _one_of(f"kinds.{kind.name}.actions", action, actions)
        for action in sorted(kind.kept):
            _one_of(f"kinds.{kind.name}.kept", action, kind.actions - {DISLIKE})
        _check_rated(kind, domain)


def _check_rated(kind: ItemKind, domain: Domain) -> None:
    rated = sorted(
        row.action for row in domain.interactions.values() if row.is_rated and row.action in kind.actions
    )
    if len(rated) > 1:
        raise Mistake(f"kinds.{kind.name}.actions", f"at most one may be rated, not {' and '.join(rated)}")


def _check_facets(domain: Domain) -> None:
    _once("facets.{}.column", {facet.name: facet.column for facet in domain.facets.values()})
    for facet in domain.facets.values():
        if facet.column in _RESERVED_COLUMNS:
            allowed = f"must not be {facet.column}, which is a column of an item already"
            raise Mistake(f"facets.{facet.name}.column", allowed)
        if facet.boost_cap and not facet.taste:
            raise Mistake(f"facets.{facet.name}.boost_cap", "must be 0 without taste = true")


def _check_use_case(use_case: UseCase, domain: Domain) -> None:
    key = f"use_cases.{use_case.name}"
    _one_of(f"{key}.kind", use_case.kind, domain.kinds)
    if use_case.role is not None:
        _one_of(f"{key}.role", use_case.role, domain.roles)
    actions = domain.kinds[use_case.kind].actions
    taken = [row for row in domain.interactions.values() if row.is_action and row.action in actions]
    positive = [row.name for row in taken if row.polarity > 0]
    for name in use_case.positive_interactions:
        _one_of(f"{key}.positive_interactions", name, positive)
    for names, of_key in ((use_case.sources, "sources"), (use_case.models, "models")):
        for name, times in Counter(names).items():
            if times > 1:
                raise Mistake(f"{key}.{of_key}", f"{name} must stand there once")


def _check_scenario(scenario: Scenario, domain: Domain) -> None:
    key = f"scenarios.{scenario.name}"
    _one_of(f"{key}.use_case", scenario.use_case, domain.use_cases)
    of_use_case = domain.use_cases[scenario.use_case].sources
    for name in scenario.sources:
        if name not in of_use_case:
            among = f"use_cases.{scenario.use_case} ({', '.join(of_use_case)})"
            raise Mistake(f"{key}.sources", f"must be among the sources of {among}, not {name!r}")
    for of_key, text in (("filter", scenario.filter), ("exclude", scenario.exclude)):
        if text:
            _check_filter(f"{key}.{of_key}", text, domain)
    for of_key, texts, factors in (
        ("boost", scenario.boost, BOOST_FACTORS),
        ("bury", scenario.bury, BURY_FACTORS),
    ):
        if len(texts) > MAX_FACTORS:
            raise Mistake(f"{key}.{of_key}", f"must have at most {MAX_FACTORS} entries, not {len(texts)}")
        for text in texts:
            _check_factor(f"{key}.{of_key}", text, factors, domain)


def _check_filter(key: str, text: str, domain: Domain) -> None:
    words = {word: facet.name for facet in domain.facets.values() for word in (facet.column, facet.name)}
    try:
        parse_filter(text, words)
    except BadFilter as error:
        raise Mistake(key, str(error))


def _check_factor(key: str, text: str, factors: tuple[float, float], domain: Domain) -> None:
    number, rest = split_factor(text)
    low, high = factors
    try:
        fits = not number or low <= float(number) <= high
    except ValueError:
        fits = False
    if not fits:
        raise Mistake(key, f"must have a factor from {low:g} to {high:g}, not {number!r}")
    _check_filter(key, rest, domain)


def _check_roles(domain: Domain) -> None:
    needed = {use_case.role for use_case in domain.use_cases.values()}
    for name in domain.roles:
        if name not in needed:
            raise Mistake(f"roles.{name}", "must be the role of a use case, and opens no list so far")


def _check_reasons(domain: Domain) -> None:
    for reason in domain.reasons.values():
        for kind, share in reason.holds_back.items():
            key = f"reasons.{reason.name}.holds_back"
            _one_of(key, kind, domain.facets)
            _check_share(f"{key}.{kind}", share)
    _one_of("dislikes.plain", domain.dislikes.plain, domain.reasons)
    _check_template("dislikes.question", domain.dislikes.question, "noun")


def _check_share(key: str, share: float | str) -> None:
    if isinstance(share, str):
        _one_of(key, share, SHARE_SETTINGS)
    elif not 0.0 <= share <= 1.0:
        raise Mistake(key, f"must be a share from 0 to 1 or the name of a setting, not {share:g}")


def _one_of(key: str, name: str, allowed: Collection[str]) -> None:
    if name not in allowed:
        raise Mistake(key, f"must be one of {', '.join(_in_order(allowed)) or 'none'}, not {name!r}")


def _in_order(names: Collection[str]) -> Iterable[str]:
    return sorted(names) if isinstance(names, set | frozenset) else names


def _once(key: str, values: dict[str, str]) -> None:
    """Raises Mistake where two entries have the same value."""
    first: dict[str, str] = {}
    for name, value in values.items():
        if value in first:
            raise Mistake(key.format(name), f"must not be {value}, which {first[value]} has already")
        first[value] = name
