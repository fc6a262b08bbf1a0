"""The page of an item for staff: its figures are those of the lists on record, and nobody else reads them."""

from datetime import UTC, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from catalog.models import Item
from console.selectors import items as module
from console.selectors.items import ItemFigures, get_item_figures
from core.domain import USE_CASES
from feedback.models import Dislike
from feedback.services import save_dislike
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from serving.carousels import similar_items
from serving.live import forget_state
from tests.factories import allow, make_item, make_items, make_rule, make_user

pytestmark = pytest.mark.django_db
_TODAY = timezone.now().astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
# The Wednesday before today: away from both ends of a week, and lists of it can still be acted on.
NOW = _TODAY - timedelta(days=(_TODAY.weekday() - 2) % 7 or 7)
MONDAY = (NOW - timedelta(days=2)).date()


def make_list(
    items: list[Item],
    *,
    seen: int = 0,
    ago: timedelta = timedelta(),
    use_case: str = "movie_home",
    **fields: object,
) -> RecommendationSession:
    """A list with these items, of somebody of their own."""
    shown = [
        {
            "item_id": item.pk,
            "rank": rank,
            "score": 0.5,
            "base_score": 0.5,
            "method": "als",
            "source": "als" if rank == 1 else "popular",
            "source_rank": rank,
            "source_score": 0.5,
            "propensity": 1.0,
        }
        for rank, item in enumerate(items, 1)
    ]
    return RecommendationSession.objects.create(
        id=uuid4(),
        user=make_user(),
        use_case=use_case,
        method="als",
        recommendations_shown=shown,
        seen_rank=seen,
        created_at=NOW - ago,
        **fields,
    )


def figures(item: Item, weeks: int = 4) -> ItemFigures:
    return get_item_figures(item_id=item.pk, kind=item.kind, weeks=weeks, now=NOW + timedelta(minutes=1))


def address(item: Item) -> str:
    return f"/admin/items/{item.pk}/"


@pytest.fixture
def viewer(staff: User) -> User:
    allow(staff, "view_item", "view_recommendationsession")
    return staff


def test_a_week_counts_what_was_shown_and_what_was_seen() -> None:
    item, other = make_items(2)
    make_list([item, other], seen=2)
    make_list([other, item], seen=1)
    make_list([other, item], seen=2, ago=timedelta(weeks=1))
    make_list([item], seen=1, ago=timedelta(weeks=9))
    make_list([item], seen=1, use_case="drama_home")
    found = figures(item)
    assert [week.first for week in found.weeks] == [MONDAY - timedelta(weeks=ago) for ago in (3, 2, 1, 0)]
    assert [(week.made, week.tally.shown, week.tally.seen) for week in found.weeks] == [
        (0, 0, 0),
        (0, 0, 0),
        (1, 1, 1),
        (2, 2, 1),
    ]
    assert (found.total.shown, found.total.seen) == (3, 2)
    assert not found.is_sampled
    assert [(one.source, one.tally.shown, one.mean_rank) for one in found.places] == [
        ("popular", 2, 2.0),
        ("als", 1, 1.0),
    ]
    assert [(words, tally.shown) for words, tally in found.ranks] == [("1", 1), ("2 to 3", 2)]


def test_who_does_something_saw_it_and_abuse_is_no_response() -> None:
    item = make_item()
    taken, refused, abused = (make_list([item]) for _ in range(3))
    one = record_interaction(
        user_id=taken.user_id, item_id=item.pk, type_name="like", session_id=taken.pk, occurred_at=NOW
    )
    assert one.created
    for session in (refused, abused):
        saved = save_dislike(
            user_id=session.user_id,
            item=item,
            reason="not_interested",
            session_id=session.pk,
            occurred_at=NOW,
        )
    Dislike.objects.filter(pk=saved.dislike.pk).update(review_state=Dislike.ReviewState.EXCLUDED)
    # What is done elsewhere is no response to a list.
    record_interaction(user_id=make_user().pk, item_id=item.pk, type_name="like", occurred_at=NOW)
    total = figures(item).total
    assert (total.shown, total.seen, total.taken, total.disliked) == (3, 2, 1, 1)
    assert total.response_rate == total.dislike_rate == 0.5


def test_an_id_is_no_part_of_another() -> None:
    items = make_items(12)
    longer = Item.objects.create(
        pk=items[0].pk * 1000 + 1, kind="movie", external_id="longer", title="Longer"
    )
    make_list([longer], seen=1)
    make_list([items[1]], seen=1)
    assert figures(items[0]).total.shown == 0
    assert figures(longer).total.shown == 1


