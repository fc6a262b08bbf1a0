"""`evaluate_models`: which versions on what, the report, and what the admin shows of it."""

import io
import json
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from core.progress import Progress
from ranking.datasets.event_log import generate_als_dataset
from ranking.datasets.ranker import generate_ranker_dataset
from ranking.evaluation.report import view_of
from ranking.evaluation_codec import to_json
from ranking.evaluation_report import EvaluationReport, EvaluationResult, GateVerdict
from ranking.models import ModelVersion, StoredReport
from ranking.registry.versions import activate_version, read_verified, reject_version
from recommendations.models import RecommendationSession
from serving.pipeline import recommend
from tests.factories import (
    EPOCH,
    allow,
    make_als_bytes,
    make_interaction,
    make_items,
    make_user,
    make_version,
    ranker_bytes,
)

pytestmark = pytest.mark.django_db
MOVIES = USE_CASES["movie_home"]
QUIET = Progress(quiet=True)
CUT = EPOCH + timedelta(days=10)
END = EPOCH + timedelta(days=20)


def make_history(people: int = 24) -> list[Item]:
    """Two tastes of four items; from day 15 on everybody dislikes one, and likes the fourth of theirs."""
    items = make_items(8)
    for number in range(people):
        person, mine, others = make_user(), items[number % 2 :: 2], items[1 - number % 2 :: 2]
        later = number % 4
        for place, item in enumerate(mine):
            make_interaction(person, item, day=15.0 + number / 10 if place == later else 1.0 + place)
        make_interaction(person, others[later], "dislike", day=14.95 + number / 10)
    generate_als_dataset(use_case=MOVIES, progress=QUIET, now=END)
    return items


def als(items: list[Item], *, learned: str | None = CUT.isoformat(), seed: int = 0) -> ModelVersion:
    groups = ([item.pk for item in items[start::2]] for start in (0, 1))
    return noted(make_version(make_als_bytes(groups, seed=seed)), learned)


def ranker(*, learned: str | None = CUT.isoformat(), sign: int = 1) -> ModelVersion:
    return noted(make_version(ranker_bytes("model_score", sign=sign), kind="ranker"), learned)


def noted(version: ModelVersion, learned: str | None) -> ModelVersion:
    if learned is not None:
        version.dataset_manifest = {"window_end": learned}
        version.save()
    return version


def activate(version: ModelVersion) -> ModelVersion:
    return activate_version(version=version, why="made by a test")


