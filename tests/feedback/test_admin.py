"""Views and actions of staff on dislikes."""

import csv
import io
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from feedback.models import Dislike, DislikePattern, FeatureAdjustment, NegativeTrainingExample
from feedback.selectors import active_dislikes
from feedback.services import save_dislike, undo_dislike
from feedback.training import countable_examples, get_untrained_negative_feedback_count
from recommendations.services import report_seen
from serving.pipeline import recommend
from tests.factories import allow, make_item, make_user

pytestmark = pytest.mark.django_db
DISLIKES = "/admin/feedback/dislike/"
State = Dislike.ReviewState


def dislike(item: Item, *, user: User | None = None, reason: str = "wrong_genre", text: str = "") -> Dislike:
    person = user or make_user()
    return save_dislike(user_id=person.pk, item=item, reason=reason, feedback_text=text).dislike


def dislike_from_a_list(item: Item, user: User) -> tuple[Dislike, UUID]:
    served = recommend(user_id=user.pk, use_case=USE_CASES["movie_home"], limit=5)
    assert served.session_id is not None
    report_seen(user_id=user.pk, session_id=served.session_id, rank=1)
    saved = save_dislike(user_id=user.pk, item=item, reason="wrong_genre", session_id=served.session_id)
    return saved.dislike, served.session_id


def act(client: Client, action: str, *dislikes: Dislike) -> str:
    body = {"action": action, "_selected_action": [one.pk for one in dislikes]}
    return client.post(DISLIKES, body, follow=True).content.decode()


def listed(client: Client, query: str) -> set[str]:
    page = client.get(f"{DISLIKES}?{query}")
    assert page.status_code == 200
    return {one.title for one in page.context["cl"].result_list}


def state(one: Dislike) -> str:
    one.refresh_from_db()
    return one.review_state


def test_the_list_needs_the_permission_to_see_dislikes(client: Client, staff: User) -> None:
    dislike(make_item("Heat"))
    assert client.get(DISLIKES).status_code == 403
    allow(staff, "view_dislike")
    assert "Heat" in client.get(DISLIKES).content.decode()


def test_dislikes_are_filtered_and_searched(client: Client, staff: User) -> None:
    allow(staff, "view_dislike")
    drama = dislike(make_item("Drama", kind="drama"), reason="poor_quality", text="so slow")
    undone = dislike(make_item("Undone"), user=make_user("ann", is_synthetic=True))
    undo_dislike(user_id=undone.user_id, dislike_id=undone.pk)
    Dislike.objects.filter(pk=drama.pk).update(review_state=State.REVIEWED, model_version="als-1")
    for query, titles in {
        "reason__exact=poor_quality": {"Drama"},
        "item__kind=drama": {"Drama"},
        f"item={drama.item_id}": {"Drama"},
        f"item={10**30}": {"Drama", "Undone"},
        "model_version=als-1": {"Drama"},
        "model_version=none": {"Undone"},
        "review_state__exact=reviewed": {"Drama"},
        "stands=yes": {"Drama"},
        "stands=no": {"Undone"},
        "stands=perhaps": {"Drama", "Undone"},
        "user__is_synthetic__exact=1": {"Undone"},
        "q=slow": {"Drama"},
        "q=ann": {"Undone"},
        "q=undo": {"Undone"},
    }.items():
        assert listed(client, query) == titles, query


def test_a_dislike_shows_its_list_and_slot(client: Client, staff: User) -> None:
    allow(staff, "view_dislike")
    one, session_id = dislike_from_a_list(make_item("The <b>Film</b>", genres=["<i>Noir</i>"]), make_user())
    page = client.get(f"{DISLIKES}{one.pk}/change/").content.decode()
    assert f"/admin/recommendations/recommendationsession/{session_id}/change/" in page
    assert "deepest rank seen" in page
    assert "fresh" in page
    assert "The &lt;b&gt;Film&lt;/b&gt;" in page
    assert "&lt;i&gt;Noir&lt;/i&gt;" in page
    assert "−15 %" in page
    assert "<b>Film" not in page
    assert "no model has used it yet" in page


