"""Writes of taste: rebuilding and resetting a profile, and the feedback that moves it."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from accounts.models import User
from accounts.services import lock_person
from catalog.models import Item
from core.domain import KINDS
from core.domain.roles import plain_yes, rated_type
from core.errors import InvalidInput
from core.progress import Progress
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.services import Recorded, record_interaction
from profiles.catching_up import catch_up, rebuild_profile, store_profile
from profiles.log import CaughtUp, Cursor, Reading, current_rules, name_facets
from profiles.models import TasteProfile
from profiles.reduction import Taste, no_taste
from profiles.taste import vector_for


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the taste vector that moved."""

    facet_id: int
    kind: str
    name: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class FeedbackGiven:
    """The result of one piece of feedback. `updated`: it is the one that moved the vector."""

    created: bool
    updated: bool
    changes: tuple[Change, ...]
    taste: Taste


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The outcome of `rebuild_profiles`. `changed`: profiles that said something else before."""

    people: int
    interactions: int
    preferences: int
    changed: int


def find_people(usernames: Iterable[str] = ()) -> list[int]:
    """The ids of these people, or of everybody who did anything or has a profile.

    Raises InvalidInput for a name that nobody has.
    """
    wanted = set(usernames)
    if not wanted:
        people = User.objects.filter(
            Exists(UserInteraction.objects.filter(user=OuterRef("pk")))
            | Exists(TasteProfile.objects.filter(user=OuterRef("pk")))
        )
        return list(people.order_by("pk").values_list("pk", flat=True))
    found = dict(User.objects.filter(username__in=wanted).order_by("pk").values_list("username", "pk"))
    if unknown := sorted(wanted.difference(found)):
        raise InvalidInput(f"There is nobody named {', '.join(unknown)}.")
    return list(found.values())


def rebuild_profiles(*, user_ids: Iterable[int], progress: Progress | None = None) -> Rebuilt:
    """Makes the profiles of these people anew, each in a transaction of its own."""
    progress = progress or Progress(quiet=True)
    people = interactions = preferences = changed = 0
    for user_id in user_ids:
        caught_up, is_changed = rebuild_profile(user_id=user_id)
        people += 1
        interactions += len(caught_up.events)
        preferences += len(caught_up.taste.facet_ids)
        changed += is_changed
        progress.advance()
    return Rebuilt(people, interactions, preferences, changed)


def reset_profile(*, user_id: int) -> None:
    """Forgets what is believed of a person: whatever is on record now never counts again.

    The log itself stays, and with it what must not be shown again.
    """
    with transaction.atomic():
        lock_person(user_id=user_id)
        newest = UserInteraction.objects.filter(user_id=user_id).aggregate(newest=Max("pk"))["newest"] or 0
        profile_id = TasteProfile.objects.filter(user_id=user_id).values_list("pk", flat=True).first()
        forgotten = Reading(profile_id=profile_id, reset_id=newest, reset_at=timezone.now())
        store_profile(user_id, forgotten, CaughtUp(no_taste(), Cursor(interaction_id=newest), [], anew=True))


def rate_item(*, user_id: int, item: Item, rating: float, session_id: UUID | None = None) -> Recorded:
    """Records that a person watched an item and how they rate it, 0 to 10; a new rating replaces the old.

    Raises InvalidInput for an item that is not watched or a rating out of range, and NotFound for a session
    that does not hold the item.
    """
    rated = rated_type(item.kind)
    if rated is None:
        label = KINDS[item.kind].label if item.kind in KINDS else item.kind
        raise InvalidInput(f"rating: {label} take no rating.")
    return record_interaction(
        user_id=user_id, item_id=item.pk, type_name=rated.name, rating=rating, session_id=session_id
    )


def give_feedback(*, user_id: int, item: Item, likes: bool, session_id: UUID | None = None) -> FeedbackGiven:
    """Records the plain yes of its kind or a dislike without a reason; tells what it moved in the vector.

    What stands already is not recorded again and moves nothing. Raises NotFound for a session that does not
    hold the item.
    """
    with transaction.atomic():
        lock_person(user_id=user_id)
        before = catch_up(user_id=user_id)
        if likes:
            created = record_interaction(
                user_id=user_id, item_id=item.pk, type_name=plain_yes(item.kind), session_id=session_id
            ).created
        else:
            created = save_dislike(user_id=user_id, item=item, session_id=session_id).created
        after = catch_up(user_id=user_id)
    every = current_rules().update_every
    changes = _changes(before, after)
    # A dislike that ends a like changes the past too, so the vector may move between two updates.
    updated = created and (bool(changes) or before.feedback // every != after.feedback // every)
    return FeedbackGiven(created, updated, changes, after)


def _changes(before: Taste, after: Taste) -> tuple[Change, ...]:
    """The entries of the vector that moved, those that moved most first."""
    facet_ids = np.union1d(before.facet_ids, after.facet_ids)
    old, new = vector_for(before, facet_ids), vector_for(after, facet_ids)
    moved = np.flatnonzero(old != new)
    moved = moved[np.argsort(-np.abs(new[moved] - old[moved]), kind="stable")]
    rows = list(zip(facet_ids[moved].tolist(), old[moved].tolist(), new[moved].tolist(), strict=True))
    named = name_facets(row[0] for row in rows)
    return tuple(
        Change(facet_id, *named[facet_id], was, now) for facet_id, was, now in rows if facet_id in named
    )
