"""A rule is made, changed and ended, each with a line on who did it and what it changed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from core.errors import Conflict
from curation.models import Rule, RuleChange
from curation.services import end_rule, save_rule
from tests.factories import EPOCH, make_item, make_rule

pytestmark = pytest.mark.django_db


def test_each_change_says_who_when_and_from_what_to_what(person: User) -> None:
    item = make_item("Heat")
    rule = Rule(kind="pin", about="item", item=item, number=1, begins_at=EPOCH)
    save_rule(rule=rule, by=person)
    rule.number = 4
    save_rule(rule=rule, by=None)
    assert save_rule(rule=rule, by=person) is None
    end_rule(rule=rule, by=person)
    ended, changed, made = RuleChange.objects.all()
    assert (made.what, changed.what, ended.what) == ("made", "changed", "ended")
    assert (made.by, changed.by, ended.by) == (person, None, person)
    assert made.before == {}
    assert (made.after["kind"], made.after["item_id"], made.after["number"]) == ("pin", item.pk, 1)
    assert (changed.before, changed.after) == ({"number": 1}, {"number": 4})
    assert ended.before == {"ends_at": None}
    assert set(ended.after) == {"ends_at"}
    assert made.at <= changed.at <= ended.at


def test_what_is_over_stays_over(person: User) -> None:
    rule = make_rule("block", item=make_item(), ends_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Conflict, match="is over since"):
        end_rule(rule=rule, by=person)
    rule.ends_at = None
    with pytest.raises(Conflict, match="is over since"):
        save_rule(rule=rule, by=person)
    assert not RuleChange.objects.exists()


def test_a_rule_stays_when_its_item_is_gone(person: User) -> None:
    item = make_item("Heat")
    rule = make_rule("pin", item=item, number=1)
    assert rule.sentence == "pin “Heat” to place 1"
    item.delete()
    assert Rule.objects.get().sentence == "pin an item that is gone to place 1"
    assert make_rule("boost", facet_name="Crime", number=1.5).sentence == "boost genre Crime × 1.5"
    quota = make_rule("quota", about="each", each="attributes.publisher", number=3)
    assert str(quota) == f"Rule {quota.pk}: at most 3 of each publisher"
    assert make_rule("block", about="filter", filter="year:..1970").sentence == "block what meets year:..1970"
