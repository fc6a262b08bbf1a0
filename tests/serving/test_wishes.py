# ruff: noqa: E501  the table of filters
"""Lists by request: filter, exclude, boost, bury, pages, examples and features, in the query and as a body."""

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import issue_service_token
from catalog.models import Item
from core.domain import Scenario
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction
from ranking.features import FEATURES
from recommendations.models import RecommendationSession
from recommendations.selectors import ASKED_ALIKE
from serving import list_request
from tests.answers import assert_refused
from tests.factories import make_active_als, make_interaction, make_item, make_items

LIST = "/api/recommendations/personalized/movies"
pytestmark = pytest.mark.django_db


def get(client: APIClient, query: str = "") -> Any:
    return client.get(f"{LIST}?{query}")


def post(client: APIClient, **body: Any) -> Any:
    return client.post(LIST, body, format="json")


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [slot["item"]["id"] for slot in answer.json()["recommendations"]]


def said(asked_for: Any) -> dict[str, Any]:
    """The wishes that a list keeps, without the name that all have that were asked for alike."""
    return {name: value for name, value in asked_for.items() if name != ASKED_ALIKE}


@pytest.fixture
def films(db: None) -> dict[str, int]:
    """Six films by title, of two genres, of the years 1990 to 1995, newest first where nothing is known."""
    made = {}
    for number, title in enumerate(
        ["Night Ferry", "Salt Road", "Low Orbit", "Night Train", "Harbour", "Glass"]
    ):
        item = make_item(
            title,
            genres=["Horror" if number % 2 else "Drama", "Sci, Fi"] if number < 4 else ["Drama"],
            year=1990 + number,
            attributes={
                "runtime": 80 + 10 * number,
                "country": ["Norway", "Spain"] if number < 2 else "Mali",
            },
        )
        made[title] = item.pk
    return made


@pytest.mark.parametrize(
    ("query", "body", "titles"),
    [
        ("filter=genre:Horror", {"filter": {"genre": "Horror"}}, {"Salt Road", "Night Train"}),
        ("filter=genre:horror|nothing", {"filter": "genre:HORROR"}, {"Salt Road", "Night Train"}),
        ('filter=genre:"Sci, Fi",year:1991..1992', {"filter": {"genres": ["Sci, Fi"], "year": {"from": 1991, "to": 1992}}}, {"Salt Road", "Low Orbit"}),
        ("exclude=genre:Horror", {"exclude": {"genre": "Horror"}}, {"Night Ferry", "Low Orbit", "Harbour", "Glass"}),
        ("filter=!year:1991..", {"filter": {"not": {"year": {"from": 1991}}}}, {"Night Ferry"}),
        ("filter=year:1990|1995", {"filter": {"any": [{"year": 1990}, {"year": 1995}]}}, {"Night Ferry", "Glass"}),
        ("filter=attributes.country:spain", {"filter": {"attributes.country": "Spain"}}, {"Night Ferry", "Salt Road"}),
        ("filter=attributes.runtime:..85", {"filter": {"attributes.runtime": {"to": 85}}}, {"Night Ferry"}),
        ("filter=attributes.runtime:90", {"filter": {"attributes.runtime": 90}}, {"Salt Road"}),
        ("filter=text:night&exclude=text:train", {"filter": {"text": "NIGHT"}, "exclude": {"text": "train"}}, {"Night Ferry"}),
        ("filter=genre:Horror&filter=year:1991", {"filter": {"genre": "Horror", "year": 1991}}, {"Salt Road"}),
        ("filter=attributes.nothing:x", {"filter": {"attributes.nothing": "x"}}, set()),
    ],
)  # fmt: skip
def test_a_list_holds_what_the_filter_says_in_every_form(
    api: APIClient, films: dict[str, int], query: str, body: Any, titles: set[str]
) -> None:
    wanted = {films[title] for title in titles}
    assert set(ids(get(api, query))) == set(ids(post(api, **body))) == wanted


def test_a_narrow_filter_still_fills_the_list(api: APIClient, person: User, settings: Settings) -> None:
    """An item that is filtered out takes no place among the candidates."""
    settings.CANDIDATES_PER_SOURCE = 10
    settings.CANDIDATES_PER_FURTHER_SOURCE = 10
    crowd = make_items(60, genres=["Drama"])
    rare = make_items(8, genres=["Horror"])
    make_active_als([[item.pk for item in (*crowd, *rare)]])
    make_interaction(person, crowd[0])
    assert set(ids(get(api, "limit=8&filter=genre:Horror"))) == {item.pk for item in rare}


