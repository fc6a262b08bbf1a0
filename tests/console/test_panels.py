"""The admin's first page: right figures, readable when empty, and a fixed number of queries."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from console.panels import make_dashboard
from console.selectors.feedback import (
    FeedbackDashboard,
    get_feedback_dashboard,
    group_days,
    parse_period,
)
from core.domain import USE_CASES
from feedback.models import Dislike
from feedback.services import save_dislike, undo_dislike
from ranking.models import ModelVersion
from recommendations.models import RecommendationSession
from tests.factories import allow, make_item, make_user, make_version

pytestmark = pytest.mark.django_db
_seconds = count(1)
# One for each use case, how far it is from its next model.
QUERIES = 16 + len(USE_CASES)


def earlier(*, days: float = 0.0) -> datetime:
    """A moment of its own, so many days before the beginning of today's last second."""
    return timezone.now() - timedelta(days=days, microseconds=next(_seconds))


def show(
    user: User, items: list[Item], *, seen: int, days: float = 0.0, score: float = 0.5, version: str = "als-1"
) -> RecommendationSession:
    return RecommendationSession.objects.create(
        user=user,
        use_case="movie_home",
        method="als",
        model_version=version,
        seen_rank=seen,
        created_at=earlier(days=days),
        recommendations_shown=[
            {
                "item_id": item.pk,
                "rank": rank,
                "score": score,
                "base_score": score,
                "method": "als",
                "source": "als",
                "source_rank": rank,
                "source_score": score,
                "propensity": 1.0,
            }
            for rank, item in enumerate(items, 1)
        ],
    )


def turn_down(
    session: RecommendationSession, item: Item, *, reason: str = "wrong_genre", days: float = 0.0
) -> Dislike:
    return save_dislike(
        user_id=session.user_id,
        item=item,
        reason=reason,
        session_id=session.pk,
        occurred_at=earlier(days=days),
    ).dislike


def figures(days: str = "30") -> FeedbackDashboard:
    return get_feedback_dashboard(period=parse_period(days))


