"""Writes of dislikes: one no and all that it causes, in one transaction; and taking it back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.services import lock_person
from catalog.models import Facet, Item, ItemFacet
from core.domain import CATEGORIES, DISLIKE, DOMAIN, PEOPLE, REASONS, SPREADING
from core.errors import InvalidInput, NotFound
from core.values import COMMENT, REASON, BadValue, named
from feedback.adjustments import FacetDelta, calculate_feature_adjustment_from_dislike, named_share
from feedback.likings import likings_of
from feedback.models import Dislike, FeatureAdjustment, NegativeTrainingExample, OwnRule
from feedback.patterns import refresh_patterns
from feedback.selectors import active_dislikes
from feedback.training import Retraining, apply_dislike_to_training_data, get_retrainings, may_become_due
from interactions.selectors import active_interactions
from interactions.services import record_interaction, withdraw_state
from recommendations.models import RecommendationSession
from recommendations.selectors import find_slots

logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SavedDislike:
    """The result of a dislike."""

    dislike: Dislike
    created: bool
    example: NegativeTrainingExample | None
    deltas: list[FacetDelta]


@dataclass(frozen=True, slots=True)
class ClientContext:
    """The client's statement on the item, for where the server has no record of its own.

    set_id  the list that it names, as it was given; it need not be one of ours
    """

    set_id: str = ""
    predicted_score: float | None = None
    categories: Sequence[str] = ()
    people: Sequence[str] = ()


def save_dislike(
    *,
    user_id: int,
    item: Item,
    reason: str | None = None,
    feedback_text: str = "",
    session_id: UUID | None = None,
    client: ClientContext | None = None,
    occurred_at: datetime | None = None,
    about: Facet | None = None,
    title_only: bool = False,
) -> SavedDislike:
    """Records a person's no to an item with everything that follows from it, or nothing at all.

    `about` is the one facet of the item that it speaks of, and with `title_only` it says nothing about other
    titles. `occurred_at` is now where it is not given, and the reason the plain one. An item that is disliked
    already keeps its dislike, unchanged, and the same no at the same moment is one no. Raises InvalidInput
    for a reason that does not exist or a text that is too long, and NotFound for a session that does not hold
    the item.
    """
    reason = DOMAIN.dislikes.plain if reason is None else reason
    try:
        named("reason", REASON, reason)
        feedback_text = named("feedback_text", COMMENT, feedback_text)
    except BadValue as error:
        raise InvalidInput(f"{error}.") from error
    client = client or ClientContext()
    # Of the taste before this no, which its own reduction goes by too.
    likings = likings_of(user_id) if reason in SPREADING and about is None else {}
    with transaction.atomic():
        lock_person(user_id=user_id)
        moment = occurred_at or timezone.now()
        same = Q(interaction__withdrawn_at=None) | Q(interaction__occurred_at=moment)
        # A dislike that came by import and does not say why: this one takes its place.
        silent = Q(reason=DOMAIN.dislikes.plain, feedback_text="", about=None, title_only=False)
        imported = (
            silent & Q(context_source=Dislike.ContextSource.IMPORT) & ~Q(interaction__occurred_at=moment)
        )
        known = Dislike.objects.filter(same, user_id=user_id, item=item).exclude(imported).first()
        if known is not None:
            return _as_saved(known)
        before = get_retrainings(kind=item.kind)
        standing = active_interactions().filter(user_id=user_id, item=item, type=DISLIKE)
        standing.exclude(occurred_at=moment).update(withdrawn_at=timezone.now())
        dislike = _create_dislike(user_id, item, reason, feedback_text, session_id, client, moment)
        if about is not None or title_only:
            dislike.about, dislike.title_only = about, title_only
            dislike.save(update_fields=["about", "title_only"])
        example = apply_dislike_to_training_data(dislike)
        deltas = _deltas_of(dislike, client, likings)
        record_feedback_impact(dislike, deltas)
        refresh_patterns(user_ids=[user_id])
    _tell(dislike, deltas)
    if may_become_due(before):
        tell_of_threshold(before, get_retrainings(kind=item.kind))
    return SavedDislike(dislike, created=True, example=example, deltas=deltas)


def find_session(*, user_id: int, item_id: int, set_id: str) -> UUID | None:
    """The person's own list that a client names, if it is one and holds the item; else None.

    None is no mistake: a list may have been made elsewhere, and then it proves nothing.
    """
    try:
        session_id = UUID(set_id)
        find_slots(user_id=user_id, wanted={(session_id, item_id)})
    except (ValueError, NotFound):
        return None
    return session_id


def record_feedback_impact(dislike: Dislike, deltas: Sequence[FacetDelta]) -> None:
    """Writes down which facets a dislike holds back, and by how much."""
    FeatureAdjustment.objects.bulk_create(
        FeatureAdjustment(dislike=dislike, facet_id=delta.facet_id, delta=delta.delta) for delta in deltas
    )


def undo_dislike(*, user_id: int, dislike_id: int) -> Dislike:
    """Takes a no back: the item may be shown again, nothing is held back, no model learns from it any more.

    Raises NotFound where the person has no such dislike.
    """
    with transaction.atomic():
        lock_person(user_id=user_id)
        dislike = Dislike.objects.filter(
            pk=dislike_id, user_id=user_id, interaction__withdrawn_at=None
        ).first()
        if dislike is None:
            raise NotFound("There is no such dislike to take back.")
        _take_back(user_id, dislike.item_id, DISLIKE)
        refresh_patterns(user_ids=[user_id])
    logger.info("[FEEDBACK] dislike undone", dislike_id=dislike.pk, user_id=user_id, item_id=dislike.item_id)
    return dislike


def _take_back(user_id: int, item_id: int, type_name: str) -> None:
    """Takes a state back, and ends the rules that a dislike brought along."""
    state = withdraw_state(user_id=user_id, item_id=item_id, type_name=type_name)
    OwnRule.objects.filter(dislike__interaction=state, ended_at=None).update(ended_at=timezone.now())


@contextmanager
def supposing_taken_back(*, user_id: int, item_id: int, type_name: str) -> Iterator[None]:
    """Within it a person's act is taken back, as this connection alone sees it; its end undoes that.

    So what is read within is what would be read after an undoing, by one definition of it. It is a
    transaction that is rolled back: keep it short, for the person's own writes wait. Raises NotFound where no
    such act of theirs stands.
    """
    with transaction.atomic():
        _take_back(user_id, item_id, type_name)
        yield
        transaction.set_rollback(True)


def undo_dislike_of_item(*, user_id: int, item_id: int) -> None:
    """Takes back the person's no to an item, also one that came by import.

    Raises NotFound where none stands.
    """
    dislike = active_dislikes(user_id).filter(item_id=item_id).first()
    if dislike is not None:
        undo_dislike(user_id=user_id, dislike_id=dislike.pk)
    else:
        # An imported dislike is an interaction only: it has no reason and no Dislike row.
        withdraw_state(user_id=user_id, item_id=item_id, type_name=DISLIKE)


def _create_dislike(
    user_id: int,
    item: Item,
    reason: str,
    feedback_text: str,
    session_id: UUID | None,
    client: ClientContext,
    moment: datetime,
) -> Dislike:
    recorded = record_interaction(
        user_id=user_id,
        item_id=item.pk,
        type_name=DISLIKE,
        session_id=session_id,
        strength=REASONS[reason].weight,
        occurred_at=moment,
    )
    interaction = recorded.interaction
    session = (
        RecommendationSession.objects.only("use_case", "model_version").get(pk=session_id)
        if session_id is not None
        else None
    )
    score, source = interaction.recommendation_score, Dislike.ContextSource.SESSION
    if session is None:
        score = client.predicted_score
        source = Dislike.ContextSource.NONE if score is None else Dislike.ContextSource.CLIENT
    return Dislike.objects.create(
        user_id=user_id,
        item=item,
        title=item.title,
        interaction=interaction,
        session=session,
        recommendation_set_id=client.set_id,
        use_case=session.use_case if session else "",
        model_version=session.model_version if session else "",
        rank=interaction.recommendation_rank if session else None,
        predicted_score=score,
        context_source=source,
        reason=reason,
        feedback_text=feedback_text,
        created_at=moment,
    )


def _deltas_of(dislike: Dislike, client: ClientContext, likings: Mapping[int, float]) -> list[FacetDelta]:
    """The facets that a dislike holds back: the one that it names, else those that its reason speaks of."""
    if dislike.title_only:
        return []
    if (about := dislike.about) is not None:
        share = named_share(dislike.reason, about.kind)
        return [FacetDelta(about.pk, about.kind, about.name, -share)]
    facets = _facets_of(dislike.item, client)
    return calculate_feature_adjustment_from_dislike(dislike.reason, facets, likings)


def _facets_of(item: Item, client: ClientContext) -> list[tuple[int, str, str]]:
    """The item's facets; where the catalog knows no categories or no people of it, those the client names.

    A name that the catalog does not know is passed over: a client adds nothing to it.
    """
    facets = list(
        ItemFacet.objects.filter(item=item)
        .order_by("billing", "pk")
        .values_list("facet_id", "facet__kind", "facet__name")
    )
    kinds = {kind for _, kind, _ in facets}
    for names, of_kinds in ((client.categories, CATEGORIES), (client.people, PEOPLE)):
        if names and kinds.isdisjoint(of_kinds):
            facets += _named(names, of_kinds)
    return facets


def _named(names: Sequence[str], kinds: Sequence[str]) -> list[tuple[int, str, str]]:
    return list(Facet.objects.filter(kind__in=kinds, name__in=names).values_list("pk", "kind", "name"))


def _as_saved(dislike: Dislike) -> SavedDislike:
    rows = dislike.adjustments.select_related("facet").order_by("pk")
    deltas = [FacetDelta(row.facet_id, row.facet.kind, row.facet.name, row.delta) for row in rows]
    example = NegativeTrainingExample.objects.filter(dislike=dislike).first()
    return SavedDislike(dislike, created=False, example=example, deltas=deltas)


def _tell(dislike: Dislike, deltas: Sequence[FacetDelta]) -> None:
    """Logs what came of it; never what the person wrote."""
    logger.info(
        "[FEEDBACK] dislike saved",
        dislike_id=dislike.pk,
        user_id=dislike.user_id,
        item_id=dislike.item_id,
        reason=dislike.reason,
        predicted_score=dislike.predicted_score,
        model_version=dislike.model_version,
    )
    if deltas:
        logger.info(
            "[FEEDBACK] Feature adjustments",
            dislike_id=dislike.pk,
            facets={f"{delta.kind}: {delta.name}": delta.delta for delta in deltas},
        )


def tell_of_threshold(before: Sequence[Retraining], after: Sequence[Retraining]) -> None:
    """Logs each use case whose threshold was reached in between."""
    were_due = {one.use_case for one in before if one.due}
    for one in after:
        if one.due and one.use_case not in were_due:
            logger.info(
                "[FEEDBACK] Feedback threshold reached",
                use_case=one.use_case,
                untrained=one.untrained,
                threshold=one.threshold,
            )
