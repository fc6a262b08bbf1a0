"""Writes of what a person wants of their lists: rules, and a no that says what it is about and how long."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.services import lock_person
from catalog.models import Facet, Item
from core.domain import FACETS
from core.errors import InvalidInput, NotFound
from feedback.models import OwnRule
from feedback.rules import ALWAYS, NEVER, SCOPES, TITLE, Strength, end_of, standing_rules
from feedback.services import ClientContext, SavedDislike, save_dislike

logger = structlog.stdlib.get_logger(__name__)

# Nobody has so many wishes; a program that makes more has gone wrong.
MAX_RULES = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no to an item: for good as a dislike, until an end as a rule, or a dislike with a block beside it."""

    item: Item
    dislike: SavedDislike | None
    rule: OwnRule | None


@dataclass(frozen=True, slots=True)
class WantedRule:
    """A rule to be made: of a facet or an item, until an end or for good."""

    strength: str
    facet: Facet | None = None
    item: Item | None = None
    ends_at: datetime | None = None
    words: str = ""


def facet_of(item: Item, about: str) -> Facet:
    """The facet of an item that `genre:Crime` names. Raises InvalidInput where it has none such."""
    kind, _, name = about.partition(":")
    facet = Facet.objects.filter(items=item, kind=kind.strip(), name=name.strip()).first()
    if facet is None:
        raise InvalidInput(f"about: {item.title} has no such facet, as in {next(iter(FACETS))}:Name.")
    return facet


def refuse_item(
    *,
    user_id: int,
    item: Item,
    scope: str = ALWAYS,
    about: str = "",
    reason: str | None = None,
    feedback_text: str = "",
    session_id: UUID | None = None,
    client: ClientContext | None = None,
) -> Refusal:
    """Records a no to an item, with the one facet that it is about and how far it reaches.

    Until an end it is a rule: the item is left out and the facet, if one is named, shown less. `never` of a
    facet is a dislike and beside it a block. Raises InvalidInput for a scope that does not exist or a facet
    that the item does not have, and as `save_dislike`.
    """
    if scope not in SCOPES:
        raise InvalidInput(f"scope must be one of {', '.join(SCOPES)}.")
    facet = facet_of(item, about) if about else None
    now = timezone.now()
    if (ends_at := end_of(scope, now)) is not None:
        wanted = WantedRule(Strength.MUCH_LESS if facet else Strength.NEVER, facet, item, ends_at)
        (rule,) = add_rules(user_id=user_id, wanted=[wanted])
        return Refusal(item, None, rule)
    with transaction.atomic():
        saved = save_dislike(
            user_id=user_id,
            item=item,
            reason=reason,
            feedback_text=feedback_text,
            session_id=session_id,
            client=client,
            about=facet,
            title_only=scope == TITLE,
        )
        block: OwnRule | None = None
        if scope == NEVER and facet is not None:
            (block,) = add_rules(user_id=user_id, wanted=[WantedRule(Strength.NEVER, facet)])
            if block.dislike is None:
                block.dislike = saved.dislike
                block.save(update_fields=["dislike"])
    return Refusal(item, saved, block)


def add_rules(*, user_id: int, wanted: Iterable[WantedRule]) -> list[OwnRule]:
    """Makes rules for a person, or gives each that stands already with the same end its later one.

    Raises InvalidInput where they have MAX_RULES.
    """
    with transaction.atomic():
        lock_person(user_id=user_id)
        now = timezone.now()
        standing = list(standing_rules(user_id, now))
        by_target = {(rule.strength, rule.facet_id, rule.item_id): rule for rule in standing}
        rules = []
        for one in wanted:
            target = (
                one.strength,
                None if one.facet is None else one.facet.pk,
                None if one.item is None else one.item.pk,
            )
            rule = by_target.get(target)
            if rule is None:
                rule = OwnRule(user_id=user_id, strength=one.strength, facet=one.facet, item=one.item)
                rule.created_at = now
                by_target[target] = rule
            rule.ends_at, rule.words = one.ends_at, one.words or rule.words
            if rule not in rules:
                rules.append(rule)
        if len(by_target) > MAX_RULES:
            raise InvalidInput(f"You have {len(standing)} wishes; {MAX_RULES} is the most. End one of them.")
        for rule in rules:
            rule.save()
    logger.info("[FEEDBACK] own rules", user_id=user_id, rules=[rule.pk for rule in rules])
    return rules


def allow_item(*, user_id: int, item: Item) -> OwnRule:
    """Lets an item through, whatever the person's dislikes and rules say of what it has."""
    left_out = standing_rules(user_id).filter(item=item).exclude(strength=Strength.ALLOW)
    with transaction.atomic():
        lock_person(user_id=user_id)
        left_out.update(ended_at=timezone.now())
        (rule,) = add_rules(user_id=user_id, wanted=[WantedRule(Strength.ALLOW, item=item)])
    return rule


def change_rule(*, user_id: int, rule_id: int, strength: str, scope: str) -> OwnRule:
    """Changes how strong a rule of a facet is and how long it stands from now. Raises NotFound."""
    with transaction.atomic():
        lock_person(user_id=user_id)
        rule = _standing(user_id, rule_id)
        rule.strength, rule.ends_at = strength, end_of(scope, timezone.now())
        rule.save(update_fields=["strength", "ends_at"])
    return rule


def end_rule(*, user_id: int, rule_id: int) -> OwnRule:
    """Ends a rule of a person. Raises NotFound where none of theirs with this id stands."""
    with transaction.atomic():
        lock_person(user_id=user_id)
        rule = _standing(user_id, rule_id)
        rule.ended_at = timezone.now()
        rule.save(update_fields=["ended_at"])
    logger.info("[FEEDBACK] own rule ended", user_id=user_id, rule_id=rule.pk)
    return rule


def _standing(user_id: int, rule_id: int) -> OwnRule:
    rule = standing_rules(user_id).select_related("facet", "item").filter(pk=rule_id).first()
    if rule is None:
        raise NotFound("There is no such wish of yours.")
    return rule
