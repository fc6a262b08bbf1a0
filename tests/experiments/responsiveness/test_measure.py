"""The worth of a no: measured by the product's own functions, with nothing of it left anywhere."""

import io
import json
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from core.domain import REASONS, USE_CASES
from core.progress import Progress
from experiments.models import ResponsivenessReport
from experiments.responsiveness.forms import forms_of
from experiments.responsiveness.measure import last_reports, measure_responsiveness
from experiments.responsiveness.report import FEED, ITEM_PAGE, SEARCH, Responsiveness, as_json, from_json
from experiments.responsiveness.simulated import try_forms
from experiments.responsiveness.world import World
from feedback.services import save_dislike
from serving.pipeline import recommend
from tests.experiments.responsiveness.world import PEOPLE, make_world
from tests.factories import make_item, make_user

pytestmark = pytest.mark.django_db
FILMS = USE_CASES["movie_home"]


def measure(days: tuple[int, ...] = (), people: int = 60) -> Responsiveness:
    quiet = Progress("measure", stream=io.StringIO(), quiet=True)
    return measure_responsiveness(use_case=FILMS, people=people, days=days, seed=0, progress=quiet)


@cache
def report_of_a_world() -> Responsiveness:
    """The report of the usual world, measured once for all tests that look at nothing else."""
    make_world()
    return measure(days=(1, 3650))


def rows_of_all_tables() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table but the reports and their line."""
    return {
        model._meta.db_table: [
            {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}
            for row in model._default_manager.order_by("pk").values()
        ]
        for model in apps.get_models()
        if model is not ResponsivenessReport
    }


def effect(report: Responsiveness, form: str, surface: str = FEED, days: int = 0) -> Any:
    [found] = [one for one in report.effects if (one.form, one.surface, one.days) == (form, surface, days)]
    return found


@pytest.mark.slow
def test_nothing_of_a_run_is_left_in_any_table() -> None:
    make_world()
    before = rows_of_all_tables()
    measure(days=(7,))
    assert rows_of_all_tables() == before
    assert ResponsivenessReport.objects.count() == 1


def test_a_no_to_a_genre_keeps_out_more_than_a_no_that_says_nothing_of_taste() -> None:
    report = report_of_a_world()
    genre, other = effect(report, "wrong_genre"), effect(report, "already_watched")
    assert genre.people == PEOPLE
    assert genre.prevented.mean > 0.4
    assert genre.prevented.mean > other.prevented.mean
    assert genre.prevented.low <= genre.prevented.mean <= genre.prevented.high


@pytest.mark.slow
def test_it_is_what_the_next_list_of_the_same_person_really_shows() -> None:
    [person], _ = make_world(people=1)
    report = measure()
    world = World.of(FILMS)
    first = recommend(user_id=person.pk, use_case=FILMS, limit=21)
    refused = first.slots[0].item.id
    like = world.like(refused)
    before = [slot.item.id for slot in first.slots[1:]]
    save_dislike(user_id=person.pk, item=_item(refused), reason="wrong_genre", session_id=first.session_id)
    after = [slot.item.id for slot in recommend(user_id=person.pk, use_case=FILMS, limit=20).slots]
    found = effect(report, "wrong_genre")
    assert (found.before, found.after) == (len(like & set(before)), len(like & set(after)))


def test_a_no_fades_with_the_days_by_a_moved_clock() -> None:
    report = report_of_a_world()
    at_once, day, decade = (effect(report, "wrong_genre", days=days) for days in (0, 1, 3650))
    assert at_once.rebounded is None
    assert day.prevented.mean >= decade.prevented.mean
    assert day.rebounded.mean <= decade.rebounded.mean


@pytest.mark.slow
def test_every_form_is_tried_on_every_surface_beside_a_control() -> None:
    report = report_of_a_world()
    forms = {form.name for form in forms_of(FILMS)}
    assert forms >= {*REASONS, "low_rating", "passed_over", "passed_over_5"}
    for surface in (FEED, ITEM_PAGE, SEARCH):
        assert {one.form for one in report.effects if one.surface == surface} >= forms
    assert effect(report, "unrelated").prevented.mean < effect(report, "wrong_genre").prevented.mean


@pytest.mark.slow
def test_noes_to_a_topic_clear_the_list_of_it() -> None:
    [plain, strongest] = report_of_a_world().scrubbing
    assert (plain.form, strongest.form) == ("not_interested", "wrong_genre")
    assert strongest.people == PEOPLE
    last, first = strongest.remaining[15], strongest.remaining[1]
    assert last is not None
    assert first is not None
    assert last.mean <= first.mean <= 1.0
    assert strongest.noes is None or 1 <= strongest.noes <= strongest.most


@pytest.mark.slow
def test_who_is_gone_or_has_no_history_breaks_nothing() -> None:
    persons, _ = make_world(people=2)
    stranger = make_user()
    gone = persons[0].pk
    persons[0].delete()
    ids = [gone, stranger.pk, persons[1].pk, 10**9]
    quiet = Progress("measure", stream=io.StringIO(), quiet=True)
    effects = try_forms(World.of(FILMS), ids, [1], timezone.now(), quiet)
    assert {one.people for one in effects} <= {0, 1, 2}
    assert any(one.people for one in effects)


def test_without_people_or_with_a_catalog_too_small_it_says_so_or_finds_nothing() -> None:
    make_item()
    with pytest.raises(CommandError, match="Nobody has done anything with movie items yet"):
        call_command("measure_responsiveness", "--quiet")
    assert not ResponsivenessReport.objects.exists()


@pytest.mark.slow
def test_the_command_prints_the_stored_report() -> None:
    make_world()
    out = io.StringIO()
    call_command("measure_responsiveness", "--people", "2", "--days", "7,1", "--json", "--quiet", stdout=out)
    printed = json.loads(out.getvalue())
    stored = ResponsivenessReport.objects.get()
    assert printed == stored.report
    assert printed["people"] == 2
    assert {one["days"] for one in printed["effects"]} == {0, 1, 7}
    out = io.StringIO()
    call_command("measure_responsiveness", "--people", "1", "--days", "1", stdout=out)
    assert "feed after 1 days, wrong_genre: prevented" in out.getvalue()


@pytest.mark.parametrize("days", ["", "0", "1,,7", "-1", "1.5", "x", "²", "99999"])
def test_days_that_are_none_are_refused(days: str) -> None:
    with pytest.raises(CommandError, match="--days"):
        call_command("measure_responsiveness", f"--days={days}")


def test_the_last_report_of_each_use_case_counts_and_a_broken_one_is_passed_over() -> None:
    make_world(people=1)
    report = measure()
    moment = timezone.now() + timedelta(days=1)
    ResponsivenessReport.objects.create(use_case="drama_home", made_at=moment, report={"no": "report"})
    assert from_json(as_json(report)) == from_json(json.loads(json.dumps(as_json(report))))
    assert {name: found.use_case for name, (_, found) in last_reports().items()} == {
        "movie_home": "movie_home"
    }


def _item(item_id: int) -> Any:
    return apps.get_model("catalog", "Item").objects.get(pk=item_id)
