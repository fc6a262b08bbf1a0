"""Writes of what was shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from core.errors import Conflict, InvalidInput, NotFound
from core.queries import CompiledInsert
from core.written import Written
from recommendations.models import RecommendationSession


@dataclass(frozen=True, slots=True)
class ShownSlot:
    """One position of a list as it is recorded: item, source, scores and policy propensity.

    rules  ids of the rules of staff that put it there, boosted or buried it
    """

    item_id: int
    rank: int
    score: float
    base_score: float
    method: str
    source: str
    source_rank: int | None
    source_score: float | None
    propensity: float | None
    rules: Sequence[int] = ()

    def as_json(self) -> dict[str, Any]:
        """The entry of `recommendations_shown`; written out because `asdict` copies ten times slower."""
        entry = {
            "item_id": self.item_id,
            "rank": self.rank,
            "score": self.score,
            "base_score": self.base_score,
            "method": self.method,
            "source": self.source,
            "source_rank": self.source_rank,
            "source_score": self.source_score,
            "propensity": self.propensity,
        }
        return {**entry, "rules": list(self.rules)} if self.rules else entry


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """A list that this server is about to send.

    features   float32, little-endian, a row per slot; `feature_set` names their columns
    asked_for  the wishes of the request beside whom it was for, in JSON
    rules      ids of the rules of staff that acted on the list
    made_in_ms milliseconds that it took to make; None where nobody measured
    slots      in order; all of them may be written already
    """

    session_id: UUID
    user_id: int
    use_case: str
    method: str
    model_version: str
    slots: Sequence[ShownSlot] | Sequence[Written]
    features: bytes
    feature_set: str
    now: datetime
    pushed_out: Sequence[int] = ()
    experiment_arm: str = ""
    asked_for: Mapping[str, Any] | None = None
    rules: Sequence[int] = ()
    made_in_ms: int | None = None


_INSERT = CompiledInsert(RecommendationSession)


def record_session(session: RecordedSession) -> None:
    """Records a list that this server is about to send: one INSERT, outside any transaction."""
    _INSERT.write(_row(session))


def record_sessions(sessions: Sequence[RecordedSession]) -> None:
    """Records several lists that are sent together, in one INSERT; nothing for none."""
    RecommendationSession.objects.bulk_create(map(_row, sessions))


def _row(session: RecordedSession) -> RecommendationSession:
    return RecommendationSession(
        pk=session.session_id,
        user_id=session.user_id,
        use_case=session.use_case,
        method=session.method,
        model_version=session.model_version,
        experiment_arm=session.experiment_arm,
        recommendations_shown=_entries(session.slots),
        features=session.features,
        feature_set=session.feature_set,
        pushed_out=list(session.pushed_out),
        asked_for=session.asked_for or None,
        rules=list(session.rules),
        made_in_ms=session.made_in_ms,
        created_at=session.now,
    )


def _entries(slots: Sequence[ShownSlot] | Sequence[Written]) -> Any:
    """The entries of slots as the column takes them."""
    written = [slot for slot in slots if isinstance(slot, Written)]
    if written:
        return Written.array(written)
    return [slot.as_json() for slot in slots if isinstance(slot, ShownSlot)]


def record_external_session(
    *,
    session_id: UUID,
    user_id: int,
    use_case: str,
    method: str,
    model_version: str,
    slots: Sequence[ShownSlot],
    now: datetime,
) -> bool:
    """Records a list that was made elsewhere. True when it is new, False when it was recorded before.

    The session id is the idempotency key. Raises Conflict when it names another list already, in the same
    words whether that list is the caller's own or not.
    """
    shown = [slot.as_json() for slot in slots]
    wanted = {
        "user_id": user_id,
        "use_case": use_case,
        "method": method,
        "model_version": model_version,
        "is_external": True,
        "recommendations_shown": shown,
    }
    try:
        with transaction.atomic():
            RecommendationSession.objects.create(pk=session_id, created_at=now, **wanted)
    except IntegrityError:
        known = RecommendationSession.objects.filter(pk=session_id).first()
        if known is None:
            raise
        if any(getattr(known, name) != value for name, value in wanted.items()):
            raise Conflict(
                "This recommendation session id is taken. Send the list under a new one."
            ) from None
        return False
    return True


def report_seen(*, user_id: int, session_id: UUID, rank: int) -> int:
    """Notes the deepest rank that the person saw; a smaller one than before changes nothing.

    Returns the deepest rank on record. Raises NotFound, and InvalidInput for a rank the list did not have.
    """
    with transaction.atomic():
        session = (
            RecommendationSession.objects.select_for_update()
            .filter(pk=session_id, user_id=user_id)
            .only("seen_rank", "recommendations_shown")
            .first()
        )
        if session is None:
            raise NotFound("There is no such recommendation session.")
        deepest = max((entry["rank"] for entry in session.recommendations_shown), default=0)
        if rank > deepest:
            raise InvalidInput(f"rank: this list had {deepest} places.")
        if rank > session.seen_rank:
            session.seen_rank = rank
            session.save(update_fields=["seen_rank"])
        return session.seen_rank