def test_a_dislike_without_a_list_or_an_example_opens_too(client: Client, staff: User) -> None:
    allow(staff, "view_dislike")
    one = dislike(make_item(), reason="already_watched", text="<script>alert(1)</script>")
    page = client.get(f"{DISLIKES}{one.pk}/change/").content.decode()
    assert "no list is on record" in page
    assert "says nothing about taste" in page
    assert "<script>alert(1)" not in page


def test_nothing_is_added_or_changed_by_hand(client: Client) -> None:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    one = dislike(make_item())
    assert client.get(f"{DISLIKES}add/").status_code == 403
    assert client.post(f"{DISLIKES}{one.pk}/change/", {"reason": "other"}).status_code == 403


def test_reviewing_needs_the_change_permission_and_is_noted(client: Client, staff: User) -> None:
    allow(staff, "view_dislike")
    one, other = dislike(make_item()), dislike(make_item())
    act(client, "mark_reviewed", one)
    act(client, "exclude_from_training", one)
    assert state(one) == State.NEW
    allow(staff, "change_dislike")
    assert "Marked as reviewed: 1." in act(client, "mark_reviewed", one)
    assert (state(one), state(other)) == (State.REVIEWED, State.NEW)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (staff, str(one.pk))
    assert "Marked as reviewed: 0." in act(client, "mark_reviewed", one)


def test_what_is_excluded_counts_for_no_model_until_it_is_reviewed(client: Client, staff: User) -> None:
    allow(staff, "view_dislike", "change_dislike")
    one = dislike(make_item())
    assert get_untrained_negative_feedback_count() == 1
    act(client, "exclude_from_training", one)
    assert state(one) == State.EXCLUDED
    assert get_untrained_negative_feedback_count() == 0
    act(client, "mark_reviewed", one)
    assert get_untrained_negative_feedback_count() == 1


def test_hiding_items_needs_both_permissions(client: Client, staff: User) -> None:
    item = make_item()
    one, again = dislike(item), dislike(item)
    for permissions in (["view_dislike", "change_dislike"], ["view_dislike", "change_item"]):
        staff.user_permissions.clear()
        allow(staff, *permissions)
        act(client, "hide_items", one)
        assert Item.objects.get().is_active
    allow(staff, "change_dislike")
    assert "Hidden: 1." in act(client, "hide_items", one, again)
    assert not Item.objects.get().is_active


def test_the_export_has_a_row_for_each_selected_dislike(client: Client, staff: User) -> None:
    allow(staff, "view_dislike")
    person = make_user('=HYPERLINK("http://evil.example")')
    one = dislike(make_item("+1"), user=person, text='@SUM(1),"quoted"\nnext line')
    dislike(make_item("left out"))
    response = client.post(DISLIKES, {"action": "export_csv", "_selected_action": [one.pk]})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))
    assert len(rows) == 1
    assert rows[0]["id"] == str(one.pk)
    assert rows[0]["person"] == '\'=HYPERLINK("http://evil.example")'
    assert rows[0]["title"] == "'+1"
    assert rows[0]["text"] == '\'@SUM(1),"quoted"\nnext line'
    assert rows[0]["reason"] == "wrong_genre"
    assert rows[0]["predicted_score"] == ""


@pytest.mark.parametrize("model", ["dislike", "negativetrainingexample", "featureadjustment"])
def test_every_list_opens_empty_and_filled(client: Client, model: str) -> None:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    address = f"/admin/feedback/{model}/"
    assert client.get(address).status_code == 200
    dislike(make_item("<script>alert(1)</script>", genres=["<script>alert(2)</script>"]))
    page = client.get(address, {"q": "script"})
    assert page.status_code == 200
    assert "&lt;script&gt;alert" in page.content.decode()
    assert "<script>alert" not in page.content.decode()


@pytest.mark.parametrize("model", [NegativeTrainingExample, FeatureAdjustment])
def test_examples_and_adjustments_are_read_only(
    client: Client, model: type[NegativeTrainingExample] | type[FeatureAdjustment]
) -> None:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    dislike(make_item(genres=["Noir"]))
    address = f"/admin/feedback/{model._meta.model_name}/{model.objects.get().pk}/change/"
    assert client.get(address).status_code == 200
    assert client.post(address, {"weight": "9", "delta": "-1"}).status_code == 403


