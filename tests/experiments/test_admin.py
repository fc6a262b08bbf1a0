"""Experiments in the admin: who may do what, what is told, and that nothing is done by a mere visit."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import User
from experiments.admin import ExperimentAdmin
from experiments.services import ArmPlan, create_experiment, start_experiment
from ranking.models import Experiment
from tests.factories import allow, make_als_bytes, make_item, make_user, make_version

pytestmark = pytest.mark.django_db
LIST = "/admin/ranking/experiment/"
Status = Experiment.Status


@pytest.fixture
def experiment(db: None) -> Experiment:
    return create_experiment(
        name="trial",
        use_case="movie_home",
        arms=[ArmPlan("one"), ArmPlan("other", feedback=False, boosts=False, exploration_share=0.2)],
    )


def page_of(experiment: Experiment) -> str:
    return f"{LIST}{experiment.pk}/change/"


def act(client: Client, experiment: Experiment, what: str) -> int:
    return client.post(f"{LIST}{experiment.pk}/{what}/", follow=True).status_code


def status_of(experiment: Experiment) -> str:
    experiment.refresh_from_db()
    return experiment.status


def form(**changes: object) -> dict[str, object]:
    """The form data of a draft with two arms."""
    return {
        "name": "trial",
        "description": "",
        "use_case": "movie_home",
        "share": "1",
        "outcome_days": "7",
        "arms-TOTAL_FORMS": "2",
        "arms-INITIAL_FORMS": "0",
        "arms-0-name": "one",
        "arms-0-weight": "1",
        "arms-0-feedback": "on",
        "arms-0-boosts": "on",
        "arms-1-name": "other",
        "arms-1-weight": "1",
        **changes,
    }


def test_each_step_needs_the_permission_to_run_experiments(
    client: Client, staff: User, experiment: Experiment
) -> None:
    allow(staff, "view_experiment", "change_experiment")
    off = f"switch-off/{experiment.arms.all()[1].pk}"
    for what in ("start", "stop", off):
        assert act(client, experiment, what) == 403
    assert status_of(experiment) == Status.DRAFT
    assert ">Start<" not in client.get(page_of(experiment)).content.decode()
    allow(staff, "run_experiment")
    assert ">Start<" in client.get(page_of(experiment)).content.decode()
    assert act(client, experiment, "start") == 200
    assert status_of(experiment) == Status.RUNNING
    assert act(client, experiment, off) == 200
    assert experiment.arms.all()[1].switched_off_at is not None
    assert act(client, experiment, "stop") == 200
    assert status_of(experiment) == Status.STOPPED


def test_people_who_are_no_staff_do_nothing_at_all(
    browserless: Client, client: Client, experiment: Experiment
) -> None:
    for visitor in (browserless, Client()):
        answer = visitor.post(f"{LIST}{experiment.pk}/start/")
        assert (answer.status_code, status_of(experiment)) == (302, Status.DRAFT)


def test_a_visit_or_a_forged_form_changes_nothing(staff: User, experiment: Experiment) -> None:
    allow(staff, "view_experiment", "run_experiment")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(staff)
    assert strict.get(f"{LIST}{experiment.pk}/start/").status_code == 405
    assert strict.post(f"{LIST}{experiment.pk}/start/").status_code == 403
    assert status_of(experiment) == Status.DRAFT


def test_each_step_is_in_the_history_with_who_did_it(
    client: Client, staff: User, experiment: Experiment
) -> None:
    allow(staff, "view_experiment", "run_experiment")
    act(client, experiment, "start")
    act(client, experiment, f"switch-off/{experiment.arms.all()[1].pk}")
    act(client, experiment, "stop")
    # The refused one is not in it.
    act(client, experiment, "start")
    entries = LogEntry.objects.filter(user=staff, object_id=str(experiment.pk)).order_by("pk")
    assert [entry.change_message for entry in entries] == ["Started.", "Switched off: other.", "Stopped."]


def test_a_refusal_is_a_sentence(client: Client, staff: User, experiment: Experiment) -> None:
    allow(staff, "view_experiment", "run_experiment")
    act(client, experiment, "start")
    second = create_experiment(name="second", use_case="movie_home", arms=[ArmPlan("one"), ArmPlan("other")])
    page = client.post(f"{LIST}{second.pk}/start/", follow=True).content.decode()
    assert "Another experiment runs in movie_home" in page


def test_an_arm_of_another_experiment_or_none_is_not_found(
    client: Client, staff: User, experiment: Experiment
) -> None:
    allow(staff, "view_experiment", "run_experiment")
    second = create_experiment(name="second", use_case="drama_home", arms=[ArmPlan("one"), ArmPlan("other")])
    start_experiment(experiment=experiment)
    assert act(client, second, f"switch-off/{experiment.arms.all()[1].pk}") == 404
    assert act(client, experiment, "switch-off/999999999999999999999999") == 404
    assert client.post(f"{LIST}999999999999999999999999/start/").status_code == 404


def test_a_draft_is_written_in_a_form(client: Client, staff: User) -> None:
    allow(staff, "add_experiment", "view_experiment")
    version = make_version(make_als_bytes([[1, 2, 3]]))
    answer = client.post(f"{LIST}add/", form(**{"arms-1-versions": [version.pk]}))
    assert answer.status_code == 302, answer.content.decode()
    made = Experiment.objects.get()
    one, other = made.arms.all()
    assert (made.status, one.feedback, one.boosts) == (Status.DRAFT, True, True)
    assert (other.feedback, other.boosts) == (False, False)
    assert list(other.versions.all()) == [version]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"share": "0"}, "share of people must be above 0"),
        ({"share": "nan"}, "Enter a number"),
        ({"outcome_days": "91"}, "days that count must be 1 to 90"),
        ({"outcome_days": "99999999999999999999"}, "less than or equal to"),
        ({"use_case": "nothing"}, "not one of the available choices"),
        ({"name": "with/slash"}, "valid “slug”"),
        ({"name": "x" * 49}, "at most 48 characters"),
        ({"name": "nul\x00"}, "Null characters are not allowed"),
        ({"arms-1-name": "one"}, "correct the duplicate"),
        ({"arms-1-weight": "-1"}, "weight must be above 0"),
        ({"arms-1-exploration_share": "0.7"}, "exploration share must be 0 to 0.5"),
        ({"arms-1-versions": ["999"]}, "not one of the available choices"),
    ],
)
def test_a_draft_outside_its_ranges_is_refused_with_a_sentence(
    client: Client, staff: User, changes: dict[str, object], words: str
) -> None:
    allow(staff, "add_experiment", "view_experiment")
    answer = client.post(f"{LIST}add/", form(**changes))
    assert answer.status_code == 200
    assert words.lower() in answer.content.decode().lower()
    assert not Experiment.objects.exists()


def test_what_runs_cannot_be_changed_or_deleted(client: Client, experiment: Experiment) -> None:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    start_experiment(experiment=experiment)
    changed = form(**{"arms-TOTAL_FORMS": "0", "share": "0.1"})
    assert client.post(page_of(experiment), changed).status_code == 403
    assert client.post(f"{LIST}{experiment.pk}/delete/", {"post": "yes"}).status_code == 403
    body = {"action": "delete_selected", "_selected_action": [experiment.pk], "post": "yes"}
    client.post(LIST, body)
    experiment.refresh_from_db()
    assert (experiment.share, experiment.arms.count()) == (1.0, 2)


def test_a_draft_that_is_started_while_it_is_saved_stays_as_it_was_started(
    client: Client, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    save_form = ExperimentAdmin.save_form

    def somebody_starts_it(*args: Any, **kwargs: Any) -> Any:
        start_experiment(experiment=experiment)
        return save_form(*args, **kwargs)

    monkeypatch.setattr(ExperimentAdmin, "save_form", somebody_starts_it)
    first, second = experiment.arms.all()
    ids = {"arms-0-id": first.pk, "arms-1-id": second.pk, "arms-INITIAL_FORMS": "2"}
    answer = client.post(page_of(experiment), form(share="0.5", **ids))
    assert answer.status_code == 403
    monkeypatch.undo()
    experiment.refresh_from_db()
    assert experiment.share == 1.0


def test_a_draft_is_changed_in_its_form(client: Client, staff: User, experiment: Experiment) -> None:
    allow(staff, "view_experiment", "change_experiment")
    first, second = experiment.arms.all()
    ids = {"arms-0-id": first.pk, "arms-1-id": second.pk, "arms-INITIAL_FORMS": "2"}
    answer = client.post(page_of(experiment), form(**{"share": "0.5", "arms-1-name": "third", **ids}))
    assert answer.status_code == 302
    experiment.refresh_from_db()
    assert experiment.share == 0.5
    assert [arm.name for arm in experiment.arms.all()] == ["one", "third"]


def test_the_page_of_each_state_opens(client: Client, experiment: Experiment) -> None:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    make_item()
    assert client.get(f"{LIST}add/").status_code == 200
    assert "nobody takes part yet" in client.get(page_of(experiment)).content.decode()
    act(client, experiment, "start")
    page = client.get(page_of(experiment)).content.decode()
    assert "Too early to tell." in page
    assert "Dislikes hold nothing back; taste boosts nothing; exploration 20%" in page
    assert "Switch off for good" in page
    act(client, experiment, "stop")
    assert "Ran from" in client.get(page_of(experiment)).content.decode()
    assert "other" in client.get(LIST).content.decode()
    assert client.get(f"{LIST}999999/change/").status_code == 302


def test_a_description_is_text(client: Client, staff: User, experiment: Experiment) -> None:
    allow(staff, "view_experiment")
    experiment.description = "<script>alert(1)</script>"
    experiment.save()
    start_experiment(experiment=experiment)
    assert "<script>alert(1)" not in client.get(page_of(experiment)).content.decode()


def test_staff_without_the_permission_to_see_experiments_see_no_report(
    client: Client, staff: User, experiment: Experiment
) -> None:
    assert client.get(page_of(experiment)).status_code == 403
    assert client.get(LIST).status_code == 403


def test_only_versions_of_the_use_case_are_offered_and_taken(
    client: Client, staff: User, experiment: Experiment
) -> None:
    allow(staff, "view_experiment", "add_experiment", "change_experiment")
    ours, other = (
        make_version(make_als_bytes([[1, 2]])),
        make_version(make_als_bytes([[3, 4]]), use_case="drama_home"),
    )
    page = client.get(page_of(experiment)).content.decode()
    assert ours.label in page
    assert other.label not in page
    answer = client.post(f"{LIST}add/", form(**{"name": "second", "arms-1-versions": [other.pk]}))
    assert "It is of another use case or was rejected." in answer.content.decode()
    assert not Experiment.objects.filter(name="second").exists()
    dramas = form(**{"name": "second", "use_case": "drama_home", "arms-1-versions": [other.pk]})
    assert client.post(f"{LIST}add/", dramas).status_code == 302
    for bad in ("nothing", "\0", "\udc80", ""):
        body = form(**{"name": "third", "use_case": bad, "arms-1-versions": [other.pk]})
        if bad != "\udc80":
            assert client.post(f"{LIST}add/", body).status_code == 200
