"""Dislikes as training signal: examples, the threshold that asks for a new model, its batch."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import BooleanField, Count, ExpressionWrapper, F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from accounts.selectors import counts_for_others, is_new_account
from core.domain import DOMAIN, USE_CASES, UseCase
from feedback.models import Dislike, NegativeTrainingExample, RetrainingMark

MAX_BATCH = 100
# So many people may say no at the same moment, each of whom counts none of the others.
AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Retraining:
    """The progress of the examples of a use case towards asking for its next model."""

    use_case: str
    untrained: int
    threshold: int

    @property
    def due(self) -> bool:
        """True where enough people have said no since the last change of the models."""
        return self.untrained >= self.threshold


@dataclass(frozen=True, slots=True)
class NegativeExample:
    """One example for a trainer."""

    example_id: int
    user_id: int
    item_id: int
    predicted: float | None
    weight: float
    created_at: datetime


def calculate_dislike_weight(reason: str) -> float:
    """The weight of a dislike with this reason as an example: 0.8 for a full no, less for a lighter one.

    Raises KeyError for a reason that does not exist.
    """
    return float(settings.DISLIKE_EXAMPLE_WEIGHT) * DOMAIN.reasons[reason].weight


def apply_dislike_to_training_data(dislike: Dislike) -> NegativeTrainingExample | None:
    """Writes the example that a dislike makes: actual 0.0, error = predicted, its weight.

    None for a reason that says nothing about taste.
    """
    weight = calculate_dislike_weight(dislike.reason)
    if weight == 0.0:
        return None
    return NegativeTrainingExample.objects.create(
        dislike=dislike,
        predicted=dislike.predicted_score,
        error=dislike.predicted_score,
        weight=weight,
        created_at=dislike.created_at,
    )


def countable_examples() -> QuerySet[NegativeTrainingExample]:
    """The examples that may teach: of accounts that count, not taken back, and not excluded by staff."""
    standing = NegativeTrainingExample.objects.filter(dislike__interaction__withdrawn_at=None)
    return standing.filter(counts_for_others("dislike__user")).exclude(
        dislike__review_state=Dislike.ReviewState.EXCLUDED
    )


def may_become_due(before: Iterable[Retraining]) -> bool:
    """True where one more no could ask for a new model; elsewhere there is nothing to count again."""
    return any(not one.due and one.untrained + AT_ONCE >= one.threshold for one in before)


def get_retraining(use_case: UseCase, *, until: datetime | None = None) -> Retraining:
    """The progress of one use case: what `retrain --if-needed`, the API and the admin all go by.

    It counts the examples after its mark and up to `until`, now if left out, that no model has used, at most
    DISLIKE_CAP_PER_PERSON of any one person. An example of another use case's list is left to that one.
    """
    return _progress([use_case], until or timezone.now())[0]


def get_retrainings(*, kind: str | None = None) -> list[Retraining]:
    """The progress of every use case, or of those of a kind, the one that has most first.

    A query for each, and one for all of their marks.
    """
    wanted = [use_case for use_case in USE_CASES.values() if kind is None or use_case.kind == kind]
    return sorted(_progress(wanted, timezone.now()), key=lambda one: -one.untrained)


def _progress(use_cases: Iterable[UseCase], until: datetime) -> list[Retraining]:
    marks = dict(RetrainingMark.objects.values_list("use_case", "counted_until"))
    found = []
    for use_case in use_cases:
        waiting = examples_for(use_case, until).filter(used_in_training=False)
        if use_case.name in marks:
            waiting = waiting.filter(created_at__gt=marks[use_case.name])
        found.append(Retraining(use_case.name, _count_capped(waiting), settings.DISLIKE_RETRAIN_THRESHOLD))
    return found


def nearest_retraining(*, kind: str | None = None) -> Retraining:
    """The progress of the use case, of this kind or of any, whose next model is nearest."""
    found = get_retrainings(kind=kind)
    return found[0] if found else Retraining("", 0, settings.DISLIKE_RETRAIN_THRESHOLD)


def get_untrained_negative_feedback_count(use_case: str | None = None) -> int:
    """The number of examples that wait for a model of a use case, or of the one that has most.

    Raises KeyError for a use case that does not exist.
    """
    one = nearest_retraining() if use_case is None else get_retraining(USE_CASES[use_case])
    return one.untrained


def should_retrain_from_feedback(use_case: str | None = None) -> bool:
    """True where enough people have said no since the last change of the models, of a use case or of any.

    Raises KeyError for a use case that does not exist.
    """
    one = nearest_retraining() if use_case is None else get_retraining(USE_CASES[use_case])
    return one.due


def spend_dislikes(use_case: str, *, until: datetime) -> None:
    """Notes that a model went live that knows the dislikes up to `until`; the mark never moves back."""
    mark, is_new = RetrainingMark.objects.get_or_create(use_case=use_case, defaults={"counted_until": until})
    if not is_new and mark.counted_until < until:
        mark.counted_until = until
        mark.save(update_fields=["counted_until"])


def examples_for(use_case: UseCase, until: datetime) -> QuerySet[NegativeTrainingExample]:
    """The examples that people's dislikes made up to `until` and that may teach this use case.

    Those that came from its lists, and those of items of its kind that came from no list.
    """
    return countable_examples().filter(
        created_at__lte=until,
        dislike__item__kind=use_case.kind,
        dislike__use_case__in=[use_case.name, ""],
    )


def _count_capped(examples: QuerySet[NegativeTrainingExample]) -> int:
    """The examples, of one person a capped number, and of all new accounts half of what asks for a model."""
    is_new = ExpressionWrapper(is_new_account(timezone.now(), "dislike__user__"), output_field=BooleanField())
    per_person = (
        examples.values("dislike__user_id")
        .annotate(examples=Count("pk"), is_new=is_new)
        .values_list("examples", "is_new")
    )
    counted = {True: 0, False: 0}
    for count, new in per_person:
        counted[bool(new)] += min(count, settings.DISLIKE_CAP_PER_PERSON)
    most_of_new: int = settings.DISLIKE_RETRAIN_THRESHOLD // 2
    return counted[False] + min(counted[True], most_of_new)


def untrained_examples(among: Collection[int]) -> list[int]:
    """The examples of `among` that still count and that no model has used, locked until the transaction ends.

    Needs a transaction, in which nobody can erase them before they are noted.
    """
    rows = countable_examples().filter(used_in_training=False).select_for_update(of=("self",))
    wanted = set(among)
    return [
        example_id for example_id in rows.order_by("pk").values_list("pk", flat=True) if example_id in wanted
    ]


def get_negative_training_batch(limit: int = MAX_BATCH) -> list[NegativeExample]:
    """The oldest examples that no model has used, at most `limit` and never more than 100.

    As for the threshold, no person gives more than DISLIKE_CAP_PER_PERSON of them.
    """
    rows = (
        countable_examples()
        .filter(used_in_training=False)
        .annotate(
            place=Window(RowNumber(), partition_by=F("dislike__user_id"), order_by=[F("created_at"), F("pk")])
        )
        .filter(place__lte=settings.DISLIKE_CAP_PER_PERSON)
        .order_by("created_at", "pk")
        .values_list("pk", "dislike__user_id", "dislike__item_id", "predicted", "weight", "created_at")
    )
    return [NegativeExample(*row) for row in rows[: max(0, min(limit, MAX_BATCH))]]


def mark_negative_examples_as_used(example_ids: Iterable[int]) -> int:
    """Notes that a model has learned from these; returns how many were not noted before."""
    return NegativeTrainingExample.objects.filter(pk__in=list(example_ids), used_in_training=False).update(
        used_in_training=True
    )