def test_of_many_lists_the_newest_are_looked_through_and_it_is_said(
    client: Client, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_LISTS", 2)
    item = make_item()
    for hours in range(4):
        make_list([item], seen=1, ago=timedelta(hours=hours))
    found = figures(item)
    assert found.is_sampled
    assert (found.weeks[-1].made, found.weeks[-1].looked, found.total.shown) == (4, 2, 2)
    RecommendationSession.objects.update(created_at=timezone.now() - timedelta(seconds=1))
    page = client.get(address(item)).content.decode()
    assert "only the newest 2,000 lists are looked through" in page


def test_the_page_says_it_with_what_is_like_it_and_why_people_refused(client: Client, viewer: User) -> None:
    item = make_item("The Long Night", genres=["Crime"])
    near = make_item("The Short Day", genres=["Crime"])
    make_item(genres=["Comedy"])
    session = make_list([near, item], seen=2)
    save_dislike(user_id=session.user_id, item=item, reason="wrong_genre", session_id=session.pk)
    RecommendationSession.objects.update(created_at=timezone.now() - timedelta(seconds=1))
    page = client.get(address(item)).content.decode()
    assert "1 seen of 1 shown in 1 list" in page
    assert "100.0%: 1 of 1" in page
    assert USE_CASES["movie_home"].label in page
    (similar,) = similar_items(item_id=item.pk, use_case=USE_CASES["movie_home"], limit=12)
    assert similar.item.title == near.title
    assert f'<a href="{address(near)}">The Short Day</a>' in page
    assert f"{similar.score:.3f}" in page
    # Dislikes have a permission of their own.
    assert "Why people turned it down" not in page
    allow(viewer, "view_dislike")
    assert "Wrong genre" in client.get(address(item)).content.decode()


def test_it_names_the_rules_of_staff_that_act_on_it(client: Client, viewer: User) -> None:
    item, other = make_item(genres=["Crime"]), make_item(genres=["Comedy"])
    soon = timezone.now() + timedelta(days=1)
    of_it = make_rule("pin", item=item, number=3, note="premiere", ends_at=soon)
    of_genre = make_rule("bury", facet_name="Crime", number=0.5, segment="newcomer")
    quota = make_rule("quota", about="each", each="genre", number=2)
    elsewhere = make_rule("block", facet_name="Crime", use_case="drama_home")
    waits, over = make_rule("block", item=item, begins_at=soon), make_rule("block", item=item)
    over.ends_at = timezone.now()
    over.save()
    not_of_it = make_rule("block", item=other)
    assert "Rules of staff" not in client.get(address(item)).content.decode()
    allow(viewer, "view_rule")
    answer = client.get(address(item))
    assert [rule.pk for rule, _, _ in answer.context["rules"]] == [of_it.pk, of_genre.pk, quota.pk]
    page = answer.content.decode()
    assert f'href="/admin/curation/rule/{of_it.pk}/change/">{of_it.pk}: {of_it.sentence}' in page.replace(
        "&quot;", '"'
    )
    assert f"<td>{soon:%Y-%m-%d %H:%M}</td><td>premiere</td>" in page
    for rule in (elsewhere, waits, over, not_of_it):
        assert f"/rule/{rule.pk}/change/" not in page
    bare = make_item(genres=["Western"])
    forget_state()
    assert [rule.pk for rule, _, _ in client.get(address(bare)).context["rules"]] == [quota.pk]


def test_it_is_linked_from_the_item(client: Client, viewer: User) -> None:
    item = make_item()
    page = client.get(f"/admin/catalog/item/{item.pk}/change/").content.decode()
    assert f'href="{address(item)}"' in page
    hidden = make_item(is_active=False)
    assert "hidden: no list holds it" in client.get(address(hidden)).content.decode()


def test_nobody_sees_it_without_both_permissions(client: Client, staff: User) -> None:
    item = make_item()
    allow(staff, "view_item")
    assert client.get(address(item)).status_code == 403
    assert client.get("/admin/items/999999999/").status_code == 403


@pytest.mark.parametrize("weeks", ["0", "5", "-4", "x", "%00", "4.0", "9" * 400, "%C2%B2"])
def test_strange_periods_are_not_found(client: Client, viewer: User, weeks: str) -> None:
    item = make_item()
    assert client.get(f"{address(item)}?weeks={weeks}").status_code == 404
    assert client.get(f"{address(item)}?weeks=26").status_code == 200
    assert client.get("/admin/items/999999999/").status_code == 404
    assert client.post(address(item)).status_code == 405


def test_titles_are_text(client: Client, viewer: User) -> None:
    item = make_item("<script>alert(1)</script>")
    assert "<script>alert" not in client.get(address(item)).content.decode()


def test_queries_do_not_grow_with_the_lists(client: Client, viewer: User) -> None:
    item, *others = make_items(6)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address(item)).status_code == 200
        return len(queries)

    make_list([item])
    RecommendationSession.objects.update(created_at=timezone.now() - timedelta(seconds=1))
    count()
    few = count()
    for _ in range(10):
        session = make_list([*others, item], seen=3)
        record_interaction(user_id=session.user_id, item_id=item.pk, type_name="like", session_id=session.pk)
    RecommendationSession.objects.update(created_at=timezone.now() - timedelta(seconds=1))
    assert count() == few