def test_base_scores_do_not_depend_on_the_filter(api: APIClient, person: User) -> None:
    group = [*make_items(6, genres=["Drama"]), *make_items(6, genres=["Horror"])]
    make_active_als([[item.pk for item in group]])
    make_interaction(person, group[0])

    def scores(query: str) -> dict[int, float]:
        slots = get(api, query).json()["recommendations"]
        return {slot["item"]["id"]: slot["base_score"] for slot in slots}

    free, narrow = scores("limit=12"), scores("limit=12&filter=genre:Horror")
    assert len(narrow) == 6
    assert narrow == pytest.approx({item_id: free[item_id] for item_id in narrow})


class TestWhatIsExcluded:
    def test_comes_back_by_no_wish(self, api: APIClient, person: User, films: dict[str, int]) -> None:
        no = films["Night Ferry"]
        save_dislike(user_id=person.pk, item=Item.objects.get(pk=no))
        record_interaction(user_id=person.pk, item_id=films["Glass"], type_name="watched", rating=9)
        for body in (
            {"filter": {"text": "Night Ferry"}},
            {"boost": "3*text:Night Ferry"},
            {"context": {"positives": [no]}},
            {"context": {"positives": [films["Salt Road"]], "alone": True}},
            {"exclude": {"genre": "Horror"}, "boost": [{"filter": {"year": 1990}, "factor": 3}]},
        ):
            shown = ids(post(api, limit=100, **body))
            assert no not in shown
            assert films["Glass"] not in shown

    def test_nor_after_another_page(self, api: APIClient, person: User, films: dict[str, int]) -> None:
        first = get(api, "limit=2").json()["recommendation_session_id"]
        save_dislike(user_id=person.pk, item=Item.objects.get(pk=films["Night Ferry"]))
        assert films["Night Ferry"] not in ids(get(api, f"limit=100&after={first}"))


class TestFactors:
    def test_are_said_and_order_the_list(self, api: APIClient, films: dict[str, int]) -> None:
        plain = ids(get(api))
        assert plain[0] == films["Glass"]
        answer = get(api, "boost=3*genre:Horror&bury=0.01*year:1995").json()["recommendations"]
        by_id = {slot["item"]["id"]: slot for slot in answer}
        assert by_id[films["Salt Road"]]["boost_details"]["asked"] == 3.0
        assert by_id[films["Glass"]]["boost_details"]["asked"] == 0.01
        assert "asked" not in by_id[films["Harbour"]]["boost_details"]
        assert answer[-1]["item"]["id"] == films["Glass"]
        for slot in answer:
            assert slot["score"] == pytest.approx(slot["base_score"] * slot["boost_multiplier"])
        assert [slot["score"] for slot in answer] == sorted((slot["score"] for slot in answer), reverse=True)
        same = post(api, boost=[{"filter": {"genre": "Horror"}, "factor": 3}], bury="0.01*year:1995")
        assert ids(same) == [slot["item"]["id"] for slot in answer]


class TestPages:
    def test_go_on_without_repeats_until_all_is_shown(self, api: APIClient, films: dict[str, int]) -> None:
        whole = ids(get(api, "limit=100"))
        pages, after = [], ""
        for _ in range(4):
            answer = get(api, f"limit=2{after}")
            pages.append(ids(answer))
            after = f"&after={answer.json()['recommendation_session_id']}"
        assert pages == [whole[:2], whole[2:4], whole[4:6], []]
        assert RecommendationSession.objects.count() == 5

    def test_keep_the_filter_that_is_said_again(self, api: APIClient, films: dict[str, int]) -> None:
        first = get(api, "limit=1&filter=genre:Horror")
        after = first.json()["recommendation_session_id"]
        assert set(ids(post(api, filter={"genre": "Horror"}, after=after))) | set(ids(first)) == {
            films["Salt Road"],
            films["Night Train"],
        }

    def test_of_another_person_or_use_case_or_nothing_are_unknown_alike(
        self, api: APIClient, person: User, other_person: User, films: dict[str, int]
    ) -> None:
        stranger = APIClient()
        stranger.force_login(other_person)
        theirs = get(stranger).json()["recommendation_session_id"]
        make_item(kind="drama")
        drama = api.get(LIST.replace("movies", "dramas")).json()["recommendation_session_id"]
        before = RecommendationSession.objects.count()
        sentences = {assert_refused(get(api, f"after={after}"), 404) for after in (theirs, drama, uuid4())}
        assert len(sentences) == 1
        assert RecommendationSession.objects.count() == before


