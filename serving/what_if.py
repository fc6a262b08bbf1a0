"""The list of a person as it would be if one thing were otherwise, beside their list of now.

Both are made by the code that serves, and recorded nowhere.
"""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from django.utils import timezone

from core.domain import DISLIKE, UseCase
from core.domain.words import done_label
from core.errors import InvalidInput
from curation.acting import NO_RULES
from feedback.records import ask_record
from feedback.services import supposing_taken_back
from interactions.history import STATES, read_history
from interactions.models import UserInteraction
from profiles.log import current_rules, read_log
from profiles.selectors import taste_of
from ranking.context import ScoringContext
from ranking.models import ModelVersion
from ranking.recommenders.artifact import ArtifactError
from ranking.registry.loading import NO_MODELS, put_versions
from ranking.registry.versions import ModelFileError
from serving.live import get_state
from serving.looking import Look, look_by
from serving.opening import open_request, request_of
from serving.pipeline import ServedSlot

MOST_ACTS = 100
NEW = "new"


@dataclass(frozen=True, slots=True)
class Supposition:
    """The things that are supposed to be otherwise; nothing of it changes nothing.

    without    an act of the person that stands, as if it were taken back
    version    a model version, as if it were the active one of its kind
    no_models  as if no model had been trained
    no_rules   as if staff had made no rule, not even a block
    rule_id    a rule of staff, as if there were all others but this one
    """

    without: UserInteraction | None = None
    version: ModelVersion | None = None
    no_models: bool = False
    no_rules: bool = False
    rule_id: int | None = None

    @property
    def changes_models(self) -> bool:
        """True where another model would make the list."""
        return self.no_models or self.version is not None


@dataclass(frozen=True, slots=True)
class Moved:
    """A slot of the list as it would be, with its rank in the list of now: None where it is not in that."""

    slot: ServedSlot
    before: int | None

    @property
    def by(self) -> int:
        """The ranks that it would rise; below 0 it would fall."""
        return 0 if self.before is None else self.before - self.slot.rank

    @property
    def change(self) -> str:
        """The change in words: "new", "up 3", "down 2", or "" for none."""
        if self.before is None:
            return NEW
        return f"up {self.by}" if self.by > 0 else f"down {-self.by}" if self.by else ""


@dataclass(frozen=True, eq=False)
class Comparison:
    """The list of now beside the list as it would be."""

    now: Look
    then: Look

    @cached_property
    def slots(self) -> list[Moved]:
        """The list as it would be, each slot with where it is now."""
        ranks = _ranks(self.now.served.slots)
        return [Moved(slot, ranks.get(slot.item.id)) for slot in self.then.served.slots]

    @property
    def came(self) -> list[Moved]:
        """The slots that are not in the list of now."""
        return [one for one in self.slots if one.before is None]

    @property
    def moved(self) -> list[Moved]:
        """The slots that stand elsewhere now."""
        return [one for one in self.slots if one.by]

    @cached_property
    def left(self) -> list[ServedSlot]:
        """The slots of the list of now that would not be in it."""
        ranks = _ranks(self.then.served.slots)
        return [slot for slot in self.now.served.slots if slot.item.id not in ranks]


def what_if(
    *,
    user_id: int,
    use_case: UseCase,
    limit: int,
    supposed: Supposition,
    now: datetime | None = None,
) -> Comparison:
    """The lists of the best `limit` items (1 to MAX_LIMIT) for a person at one moment, now and as supposed.

    An act is taken back as `feedback.services` does it, in a transaction that ends once the person was read.
    Raises InvalidInput where a model version is of another use case or its file cannot be read, and NotFound
    where the act no longer stands.
    """
    now = now or timezone.now()
    context = get_state(use_case.name).for_person(user_id)
    before = open_request(user_id, context, now)
    act = supposed.without
    taken_back = (
        nullcontext()
        if act is None
        else supposing_taken_back(user_id=user_id, item_id=act.item_id, type_name=act.type)
    )
    other = supposed_context(context, supposed)
    with taken_back:
        log = read_log(user_id, current_rules())
        record = ask_record(user_id=user_id, use_case=use_case, now=now).read(other.catalog.of_kind)
    # A long log takes a while to reduce; nobody waits for it.
    after = request_of(user_id, other, now, taste_of(log), record)
    return Comparison(look_by(before, limit, now), look_by(after, limit, now))


def acts_to_leave_out(user_id: int) -> list[tuple[str, list[UserInteraction]]]:
    """The last acts of a person that stand and could be left out, in groups by words: two queries.

    At most MOST_ACTS noes, which come first, and as many of all others.
    """
    groups: dict[str, list[UserInteraction]] = {}
    for types in ((DISLIKE,), tuple(name for name in STATES if name != DISLIKE)):
        page = read_history(user_id=user_id, types=types, text="", cursor="", length=MOST_ACTS)
        for act in page.acts:
            groups.setdefault(done_label(act.type), []).append(act)
    return list(groups.items())


def supposed_context(context: ScoringContext, supposed: Supposition) -> ScoringContext:
    """The same catalog and policy with other models, and without rules of staff. Raises InvalidInput."""
    if supposed.changes_models:
        context = _with_other_models(context, supposed)
    if supposed.no_rules:
        return replace(context, rules=NO_RULES)
    return (
        context
        if supposed.rule_id is None
        else replace(context, rules=context.rules.without([supposed.rule_id]))
    )


def _with_other_models(context: ScoringContext, supposed: Supposition) -> ScoringContext:
    models = NO_MODELS if supposed.no_models else context.models
    if (version := supposed.version) is not None:
        if version.use_case != context.use_case.name:
            raise InvalidInput(
                f"{version.label} is a model of {version.use_case}. Choose one of this use case."
            )
        try:
            models = put_versions(models, [version], [context.models])
        except (ModelFileError, ArtifactError) as error:
            raise InvalidInput(f"{version.label} cannot be tried: {error}") from error
    other = ScoringContext.of(context.use_case, context.catalog, models, context.policy, context.arm)
    return replace(other, rules=context.rules)


def _ranks(slots: Iterable[ServedSlot]) -> dict[int, int]:
    return {slot.item.id: slot.rank for slot in slots}
