"""The ways to say no to an item, each by the function that a page or the API calls for it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from catalog.models import Item
from core.domain import CATEGORIES, DOMAIN, KINDS, RATED, REASONS, UseCase
from feedback.services import save_dislike
from interactions.services import record_interaction
from recommendations.models import RecommendationSession

LOWEST_RATING = 1.0
UNRELATED = "unrelated"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody's no at a moment: to the first item of a list, `others` standing below it."""

    user_id: int
    use_case: UseCase
    shown: tuple[int, ...]
    refused: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Form:
    """A way to say no. `say` writes it once; it is said `times` times, each to the list as it is then."""

    name: str
    label: str
    say: Callable[[Refusal], object]
    times: int = 1


def forms_of(use_case: UseCase) -> list[Form]:
    """Every form that people of a use case have: each reason, a low rating, and passing over."""
    reasons = [
        Form(
            name,
            f"{reason.label}{' (also without a reason)' if name == DOMAIN.dislikes.plain else ''}",
            dislike(name),
        )
        for name, reason in REASONS.items()
    ]
    rated = [name for name in RATED if name in KINDS[use_case.kind].actions]
    ratings = (
        [Form("low_rating", f"A rating of {LOWEST_RATING:g}", partial(_rate_low, rated[0]))] if rated else []
    )
    return [
        *reasons,
        *ratings,
        Form("passed_over", "Seeing the list to its end and doing nothing", _pass_over),
        Form("passed_over_5", "The same in five lists", _pass_over, times=5),
    ]


def topical_forms() -> list[Form]:
    """The forms that scrub a topic: the plain no, and the reason that holds categories back the most."""
    plain = DOMAIN.dislikes.plain

    def strength(name: str) -> float:
        return max((REASONS[name].shares().get(kind, 0.0) for kind in CATEGORIES), default=0.0)

    names = dict.fromkeys([plain, max(REASONS, key=strength)])
    return [Form(name, REASONS[name].label, dislike(name)) for name in names]


def dislike(reason: str) -> Callable[[Refusal], object]:
    """A dislike with a reason."""

    def say(refusal: Refusal) -> object:
        item = Item.objects.get(pk=refusal.refused)
        return save_dislike(user_id=refusal.user_id, item=item, reason=reason, occurred_at=refusal.now)

    return say


def _rate_low(type_name: str, refusal: Refusal) -> object:
    return record_interaction(
        user_id=refusal.user_id,
        item_id=refusal.refused,
        type_name=type_name,
        rating=LOWEST_RATING,
        occurred_at=refusal.now,
    )


def _pass_over(refusal: Refusal) -> object:
    """A list that was seen to its end, as the record would hold it."""
    shown = [{"item_id": item_id, "rank": rank} for rank, item_id in enumerate(refusal.shown, 1)]
    return RecommendationSession.objects.create(
        user_id=refusal.user_id,
        use_case=refusal.use_case.name,
        method="trial",
        recommendations_shown=shown,
        seen_rank=len(shown),
        created_at=refusal.now,
    )
