"""The record about a person, section by section, with titles and names beside the ids.

Every section is read in one go, a batch at a time, so that memory does not grow with what a person did.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from django.apps import apps
from django.db.models import Q

from accounts.models import IdempotencyKey, ServiceToken, User
from catalog.models import Item
from curation.models import RuleChange
from feedback.models import Dislike, NegativeTrainingExample, OwnRule
from interactions.models import UserInteraction
from privacy.selectors import admin_log_about, browser_sessions, login_records
from profiles.models import Preference, TasteProfile
from profiles.reduction import NEUTRAL, decode
from recommendations.models import RecommendationSession

BATCH = 200
# More than any feature needs to be told from another one.
_DIGITS = 6

Entry: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the export: its name, what is in it in a sentence, and how it is read.

    read  one entry (or None) where there is one of it per person, else as many as there are
    """

    name: str
    says: str
    read: Callable[[User], Entry | Iterator[Entry] | None]


def _account(person: User) -> Entry:
    return {
        "id": person.pk,
        "username": person.username,
        "profile_name": person.profile_name,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "has_confirmed_email": person.has_confirmed_mail,
        "roles": person.roles,
        "joined_at": person.date_joined,
        "last_login_at": person.last_login,
        "has_password": person.has_usable_password(),
        "is_active": person.is_active,
        "is_staff": person.is_staff,
        "is_superuser": person.is_superuser,
        "is_synthetic": person.is_synthetic,
        "first_acted_at": person.first_acted_at,
        "discounted_at": person.discounted_at,
        "groups": sorted(person.groups.values_list("name", flat=True)),
        "permissions": sorted(person.user_permissions.values_list("codename", flat=True)),
    }


def _tokens(person: User) -> Iterator[Entry]:
    tokens = ServiceToken.objects.filter(user=person).order_by("created_at", "digest")
    yield from tokens.values(
        "name", "created_at", "may_act_for_others", "reads_only", "ends_at", "last_used_on"
    )


def _lists(person: User) -> Iterator[Entry]:
    rows = RecommendationSession.objects.filter(user=person).order_by("created_at", "pk").values()
    for batch in _batches(rows.iterator(chunk_size=BATCH)):
        titles = _titles(batch)
        for row in batch:
            yield {
                "list": row["id"],
                "shown_at": row["created_at"],
                "use_case": row["use_case"],
                "method": row["method"],
                "model_version": row["model_version"],
                "experiment_arm": row["experiment_arm"],
                "made_elsewhere": row["is_external"],
                "made_in_ms": row["made_in_ms"],
                "seen_to_rank": row["seen_rank"],
                "asked_for": row["asked_for"],
                "rules_of_staff": row["rules"],
                "feature_set": row["feature_set"],
                "shown": _slots(row, titles),
                "pushed_out_by_dislikes": [
                    {"item_id": item_id, "title": titles.get(item_id)} for item_id in row["pushed_out"]
                ],
            }


def _slots(row: Entry, titles: Mapping[int, str]) -> list[Entry]:
    """The positions of a list, each with its title and the features that the ranker saw."""
    shown = row["recommendations_shown"]
    features: Sequence[list[float] | None] = [None] * len(shown)
    if shown and row["features"]:
        numbers = np.frombuffer(row["features"], dtype="<f4").reshape(len(shown), -1)
        features = numbers.astype(np.float64).round(_DIGITS).tolist()
    return [
        {"rank": slot["rank"], "title": titles.get(slot["item_id"]), **slot, "features": of_slot}
        for slot, of_slot in zip(shown, features, strict=True)
    ]


def _titles(lists: Iterable[Entry]) -> dict[int, str]:
    """The titles of all items of these lists that the catalog still has, in one query."""
    shown = {slot["item_id"] for row in lists for slot in row["recommendations_shown"]}
    pushed_out = {item_id for row in lists for item_id in row["pushed_out"]}
    return dict(Item.objects.filter(pk__in=shown | pushed_out).values_list("pk", "title"))


