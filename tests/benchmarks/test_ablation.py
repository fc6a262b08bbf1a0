"""The command that leaves out one thing at a time, on small sets with a known answer."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accounts.models import User
from interactions.models import UserInteraction
from interactions.ratings import weigh_ratings
from ranking.statistics.events import Events
from tests.factories import make_interaction, make_items


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Videos of which 1 to 3 are liked by everybody, and 4 to 6 hated."""
    (tmp_path / "likes-hates").mkdir()
    rows = [
        f"p{person},{video},{1000 * time + person},{int(video <= 3)},1,2,0"
        for time, video in enumerate([1, 4, 2, 5, 1, 4, 2, 5, 3, 6])
        for person in range(30)
    ]
    header = "user,video,time_ms,label,play_time_ms,duration_ms,long_view"
    (tmp_path / "likes-hates" / "feedback.csv").write_text("\n".join([header, *rows]) + "\n")
    return tmp_path


def ablation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data: Path, *arguments: str
) -> Any:
    command = ["ablation.py", "--data", str(data), "--set", "likes-hates", "--part", "validation"]
    monkeypatch.setattr("sys.argv", [*command, *arguments])
    import_module("ablation").main()
    return capsys.readouterr().out


def test_each_kind_is_left_out_and_each_no_unheard(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(ablation(monkeypatch, capsys, data, "--kind", "verdict", "als", "--json"))
    figures = found["sets"]["likes-hates"]
    assert list(figures) == ["all", "without verdict", "without als", "all noes", "without dislikes"]
    assert "adds to AUC" not in figures["all"]
    assert figures["all"]["AUC"] == figures["all noes"]["AUC"] == [1.0, 1.0, 1.0]
    for label in ("without als", "without verdict"):
        assert figures[label]["adds to AUC"][0] == pytest.approx(1.0 - figures[label]["AUC"][0])


def test_what_is_told_can_be_chosen(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = ablation(monkeypatch, capsys, data, "--kind", "als", "--what", "noes", "features")
    assert "without dislikes" in table
    assert "without als" not in table


@pytest.mark.django_db
def test_ratings_weigh_as_the_product_weighs_them(person: User) -> None:
    stars = [5.0, 1.0, 3.0, 0.5, 4.5, 4.0]
    items = make_items(len(stars))
    for day, (item, one) in enumerate(zip(items, stars, strict=True), 1):
        make_interaction(person, item, "watched", day=float(day), rating=2 * one)
    weigh_ratings([person.pk])
    rows = UserInteraction.objects.order_by("occurred_at").values_list("item_id", "weight", "occurred_at")
    item_ids, weights, moments = zip(*rows, strict=True)
    events = Events(
        user_ids=np.full(len(stars), person.pk, dtype=np.int64),
        item_ids=np.array(item_ids, dtype=np.int64),
        weights=(0.6 * np.array(stars)).astype(np.float32),
        times=np.array([moment.timestamp() for moment in moments]),
        relevant=np.zeros(len(stars), dtype=np.bool_),
    )
    shuffled = np.array([3, 0, 5, 1, 4, 2])
    found = import_module("ablation").centered(events.select(shuffled)).weights
    assert found == pytest.approx(np.array(weights)[shuffled], abs=1e-5)
    assert (found < 0).sum() == 2


def test_a_no_that_is_not_heard_is_seen() -> None:
    events = Events(
        user_ids=np.ones(2, dtype=np.int64),
        item_ids=np.array([1, 2], dtype=np.int64),
        weights=np.array([2.0, -1.0], dtype=np.float32),
        times=np.zeros(2),
        relevant=np.array([True, False]),
    )
    assert import_module("ablation").as_seen(events, events.weights < 0).weights.tolist() == [2.0, 0.0]