@pytest.fixture
def staff(client: Client) -> User:
    user = make_user("staff", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_dislike"))
    client.force_login(user)
    return user


@pytest.mark.parametrize("days", ["7", "30", "90", "365"])
def test_a_period_ends_with_today(days: str) -> None:
    period = parse_period(days, now=datetime(2026, 3, 10, 15, 30, tzinfo=UTC))
    assert period.days == int(days)
    assert period.until == datetime(2026, 3, 11, tzinfo=UTC)
    assert period.until - period.since == timedelta(days=int(days))


@pytest.mark.parametrize(
    "days", [None, "", "0", "-7", "31", "7.0", "٧", "1e9", "<script>", "30 ", "\0", "9" * 5000]
)
def test_any_other_period_is_thirty_days(client: Client, staff: User, days: str | None) -> None:
    assert parse_period(days).days == 30
    page = client.get("/admin/", {"days": days} if days is not None else {})
    assert page.status_code == 200
    assert page.context["dashboard"].days == 30
    assert "<script>alert" not in page.content.decode()


def test_rates_and_errors_come_from_what_was_seen(person: User, other_person: User) -> None:
    films = [make_item(genres=["Noir", "Crime"]), *[make_item() for _ in range(4)]]
    mine = show(person, films, seen=4, score=0.8)
    theirs = show(other_person, films, seen=6, score=0.4, version="als-2")
    turn_down(mine, films[0])
    turn_down(theirs, films[0], reason="already_watched")
    turn_down(theirs, films[1], reason="other")
    save_dislike(user_id=person.pk, item=films[3], reason="other")
    shown = figures()
    assert sum(day.slots_seen for day in shown.days) == 10
    assert sum(day.dislikes for day in shown.days) == 3
    assert shown.improvement.dislike_rate == pytest.approx(0.3)
    assert shown.improvement.mean_error == pytest.approx((0.8 + 0.4 + 0.4) / 3)
    rates = {one.model_version: one.dislike_rate for one in shown.models}
    assert rates == pytest.approx({"als-1": 1 / 4, "als-2": 2 / 6})
    assert (shown.counts.dislikes, shown.counts.people, shown.counts.to_review) == (4, 2, 4)
    assert {one.name: one.dislikes for one in shown.reasons if one.dislikes} == {
        "other": 2,
        "wrong_genre": 1,
        "already_watched": 1,
    }
    assert shown.reasons[0].name == "other"
    assert len(shown.reasons) == 6
    assert (shown.items[0].item_id, shown.items[0].dislikes) == (films[0].pk, 2)
    assert [(one.name, one.dislikes) for one in shown.facets] == [("Crime", 1), ("Noir", 1)]


def test_days_hold_what_happened_on_them(person: User, settings: Settings) -> None:
    settings.RECOMMENDATION_SESSION_DAYS = 100
    films = [make_item() for _ in range(3)]
    turn_down(show(person, films, seen=2, days=3, score=0.6), films[0], days=3)
    turn_down(show(person, films, seen=5, days=40), films[1], days=40)
    week, year = figures("7"), figures("365")
    assert len(week.days) == 7
    day = next(day for day in week.days if day.slots_seen)
    assert day.first == (timezone.now() - timedelta(days=3)).date()
    assert day.dislike_rate == pytest.approx(0.5)
    assert day.mean_error == pytest.approx(0.6)
    empty = next(day for day in week.days if not day.slots_seen)
    assert (empty.dislike_rate, empty.mean_error) == (None, None)
    assert week.counts.dislikes == 1
    weeks = group_days(year.days, 7)
    assert len(weeks) == 53
    assert sum(week.dislikes for week in weeks) == 2
    assert sum(week.slots_seen for week in weeks) == 7


def test_the_period_before_is_compared(person: User) -> None:
    films = [make_item() for _ in range(3)]
    turn_down(show(person, films, seen=10), films[0])
    turn_down(show(person, films, seen=4, days=8, score=0.9), films[1], days=8)
    better = make_dashboard(parse_period("7")).tiles[0]
    assert (better.value, better.tone) == ("10.0%", "better")
    assert better.note == "better than 25.0% in the 7 days before"
    alone = make_dashboard(parse_period("90")).tiles[0]
    assert alone.note == "nothing to compare in the 90 days before"


def test_undone_and_excluded_dislikes_count_only_as_such(person: User) -> None:
    films = [make_item(genres=["Noir"]) for _ in range(3)]
    session = show(person, films, seen=3)
    undone, excluded, _ = (turn_down(session, film) for film in films)
    undo_dislike(user_id=person.pk, dislike_id=undone.pk)
    Dislike.objects.filter(pk=excluded.pk).update(review_state=Dislike.ReviewState.EXCLUDED)
    shown = figures()
    assert (shown.counts.dislikes, shown.counts.undone, shown.counts.excluded) == (1, 1, 1)
    assert shown.improvement.dislike_rate == pytest.approx(1 / 3)
    assert sum(one.dislikes for one in shown.reasons) == 1
    assert [one.dislikes for one in shown.facets] == [1]
    assert len(shown.items) == 1
    assert shown.adjustments.penalties == 1


def test_adjustments_combine_per_person_and_facet(person: User, other_person: User) -> None:
    films = [make_item(genres=["Noir"]) for _ in range(2)]
    mine, theirs = show(person, films, seen=2), show(other_person, films, seen=2)
    turn_down(mine, films[0])
    turn_down(mine, films[1])
    turn_down(theirs, films[0], reason="not_interested")
    sizes = figures().adjustments
    assert (sizes.penalties, sizes.people) == (2, 2)
    assert sizes.largest == pytest.approx(1 - 0.85**2, abs=1e-4)
    assert sizes.mean == pytest.approx((1 - 0.85**2 + 0.075) / 2, abs=1e-4)
    assert {upper: pairs for upper, pairs in sizes.histogram if pairs} == {10: 1, 30: 1}


def test_the_empty_page_says_so(client: Client, staff: User) -> None:
    page = client.get("/admin/")
    text = page.content.decode()
    assert "What people turn down" in text
    assert "nothing seen" in text
    assert "Nothing was shown, turned down or trained in these 30 days." in text
    assert "heed-panels" not in text


def test_what_is_missing_is_said_where_it_would_stand(client: Client, staff: User) -> None:
    make_version(b"1")
    text = client.get("/admin/").content.decode()
    assert text.count("Nothing in this period.") == 7
    assert "heed-bars" not in text
    ModelVersion.objects.all().delete()
    show(make_user(), [film := make_item()], seen=1)
    turn_down(show(make_user(), [film], seen=1), film)
    assert "No model was trained in this period." in client.get("/admin/").content.decode()


def test_the_filled_page_escapes_what_people_wrote(client: Client, staff: User, person: User) -> None:
    film = make_item("<script>alert(1)</script>", genres=["<script>alert(2)</script>"])
    turn_down(show(person, [film], seen=1, version="<script>alert(3)</script>"), film)
    make_version(b"1")
    text = client.get("/admin/?days=7").content.decode()
    for number in (1, 2, 3):
        assert f"&lt;script&gt;alert({number})&lt;/script&gt;" in text
    assert "<script>alert" not in text
    assert "100.0%: 1 of 1 seen" in text
    assert "Model versions trained per week, 1 in all." in text
    assert "Nothing in this period." not in text
    assert 'role="img"' in text
    assert f"/admin/catalog/item/{film.pk}/change/" in text


def test_only_staff_who_may_see_dislikes_get_figures(client: Client) -> None:
    client.force_login(make_user("clerk", is_staff=True))
    page = client.get("/admin/")
    assert page.status_code == 200
    assert "dashboard" not in page.context
    assert "What people turn down" not in page.content.decode()


@pytest.mark.slow
def test_fifty_dislikes_ask_no_more_queries_than_one(person: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            make_dashboard(parse_period("30"))
        return len(asked)

    film = make_item(genres=["Noir"])
    turn_down(show(person, [film], seen=1), film)
    one = queries()
    films = [make_item(genres=["Noir", f"Genre {number}"]) for number in range(50)]
    session = show(person, films, seen=50, version="als-2")
    for film in films:
        turn_down(session, film)
    assert queries() == one <= QUERIES


def test_each_fact_about_dislikes_is_one_number_wherever_it_stands(
    client: Client, staff: User, person: User, settings: Settings
) -> None:
    """One that waits is older than the period; one undone, one excluded and one reviewed do not wait."""
    settings.RECOMMENDATION_SESSION_DAYS = 100
    allow(staff, "view_modelversion")
    films = [make_item() for _ in range(6)]
    session = show(person, films, seen=6)
    turn_down(show(person, films, seen=1, days=40), films[5], days=40)
    undone, excluded, reviewed, *_ = (turn_down(session, film) for film in films[:5])
    undo_dislike(user_id=person.pk, dislike_id=undone.pk)
    for dislike, state in ((excluded, "excluded"), (reviewed, "reviewed")):
        Dislike.objects.filter(pk=dislike.pk).update(review_state=state)
    page = client.get("/admin/?days=30")
    tiles = {tile.name: tile for tile in page.context["dashboard"].tiles}
    needs = {need.text: need for need in page.context["overview"].needs}
    assert tiles["To review"].value == "3"
    assert "3 dislikes wait for review." in needs
    assert needs["3 dislikes wait for review."].address == tiles["To review"].address
    assert client.get(tiles["To review"].address).context["cl"].result_count == 3
    assert (tiles["Dislikes"].value, tiles["Dislikes"].note) == ("3", "from 1 person; 1 undone, 1 excluded")
    assert client.get(tiles["Dislikes"].address).context["cl"].result_count == 3
    reasons = next(panel for panel in page.context["dashboard"].panels if panel.title == "Reasons")
    for reason in reasons.rows:
        assert client.get(reason.address).context["cl"].result_count == int(reason.value), reason.label
    counts = figures().counts
    assert counts.dislikes + counts.undone + counts.excluded == 5
    assert tiles["Dislikes"].value == str(sum(reason.dislikes for reason in figures().reasons))
    turned_down = next(tile for tile in page.context["overview"].tiles if tile.name == "Getting better?")
    assert tiles["Dislike rate"].value == "50.0%"
    assert turned_down.value == "–"


def test_an_excluded_dislike_that_is_undone_is_counted_once(person: User) -> None:
    film = make_item()
    dislike = turn_down(show(person, [film], seen=1), film)
    Dislike.objects.filter(pk=dislike.pk).update(review_state=Dislike.ReviewState.EXCLUDED)
    undo_dislike(user_id=person.pk, dislike_id=dislike.pk)
    counts = figures().counts
    assert (counts.dislikes, counts.undone, counts.excluded, counts.to_review) == (0, 1, 0, 0)