def _interactions(person: User) -> Iterator[Entry]:
    columns = {
        "when": "occurred_at",
        "what": "type",
        "title": "item__title",
        "kind": "item__kind",
        "item_id": "item_id",
        "rating": "rating",
        "weight": "weight",
        "taken_back_at": "withdrawn_at",
        "list": "recommendation_session_id",
        "rank": "recommendation_rank",
        "score": "recommendation_score",
        "method": "recommendation_method",
        "source": "recommendation_source",
    }
    rows = UserInteraction.objects.filter(user=person).order_by("occurred_at", "pk")
    for row in rows.values_list(*columns.values()).iterator(chunk_size=BATCH):
        yield dict(zip(columns, row, strict=True))


def _dislikes(person: User) -> Iterator[Entry]:
    rows = (
        Dislike.objects.filter(user=person)
        .select_related("item", "interaction", "example", "about")
        .prefetch_related("adjustments__facet", "example__uses__version")
        .order_by("created_at", "pk")
    )
    for dislike in rows.iterator(chunk_size=BATCH):
        yield {
            "when": dislike.created_at,
            "title": dislike.title,
            "kind": dislike.item.kind,
            "item_id": dislike.item_id,
            "reason": dislike.reason,
            "about": None if dislike.about is None else dislike.about.name,
            "title_only": dislike.title_only,
            "comment": dislike.feedback_text,
            "taken_back_at": dislike.interaction.withdrawn_at,
            "list": dislike.session_id,
            "rank": dislike.rank,
            "predicted_score": dislike.predicted_score,
            "score_from": dislike.context_source,
            "use_case": dislike.use_case,
            "model_version": dislike.model_version,
            "review_state": dislike.review_state,
            "holds_back": [
                {"kind": row.facet.kind, "name": row.facet.name, "delta": row.delta}
                for row in dislike.adjustments.all()
            ],
            "training_example": _example(dislike),
        }


def _example(dislike: Dislike) -> Entry | None:
    example: NegativeTrainingExample | None = getattr(dislike, "example", None)
    if example is None:
        return None
    return {
        "predicted": example.predicted,
        "actual": example.actual,
        "error": example.error,
        "weight": example.weight,
        "used_in_training": example.used_in_training,
        "first_learned_by": [use.version.label for use in example.uses.all()],
    }


def _wishes(person: User) -> Iterator[Entry]:
    columns = {
        "since": "created_at",
        "strength": "strength",
        "of_kind": "facet__kind",
        "of": "facet__name",
        "title": "item__title",
        "words": "words",
        "ends_at": "ends_at",
        "ended_at": "ended_at",
    }
    rows = OwnRule.objects.filter(user=person).order_by("created_at", "pk")
    for row in rows.values_list(*columns.values()).iterator(chunk_size=BATCH):
        yield dict(zip(columns, row, strict=True))


def _taste(person: User) -> Entry | None:
    columns = {
        "updated_at": "updated_at",
        "reset_at": "reset_at",
        "interactions_folded_in": "rows",
        "dislikes_with_a_reason": "reasons",
        "that_said_something": "evidence",
        "pieces_of_feedback": "feedback",
        "folded_in_up_to": "cursor_at",
    }
    row = TasteProfile.objects.filter(user=person).values_list(*columns.values()).first()
    return None if row is None else dict(zip(columns, row, strict=True))


def _preferences(person: User) -> Iterator[Entry]:
    vector = TasteProfile.objects.filter(user=person).values_list("vector", flat=True).first()
    taste = decode(bytes(vector or b""), names={}, evidence=0, feedback=0)
    entries = dict(zip(taste.facet_ids.tolist(), taste.values.tolist(), strict=True))
    rows = Preference.objects.filter(profile__user=person).order_by("-score", "pk")
    for facet_id, kind, name, score in rows.values_list(
        "facet_id", "facet__kind", "facet__name", "score"
    ).iterator():
        yield {
            "kind": kind,
            "name": name,
            "score": score,
            "vector_entry": entries.get(facet_id, NEUTRAL),
        }