class TestOffsets:
    def test_show_what_is_behind_the_places_that_were_shown(
        self, api: APIClient, films: dict[str, int]
    ) -> None:
        whole = ids(get(api, "limit=100&offset=0"))
        assert ids(get(api, "limit=2")) == whole[:2]
        assert ids(get(api, "limit=2&offset=2")) == whole[2:4]
        assert ids(post(api, limit=2, offset=4)) == whole[4:]
        assert ids(get(api, "limit=2&offset=6")) == []
        # And back.
        assert ids(get(api, "limit=2&offset=1")) == whole[1:3]

    def test_nothing_stands_twice_whatever_moved_meanwhile(
        self, api: APIClient, person: User, films: dict[str, int]
    ) -> None:
        first = ids(get(api, "limit=3"))
        # What was behind comes to the front, and what was shown drops out.
        save_dislike(user_id=person.pk, item=Item.objects.get(pk=first[0]))
        second = get(api, "limit=1&offset=3&boost=3*genre:Horror")
        assert ids(second), "another list, of which no place was shown"
        second = get(api, "limit=50&offset=3")
        assert not {*ids(second)} & {*first}
        assert len(ids(second)) == len(films) - 3
        kept = RecommendationSession.objects.get(pk=second.json()["recommendation_session_id"]).asked_for
        assert kept is not None
        assert (kept["offset"], kept["before"]) == (3, first)

    def test_places_that_nobody_was_shown_are_filled_by_the_best_of_now(
        self, api: APIClient, films: dict[str, int]
    ) -> None:
        whole = ids(get(api, "limit=100"))
        RecommendationSession.objects.all().delete()
        answer = get(api, "limit=2&offset=4")
        assert ids(answer) == whole[4:6]
        kept = RecommendationSession.objects.get().asked_for
        assert kept is not None
        assert kept["before"] == whole[:4]
        assert ids(get(api, "limit=5&offset=2000")) == []

    def test_a_list_of_yesterday_or_of_another_person_or_filter_is_not_gone_on_with(
        self, api: APIClient, films: dict[str, int], other_person: User
    ) -> None:
        whole = ids(get(api, "limit=100"))
        RecommendationSession.objects.all().delete()
        stranger = APIClient()
        stranger.force_login(other_person)
        first = RecommendationSession.objects.get(
            pk=get(api, "limit=2&exclude=genre:Horror").json()["recommendation_session_id"]
        )
        assert get(stranger, "limit=2&bury=0.01*text:e").status_code == 400
        get(stranger, "limit=2&bury=0.01*text:Night")
        old = get(api, "limit=1&bury=0.01*text:Night").json()["recommendation_session_id"]
        RecommendationSession.objects.filter(pk=old).update(
            created_at=first.created_at - timedelta(days=1, minutes=1)
        )
        assert ids(get(api, "limit=2&offset=2")) == whole[2:4]

    def test_the_next_of_an_offset_goes_on_behind_it(self, api: APIClient, films: dict[str, int]) -> None:
        whole = ids(get(api, "limit=100"))
        page = get(api, "limit=2&offset=2").json()
        assert ids(get(api, f"cursor={page['next']}")) == whole[4:6]
        # The places are those of the whole list, so an offset may take over again.
        assert ids(get(api, "limit=2&offset=5")) == whole[5:]

    def test_beside_after_it_is_a_400(self, api: APIClient, films: dict[str, int]) -> None:
        first = get(api).json()["recommendation_session_id"]
        assert "not both" in assert_refused(get(api, f"after={first}&offset=5"), 400)


def without_features(answer: Any) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in slot.items() if name != "features"}
        for slot in answer.json()["recommendations"]
    ]


