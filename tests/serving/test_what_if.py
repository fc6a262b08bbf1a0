"""The list as it would be: what it says is what comes once it is done, and until then nothing is changed."""

import pytest
from django.apps import apps
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from core.errors import InvalidInput, NotFound
from curation.services import end_rule
from feedback.models import Dislike, FeatureAdjustment
from feedback.services import save_dislike, undo_dislike
from feedback.steering import refuse_item
from interactions.models import UserInteraction
from interactions.services import record_interaction, withdraw_state
from recommendations.models import RecommendationSession
from serving.live import forget_state
from serving.looking import Look, look
from serving.pipeline import recommend
from serving.what_if import Comparison, Supposition, what_if
from tests.factories import make_active_als, make_als_bytes, make_item, make_rule, make_user, make_version

pytestmark = pytest.mark.django_db
MOVIES = USE_CASES["movie_home"]


@pytest.fixture
def movies(person: User) -> list[Item]:
    """Crime, comedies, and crime that is funny; the person likes one of the first."""
    crime = [make_item(genres=["Crime"]) for _ in range(6)]
    both = [make_item(genres=["Crime", "Comedy"]) for _ in range(6)]
    comedy = [make_item(genres=["Comedy"]) for _ in range(6)]
    make_active_als([[one.pk for one in [*crime, *both]], [one.pk for one in comedy]])
    record_interaction(user_id=person.pk, item_id=crime[0].pk, type_name="like")
    return [*crime, *both, *comedy]


def act_of(person: User, item: Item, type_name: str) -> UserInteraction:
    return UserInteraction.objects.get(user=person, item=item, type=type_name, withdrawn_at=None)


def compared(person: User, supposed: Supposition, limit: int = 8) -> Comparison:
    return what_if(user_id=person.pk, use_case=MOVIES, limit=limit, supposed=supposed)


def scores(of: Look) -> dict[int, float]:
    return {slot.item.id: slot.score for slot in of.served.slots}


def everything() -> dict[str, list[dict[str, object]]]:
    """All rows of all tables of the product."""
    labels = ("feedback", "interactions", "profiles", "recommendations", "ranking", "catalog", "accounts")
    return {
        model.__name__: list(model._default_manager.order_by("pk").values())
        for label in labels
        for model in apps.get_app_config(label).get_models()
    }


@pytest.mark.parametrize("reason", ["wrong_genre", "not_interested"])
def test_without_a_dislike_it_is_the_list_that_comes_once_it_is_undone(
    person: User, movies: list[Item], reason: str
) -> None:
    save_dislike(user_id=person.pk, item=movies[13], reason="wrong_genre")
    saved = save_dislike(user_id=person.pk, item=movies[2], reason=reason)
    found = compared(person, Supposition(without=act_of(person, movies[2], "dislike")))
    assert scores(found.then) != scores(found.now)
    assert movies[2].pk in {one.slot.item.id for one in found.came}
    undo_dislike(user_id=person.pk, dislike_id=saved.dislike.pk)
    after = look(user_id=person.pk, use_case=MOVIES, limit=8, now=found.now.now)
    assert list(scores(found.then)) == list(scores(after))
    assert scores(found.then) == pytest.approx(scores(after), abs=1e-6)


def test_what_a_dislike_ended_stands_again(person: User, movies: list[Item]) -> None:
    saved = save_dislike(user_id=person.pk, item=movies[0], reason="not_interested")
    found = compared(person, Supposition(without=act_of(person, movies[0], "dislike")))
    undo_dislike(user_id=person.pk, dislike_id=saved.dislike.pk)
    assert act_of(person, movies[0], "like").withdrawn_at is None
    after = look(user_id=person.pk, use_case=MOVIES, limit=8, now=found.now.now)
    assert list(scores(found.then)) == list(scores(after))
    assert scores(found.then) == pytest.approx(scores(after), abs=1e-6)


def test_a_block_beside_a_dislike_goes_with_it(person: User, movies: list[Item]) -> None:
    refuse_item(user_id=person.pk, item=movies[7], scope="never", about="genre:Comedy")
    found = compared(person, Supposition(without=act_of(person, movies[7], "dislike")), limit=18)
    comedies = {one.pk for one in movies[6:]}
    assert comedies.isdisjoint(scores(found.now).keys())
    assert comedies <= {one.slot.item.id for one in found.came}


def test_without_a_like_it_is_the_list_that_comes_once_it_is_taken_back(
    person: User, movies: list[Item]
) -> None:
    record_interaction(user_id=person.pk, item_id=movies[15].pk, type_name="like")
    found = compared(person, Supposition(without=act_of(person, movies[0], "like")))
    assert found.moved or found.came
    withdraw_state(user_id=person.pk, item_id=movies[0].pk, type_name="like")
    after = look(user_id=person.pk, use_case=MOVIES, limit=8, now=found.now.now)
    assert list(scores(found.then)) == list(scores(after))
    assert scores(found.then) == pytest.approx(scores(after), abs=1e-6)


