"""Rules of staff in lists, asked for as a person asks: pins, boosts, buries, blocks and quotas."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from curation.models import Rule
from curation.services import end_rule
from experiments.services import ArmPlan, create_experiment, start_experiment
from feedback.services import save_dislike
from interactions.services import record_interaction
from ranking.arms import allocation_of
from ranking.assignment import assign
from recommendations.models import RecommendationSession
from serving.live import forget_state
from serving.looking import look, why_not
from serving.pipeline import recommend
from serving.together import recommend_together
from tests.factories import make_active_als, make_item, make_items, make_rule, make_user, make_users

LIST = "/api/recommendations/personalized/movies"
MOVIES = USE_CASES["movie_home"]
pytestmark = pytest.mark.django_db


def slots(client: APIClient, query: str = "") -> list[Any]:
    answer = client.get(f"{LIST}?{query}")
    assert answer.status_code == 200, answer.content
    found: list[Any] = answer.json()["recommendations"]
    return found


def ids(client: APIClient, query: str = "") -> list[int]:
    return [slot["item"]["id"] for slot in slots(client, query)]


def last_list() -> RecommendationSession:
    return RecommendationSession.objects.latest("created_at")


@pytest.fixture
def films(person: User) -> list[Item]:
    """Twelve films that a model knows, half of them crime; the person liked the first."""
    films = [
        make_item(
            f"Film {number}",
            genres=["Crime" if number % 2 else "Comedy"],
            year=1990 + number,
            attributes={"publisher": "North" if number < 8 else "South"},
        )
        for number in range(12)
    ]
    make_active_als([[one.pk for one in films]])
    record_interaction(user_id=person.pk, item_id=films[0].pk, type_name="like")
    return films


def test_a_pin_stands_where_it_says_and_says_so(api: APIClient, person: User, films: list[Item]) -> None:
    last = ids(api)[-1]
    rule = make_rule("pin", item=Item.objects.get(pk=last), number=2)
    served = slots(api)
    assert served[1]["item"]["id"] == last
    assert (served[1]["method"], served[1]["why"]) == ("pin", "Picked by the editors.")
    assert [slot["rank"] for slot in served] == list(range(1, len(served) + 1))
    assert len({slot["item"]["id"] for slot in served}) == len(served)
    row = last_list()
    assert row.rules == [rule.pk]
    assert row.recommendations_shown[1]["rules"] == [rule.pk]
    assert row.recommendations_shown[1]["propensity"] == 1.0
    assert all("rules" not in slot for slot in row.recommendations_shown if slot["rank"] != 2)


def test_a_pin_that_no_source_brings_is_brought(
    api: APIClient, films: list[Item], settings: Settings
) -> None:
    settings.CANDIDATES_PER_SOURCE = settings.CANDIDATES_PER_FURTHER_SOURCE = 3
    unknown = make_item("Unknown")
    make_items(10, year=2020)
    make_rule("pin", item=unknown, number=1)
    forget_state()
    first, *rest = slots(api, "limit=5")
    assert first["item"]["id"] == unknown.pk
    assert last_list().recommendations_shown[0]["source"] == "pin"
    assert all(slot["method"] != "pin" for slot in rest)


def test_a_pin_of_a_facet_shows_the_best_of_it(api: APIClient, films: list[Item]) -> None:
    crime = {one.pk for one in films[1::2]}
    best = next(one for one in ids(api) if one in crime)
    make_rule("pin", facet_name="crime", number=1)
    assert ids(api)[0] == best
    make_rule("pin", about="filter", filter="attributes.publisher:South", number=3)
    assert ids(api)[2] in {one.pk for one in films[8:]}


def test_a_pin_brings_back_nothing(api: APIClient, person: User, films: list[Item]) -> None:
    disliked, hidden, blocked, watched, filtered = films[2:7]
    save_dislike(user_id=person.pk, item=disliked, reason="not_interested")
    Item.objects.filter(pk=hidden.pk).update(is_active=False)
    record_interaction(user_id=person.pk, item_id=watched.pk, type_name="watched")
    make_rule("block", item=blocked)
    for place, item in enumerate((disliked, hidden, blocked, watched), 1):
        make_rule("pin", item=item, number=place)
    make_rule("pin", item=filtered, number=5)
    assert not set(ids(api)) & {disliked.pk, hidden.pk, blocked.pk, watched.pk}
    assert ids(api)[4] == filtered.pk
    assert filtered.pk not in ids(api, f"filter=!year:{filtered.year}")


def test_an_item_hidden_since_the_catalog_was_read_is_not_pinned(api: APIClient, films: list[Item]) -> None:
    make_rule("pin", item=films[4], number=1)
    assert ids(api)[0] == films[4].pk
    Item.objects.filter(pk=films[4].pk).update(is_active=False)
    assert films[4].pk not in ids(api)
    assert last_list().rules == []


def test_pins_stand_in_order_at_the_end_of_a_shorter_list(api: APIClient, films: list[Item]) -> None:
    for place, item in ((20, films[4]), (19, films[2])):
        make_rule("pin", item=item, number=place)
    assert ids(api)[-2:] == [films[2].pk, films[4].pk]
    assert all(slot["method"] != "pin" for slot in slots(api, "limit=3"))


def test_pins_are_on_the_first_page_alone_and_in_no_list_by_year(api: APIClient, films: list[Item]) -> None:
    make_rule("pin", facet_name="Crime", number=1)
    make_rule("pin", item=films[3], number=2)
    answer = api.get(f"{LIST}?limit=4").json()
    behind = api.get(f"{LIST}?cursor={answer['next']}").json()["recommendations"]
    first = {slot["item"]["id"] for slot in answer["recommendations"]}
    assert not first & {slot["item"]["id"] for slot in behind}
    assert all(slot["method"] != "pin" for slot in behind)
    years = [slot["item"]["year"] for slot in slots(api, "sort=newest")]
    assert years == sorted(years, reverse=True)


def test_chance_leaves_pins_alone(person: User, films: list[Item], settings: Settings) -> None:
    settings.EXPLORATION_SHARE = 1.0
    make_items(40, year=2020)
    make_rule("pin", item=films[4], number=3)
    make_rule("quota", facet_name="Crime", number=1)
    forget_state()
    for seed in range(5):
        served = recommend(user_id=person.pk, use_case=MOVIES, limit=6, rng=np.random.default_rng(seed))
        assert served.slots[2].item.id == films[4].pk
        shown = last_list().recommendations_shown
        assert [slot["method"] for slot in shown].count("exploration") == 4
        assert shown[2]["propensity"] == 1.0
        assert sum("Crime" in slot.item.categories for slot in served.slots) <= 1


def test_boost_and_bury_multiply_the_score_and_show_it(api: APIClient, films: list[Item]) -> None:
    before = {slot["item"]["id"]: slot for slot in slots(api)}
    buried, *_, boosted = before
    up = make_rule("boost", item=Item.objects.get(pk=boosted), number=2.5)
    down = make_rule("bury", item=Item.objects.get(pk=buried), number=0.1)
    after = {slot["item"]["id"]: slot for slot in slots(api)}
    assert after[boosted]["boost_details"]["curated"] == 2.5
    assert after[boosted]["score"] == pytest.approx(2.5 * before[boosted]["score"])
    assert after[buried]["score"] == pytest.approx(0.1 * before[buried]["score"])
    assert list(after).index(boosted) < list(before).index(boosted)
    row = last_list()
    assert row.rules == [up.pk, down.pk]
    assert {slot["item_id"]: slot.get("rules") for slot in row.recommendations_shown}[boosted] == [up.pk]
    other = next(one for one in after if one not in (boosted, buried))
    assert "curated" not in after[other]["boost_details"]


def test_a_block_holds_in_every_list(api: APIClient, person: User, films: list[Item]) -> None:
    rule = make_rule("block", facet_name="Crime")
    crime = {one.pk for one in films[1::2]}
    assert not crime & set(ids(api, "limit=100"))
    assert last_list().rules == [rule.pk]
    similar = api.get(f"/api/movies/{films[0].pk}/similar").json()["similar"]
    assert similar
    assert not crime & {one["item"]["id"] for one in similar}
    rows = api.get("/api/because-you-watched").json()["carousels"]
    assert rows
    assert not crime & {one["item"]["id"] for row in rows for one in row["recommendations"]}
    assert not api.get("/api/recommend?title=Film 3").json()["recommendations"]
    found = api.get("/api/recommend?title=comedy crime&top_n=50").json()["recommendations"]
    assert found
    assert not crime & {one["item"]["id"] for one in found}
    catalog = {one["id"] for one in api.get("/api/movies").json()["results"]}
    assert crime <= catalog
    together = make_user()
    assert not crime & {slot.item.id for slot in recommend(user_id=together.pk, use_case=MOVIES).slots}


def test_a_list_for_two_is_under_the_rules_of_who_opens_it(person: User, films: list[Item]) -> None:
    other = make_user()
    make_rule("pin", item=films[9], number=2)
    make_rule("block", item=films[3], segment="newcomers")
    for one, two in ((person, other), (other, person)):
        served = recommend_together(user_id=one.pk, other_id=two.pk, use_case=MOVIES, limit=8)
        shown = [slot.item.id for slot in served.slots]
        assert shown[1] == films[9].pk
        assert films[3].pk not in shown


def test_visitors_and_welcome_see_nothing_blocked(api: APIClient, films: list[Item]) -> None:
    anonymous = APIClient()
    pages = ("/", f"/items/{films[1].pk}/", "/search/?q=film+3")
    link = f"/items/{films[3].pk}/"
    assert all(link in anonymous.get(page).content.decode() for page in pages)
    make_rule("block", item=films[3], segment="newcomers")
    assert not any(link in anonymous.get(page).content.decode() for page in pages)
    # Who liked something is no newcomer.
    assert films[3].pk in ids(api)


def test_a_quota_counts_in_the_order_of_the_list(api: APIClient, films: list[Item]) -> None:
    before = ids(api)
    rule = make_rule("quota", about="each", each="attributes.publisher", number=2)
    north = {one.pk for one in films[:8]}
    expected = [
        *[one for one in before if one in north][:2],
        *[one for one in before if one not in north][:2],
    ]
    assert set(ids(api)) == set(expected)
    assert ids(api) == [one for one in before if one in expected]
    assert last_list().rules == [rule.pk]
    Rule.objects.filter(pk=rule.pk).update(each="genre", number=3)
    assert len(ids(api)) == 6


def test_a_quota_outranks_pins_and_counts_them(api: APIClient, films: list[Item]) -> None:
    make_rule("quota", facet_name="Crime", number=1)
    make_rule("pin", item=films[3], number=1)
    make_rule("pin", item=films[5], number=2)
    found = ids(api)
    assert found[0] == films[3].pk
    assert not {one.pk for one in films[1::2]} & set(found[1:])


def test_a_quota_acts_on_a_list_whose_end_stands_behind_what_it_leaves_out(
    api: APIClient, films: list[Item]
) -> None:
    before = ids(api)
    rule = make_rule("quota", about="each", each="attributes.publisher", number=2)
    # The third of either publisher: without it no list is any other.
    north = [one.pk for one in films[:8]]
    first_left_out = next(
        place
        for place, one in enumerate(before)
        if sum((other in north) == (one in north) for other in before[:place]) == 2
    )
    for length in (first_left_out, first_left_out + 1):
        found = ids(api, f"limit={length}")
        is_changed = found != before[:length]
        assert is_changed == (length > first_left_out)
        assert last_list().rules == ([rule.pk] if is_changed else [])


def test_a_quota_larger_than_the_list_changes_nothing(api: APIClient, films: list[Item]) -> None:
    before = ids(api, "limit=4")
    make_rule("quota", facet_name="Crime", number=50)
    assert ids(api, "limit=4") == before
    assert last_list().rules == []


@pytest.mark.parametrize(
    ("begins", "ends", "acts"),
    [(-60, None, True), (-60, 60, True), (60, None, False), (-60, -1, False), (0, 1, True), (-1, 0, False)],
)
def test_a_rule_acts_from_its_first_second_to_its_last(
    person: User, films: list[Item], begins: int, ends: int | None, acts: bool
) -> None:
    now = timezone.now() + timedelta(hours=1)
    make_rule(
        "block",
        item=films[3],
        begins_at=now + timedelta(seconds=begins),
        ends_at=None if ends is None else now + timedelta(seconds=ends),
    )
    served = recommend(user_id=person.pk, use_case=MOVIES, now=now)
    assert (films[3].pk not in {slot.item.id for slot in served.slots}) == acts


def test_a_rule_that_is_ended_acts_no_more(api: APIClient, films: list[Item]) -> None:
    rule = make_rule("block", item=films[3])
    assert films[3].pk not in ids(api)
    end_rule(rule=rule, by=None)
    assert films[3].pk in ids(api)
    assert last_list().rules == []


def test_a_rule_acts_in_its_use_case_and_segment(api: APIClient, person: User, films: list[Item]) -> None:
    make_rule("block", item=films[3], use_case="drama_home")
    make_rule("block", item=films[4], segment="history_10")
    make_rule("block", item=films[5], segment="history_1", use_case="movie_home")
    assert set(ids(api)) == {one.pk for one in films[1:]} - {films[5].pk}
    newcomer = recommend(user_id=make_user().pk, use_case=MOVIES)
    assert {slot.item.id for slot in newcomer.slots} == {one.pk for one in films}


def test_what_names_nothing_changes_nothing(api: APIClient, films: list[Item]) -> None:
    before = ids(api)
    for kind in ("pin", "boost", "block", "quota", "bury"):
        make_rule(kind, facet_name="Nothing", number=1)
        make_rule(kind, about="filter", filter="gone:words", number=1)
        make_rule(kind, about="item", number=1)
    make_rule("quota", about="each", each="attributes.nothing", number=1)
    make_rule("quota", about="each", each="nothing", number=1)
    assert ids(api) == before
    assert last_list().rules == []


def test_rules_add_no_query(api: APIClient, films: list[Item], settings: Settings) -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as asked:
            slots(api)
        return [one["sql"] for one in asked]

    make_rule("block", item=films[3])
    make_rule("pin", item=films[4], number=1)
    make_rule("boost", facet_name="Crime", number=2)
    make_rule("quota", about="each", each="attributes.publisher", number=3)
    settings.MODEL_CHECK_SECONDS = 3600.0
    slots(api)
    with_rules = queries()
    settings.MODEL_CHECK_SECONDS = -1.0
    Rule.objects.update(ends_at=timezone.now())
    slots(api)
    settings.MODEL_CHECK_SECONDS = 3600.0
    # Two more are of the session of the test client.
    assert len(queries()) == len(with_rules) <= 6


def test_arms_run_with_and_without_rules(films: list[Item]) -> None:
    pin, block = make_rule("pin", item=films[9], number=1), make_rule("block", item=films[3])
    experiment = create_experiment(
        name="rules",
        use_case="movie_home",
        arms=[
            ArmPlan("with"),
            ArmPlan("none", policy={"without_rules": "all"}),
            ArmPlan("some", policy={"without_rules": [block.pk, 999]}),
        ],
    )
    start_experiment(experiment=experiment)
    arms = list(experiment.arms.select_related("experiment"))
    found: dict[str, set[tuple[bool, bool, tuple[int, ...]]]] = {}
    for user in make_users(30):
        arm = assign(user.pk, allocation_of(arms))
        assert arm is not None
        served = recommend(user_id=user.pk, use_case=MOVIES)
        shown = [slot.item.id for slot in served.slots]
        told = (shown[0] == films[9].pk, films[3].pk in shown, served.rules)
        found.setdefault(arms[arm].name, set()).add(told)
    assert found["with"] == {(True, False, (pin.pk, block.pk))}
    assert {one[1:] for one in found["none"]} == {(False, (block.pk,))}
    assert found["some"] == {(True, True, (pin.pk,))}


@pytest.mark.parametrize("bad", ["some", [], ["3"], [True], 3, {"a": 1}])
def test_a_policy_says_what_rules_it_can_be_without(bad: Any) -> None:
    from core.errors import InvalidInput
    from ranking.policy import Policy

    with pytest.raises(InvalidInput, match="without_rules must be"):
        Policy.of(MOVIES).changed({"without_rules": bad})


def test_why_not_names_the_rule(person: User, films: list[Item]) -> None:
    block, quota = make_rule("block", item=films[3]), make_rule("quota", facet_name="Crime", number=1)
    bury = make_rule("bury", facet_name="Comedy", number=0.5)
    found = look(user_id=person.pk, use_case=MOVIES, limit=3)
    assert why_not(found, films[3]) == [f"Rule {block.pk} of staff blocks it."]
    shown = {slot.item.id for slot in found.served.slots}
    # Far behind the end of the list too.
    for over in films[1::2]:
        if over.pk not in shown and over != films[3]:
            assert f"A quota of staff leaves it out: rule {quota.pk}." in why_not(found, over)
    comedy = next(one for one in films[2::2] if one.pk not in shown)
    assert "rules of staff × 0.500" in " ".join(why_not(found, comedy))
    assert bury.pk in found.served.rules
