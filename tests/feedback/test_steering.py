"""A no that says what it is about and how far it reaches, and the rules that a person makes of their own."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Facet, Item
from core.errors import InvalidInput, NotFound
from feedback import steering
from feedback.models import Dislike, FeatureAdjustment, OwnRule
from feedback.rules import SCOPES, end_of, get_rules
from feedback.services import undo_dislike
from feedback.steering import WantedRule, add_rules, allow_item, change_rule, end_rule, refuse_item
from feedback.wording import rule_sentence
from interactions.models import UserInteraction
from profiles.selectors import get_taste
from tests.answers import assert_refused
from tests.factories import make_interaction, make_user
from tests.feedback.builders import dislike, full_film, make_film

pytestmark = pytest.mark.django_db


@pytest.fixture
def film(db: None) -> Item:
    return full_film("The Long Chase")


def facet(name: str) -> Facet:
    return Facet.objects.get(name=name)


def scores_of(person: User) -> dict[str, float]:
    taste = get_taste(person.pk).taste
    names = dict(Facet.objects.values_list("pk", "name"))
    pairs = zip(taste.facet_ids.tolist(), taste.scores.tolist(), strict=True)
    return {names[facet_id]: score for facet_id, score in pairs if score}


class TestANoThatNamesWhatItIsAbout:
    @pytest.mark.parametrize(("about", "name"), [("genre:Action", "Action"), ("theme:Heist", "Heist")])
    def test_holds_that_back_alone(self, person: User, film: Item, about: str, name: str) -> None:
        refuse_item(user_id=person.pk, item=film, about=about)
        (row,) = FeatureAdjustment.objects.select_related("facet")
        assert (row.facet.name, row.delta) == (name, -0.5)
        assert list(scores_of(person)) == [name]
        assert Dislike.objects.get().about == facet(name)

    def test_of_a_facet_that_the_item_lacks_is_refused(self, person: User, film: Item) -> None:
        for about in ("genre:Comedy", "nonsense", "genre:", ":Action", "actor:Action"):
            with pytest.raises(InvalidInput, match="no such facet"):
                refuse_item(user_id=person.pk, item=film, about=about)
        assert not UserInteraction.objects.exists()

    def test_of_this_title_only_says_nothing_of_others(self, person: User, film: Item) -> None:
        refuse_item(user_id=person.pk, item=film, scope="title")
        assert not FeatureAdjustment.objects.exists()
        assert scores_of(person) == {}


class TestANoToACrimeThriller:
    """Of somebody who likes thrillers: whichever genre they do not name, it is the other one."""

    @pytest.fixture
    def thriller(self, person: User) -> Item:
        for day in range(6):
            make_interaction(person, make_film(genre=["Thriller"]), "like", day=day)
        return make_film("Heat", genre=["Crime", "Thriller"])

    def test_without_a_name_falls_on_what_they_do_not_like(self, person: User, thriller: Item) -> None:
        before = scores_of(person)["Thriller"]
        dislike(person, thriller, "wrong_genre")
        deltas = dict(FeatureAdjustment.objects.values_list("facet__name", "delta"))
        after = scores_of(person)
        assert deltas["Crime"] == -0.15
        assert -0.02 < deltas["Thriller"] < 0.0
        assert after["Crime"] == pytest.approx(-0.12)
        assert after["Thriller"] > 0.9 * before

    def test_of_a_stranger_falls_on_both(self, other_person: User, thriller: Item) -> None:
        dislike(other_person, thriller, "wrong_genre")
        assert set(FeatureAdjustment.objects.values_list("delta", flat=True)) == {-0.15}

    def test_that_names_the_one_leaves_the_other(self, person: User, thriller: Item) -> None:
        before = scores_of(person)["Thriller"]
        refuse_item(user_id=person.pk, item=thriller, about="genre:Crime", reason="wrong_genre")
        assert scores_of(person)["Thriller"] == before


class TestANoUntilAnEnd:
    def test_is_a_rule_and_no_verdict(self, person: User, film: Item) -> None:
        refusal = refuse_item(user_id=person.pk, item=film, scope="week", about="genre:Action")
        assert refusal.dislike is None
        assert not UserInteraction.objects.exists()
        rules = get_rules(person.pk)
        assert rules.left_out == {film.pk}
        assert rules.less == {facet("Action").pk: 0.2}
        later = get_rules(person.pk, timezone.now() + timedelta(days=7, minutes=1))
        assert not later.left_out
        assert not later.less

    def test_said_again_is_one_rule_with_the_later_end(self, person: User, film: Item) -> None:
        now = timezone.now()
        first = refuse_item(user_id=person.pk, item=film, scope="day").rule
        second = refuse_item(user_id=person.pk, item=film, scope="month").rule
        assert first is not None
        assert second is not None
        assert first.pk == second.pk
        assert (second.ends_at or now) > (first.ends_at or now) > now

    @pytest.mark.parametrize(
        ("hour", "day", "until"), [(20, 3, 4), (2, 3, 4), (0, 3, 3), (1, 3, 3), (12, 3, 4)]
    )
    def test_tonight_ends_in_the_morning(self, hour: int, day: int, until: int) -> None:
        now = datetime(2026, 6, day, hour, tzinfo=timezone.get_default_timezone())
        assert end_of("tonight", now) == now.replace(day=until, hour=5)


class TestNever:
    def test_blocks_what_it_is_about(self, person: User, film: Item) -> None:
        refusal = refuse_item(user_id=person.pk, item=film, scope="never", about="director:Bo Ray")
        assert refusal.dislike is not None
        assert get_rules(person.pk).never == {facet("Bo Ray").pk}
        undo_dislike(user_id=person.pk, dislike_id=refusal.dislike.dislike.pk)
        assert get_rules(person.pk).never == frozenset()

    def test_without_a_name_is_a_no_to_the_title(self, person: User, film: Item) -> None:
        refusal = refuse_item(user_id=person.pk, item=film, scope="never")
        assert refusal.dislike is not None
        assert refusal.rule is None


class TestRules:
    def test_one_item_is_let_through(self, person: User, film: Item) -> None:
        refuse_item(user_id=person.pk, item=film, scope="week")
        allow_item(user_id=person.pk, item=film)
        rules = get_rules(person.pk)
        assert rules.allowed == {film.pk}
        assert not rules.left_out

    def test_are_changed_and_ended_by_nobody_else(self, person: User, other_person: User, film: Item) -> None:
        (rule,) = add_rules(user_id=person.pk, wanted=[WantedRule("less", facet("Action"))])
        theirs = {"user_id": other_person.pk, "rule_id": rule.pk}
        with pytest.raises(NotFound):
            end_rule(**theirs)
        with pytest.raises(NotFound):
            change_rule(**theirs, strength="never", scope="always")
        changed = change_rule(user_id=person.pk, rule_id=rule.pk, strength="never", scope="week")
        assert rule_sentence(changed).startswith("Never Action until ")
        end_rule(user_id=person.pk, rule_id=rule.pk)
        assert get_rules(person.pk).never == frozenset()

    def test_there_is_a_most(self, person: User, film: Item, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(steering, "MAX_RULES", 1)
        add_rules(user_id=person.pk, wanted=[WantedRule("less", facet("Action"))])
        with pytest.raises(InvalidInput, match="1 is the most"):
            add_rules(user_id=person.pk, wanted=[WantedRule("less", facet("Heist"))])
        assert OwnRule.objects.count() == 1


class TestTheApi:
    def post(self, api: APIClient, film: Item, **body: object) -> dict[str, object]:
        answer = api.post("/api/dislike", {"movie_id": film.pk, **body}, format="json")
        assert answer.status_code == 201, answer.content
        said: dict[str, object] = answer.json()
        return said

    def test_takes_what_it_is_about_and_how_far(self, api: APIClient, film: Item) -> None:
        said = self.post(api, film, about="genre:Action")
        assert said["message"] == (
            "✓ Dislike recorded. We'll improve recommendations! From now on: less Action, −50 %."
        )
        (entry,) = api.get("/api/dislike-history").json()["dislikes"]
        assert (entry["about"], entry["title_only"]) == ("genre:Action", False)

    def test_a_no_with_an_end_is_a_wish(self, api: APIClient, film: Item) -> None:
        said = self.post(api, film, about="genre:Action", scope="week")
        assert said["dislike_id"] is None
        (wish,) = api.get("/api/wishes").json()["wishes"]
        assert wish == said["wish"]
        assert str(said["message"]).startswith("Much less Action until ")
        address = f"/api/wishes/{wish['wish_id']}"
        changed = api.patch(address, {"strength": "less", "lasts": "day"}, format="json")
        assert changed.json()["wish"]["strength"] == "less"
        assert api.delete(address).status_code == 204
        assert api.delete(address).status_code == 404
        assert api.get("/api/wishes").json()["wishes"] == []

    def test_of_every_scope(self, api: APIClient) -> None:
        for scope in SCOPES:
            said = self.post(api, full_film(scope), scope=scope, about="genre:Action")
            assert (said["dislike_id"] is None) == (scope in ("tonight", "day", "week", "month"))

    @pytest.mark.parametrize(
        "wrong",
        [{"scope": "forever"}, {"scope": 1}, {"about": "genre:Nonsense"}, {"about": ["x"]}, {"about": "\0"}],
    )
    def test_refuses_what_cannot_be_meant(self, api: APIClient, film: Item, wrong: dict[str, object]) -> None:
        assert_refused(api.post("/api/dislike", {"movie_id": film.pk, **wrong}, format="json"), 400)

    def test_the_wishes_of_others_are_not_there(self, api: APIClient, film: Item) -> None:
        (theirs,) = add_rules(user_id=make_user().pk, wanted=[WantedRule("less", facet("Action"))])
        assert api.get("/api/wishes").json()["wishes"] == []
        assert_refused(api.delete(f"/api/wishes/{theirs.pk}"), 404)
        assert_refused(api.patch(f"/api/wishes/{theirs.pk}", {"strength": "less"}, format="json"), 404)
