"""The page of a person for staff: who sees it, what it says, and that a look leaves only its log entry."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from feedback.models import Dislike
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from serving.live import forget_state
from serving.looking import look
from serving.pipeline import recommend
from tests.factories import (
    allow,
    make_active_als,
    make_als_bytes,
    make_item,
    make_items,
    make_rule,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db
MOVIES = USE_CASES["movie_home"]


def address(person: User) -> str:
    return f"/admin/people/{person.pk}/"


def page(client: Client, person: User, **query: str | int) -> str:
    answer = client.get(address(person), query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def looker(staff: User) -> User:
    allow(staff, "view_as_person")
    return staff


@pytest.fixture
def movies(person: User) -> list[Item]:
    """Movies of two tastes, of which the person likes one."""
    left = [make_item(genres=["Crime"]) for _ in range(8)]
    right = [make_item(genres=["Comedy"]) for _ in range(8)]
    make_active_als([[one.pk for one in left], [one.pk for one in right]])
    record_interaction(user_id=person.pk, item_id=left[0].pk, type_name="like")
    return [*left, *right]


def test_nobody_sees_it_without_the_permission(client: Client, staff: User, person: User) -> None:
    allow(staff, "view_user", "view_recommendationsession", "recommend_for_others")
    assert client.get(address(person)).status_code == 403
    link = f"/admin/accounts/user/{person.pk}/change/"
    assert "As this person" not in client.get(link).content.decode()
    client.force_login(person)
    assert client.get(address(person)).status_code == 302
    assert not LogEntry.objects.exists()


def test_it_is_linked_from_the_person_and_from_a_list(client: Client, looker: User, person: User) -> None:
    allow(looker, "view_user", "view_recommendationsession")
    session = recommend(user_id=person.pk, use_case=MOVIES).session_id
    account = client.get(f"/admin/accounts/user/{person.pk}/change/").content.decode()
    assert f'href="{address(person)}"' in account
    record = client.get(f"/admin/recommendations/recommendationsession/{session}/change/").content.decode()
    assert f'href="{address(person)}?session={session}"' in record


def test_each_look_is_logged_and_nothing_else_is_written(
    client: Client, looker: User, person: User, movies: list[Item]
) -> None:
    tables = (RecommendationSession, UserInteraction, Dislike)
    before = [list(one.objects.order_by("pk").values()) for one in tables]
    with CaptureQueriesContext(connection) as queries:
        page(client, person, title=movies[9].pk)
    entry = LogEntry.objects.get()
    assert entry.user == looker
    assert entry.object_id == str(person.pk)
    assert "list of now (movie_home)" in entry.change_message
    assert [list(one.objects.order_by("pk").values()) for one in tables] == before
    writes = [one["sql"] for one in queries if one["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE")]
    assert len(writes) == 1
    assert "django_admin_log" in writes[0]


def test_it_shows_the_persons_own_list_in_its_order(
    client: Client, looker: User, person: User, movies: list[Item], settings: Settings
) -> None:
    settings.EXPLORATION_SHARE = 0.0
    forget_state()
    save_dislike(user_id=person.pk, item=movies[1], reason="wrong_genre")
    looked = look(user_id=person.pk, use_case=MOVIES, limit=20).served.slots
    rows = client.get(address(person)).context["rows"]
    own = recommend(user_id=person.pk, use_case=MOVIES).slots
    assert own
    assert [row.item_id for row in rows] == [slot.item.id for slot in own]
    assert [slot.score for slot in looked] == pytest.approx([slot.score for slot in own], abs=1e-6)
    assert [row.why for row in rows] == [slot.why for slot in own]


def test_a_list_is_shown_as_it_was(client: Client, looker: User, person: User, movies: list[Item]) -> None:
    served = recommend(user_id=person.pk, use_case=MOVIES)
    save_dislike(
        user_id=person.pk, item=Item.objects.get(pk=served.slots[0].item.id), reason="not_interested"
    )
    answer = client.get(address(person), {"session": str(served.session_id)})
    assert [row.item_id for row in answer.context["rows"]] == [slot.item.id for slot in served.slots]
    asked = page(client, person, session=str(served.session_id), title=served.slots[0].item.id)
    assert "It was in the list, at rank 1." in asked
    assert str(served.session_id) in LogEntry.objects.latest("pk").change_message


def test_it_says_why_a_title_is_not_in_the_list(
    client: Client, looker: User, person: User, movies: list[Item]
) -> None:
    drama, hidden = make_item(kind="drama"), make_item(is_active=False)
    save_dislike(user_id=person.pk, item=movies[1], reason="wrong_genre")
    assert "this is a list of kind movie" in page(client, person, title=drama.pk)
    assert "It is hidden" in page(client, person, title=hidden.pk)
    disliked = page(client, person, title=movies[1].pk)
    assert "excluded by what they did with it: dislike" in disliked
    assert "Held back for its genre Crime" in disliked
    first = client.get(address(person)).context["rows"][0]
    assert "It is in the list, at rank 1." in page(client, person, title=first.title)


def test_what_stands_behind_the_list_is_placed(client: Client, looker: User, person: User) -> None:
    items = make_items(30)
    rest = {one.pk for one in items} - {row.item_id for row in client.get(address(person)).context["rows"]}
    assert "It stands at place" in page(client, person, title=min(rest))


def test_strange_input_is_answered(client: Client, looker: User, person: User) -> None:
    assert client.get("/admin/people/999999999/").status_code == 404
    assert client.get(f"/admin/people/{'9' * 40}/").status_code == 404
    assert client.post(address(person)).status_code == 405
    other = recommend(user_id=make_user().pk, use_case=MOVIES).session_id
    for query in (f"session={other}", "session=7", "session=%00", "use_case=nothing", "use_case=%00"):
        assert client.get(f"{address(person)}?{query}").status_code == 404
    assert not LogEntry.objects.exists()
    for text in ("9" * 18, "9" * 400, "x" * 5000, "%", "\x00", "-1", "1e9", "²", "'"):
        assert "There is no title" in page(client, person, title=text)


def test_titles_are_text(client: Client, looker: User, person: User) -> None:
    bad = "<script>alert(1)</script>"
    item = make_item(bad)
    make_item(f"{bad} again")
    for title in ("", bad, "alert", str(item.pk), f'"{bad}'):
        found = page(client, person, title=title)
        assert bad not in found
    assert "&lt;script&gt;alert" in page(client, person)


def test_queries_do_not_grow_with_the_list(client: Client, looker: User, person: User) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(client, person)
        return len(queries)

    make_items(2)
    page(client, person)
    few = count()
    make_items(18)
    for _ in range(5):
        recommend(user_id=person.pk, use_case=MOVIES)
    forget_state()
    page(client, person)
    assert count() == few


def test_what_if_shows_the_list_of_other_models_and_without_a_dislike(
    client: Client, looker: User, person: User, movies: list[Item]
) -> None:
    no = save_dislike(user_id=person.pk, item=movies[1], reason="wrong_genre").dislike
    other = make_version(make_als_bytes([[one.pk for one in (movies[0], *movies[8:])], [movies[2].pk]]))
    tables = (RecommendationSession, UserInteraction, Dislike)
    before = [list(one.objects.order_by("pk").values()) for one in tables]
    without = page(client, person, without=no.interaction_id)
    assert f"Without the dislike of {movies[1].title}: " in without
    assert "<strong>new</strong>" in without
    tried = page(client, person, version=other.pk)
    assert f"made by als, {other.label}." in tried
    assert f"With {other.label}: " in tried
    both = page(client, person, version="none", without=no.interaction_id)
    assert f"Without any model and without the dislike of {movies[1].title}: " in both
    assert [list(one.objects.order_by("pk").values()) for one in tables] == before
    messages = [entry.change_message for entry in LogEntry.objects.all()]
    assert len(messages) == 3
    assert all("and as it would be" in one for one in messages)


def test_what_if_without_rules_of_staff(
    client: Client, looker: User, person: User, movies: list[Item]
) -> None:
    assert "Rules of staff" not in page(client, person)
    block, pin = make_rule("block", facet_name="Comedy"), make_rule("pin", item=movies[4], number=1)
    make_rule("pin", item=movies[5], number=2, begins_at=timezone.now() + timedelta(days=1))
    forget_state()
    offered = page(client, person)
    assert f"without rule {block.pk}</option>" in offered
    assert f"without rule {pin.pk}</option>" in offered
    assert f"without rule {pin.pk + 1}" not in offered
    assert "Without rules of staff: " in page(client, person, rule="none")
    one = page(client, person, rule=pin.pk, version="none")
    assert f"Without any model and without rule {pin.pk}: " in one
    assert "and as it would be" in LogEntry.objects.latest("pk").change_message
    # What a rule says is for those who may see rules.
    assert "block genre Comedy" not in one
    allow(looker, "view_rule")
    assert f"without rule {block.pk}: block genre Comedy</option>" in page(client, person)


def test_what_cannot_be_supposed_is_answered(
    client: Client, looker: User, person: User, movies: list[Item], settings: Settings
) -> None:
    elsewhere = make_version(make_als_bytes([[1, 2]]), use_case="drama_home")
    theirs = record_interaction(user_id=make_user().pk, item_id=movies[0].pk, type_name="like").interaction.pk
    over = make_rule("block", facet_name="Comedy", ends_at=timezone.now())
    for query in (f"rule={over.pk}", "rule=x", "rule=%00", "rule=-1", f"rule={'9' * 400}", "rule=all"):
        assert client.get(f"{address(person)}?{query}").status_code == 404
    bad = ("version=x", "version=%00", f"version={elsewhere.pk}", f"version={'9' * 40}", f"without={theirs}")
    for query in (*bad, "without=x", "without=%00", "without=-1", f"without={'9' * 400}", "without=%C2%B2"):
        assert client.get(f"{address(person)}?{query}").status_code == 404
    broken = make_version(make_als_bytes([[3, 4]]))
    (Path(settings.MODEL_DIR) / broken.file).unlink()
    assert f"{broken.label} cannot be tried" in page(client, person, version=broken.pk)