def _logins(person: User) -> Iterator[Entry]:
    for rows, what in zip(login_records(person), ("counted failures", "failed login", "login"), strict=True):
        for row in rows.values("attempt_time", "ip_address", "user_agent", "path_info").iterator():
            yield {
                "when": row["attempt_time"],
                "what": what,
                "ip_address": row["ip_address"],
                "browser": row["user_agent"],
                "path": row["path_info"],
            }


def _browser_logins(person: User) -> Iterator[Entry]:
    return ({"ends_at": session.expire_date} for session in browser_sessions(person))


def _answers(person: User) -> Iterator[Entry]:
    rows = IdempotencyKey.objects.filter(user=person).order_by("created_at", "pk")
    for row in rows.iterator(chunk_size=BATCH):
        yield {
            "created_at": row.created_at,
            "route": row.route,
            "key": row.key,
            "response_status": row.response_status,
            "response_body": row.answer(),
        }


def _staff_acts(person: User) -> Iterator[Entry]:
    for entry in admin_log_about(person).iterator():
        yield {"when": entry.action_time, "about": entry.object_repr, "what": entry.get_change_message()}


def _own_staff_acts(person: User) -> Iterator[Entry]:
    for entry in person.logentry_set.order_by("action_time", "pk").iterator():
        yield {"when": entry.action_time, "about": entry.object_repr, "what": entry.get_change_message()}


def _runs(person: User) -> Iterator[Entry]:
    # The console lies above what may be imported here.
    runs = apps.get_model("console", "Run")._default_manager  # noqa: SLF001  documented, whatever its name
    for row in (
        runs.filter(Q(started_by=person) | Q(canceled_by=person)).order_by("asked_at", "pk").iterator()
    ):
        yield {
            "command": str(row),
            "asked_at": row.asked_at,
            "started_by_you": row.started_by_id == person.pk,
            "canceled_by_you": row.canceled_by_id == person.pk,
        }


def _rules(person: User) -> Iterator[Entry]:
    for change in RuleChange.objects.filter(by=person).order_by("at", "pk").iterator():
        yield {"when": change.at, "rule": change.rule_id, "what": change.what, "to": change.after}


SECTIONS: tuple[Section, ...] = (
    Section("account", "who you are here; never the password or anything made from it", _account),
    Section("taste", "how far your taste is worked out; nothing where it was never asked for", _taste),
    Section(
        "preferences",
        "how you stand to what titles have in common: score -1 to 1, vector_entry 0 to 1",
        _preferences,
    ),
    Section(
        "interactions", "what you did, in the order of time, and in which list you met it", _interactions
    ),
    Section("dislikes", "what you turned down, why, and what that holds back in your lists", _dislikes),
    Section("wishes", "what you want less of, or never, and until when", _wishes),
    Section(
        "lists",
        "every list that was made for you, place by place; features as about.features names them",
        _lists,
    ),
    Section("logins", "tries to log in under your name", _logins),
    Section("browser_logins", "where you are logged in now", _browser_logins),
    Section("tokens", "that programs have a token of yours, and since when; never the token", _tokens),
    Section(
        "answers_kept", "answers to requests with an Idempotency-Key, to be given again to a repeat", _answers
    ),
    Section("staff_acts", "what staff did to your account, tokens and dislikes", _staff_acts),
    Section("own_staff_acts", "what you did in the admin, as staff", _own_staff_acts),
    Section("rules", "the rules for lists that you made, changed or ended, as staff", _rules),
    Section("runs", "the runs of commands that you started or canceled, as staff", _runs),
)


def _batches(rows: Iterator[Entry]) -> Iterator[list[Entry]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
