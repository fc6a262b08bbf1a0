"""The command that follows published protocols, on small sets with a known answer."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def published(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data: Path, *arguments: str
) -> str:
    """The output of the command; SystemExit holds its complaint."""
    monkeypatch.setattr("sys.argv", ["published.py", "--data", str(data), *arguments])
    import_module("published").main()
    return capsys.readouterr().out


def judged(data: Path, name: str, kind: str, *, validation: bool = False) -> Any:
    sets = import_module("published_sets")
    return sets.SETS[name](data, name, sets.Way((kind,)), validation=validation)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two tastes of 20 items; everybody's last item is the one of their taste that they lack.

    Videos 1 to 3 are liked by all but one, 4 to 6 hated.
    """
    (tmp_path / "sequences").mkdir()
    lines = []
    for person in range(40):
        first = 20 * (person % 2)
        own = [first + (person + step) % 20 for step in range(20)]
        lines.append(" ".join(map(str, [person, *own])))
    (tmp_path / "sequences" / "LastFM.txt").write_text("\n".join(lines) + "\n")
    attributes = {str(item): [1 + item // 20] for item in range(40)}
    (tmp_path / "sequences" / "LastFM_item2attributes.json").write_text(json.dumps(attributes))
    (tmp_path / "likes-hates").mkdir()
    rows = [
        f"p{person},{video},{1000 * time + person},{int(video <= 3)},1,2,0"
        for time, video in enumerate([1, 4, 2, 5, 1, 4, 2, 5, 3, 6])
        for person in range(30)
    ]
    header = "user,video,time_ms,label,play_time_ms,duration_ms,long_view"
    (tmp_path / "likes-hates" / "feedback.csv").write_text("\n".join([header, *rows]) + "\n")
    return tmp_path


@pytest.mark.parametrize("validation", [False, True])
def test_the_last_item_is_found_by_what_knows_tastes(data: Path, validation: bool) -> None:
    als = judged(data, "LastFM", "als", validation=validation)
    assert len(als.people) == 40
    assert als.figures["HR@10"].tolist() == [1.0] * 40
    popular = judged(data, "LastFM", "popular", validation=validation)
    change = popular.difference(als, "NDCG@10", np.random.default_rng(1))
    assert change.low <= change.mean <= change.high < 0


def test_liked_videos_stand_above_hated_ones(data: Path) -> None:
    values = judged(data, "likes-hates", "popular", validation=True).figures["AUC"]
    assert set(values.tolist()) == {1.0}


def test_videos_that_nobody_met_before_are_even(data: Path) -> None:
    assert judged(data, "likes-hates", "als").figures["AUC"].tolist() == [0.5] * 30


@pytest.mark.parametrize(
    ("scores", "gains", "expected"),
    [
        ([3.0, 2.0, 1.0], [0.0, 1.0, 0.0], 1 / np.log2(3)),
        ([1.0, 1.0, 0.0], [0.0, 1.0, 0.0], (1 + 1 / np.log2(3)) / 2),
        ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], 1.0),
    ],
)
def test_equal_scores_count_as_the_mean_over_their_orders(
    scores: list[float], gains: list[float], expected: float
) -> None:
    value = import_module("published_sets").expected_ndcg(np.array(scores), np.array(gains), k=10)
    assert value == pytest.approx(expected)


@pytest.mark.slow
def test_the_command_prints_a_table_or_json(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--set", "LastFM", "--kind", "popular", "als+item_knn", "--parameter", "als.factors=4")
    table = published(monkeypatch, capsys, data, *arguments)
    assert "als+item_knn: 40 cases" in table
    assert "published, SASRec: 0.0688 / 0.0390" in table
    found = json.loads(published(monkeypatch, capsys, data, *arguments, "--as-served", "--json"))
    kinds = found["sets"]["LastFM"]["kinds"]
    assert kinds["als+item_knn"]["people"] == 40
    assert kinds["als+item_knn"]["HR@10 − popular"][1] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kind", "nothing"], "There is no kind 'nothing'; there are als, "),
        (["--kind", "two_tower"], "two_tower learns from more than events"),
        (["--kind", "als", "--parameter", "als.factors=0"], "Factors and iterations must be at least 1."),
        (["--set", "Beauty"], "No such file"),
    ],
)
def test_a_mistake_is_one_sentence(
    data: Path,
    arguments: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match=words):
        published(monkeypatch, capsys, data, "--set", "LastFM", *arguments)