class TestCursors:
    def test_go_on_with_all_that_was_asked_for(self, api: APIClient, films: dict[str, int]) -> None:
        for first in (
            get(api, "limit=1&filter=genre:Horror&boost=3*text:Road&include=features"),
            post(api, limit=1, filter={"genre": "Horror"}, boost=["3*text:Road"], include=["features"]),
        ):
            cursor = first.json()["next"]
            second = get(api, f"cursor={cursor}")
            posted = post(api, cursor=cursor)
            # Some features are of the moment.
            assert without_features(posted) == without_features(second)
            assert posted.json()["recommendations"][0]["features"]
            assert ids(first) == [films["Salt Road"]]
            assert ids(second) == [films["Night Train"]]
            assert second.json()["recommendations"][0]["features"]
            last = get(api, f"cursor={second.json()['next']}").json()
            assert (last["recommendations"], last["next"]) == ([], None)

    def test_show_nothing_twice_and_nothing_turned_down_meanwhile(
        self, api: APIClient, person: User, films: dict[str, int]
    ) -> None:
        first = get(api, "limit=2").json()
        save_dislike(user_id=person.pk, item=Item.objects.get(pk=films["Night Ferry"]))
        second = get(api, f"limit=50&cursor={first['next']}")
        assert sorted([*ids(second), films["Night Ferry"], *first["movie_ids"]]) == sorted(films.values())
        kept = RecommendationSession.objects.get(pk=second.json()["recommendation_session_id"])
        assert said(kept.asked_for) == {
            "after": first["recommendation_session_id"],
            "before": first["movie_ids"],
        }
        assert second.json()["next"] is None

    def test_keep_examples_and_the_use_case(self, api: APIClient, films: dict[str, int]) -> None:
        first = post(api, limit=1, context={"negatives": [films["Glass"]], "alone": True}).json()
        rest = get(api, f"limit=50&cursor={first['next']}")
        assert sorted([*ids(rest), *first["movie_ids"], films["Glass"]]) == sorted(films.values())

    def test_of_another_person_or_none_are_400_and_leave_nothing(
        self, api: APIClient, other_person: User, films: dict[str, int]
    ) -> None:
        stranger = APIClient()
        stranger.force_login(other_person)
        theirs = get(stranger, "limit=1").json()["next"]
        mine = get(api, "limit=1").json()["next"]
        before = RecommendationSession.objects.count()
        for cursor in (theirs, mine[:-1], "x", "x:y:z", "%00", "é", mine.replace(":", "")):
            assert "cursor" in assert_refused(get(api, f"cursor={cursor}"), 400)
        assert "cursor" in assert_refused(get(api, f"cursor={mine}&filter=genre:Drama"), 400)
        assert "use_case" in assert_refused(api.get(LIST.replace("movies", "dramas"), {"cursor": mine}), 400)
        assert RecommendationSession.objects.count() == before

    def test_is_missing_where_it_would_be_too_long(self, api: APIClient, films: dict[str, int]) -> None:
        def words(name: str) -> list[str]:
            return [sha256(f"{name}{n}{m}".encode()).hexdigest() * 2 for n in range(5) for m in range(10)]

        wide = [{"genre": words(name)} for name in "abcdefgh"]
        answer = post(api, limit=1, filter={"any": [{"genre": "Drama"}, *wide]})
        assert len(ids(answer)) == 1
        assert answer.json()["next"] is None


