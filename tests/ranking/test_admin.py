"""Pages and actions of staff for model versions and sessions."""

import pytest
from django.test import Client

from accounts.models import User
from core.domain import USE_CASES
from ranking.models import ModelVersion
from serving.pipeline import recommend
from tests.factories import allow, make_interaction, make_item, make_user, make_version

pytestmark = pytest.mark.django_db
VERSIONS = "/admin/ranking/modelversion/"
Status = ModelVersion.Status


def act(client: Client, action: str, *versions: ModelVersion) -> str:
    body = {"action": action, "_selected_action": [version.pk for version in versions]}
    return client.post(VERSIONS, body, follow=True).content.decode()


def test_activation_needs_its_own_permission(client: Client, staff: User) -> None:
    version = make_version(b"1")
    allow(staff, "view_modelversion", "change_modelversion")
    act(client, "activate", version)
    version.refresh_from_db()
    assert version.status == Status.CANDIDATE
    allow(staff, "activate_modelversion")
    page = act(client, "activate", version)
    version.refresh_from_db()
    assert version.status == Status.ACTIVE
    assert "als-movie_home-1 is active: activated by staff" in page


def test_rollback_needs_its_own_permission(client: Client, staff: User) -> None:
    allow(staff, "view_modelversion", "activate_modelversion")
    first, second = make_version(b"1"), make_version(b"2")
    act(client, "activate", first)
    act(client, "activate", second)
    act(client, "roll_back", second)
    second.refresh_from_db()
    assert second.status == Status.ACTIVE
    allow(staff, "rollback_modelversion")
    assert "Select exactly one version, the active one" in act(client, "roll_back", first)
    act(client, "roll_back", second)
    assert [v.status for v in ModelVersion.objects.order_by("pk")] == [Status.ACTIVE, Status.REJECTED]


def test_a_refusal_is_a_sentence_not_an_error(client: Client, staff: User) -> None:
    allow(staff, "view_modelversion", "activate_modelversion", "rollback_modelversion")
    version = make_version(b"1")
    act(client, "activate", version)
    assert "stays active" in act(client, "roll_back", version)


def test_versions_are_compared_side_by_side(client: Client, staff: User) -> None:
    allow(staff, "view_modelversion")
    version = make_version(b"1")
    interval = {"mean": 0.25, "low": 0.2, "high": 0.3}
    ranking = {
        "ndcg@10": interval,
        "recall@10": interval,
        "hr@10": interval,
        "disliked_share@10": {"mean": None, "low": None, "high": None},
        "coverage": 0.5,
    }
    version.metrics = {"test": {"people": 40, "als": ranking, "popularity": ranking, "random": ranking}}
    version.save()
    page = act(client, "compare", version, make_version(b"2"))
    assert "0.250 [0.200, 0.300]" in page
    assert "not measured" in page
    assert "0.250" in client.get(f"{VERSIONS}{version.pk}/change/").content.decode()


def test_a_version_cannot_be_added_changed_or_deleted_by_hand(client: Client) -> None:
    root = make_user("root", is_staff=True, is_superuser=True)
    client.force_login(root)
    version = make_version(b"1")
    assert client.get(f"{VERSIONS}add/").status_code == 403
    assert client.post(f"{VERSIONS}{version.pk}/delete/").status_code == 403
    assert client.post(f"{VERSIONS}{version.pk}/change/", {"status": "active"}).status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "/admin/",
        "/admin/catalog/item/",
        "/admin/catalog/facet/",
        "/admin/accounts/user/",
        "/admin/accounts/servicetoken/",
        "/admin/interactions/userinteraction/",
        "/admin/recommendations/recommendationsession/",
        VERSIONS,
    ],
)
def test_every_list_opens_empty_and_filled(client: Client, address: str) -> None:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    assert client.get(address).status_code == 200
    person, item = make_user(), make_item("<script>alert(1)</script>")
    make_interaction(person, item)
    recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=5)
    make_version(b"1")
    page = client.get(address)
    assert page.status_code == 200
    assert "<script>alert(1)" not in page.content.decode()


def test_a_session_is_readable(client: Client) -> None:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    person, item = make_user("ann"), make_item("The <b>Film</b>")
    served = recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=5)
    page = client.get(
        f"/admin/recommendations/recommendationsession/{served.session_id}/change/"
    ).content.decode()
    assert "The &lt;b&gt;Film&lt;/b&gt;" in page
    assert "fresh" in page
    item.delete()
    assert (
        client.get(f"/admin/recommendations/recommendationsession/{served.session_id}/change/").status_code
        == 200
    )


@pytest.mark.parametrize("kind", ["als", "ranker", "two_tower"])
def test_a_figure_is_the_same_wherever_it_stands(client: Client, staff: User, kind: str) -> None:
    """As a version of the time before reports had a schema, evaluated by `retrain`, never by a trainer."""
    allow(staff, "view_modelversion")
    version = make_version(b"1", kind=kind)
    own = {"ndcg": {"mean": 0.634, "low": 0.6, "high": 0.66}}
    version.metrics = {
        "evaluation": {
            "from": "2026-05-01T12:00:00+00:00",
            "judgements": [
                {"name": "candidate", "people": 49, "figures": own, "saw_it": False},
                {"name": "active", "people": 49, "figures": {}, "saw_it": False},
            ],
            "gate": {
                "passed": True,
                "why": "Better.",
                "differences": {"ndcg": {"people": 48, "mean": 0.02, "low": 0.01, "high": 0.03}},
            },
        }
    }
    version.save()
    listed = client.get(VERSIONS).content.decode()
    opened = client.get(f"{VERSIONS}{version.pk}/change/").content.decode()
    compared = act(client, "compare", version)
    for page in (listed, opened, compared):
        assert "0.634 [0.600, 0.660]" in page
    assert "not measured" not in compared
    assert '<td class="px-2 py-1">2026-05-01 12:00</td>' in compared
    assert "+0.020 [+0.010, +0.030]" in opened


@pytest.mark.parametrize("stored", ["evaluation_by_gate", "evaluation_in_place"])
def test_figures_are_shown_whichever_report_has_them(client: Client, staff: User, stored: str) -> None:
    allow(staff, "view_modelversion")
    version = make_version(b"1")
    figures = {"ndcg": {"mean": 0.634, "low": 0.6, "high": 0.66}}
    own = {"name": "candidate", "people": 49, "figures": figures, "saw_it": False}
    version.metrics = {stored: {"from": "2026-05-01T12:00:00+00:00", "judgements": [own]}}
    version.save()
    for page in (client.get(VERSIONS).content.decode(), act(client, "compare", version)):
        assert "0.634 [0.600, 0.660]" in page
        assert "not measured" not in page


@pytest.mark.parametrize(
    "metrics",
    [{"evaluation": {"schema_version": 99}}, {"test": []}, {"evaluation": "text", "test": {"a": 1}}],
)
def test_a_record_that_cannot_be_read_is_not_measured(
    client: Client, staff: User, metrics: dict[str, object]
) -> None:
    allow(staff, "view_modelversion")
    version = make_version(b"1")
    version.metrics = metrics
    version.save()
    assert client.get(VERSIONS).status_code == 200
    assert client.get(f"{VERSIONS}{version.pk}/change/").status_code == 200
    assert "not measured" in act(client, "compare", version)
