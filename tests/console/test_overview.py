"""The top of the admin's first page: health, what serves, whether it gets better, and what waits."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from console.overview import Overview, better_or_worse, get_overview
from console.selectors.feedback import parse_period
from console.selectors.serving import Rates
from console.tiles import Tile
from core.domain import DOMAIN
from feedback.services import save_dislike
from ranking.models import ModelVersion
from ranking.registry.versions import activate_version
from recommendations.models import RecommendationSession
from serving.live import forget_state
from tests.factories import (
    allow,
    make_active_als,
    make_interaction,
    make_item,
    make_items,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db


def overview(*, with_dislikes: bool = True) -> Overview:
    forget_state()
    return get_overview(period=parse_period("30"), with_dislikes=with_dislikes)


def tile(overview: Overview, name: str) -> Tile:
    return next(tile for tile in overview.tiles if tile.name == name)


def test_an_empty_installation_asks_for_a_catalog_and_nothing_else() -> None:
    found = overview()
    assert [need.command for need in found.needs] == ["import_items FILE"]
    assert {row.versions for row in found.serving} == {"no titles"}
    assert tile(found, "Healthy?").value == "Yes"
    assert tile(found, "What serves?").value == "–"
    assert tile(found, "Getting better?").value == "–"


def test_lists_without_a_model_name_the_command_that_trains_one() -> None:
    items = make_items(3)
    assert [need.command for need in overview().needs] == ["retrain --use-case movie_home"]
    version = make_active_als([[item.pk for item in items]])
    found = overview()
    assert found.needs == ()
    assert tile(found, "Needs you").value == "0"
    films = found.serving[0]
    assert (films.label, films.items, films.versions) == ("Films for the evening", 3, version.label)
    assert tile(found, "What serves?").value == "1 of 1"


def test_a_damaged_model_is_said_to_be_one() -> None:
    make_items(2)
    activate_version(version=make_version(b"not a model"), why="a test of damage")
    found = overview()
    assert (tile(found, "Healthy?").value, tile(found, "Healthy?").tone) == ("Degraded", "worse")
    [need] = [need for need in found.needs if need.tone == "worse"]
    assert need.text.startswith("Films for the evening: ")
    assert need.address == "/admin/ranking/modelversion/?use_case__exact=movie_home"


def test_only_the_newest_of_a_kind_counts_as_rejected() -> None:
    make_items(2)
    for number in (1, 2):
        version = make_version(b"%d" % number)
        ModelVersion.objects.filter(pk=version.pk).update(status="rejected", why="It was no better.")
    texts = [need.text for need in overview().needs]
    assert "als-movie_home-2 did not go live. It was no better." in texts
    ranker = make_version(b"3", kind="ranker")
    ModelVersion.objects.filter(pk=ranker.pk).update(status="rejected", why="Too few people.")
    assert "ranker-movie_home-1 and 1 more did not go live. Too few people." in [
        need.text for need in overview().needs
    ]
    for kind in ("als", "ranker"):
        make_version(b"4", kind=kind)
    assert not any("did not go live" in need.text for need in overview().needs)


def test_dislikes_wait_for_review_and_for_a_model(settings: Settings, person: User) -> None:
    settings.DISLIKE_RETRAIN_THRESHOLD = 2
    films = make_items(2)
    make_active_als([[film.pk for film in films]])
    save_dislike(user_id=person.pk, item=films[0], reason="wrong_genre")
    assert [need.text for need in overview().needs] == ["1 dislike waits for review."]
    save_dislike(user_id=make_user().pk, item=films[0], reason="wrong_genre")
    review, retrain = overview().needs
    assert review.text == "2 dislikes wait for review."
    assert retrain.command == "retrain --if-needed --use-case movie_home"
    assert overview(with_dislikes=False).needs == ()


@pytest.mark.parametrize(
    ("now", "before", "value", "tone"),
    [
        (Rates(99, 0.5, 0.0), Rates(1000, 0.1, 0.1), "–", ""),
        (Rates(1000, 0.5, 0.0), Rates(99, 0.1, 0.1), "–", ""),
        (Rates(100, 0.11, 0.1), Rates(100, 0.1, 0.1), "Yes", "better"),
        (Rates(100, 0.1, 0.09), Rates(100, 0.1, 0.1), "Yes", "better"),
        (Rates(100, 0.1, 0.11), Rates(100, 0.1, 0.1), "No", "worse"),
        (Rates(100, 0.09, 0.1), Rates(100, 0.1, 0.1), "No", "worse"),
        (Rates(100, 0.2, 0.2), Rates(100, 0.1, 0.1), "Yes and no", ""),
        (Rates(100, 0.1, 0.1), Rates(100, 0.1, 0.1), "As before", ""),
    ],
)
def test_better_means_more_taken_up_or_less_turned_down(
    now: Rates, before: Rates, value: str, tone: str
) -> None:
    found = better_or_worse(now, before, 30)
    assert (found.value, found.tone) == (value, tone)


def test_rates_come_from_what_lists_showed(person: User) -> None:
    film, other = make_items(2)
    for days, seen in ((1, 200), (40, 100)):
        session = RecommendationSession.objects.create(
            user=person,
            use_case="movie_home",
            method="als",
            seen_rank=seen,
            recommendations_shown=[],
            created_at=timezone.now() - timedelta(days=days),
        )
    make_interaction(person, other, "like")  # met elsewhere
    liked = make_interaction(person, film, "like")
    liked.recommendation_session = session
    liked.save()
    note = tile(overview(), "Getting better?").note
    assert note == (
        "0.0% of what was seen was taken up, 0.0% turned down; in the 30 days before 1.0% and 0.0%"
    )


def test_the_page_shows_it_to_those_who_may_see_models(client: Client) -> None:
    clerk = make_user("clerk", is_staff=True)
    client.force_login(clerk)
    assert "At a glance" not in client.get("/admin/").content.decode()
    allow(clerk, "view_modelversion")
    make_item("Heat", genres=["Crime"])
    forget_state()
    text = client.get("/admin/").content.decode()
    assert "At a glance" in text
    assert "<code>manage.py retrain --use-case movie_home</code>" in text
    assert "What people turn down" not in text


def test_what_a_model_was_rejected_for_is_escaped(client: Client, staff: User) -> None:
    allow(staff, "view_modelversion")
    version = make_version(b"1")
    ModelVersion.objects.filter(pk=version.pk).update(status="rejected", why="<script>alert(1)</script>")
    text = client.get("/admin/").content.decode()
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_queries_do_not_grow(person: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            get_overview(period=parse_period("30"), with_dislikes=True)
        return len(asked)

    film = make_item()
    overview()
    one = queries()
    for number in range(10):
        version = make_version(b"%d" % number, kind="ranker")
        ModelVersion.objects.filter(pk=version.pk).update(status="rejected")
        save_dislike(user_id=make_user().pk, item=film, reason="wrong_genre")
    overview()
    assert queries() == one


def test_the_admin_has_the_color_of_the_site(staff: User, client: Client) -> None:
    page = client.get("/admin/").content.decode()
    assert f"oklch(from {DOMAIN.site.color} 0.66 calc(c * 1.0) h)" in page


def test_charts_of_evaluations_have_it_too() -> None:
    style = render_to_string("evaluation/_style.html")
    assert "--fill: var(--color-primary-600," in style
    assert "--fill: var(--color-primary-500," in style


@pytest.mark.parametrize(
    ("asked", "page"),
    [("", "/admin/"), ("?next=/admin/bursts/", "/admin/bursts/"), ("?next=https://evil.example/", "/")],
)
def test_who_logs_in_to_the_admin_is_in_the_admin(client: Client, asked: str, page: str) -> None:
    User.objects.create_superuser("boss", password="a long word of its own")
    form = client.get(f"/admin/login/{asked}").content.decode()
    (following,) = re.findall(r'name="next" value="([^"]*)" form="login-form"', form)
    said = {"username": "boss", "password": "a long word of its own", "next": unescape(following)}
    answer = client.post(f"/admin/login/{asked}", said)
    assert (answer.status_code, answer["Location"]) == (302, page)