class TestScenarios:
    @pytest.fixture(autouse=True)
    def _named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        night = Scenario(
            "night", "movie_home", limit=2, filter="genre:Horror,year:..1993", include=("features",)
        )
        road = Scenario("road", "movie_home", boost=("3*text:Road",), sources=("als",))
        monkeypatch.setattr(list_request, "SCENARIOS", {"night": night, "road": road})

    def test_say_what_a_request_does_not(self, api: APIClient, films: dict[str, int]) -> None:
        both = {films["Salt Road"], films["Night Train"]}
        for answer in (get(api, "scenario=night"), post(api, scenario="night")):
            assert set(ids(answer)) == both
            assert "features" in answer.json()["recommendations"][0]
        assert len(ids(get(api, "scenario=night&limit=1"))) == 1
        assert ids(get(api, "scenario=night&filter=text:Harbour")) == [films["Harbour"]]
        kept = RecommendationSession.objects.order_by("created_at").values_list("asked_for", flat=True)
        assert said(kept[0]) == {"scenario": "night", "filter": "genre:Horror,year:..1993"}

    def test_go_on_behind_a_cursor(self, api: APIClient, films: dict[str, int]) -> None:
        first = get(api, "scenario=night&limit=1")
        rest = get(api, f"cursor={first.json()['next']}")
        assert {*ids(first), *ids(rest)} == {films["Salt Road"], films["Night Train"]}

    def test_ask_the_sources_that_they_name(self, api: APIClient, person: User) -> None:
        known, popular = make_items(4), make_items(4)
        # Without a model nothing comes of its source alone, so all are asked.
        assert len(ids(get(api, "scenario=road"))) == 8
        make_active_als([[item.pk for item in known]])
        make_interaction(person, known[0])
        assert set(ids(get(api, "scenario=road"))) == {item.pk for item in known[1:]}
        assert {item.pk for item in popular} <= set(ids(get(api)))

    def test_of_another_kind_and_unknown_ones_are_400(self, api: APIClient, films: dict[str, int]) -> None:
        for answer in (get(api, "scenario=x"), post(api, scenario="x")):
            assert "there are night, road" in assert_refused(answer, 400)
        drama = api.get(LIST.replace("movies", "dramas"), {"scenario": "night"})
        assert "use_case" in assert_refused(drama, 400)
        nothings: list[Any] = [None, 5, "", [], "x" * 51]
        for nothing in nothings:
            assert_refused(post(api, scenario=nothing), 400)
        assert not RecommendationSession.objects.exists()


class TestExamples:
    def test_bend_one_list_and_leave_nothing(self, api: APIClient, person: User) -> None:
        one, other = make_items(6), make_items(6)
        make_active_als([[item.pk for item in one], [item.pk for item in other]])
        make_interaction(person, one[0])
        make_interaction(person, one[1])
        assert set(ids(get(api, "limit=4"))) <= {item.pk for item in one}
        context = {"positives": [other[0].pk, other[1].pk], "alone": True}
        answer = post(api, limit=4, context=context)
        assert set(ids(answer)) <= {item.pk for item in other[2:]}
        assert UserInteraction.objects.count() == 2
        assert not any("you liked" in slot["why"] for slot in answer.json()["recommendations"])
        assert set(ids(get(api, "limit=4"))) <= {item.pk for item in one}
        kept = RecommendationSession.objects.get(pk=answer.json()["recommendation_session_id"])
        assert said(kept.asked_for) == {"context": context}

    def test_a_negative_one_is_not_shown(self, api: APIClient, films: dict[str, int]) -> None:
        assert films["Glass"] not in ids(post(api, context={"negatives": [films["Glass"]]}))

    def test_that_are_not_there_are_404(self, api: APIClient, films: dict[str, int]) -> None:
        for item_id in (999_999_999, make_item(kind="drama").pk):
            assert_refused(post(api, context={"positives": [item_id]}), 404)
        assert not RecommendationSession.objects.exists()


def test_features_come_where_they_are_asked_for(api: APIClient, films: dict[str, int]) -> None:
    plain = get(api).json()["recommendations"][0]
    assert "features" not in plain
    slot = get(api, "include=features,why").json()["recommendations"][0]
    assert tuple(slot["features"]) == FEATURES
    assert slot["why"]
    assert post(api, include=["features"]).json()["recommendations"][0]["features"] == slot["features"]


def test_the_record_says_what_was_asked_for(api: APIClient, films: dict[str, int]) -> None:
    get(api)
    assert said(RecommendationSession.objects.get().asked_for) == {}
    answer = post(api, filter={"genre": "Drama"}, boost="year:1990..").json()
    kept = RecommendationSession.objects.get(pk=answer["recommendation_session_id"]).asked_for
    assert said(kept) == {"filter": {"genre": "Drama"}, "boost": "year:1990.."}


