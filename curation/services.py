"""Writes of the rules of staff; each leaves a line on who did it and what it changed."""

from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from core.errors import Conflict
from curation.models import Rule, RuleChange
from curation.selectors import COLUMNS

logger = structlog.stdlib.get_logger(__name__)

What = RuleChange.What


def save_rule(*, rule: Rule, by: User | None) -> RuleChange | None:
    """Makes a rule, or changes it to what it says now; None where it says the same as before.

    Raises Conflict for one that is over.
    """
    with transaction.atomic():
        stored = Rule.objects.select_for_update().filter(pk=rule.pk).first()
        if stored is not None:
            _check_not_over(stored, timezone.now())
        before, after = {} if stored is None else _said(stored), _said(rule)
        changed = [name for name, value in after.items() if stored is None or before[name] != value]
        if not changed:
            return None
        rule.save()
        return _note(
            rule,
            What.MADE if stored is None else What.CHANGED,
            by,
            {name: before[name] for name in changed if before},
            {name: after[name] for name in changed},
        )


def end_rule(*, rule: Rule, by: User | None, now: datetime | None = None) -> RuleChange:
    """From now on it acts on no list. Raises Conflict for one that is over."""
    now = now or timezone.now()
    with transaction.atomic():
        rule = Rule.objects.select_for_update().get(pk=rule.pk)
        _check_not_over(rule, now)
        before, rule.ends_at = _said(rule)["ends_at"], now
        rule.save(update_fields=["ends_at"])
        return _note(rule, What.ENDED, by, {"ends_at": before}, {"ends_at": now.isoformat()})


def _check_not_over(rule: Rule, now: datetime) -> None:
    if rule.ends_at is not None and rule.ends_at <= now:
        raise Conflict(f"Rule {rule.pk} is over since {rule.ends_at:%Y-%m-%d %H:%M} UTC. Make a new one.")


def _said(rule: Rule) -> dict[str, Any]:
    """The fields of a rule, in JSON."""
    values: dict[str, Any] = {name: getattr(rule, name) for name in COLUMNS if name != "id"}
    values["note"] = rule.note
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()
    }


def _note(
    rule: Rule, what: RuleChange.What, by: User | None, before: dict[str, Any], after: dict[str, Any]
) -> RuleChange:
    change = RuleChange.objects.create(rule=rule, what=what, by=by, before=before, after=after)
    who = "" if by is None else by.get_username()
    logger.info("rule of staff", what=str(what), rule_id=rule.pk, says=rule.sentence, by=who)
    return change
