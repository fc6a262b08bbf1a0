"""Bringing a profile up to date with the log: the one write of taste that a read may ask for."""

from dataclasses import replace

import numpy as np
from django.db import transaction
from django.utils import timezone

from accounts.services import lock_person
from profiles.log import CaughtUp, Reading, current_rules, digest, name_facets, read_log
from profiles.models import Preference, TasteProfile
from profiles.reduction import KINDS, Taste, encode

# So many of the best-liked facets of each kind are kept with their names.
NAMED_PER_KIND = 20


def catch_up(*, user_id: int) -> Taste:
    """The taste of a person as of now, stored. One query where the profile is up to date."""
    rules = current_rules()
    reading = read_log(user_id, rules)
    if reading.is_current:
        return reading.taste
    caught_up = reading.catch_up(rules)
    return _stored(user_id, reading, caught_up) or _caught_up_alone(user_id)


def _caught_up_alone(user_id: int) -> Taste:
    """The same, made while nobody else writes about the person: for whose profile others stored meanwhile."""
    rules = current_rules()
    with transaction.atomic():
        lock_person(user_id=user_id)
        reading = read_log(user_id, rules)
        if reading.is_current:
            return reading.taste
        return store_profile(user_id, reading, reading.catch_up(rules))


def rebuild_profile(*, user_id: int) -> tuple[CaughtUp, bool]:
    """Makes a profile anew from the log since its reset; also whether it says something else than before."""
    rules = current_rules()
    reading = read_log(user_id, rules, anew=True)
    caught_up = reading.catch_up(rules)
    if _stored(user_id, reading, caught_up) is None:
        with transaction.atomic():
            lock_person(user_id=user_id)
            reading = read_log(user_id, rules, anew=True)
            caught_up = reading.catch_up(rules)
            store_profile(user_id, reading, caught_up)
    return caught_up, encode(caught_up.taste) != encode(reading.taste)


def _stored(user_id: int, reading: Reading, caught_up: CaughtUp) -> Taste | None:
    """Stores what was made of a reading, unless another profile was stored since: then None.

    On SQLite the lock of a person is that of the database, and the reduction of a long log takes seconds: so
    it is done before. What the log gained or lost meanwhile the cursor tells whoever reads next.
    """
    with transaction.atomic():
        lock_person(user_id=user_id)
        if not reading.stands(TasteProfile.objects.filter(user_id=user_id)):
            return None
        return store_profile(user_id, reading, caught_up)


def store_profile(user_id: int, before: Reading, caught_up: CaughtUp) -> Taste:
    """Writes a profile in the place of `before`; returns its taste with the names that are kept."""
    taste = replace(caught_up.taste, names=_names_of_best(caught_up.taste))
    values = {
        "cursor": caught_up.cursor.interaction_id,
        "cursor_at": caught_up.cursor.occurred_at,
        "rows": caught_up.cursor.rows,
        "ids": caught_up.cursor.ids,
        "reasons": caught_up.cursor.reasons,
        "reset_id": before.reset_id,
        "reset_at": before.reset_at,
        "vector": encode(taste),
        "names": taste.names,
        "evidence": taste.evidence,
        "feedback": taste.feedback,
        "rules": digest(current_rules()),
        "updated_at": timezone.now(),
    }
    profile_id = before.profile_id
    if profile_id is None:
        profile_id = TasteProfile.objects.create(user_id=user_id, **values).pk
    else:
        TasteProfile.objects.filter(pk=profile_id).update(**values)
        if caught_up.anew:
            Preference.objects.filter(profile_id=profile_id).delete()
    _store_preferences(profile_id, caught_up)
    return taste


def _store_preferences(profile_id: int, caught_up: CaughtUp) -> None:
    """A row for each facet of which the events spoke."""
    touched = np.unique([facet[0] for event in caught_up.events for facet in event.facets])
    rows = np.isin(caught_up.taste.facet_ids, touched)
    scores = zip(caught_up.taste.facet_ids[rows].tolist(), caught_up.taste.scores[rows].tolist(), strict=True)
    Preference.objects.bulk_create(
        (Preference(profile_id=profile_id, facet_id=facet_id, score=score) for facet_id, score in scores),
        update_conflicts=True,
        unique_fields=["profile", "facet"],
        update_fields=["score"],
    )


def _names_of_best(taste: Taste) -> dict[int, str]:
    """The names of the best-liked facets of each kind, looked up where they did not come along."""
    best = [facet_id for kind in KINDS for facet_id, _ in taste.strongest(kind, NAMED_PER_KIND)]
    missing = [facet_id for facet_id in best if facet_id not in taste.names]
    looked_up = name_facets(missing) if missing else {}
    names = {**taste.names, **{facet_id: name for facet_id, (_, name) in looked_up.items()}}
    return {facet_id: names[facet_id] for facet_id in best if facet_id in names}