@pytest.mark.parametrize("how", ["session", "token"])
def test_six_queries_at_most_with_every_option(
    how: str, api: APIClient, person: User, films: dict[str, int], settings: Settings
) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    client = api
    if how == "token":
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {issue_service_token(user=person)}")
    # A process reads the titles, the years and so on once, when the first filter asks for them.
    get(client, "limit=1&filter=genre:Drama,year:1990..")
    page = get(client, "limit=1&filter=text:night").json()
    with CaptureQueriesContext(connection) as queries:
        assert get(client, f"cursor={page['next']}").status_code == 200
    assert len(queries) <= 6, [query["sql"] for query in queries]
    first = page["recommendation_session_id"]
    body = {
        "limit": 5,
        "filter": {"genre": ["Drama", "Horror"], "year": {"from": 1990}},
        "exclude": "text:Harbour",
        "boost": "2*attributes.country:Norway",
        "bury": ["text:train"],
        "after": first,
        "include": ["features", "why"],
        "context": {"positives": [films["Glass"]], "negatives": [films["Low Orbit"]]},
    }
    with CaptureQueriesContext(connection) as queries:
        answer = post(client, **body)
    assert answer.status_code == 200
    assert len(queries) <= 6, [query["sql"] for query in queries]


NO_FILTER: list[Any] = [None, 5, [], {}, "", "x", {"genre": 5}, {"x": "y"}, "year:x", "x" * 2001]
NO_BOOST: list[Any] = [None, 5, {}, "9*genre:x", "x*genre:x", "genre:x|" * 60, [[]], ["x"] * 6]
NO_INCLUDE: list[Any] = [None, "features", ["x"], ["features"] * 3, [5]]
NO_CONTEXT: list[Any] = [None, 5, [], {"x": 1}, {"positives": 5}, {"positives": ["1"]}]
NO_UUID: list[Any] = [None, 5, "", "x", []]
NO_CURSOR: list[Any] = [None, 5, "", "x", [], "x" * 20_001]
NO_OFFSET: list[Any] = [None, -1, "5", 1.5, True, 2_001, []]
NO_LIMIT: list[Any] = [None, 0, 101, "5", 1.5, True]
BAD: list[dict[str, Any]] = [
    *({"filter": value} for value in NO_FILTER),
    {"filter": {"not": {"not": {"not": {"not": {"not": {"genre": "x"}}}}}}},
    *({"boost": value} for value in NO_BOOST),
    {"filter": "text:" + "|".join(f"one two{n}" for n in range(21))},
    {"filter": {"all": [{"genre": "x"}] * 50}, "exclude": {"all": [{"genre": "x"}] * 50}, "bury": "genre:x"},
    {"boost": {"filter": "genre:x", "factor": "2"}},
    {"boost": {"filter": "genre:x", "weight": 2}},
    {"bury": "2*genre:x"},
    {"bury": "0*genre:x"},
    *({"after": value} for value in NO_UUID),
    *({"cursor": value} for value in NO_CURSOR),
    *({"include": value} for value in NO_INCLUDE),
    *({"context": value} for value in NO_CONTEXT),
    {"context": {"positives": [2**63]}},
    {"context": {"positives": list(range(1, 102))}},
    {"context": {"alone": "yes"}},
    *({"limit": value} for value in NO_LIMIT),
    {"use_case": "drama_home"},
    *({"offset": value} for value in NO_OFFSET),
    {"page": 5},
    {"genre": "Horror"},
]


@pytest.mark.parametrize("body", BAD, ids=lambda body: json.dumps(body)[:50])
def test_a_body_that_cannot_be_meant_is_400_and_leaves_nothing(
    api: APIClient, films: dict[str, int], body: Any
) -> None:
    sentence = assert_refused(post(api, **body), 400)
    assert next(iter(body)) in sentence or "'x'" in sentence
    assert not RecommendationSession.objects.exists()


@pytest.mark.parametrize(
    "query",
    ["filter=", "filter=x", "filter=%00", "filter=genre:%00", "boost=9*genre:x", "bury=5*genre:x", "after=x", "include=x", "offset=-1", "offset=x", "offset=2001", "offset=1.5", "offset=", "page=2", "genre=Horror", "filter=" + "x" * 2001],
    ids=lambda query: query[:30],
)  # fmt: skip
def test_a_query_that_cannot_be_meant_is_400_and_leaves_nothing(
    api: APIClient, films: dict[str, int], query: str
) -> None:
    assert query.split("=")[0] in assert_refused(get(api, query), 400)
    assert not RecommendationSession.objects.exists()