def run(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("evaluate_models", "--json", "--quiet", *arguments, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def names(answer: dict[str, Any]) -> list[str]:
    return [one["name"] for one in answer["evaluation"]["results"]]


def test_versions_are_compared_and_the_result_is_kept() -> None:
    items = make_history()
    good, bad = als(items), als(items[:4], seed=1)
    answer = run(good.label, bad.label)
    assert names(answer) == [good.label, bad.label, "popularity", f"{good.label} with boosts", "random"]
    evaluation = answer["evaluation"]
    assert datetime.fromisoformat(evaluation["start"]) == CUT
    assert evaluation["why_start"] == "the moment up to which the newest of the versions learned"
    assert evaluation["people"] == 24
    first, second = evaluation["results"][:2]
    assert first["figures"]["ndcg"]["mean"] > second["figures"]["ndcg"]["mean"]
    assert first["figures"]["ndcg"]["low"] <= first["figures"]["ndcg"]["mean"]
    assert first["gate"] is None
    assert not first["leaked"]
    assert second["gate"]["passed"] is False
    ndcg = next(one for one in second["differences"] if one["figure"] == "ndcg")
    assert (ndcg["people"], ndcg["baseline"]) == (24, good.label)
    assert ndcg["interval"]["mean"] < 0
    for version in (good, bad):
        version.refresh_from_db()
        report = version.evaluation()
        assert report is not None
        assert report.folder == answer["report"]
        assert report.results[0].name == version.label
    found = bad.result()
    assert found is not None
    assert found.gate is not None
    assert asdict(found.gate) == second["gate"]


def test_the_report_is_whole_in_three_forms(settings: Settings) -> None:
    items = make_history()
    answer = run(als(items).label)
    folder = Path(answer["report"])
    assert folder.parent == Path(settings.REPORT_DIR) / "movie_home"
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json", "report.md"]
    assert json.loads((folder / "report.json").read_text()) == answer["evaluation"]
    page, text = (folder / "report.html").read_text(), (folder / "report.md").read_text()
    assert "<svg" in page
    for outside in ("http:", "https:", "src=", "<link", "@import", "url("):
        assert outside not in page
    for shown in (
        *("NDCG@10", "Candidate recall", "Coverage", "als-movie_home-1", "popularity"),
        *("By segment", "1 to 9 items known", "Candidate recall by source", "brought by no other source"),
    ):
        assert shown in page
        assert shown in text
    assert "- people: 24\n" in text


def test_a_report_does_not_write_over_another(tmp_path: Path) -> None:
    label = als(make_history()).label
    out = tmp_path / "mine"
    assert run(label, "--out", str(out))["report"] == str(out)
    with pytest.raises(CommandError, match="is there already"):
        run(label, "--out", str(out))
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="cannot be written"):
        run(label, "--out", str(tmp_path / "file" / "below"))


@pytest.mark.parametrize("fault", ["a file", "full", "there already"])
def test_where_no_report_could_be_kept_it_says_so_before_it_evaluates(
    fault: str, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    settings.REPORT_DIR = tmp_path / "reports"
    if fault == "a file":
        settings.REPORT_DIR.touch()
    if fault == "full":
        monkeypatch.setattr("os.fsync", fail)
    options = ["--out", str(tmp_path)] if fault == "there already" else []
    # Nothing was trained here: whoever looks for versions first says that.
    with pytest.raises(CommandError, match="is there already" if options else "cannot be written"):
        run(*options)


@pytest.mark.slow
def test_without_names_come_the_active_the_candidates_and_what_served_before() -> None:
    items = make_history()
    first, active, candidate = als(items), als(items, seed=1), als(items, seed=2)
    old_ranker, new_ranker, turned_down = ranker(), ranker(sign=-1), ranker(sign=-1)
    reject_version(version=turned_down, why="made by a test")
    for version in (first, active, old_ranker):
        activate(version)
    assert names(run())[:4] == [
        f"{active.label}+{old_ranker.label}",
        f"{candidate.label}+{old_ranker.label}",
        f"{active.label}+{new_ranker.label}",
        f"{first.label}+{old_ranker.label}",
    ]


@pytest.mark.slow
def test_a_ranker_alone_stands_on_the_active_als_or_on_the_one_named(client: Client, staff: User) -> None:
    items = make_history()
    active, other, one = activate(als(items)), als(items, seed=1), ranker()
    answer = run(one.label, f"{other.label}+{one.label}", f"{one.label}+{active.label}")
    assert names(answer)[:2] == [f"{active.label}+{one.label}", f"{other.label}+{one.label}"]
    one.refresh_from_db()
    found = one.result()
    assert found is not None
    assert found.name == f"{active.label}+{one.label}"
    allow(staff, "view_modelversion")
    body = {"action": "compare", "_selected_action": [one.pk]}
    compared = client.post("/admin/ranking/modelversion/", body, follow=True).content.decode()
    assert f"{one.label} (candidate), as {found.name}" in compared


def test_without_any_version_popularity_stands_alone() -> None:
    make_history()
    answer = run()
    assert names(answer) == ["popularity", "popularity with boosts", "random"]
    assert answer["evaluation"]["why_start"] == "the last tenth of the log"


@pytest.mark.parametrize("learned", [END.isoformat(), None])
def test_who_saw_what_is_evaluated_on_is_marked_everywhere(learned: str | None) -> None:
    items = make_history()
    clean, late = als(items), als(items, learned=learned, seed=1)
    answer = run(clean.label, late.label)
    assert "the last tenth of the log, because fewer than 20 people" in answer["evaluation"]["why_start"]
    saw = {one["name"]: one["leaked"] for one in answer["evaluation"]["results"]}
    assert saw == {
        clean.label: False,
        late.label: True,
        "popularity": False,
        f"{clean.label} with boosts": False,
        "random": False,
    }
    folder = Path(answer["report"])
    for name in ("report.html", "report.md"):
        assert "May have learned from part of what they are evaluated on:" in (folder / name).read_text()
    out = io.StringIO()
    call_command("evaluate_models", late.label, stdout=out)
    assert f"{late.label} (may have seen part of it):" in out.getvalue()
    assert not answer["evaluation"]["results"][1]["gate"]["passed"]


@pytest.mark.parametrize("since", ["2026-01-11", "2026-01-11T00:00:00+00:00", "2026-01-11T02:00:00+02:00"])
def test_the_moment_may_be_asked_for(since: str) -> None:
    version = als(make_history())
    evaluation = run(version.label, "--since", since)["evaluation"]
    assert datetime.fromisoformat(evaluation["start"]) == CUT
    assert evaluation["why_start"] == "as asked for"


@pytest.mark.parametrize("since", ["1999-01-01", "2100-01-01"])
def test_a_moment_before_or_after_everything_leaves_nothing_to_say(since: str) -> None:
    version = als(make_history())
    answer = run(version.label, "--since", since)
    assert answer["evaluation"]["results"][0]["name"] == version.label
    if since > "2026":
        assert answer["evaluation"]["people"] == 0
        assert "nobody and nothing to evaluate on" in (Path(answer["report"]) / "report.md").read_text()


@pytest.mark.parametrize(
    "since", ["", "never", "2026-13-01", "0001-01-01T00:00+14:00", "9999-12-31T23:00-10:00"]
)
def test_what_is_no_moment_is_refused(since: str) -> None:
    with pytest.raises(CommandError, match="no ISO date or time"):
        run(f"--since={since}")


def test_an_empty_installation_and_a_log_of_one_person() -> None:
    with pytest.raises(CommandError, match="Run generate_als_dataset first"):
        run()
    generate_als_dataset(use_case=MOVIES, progress=QUIET, now=END)
    assert run()["evaluation"]["why_start"] == "nothing happened yet"
    make_history(people=1)
    assert names(run())[0] == "popularity"


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("als-movie_home-99", "There is no model version"),
        ("nonsense", "There is no model version"),
        ("als-movie_home-1+", "There is no model version"),
        ("als-movie_home-1+als-movie_home-1", "two versions of one kind"),
        ("als-drama_home-1", "say --use-case drama_home"),
    ],
)
def test_versions_that_cannot_serve_are_refused(label: str, message: str) -> None:
    als(make_history(people=2))
    make_version(b"1", use_case="drama_home")
    with pytest.raises(CommandError, match=message):
        run(label)


