"""The demo: whole, marked as simulated, quick to run again, and only where DEBUG is on."""

import json
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import F
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from console.models import Run
from core.domain import ROLES, USE_CASES
from demo.loading import DATA, FILES
from feedback.models import Dislike, FeatureAdjustment
from interactions.models import UserInteraction
from ranking.models import ModelVersion
from recommendations.models import RecommendationSession

pytestmark = pytest.mark.slow


def load(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    call_command("load_demo", people=24, nights=2, json=True, quiet=True)
    summary: dict[str, object] = json.loads(capsys.readouterr().out)
    return summary


@pytest.mark.django_db
def test_the_demo_is_whole_and_a_second_run_changes_nothing(
    capsys: pytest.CaptureFixture[str], settings: Settings, client: Client
) -> None:
    settings.DEBUG = True
    assert load(capsys)["changed"] is True
    assert Item.objects.filter(kind="movie").count() >= 300
    assert Item.objects.filter(kind="drama").count() >= 100
    assert Item.objects.filter(kind="startup").count() >= 40
    assert User.objects.filter(is_synthetic=True).count() == 24
    assert RecommendationSession.objects.exclude(user__is_synthetic=True).count() == 0
    assert RecommendationSession.objects.filter(seen_rank__gt=0).exists()
    of_films = RecommendationSession.objects.filter(use_case="movie_home")
    assert set(of_films.values_list("experiment_arm", flat=True)) == {
        "with-and-without-feedback/feedback",
        "with-and-without-feedback/no-feedback",
    }
    from_lists = UserInteraction.objects.exclude(recommendation_session=None)
    assert set(from_lists.values_list("type", flat=True)) >= {"like", "watched", "dislike", "view"}
    disliked = from_lists.filter(type="dislike")
    assert disliked.count() == Dislike.objects.exclude(session=None).count()
    assert not Dislike.objects.exclude(created_at=F("interaction__occurred_at")).exists()
    assert Dislike.objects.values("reason").distinct().count() >= 3
    assert FeatureAdjustment.objects.exists()
    assert set(ModelVersion.objects.filter(status="active").values_list("use_case", flat=True)) == {
        "movie_home",
        "drama_home",
        "developer_startup",
        "investor_startup",
    }
    runs = Run.objects.filter(command="retrain").values_list("use_case", "status")
    assert {use_case for use_case, _ in runs} >= {"movie_home", "drama_home"}
    assert {status for _, status in runs} <= {Run.Status.DONE, Run.Status.REJECTED}
    assert all(Run.objects.filter(command="retrain").values_list("ended_at", flat=True))
    assert set(Item.objects.filter(is_synthetic=True).values_list("kind", flat=True)) == {"startup"}
    assert not Item.objects.filter(kind="startup", is_synthetic=False).exists()
    simulated = User.objects.filter(is_synthetic=True).values_list("username", "roles")
    assert Counter(tuple(roles) for _, roles in simulated) == {("developer",): 12, ("investor",): 12}
    assert User.objects.get(username="demo").roles == list(ROLES)
    for use_case in (one for one in USE_CASES.values() if one.role is not None):
        done = UserInteraction.objects.filter(
            item__kind=use_case.kind, type__in=use_case.positive_interactions
        )
        shown = RecommendationSession.objects.filter(use_case=use_case.name)
        for rows in (done, shown):
            assert {tuple(roles) for roles in rows.values_list("user__roles", flat=True)} == {
                (use_case.role,)
            }
    entered = client.post("/accounts/login/", {"username": "demo", "password": "demo-pass"})
    assert entered.status_code == 302
    before = (UserInteraction.objects.count(), ModelVersion.objects.count())
    assert load(capsys)["changed"] is False
    assert (UserInteraction.objects.count(), ModelVersion.objects.count()) == before


@pytest.mark.django_db
def test_it_refuses_where_debug_is_off(settings: Settings) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG=1"):
        call_command("load_demo")
    assert not User.objects.exists()


@pytest.mark.parametrize("name", FILES.values())
def test_the_catalog_is_complete_and_connected(name: str) -> None:
    rows = [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]
    assert len({row["external_id"] for row in rows}) == len(rows)
    assert len({(row["title"], row["year"]) for row in rows}) == len(rows)
    for row in rows:
        assert row["genres"]
        assert row["themes"]
        assert 40 <= len(row["description"]) <= 200
        assert row["published_at"].startswith(str(row["year"]))
    themes = Counter(theme for row in rows for theme in row["themes"])
    shared = sum(count for count in themes.values() if count >= 2)
    assert shared / themes.total() > 0.9


def test_no_foreign_data_lies_in_the_repository() -> None:
    assert {path.name for path in Path(DATA).iterdir()} == set(FILES.values())