def test_another_version_makes_the_list_that_it_would_serve(person: User, movies: list[Item]) -> None:
    groups = [[one.pk for one in (movies[0], *movies[12:])], [one.pk for one in movies[1:12]]]
    other = make_version(make_als_bytes(groups))
    found = compared(person, Supposition(version=other))
    assert found.then.served.model_version == other.label
    assert found.now.served.model_version != other.label
    comedies = {one.pk for one in movies[12:]}
    assert comedies <= scores(found.then).keys()


def test_without_any_model_popularity_orders(person: User, movies: list[Item]) -> None:
    for _ in range(3):
        record_interaction(user_id=make_user().pk, item_id=movies[17].pk, type_name="like")
    forget_state()
    found = compared(person, Supposition(no_models=True))
    assert found.now.served.model_version
    assert found.then.served.model_version == ""


def test_nothing_is_written_and_the_next_list_is_that_of_now(
    person: User, movies: list[Item], settings: Settings
) -> None:
    save_dislike(user_id=person.pk, item=movies[2], reason="wrong_genre")
    before = everything()
    assert before["Dislike"]
    assert before["FeatureAdjustment"]
    found = compared(person, Supposition(without=act_of(person, movies[2], "dislike"), no_models=True))
    assert everything() == before
    served = recommend(user_id=person.pk, use_case=MOVIES, limit=8)
    assert [slot.item.id for slot in served.slots] == list(scores(found.now))
    assert RecommendationSession.objects.count() == 1


def test_an_error_meanwhile_keeps_nothing_either(
    person: User, movies: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_dislike(user_id=person.pk, item=movies[2], reason="wrong_genre")
    act, before = act_of(person, movies[2], "dislike"), everything()

    def fail(**asked: object) -> None:
        assert not Dislike.objects.filter(interaction__withdrawn_at=None).exists()
        raise RuntimeError("in the middle")

    monkeypatch.setattr("serving.what_if.ask_record", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        compared(person, Supposition(without=act))
    assert everything() == before


def test_the_comparison_accounts_for_every_slot(person: User, movies: list[Item]) -> None:
    save_dislike(user_id=person.pk, item=movies[2], reason="wrong_genre")
    assert FeatureAdjustment.objects.exists()
    found = compared(person, Supposition(without=act_of(person, movies[2], "dislike")), limit=5)
    now = {slot.item.id: slot.rank for slot in found.now.served.slots}
    then = {slot.item.id: slot.rank for slot in found.then.served.slots}
    assert {slot.item.id for slot in found.left} == now.keys() - then.keys()
    assert {one.slot.item.id for one in found.came} == then.keys() - now.keys()
    words = {one.change for one in found.slots}
    assert "new" in words
    assert any(one.startswith("down ") for one in words)
    assert {one.slot.item.id: one.by for one in found.moved} == {
        key: now[key] - then[key] for key in now.keys() & then.keys() if now[key] != then[key]
    }


def test_what_cannot_be_supposed_is_said(person: User, movies: list[Item]) -> None:
    act = act_of(person, movies[0], "like")
    withdraw_state(user_id=person.pk, item_id=movies[0].pk, type_name="like")
    with pytest.raises(NotFound):
        compared(person, Supposition(without=act))
    elsewhere = make_version(make_als_bytes([[1, 2]]), use_case="drama_home")
    with pytest.raises(InvalidInput, match="is a model of drama_home"):
        compared(person, Supposition(version=elsewhere))
    broken = make_version(make_als_bytes([[3, 4]]))
    broken.sha256 = "0" * 64
    with pytest.raises(InvalidInput, match="cannot be tried"):
        compared(person, Supposition(version=broken))


def test_without_rules_of_staff_it_is_the_list_that_comes_once_they_end(
    person: User, movies: list[Item]
) -> None:
    block = make_rule("block", facet_name="Comedy")
    pin = make_rule("pin", item=movies[5], number=1)
    without_all = compared(person, Supposition(no_rules=True))
    assert without_all.now.served.rules == (block.pk, pin.pk)
    assert without_all.then.served.rules == ()
    without_pin = compared(person, Supposition(rule_id=pin.pk))
    assert without_pin.then.served.rules == (block.pk,)
    end_rule(rule=pin, by=None)
    forget_state()
    assert scores(without_pin.then) == pytest.approx(
        scores(look(user_id=person.pk, use_case=MOVIES, limit=8))
    )
    end_rule(rule=block, by=None)
    forget_state()
    comes = look(user_id=person.pk, use_case=MOVIES, limit=8)
    assert scores(without_all.then) == pytest.approx(scores(comes))
    assert {one.slot.item.id for one in without_all.came} & {movie.pk for movie in movies[6:]}


def test_without_rules_goes_with_other_models_and_without_an_act(person: User, movies: list[Item]) -> None:
    make_rule("block", facet_name="Comedy")
    act = act_of(person, movies[0], "like")
    found = compared(person, Supposition(without=act, no_models=True, no_rules=True)).then.served
    assert (found.model_version, found.rules, len(found.slots)) == ("", (), 8)