def test_a_damaged_file_is_a_sentence(settings: Settings) -> None:
    version = als(make_history(people=2))
    unreadable = make_version(b"no model")
    with pytest.raises(CommandError, match=f"{unreadable.label} cannot be read"):
        run(unreadable.label)
    assert read_verified(version)
    (Path(settings.MODEL_DIR) / version.file).write_bytes(b"other")
    with pytest.raises(CommandError, match="is not the file that was registered"):
        run(version.label)


def show_lists(people: int = 24) -> None:
    """Everybody is shown a list, and turns to its first two slots on the day after the cut."""
    for user in User.objects.order_by("pk")[:people]:
        served = recommend(user_id=user.pk, use_case=MOVIES, limit=4, now=CUT + timedelta(days=1))
        session = RecommendationSession.objects.get(pk=served.session_id)
        session.seen_rank = 3
        session.save()
        for slot, type_name in zip(served.slots, ("dislike", "view"), strict=False):
            made = make_interaction(user, Item.objects.get(pk=slot.item.id), type_name, day=12.0)
            made.recommendation_session = session
            made.recommendation_rank = slot.rank
            made.save()


@pytest.mark.slow
def test_lists_that_were_shown_are_evaluated_as_well() -> None:
    items = make_items(12)
    for number in range(24):
        make_interaction(make_user(), items[number % 4], day=1.0)
    show_lists()
    generate_als_dataset(use_case=MOVIES, progress=QUIET, now=END)
    generate_ranker_dataset(use_case=MOVIES, progress=QUIET, now=END)
    version = als(items)
    answer = run(version.label)
    assert names(answer)[-1] == "as shown"
    evaluation = answer["evaluation"]
    assert evaluation["lists"] == evaluation["lists_found"] == 24
    shown = {one["name"]: one for one in evaluation["results"]}
    assert shown["as shown"]["figures"]["list_ndcg"]["mean"] == pytest.approx(1 / 1.584963, abs=1e-4)
    assert shown["as shown"]["figures"]["engagement"]["mean"] == pytest.approx(1 / 3)
    assert shown["as shown"]["figures"]["dislikes"]["mean"] == pytest.approx(1 / 3)
    assert shown[version.label]["calibration"] is not None
    assert shown["popularity"]["calibration"] is None
    text = (Path(answer["report"]) / "report.md").read_text()
    assert "Had it made the lists" in text
    assert "Calibration" in text