@pytest.mark.parametrize("model", ["dislike", "negativetrainingexample", "featureadjustment"])
def test_a_longer_list_asks_no_more_queries(
    client: Client, model: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    for number in range(12):
        dislike(make_item(genres=[f"Genre {number}"]))
    with django_assert_max_num_queries(14):
        assert client.get(f"/admin/feedback/{model}/").status_code == 200


class TestDeleting:
    """There is one way back for a dislike, whoever takes it."""

    @pytest.fixture
    def abuse(self, staff: User) -> Dislike:
        allow(staff, "view_dislike", "delete_dislike", "change_dislike")
        row = dislike(make_item("Heat", genres=["Crime"]))
        Dislike.objects.filter(pk=row.pk).update(review_state=State.EXCLUDED)
        return row

    @pytest.mark.parametrize("from_the_list", [False, True])
    def test_takes_it_back_as_the_person_would(
        self, client: Client, abuse: Dislike, from_the_list: bool
    ) -> None:
        asked = client.get(f"{DISLIKES}{abuse.pk}/delete/").content.decode()
        assert "taken back as the person would take it back" in asked
        if from_the_list:
            body = {"action": "delete_selected", "_selected_action": [abuse.pk], "post": "yes"}
            assert client.post(DISLIKES, body).status_code == 302
        else:
            assert client.post(f"{DISLIKES}{abuse.pk}/delete/", {"post": "yes"}).status_code == 302
        abuse.interaction.refresh_from_db()
        assert abuse.interaction.withdrawn_at is not None
        assert not active_dislikes(abuse.user_id).exists()
        assert not DislikePattern.objects.exists()
        # A dislike that staff excluded stays excluded, and nothing of it returns to training.
        assert state(abuse) == State.EXCLUDED
        assert not countable_examples().exists()
        # The person can say it again, and so they can take it back.
        again = save_dislike(user_id=abuse.user_id, item=abuse.item, reason="other")
        assert again.created

    def test_needs_its_permission(self, client: Client, staff: User) -> None:
        allow(staff, "view_dislike")
        row = dislike(make_item("Heat"))
        assert client.post(f"{DISLIKES}{row.pk}/delete/", {"post": "yes"}).status_code == 403

    def test_what_hangs_on_a_dislike_has_no_door_of_its_own(self, admin_client: Client) -> None:
        row = dislike(make_item("Heat", genres=["Crime"]))
        for address in (
            f"/admin/feedback/negativetrainingexample/{row.example.pk}/delete/",
            f"/admin/feedback/featureadjustment/{row.adjustments.get().pk}/delete/",
            f"/admin/feedback/dislikepattern/{DislikePattern.objects.get().pk}/delete/",
            f"/admin/interactions/userinteraction/{row.interaction_id}/delete/",
        ):
            assert admin_client.post(address, {"post": "yes"}).status_code == 403, address

    def test_an_item_that_somebody_met_is_hidden_and_not_deleted(self, admin_client: Client) -> None:
        row = dislike(make_item("Heat"))
        admin_client.post(f"/admin/catalog/item/{row.item_id}/delete/", {"post": "yes"})
        assert Dislike.objects.filter(pk=row.pk).exists()
        other = make_item("Nobody met it")
        admin_client.post(f"/admin/catalog/item/{other.pk}/delete/", {"post": "yes"})
        assert not Item.objects.filter(pk=other.pk).exists()


def test_patterns_are_counted_when_they_are_listed(admin_client: Client) -> None:
    dislike(make_item("Heat", genres=["Crime"]))
    DislikePattern.objects.all().delete()
    page = admin_client.get("/admin/feedback/dislikepattern/")
    assert [str(one.facet.name) for one in page.context["cl"].result_list] == ["Crime"]


def test_what_was_reviewed_is_put_back_by_those_who_may_review(client: Client, staff: User) -> None:
    one = dislike(make_item("Heat"))
    allow(staff, "view_dislike")
    assert "review-words" not in client.get(DISLIKES).content.decode()
    act(client, "mark_new", one)
    allow(staff, "change_dislike")
    assert "review-words" in client.get(DISLIKES).content.decode()
    act(client, "exclude_from_training", one)
    assert state(one) == State.EXCLUDED
    assert "To be reviewed again: 1." in act(client, "mark_new", one)
    assert state(one) == State.NEW
    assert LogEntry.objects.filter(change_message="Review state: new.").count() == 1