@pytest.mark.slow
def test_what_decided_about_a_version_is_kept_beside_a_later_evaluation() -> None:
    version = als(make_history())
    decided = EvaluationReport(
        results=(EvaluationResult("candidate", gate=GateVerdict(passed=True, why="Better.")),), start=CUT
    )
    version.metrics = {StoredReport.LATEST: to_json(decided)}
    version.save()
    run(version.label)
    run(version.label)
    version.refresh_from_db()
    assert version.evaluation(StoredReport.DECIDING) == decided
    latest = version.evaluation()
    assert latest is not None
    assert latest.results[0].name == version.label


@pytest.mark.slow
def test_the_admin_shows_an_evaluation(client: Client, staff: User) -> None:
    allow(staff, "view_modelversion")
    items = make_history()
    good, other = als(items), als(items, seed=1)
    run(good.label, other.label)
    page = client.get(f"/admin/ranking/modelversion/{other.pk}/change/").content.decode()
    for shown in (
        *("What the gate says", "NDCG@10", "Against als-movie_home-1", "<svg", "report.json"),
        *("By segment", "Candidate recall by source"),
    ):
        assert (shown in page) == (shown != "report.json")
    other.refresh_from_db()
    found = other.result()
    assert found is not None
    ndcg = found.figures["ndcg"].mean
    assert f"{ndcg:.3f} [" in client.get("/admin/ranking/modelversion/").content.decode()


def test_the_admin_marks_who_saw_what_it_was_evaluated_on(client: Client, staff: User) -> None:
    allow(staff, "view_modelversion")
    late = als(make_history(), learned=END.isoformat())
    run(late.label)
    assert "(may have seen it)" in client.get("/admin/ranking/modelversion/").content.decode()
    page = client.get(f"/admin/ranking/modelversion/{late.pk}/change/").content.decode()
    assert "May have learned from part of what they are evaluated on" in page


def test_the_admin_shows_what_retrain_writes(client: Client, staff: User) -> None:
    allow(staff, "view_modelversion")
    version = make_version(b"1", kind="ranker")
    interval = {"mean": 0.25, "low": 0.2, "high": 0.3}
    name = "<script>alert(1)</script>"
    version.metrics = {
        "evaluation": {
            "from": CUT.isoformat(),
            "judgements": [
                {"name": "candidate", "figures": {"list_ndcg": interval}, "coverage": None, "saw_it": False},
                {"name": name, "figures": {"list_ndcg": interval}, "coverage": interval, "saw_it": True},
            ],
            "gate": {"passed": False, "why": "Not good enough yet.", "differences": {}},
        },
        "test": {
            "people": 7,
            "lists": 30,
            "ranker": {"ndcg@10": interval, "liked_over_disliked": interval},
            "als": {"ndcg@10": interval, "liked_over_disliked": interval},
            "as_shown": {"ndcg@10": interval, "liked_over_disliked": interval},
            "ranker_minus_als_ndcg@10": {"mean": 0.015, "low": -0.01, "high": 0.04},
        },
    }
    version.save()
    page = client.get(f"/admin/ranking/modelversion/{version.pk}/change/").content.decode()
    assert "candidate: does not pass." in page
    assert "Not good enough yet." in page
    assert name not in page
    assert "as shown" in page
    listed = client.get("/admin/ranking/modelversion/").content.decode()
    assert "0.250 [0.200, 0.300]" in listed
    assert "+0.015 [-0.010, +0.040] above ALS" in listed


def test_an_evaluation_without_anything_can_be_shown() -> None:
    view = view_of(EvaluationReport())
    assert (view.names, view.figures, view.verdicts) == ((), (), ())
