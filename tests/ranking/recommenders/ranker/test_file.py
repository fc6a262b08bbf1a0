"""The ranker's file: what comes back, and what is refused before LightGBM is given anything."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ranking.features import FEATURE_SET, FEATURES
from ranking.recommenders.artifact import ArtifactError
from ranking.recommenders.ranker.file import LAYOUT, dump_ranker, load_ranker
from ranking.recommenders.ranker.library import load_lightgbm
from ranking.recommenders.ranker.trees import check_trees
from tests.factories import ranker_bytes
from tests.ranking.recommenders.files import header_of, rewritten


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """LightGBM ends the process on damaged trees, so nothing doubtful may reach it."""

    # The bytes are made once per process, with the parser that is about to go.
    ranker_bytes()

    def refuse(**_: object) -> None:
        pytest.fail("the trees were given to LightGBM")

    monkeypatch.setattr("lightgbm.Booster", refuse)


def with_header(change: Callable[[dict[str, Any]], object]) -> bytes:
    header = header_of(ranker_bytes())
    change(header)
    return rewritten(ranker_bytes(), header)


def test_what_was_written_comes_back() -> None:
    data = ranker_bytes()
    ranker = load_ranker(data)
    assert dump_ranker(ranker) == data
    header = header_of(data)
    assert header["feature_set"] == FEATURE_SET
    assert ranker.booster.feature_name() == list(FEATURES)


def test_numbers_of_numpy_are_written_as_numbers() -> None:
    ranker = load_ranker(ranker_bytes()).calibrated(np.float64(0.5), np.float64(-2.0))
    again = load_ranker(dump_ranker(ranker))
    assert (again.slope, again.intercept) == (0.5, -2.0)
    whole = load_ranker(dump_ranker(ranker.calibrated(2, 0)))
    assert (whole.slope, whole.intercept) == (2.0, 0.0)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("format", "other", "format"),
        ("kind", "als", "kind"),
        ("version", 1, "version"),
        ("feature_set", "heed-0", "feature set"),
        ("feature_set", None, "feature_set"),
        ("base_margin", "wish", "base margin"),
        ("base_margin", ["none"], "base_margin"),
        ("slope", 0.0, "slope"),
        ("slope", -1.0, "slope"),
        ("slope", float("nan"), "slope"),
        ("slope", float("inf"), "slope"),
        ("slope", "1.0", "slope"),
        ("slope", 10**400, "slope"),
        ("slope", True, "slope"),
        ("intercept", None, "intercept"),
        ("intercept", float("-inf"), "intercept"),
        ("intercept", -(10**400), "intercept"),
        ("extra", 1, "unknown entries"),
    ],
)
def test_a_header_that_says_what_cannot_be(no_parser: None, name: str, value: object, words: str) -> None:
    with pytest.raises(ArtifactError, match=words):
        load_ranker(with_header(lambda header: header.update({name: value})))


@pytest.mark.parametrize("name", ["format", "version", "feature_set", "base_margin", "slope", "intercept"])
def test_a_header_that_leaves_something_out(no_parser: None, name: str) -> None:
    with pytest.raises(ArtifactError):
        load_ranker(with_header(lambda header: header.pop(name)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"not json\ntree\n",
        b"[]\ntree\n",
        b"null\n",
        b'"heed-ranker"\n',
        b"\xff\xfe\n",
        b"[" * 100_000,
        b'{"format": ' + b"1" * 5000 + b"}\n",
        b"PK\x03\x04 an npz\n",
    ],
)
def test_bytes_that_are_no_ranker(no_parser: None, data: bytes) -> None:
    with pytest.raises(ArtifactError):
        load_ranker(data)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_cut_off(no_parser: None, share: float) -> None:
    data = ranker_bytes()
    with pytest.raises(ArtifactError):
        load_ranker(data[: int(share * len(data))])


def test_trees_that_are_no_text(no_parser: None) -> None:
    trees = np.frombuffer(b"tree\n\xff\xfe", dtype=np.uint8)
    with pytest.raises(ArtifactError, match="cannot be read"):
        load_ranker(rewritten(ranker_bytes(), trees=trees))


def with_trees(change: Callable[[str], str]) -> bytes:
    """The file of a ranker whose text was changed; its header and its hash are as they should be."""
    text = LAYOUT.load(ranker_bytes())[1]["trees"].tobytes().decode()
    changed = change(text)
    assert changed != text
    return rewritten(ranker_bytes(), trees=np.frombuffer(changed.encode("latin-1"), dtype=np.uint8))


def in_first_tree(key: str, change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    """Changes the values of one line of the first tree, and what the head says of the tree's size."""

    def changed(text: str) -> str:
        line = re.search(rf"^{key}=(.*)$", text, re.MULTILINE)
        assert line is not None
        other = " ".join(change(line[1].split(" ")))
        text = text[: line.start(1)] + other + text[line.end(1) :]
        return re.sub(
            r"tree_sizes=(\d+)",
            lambda sizes: f"tree_sizes={int(sizes[1]) + len(other) - len(line[1])}",
            text,
        )

    return changed


def put(place: int, value: str) -> Callable[[list[str]], list[str]]:
    return lambda values: [*values[:place], value, *values[place + 1 :]]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text[: text.index("end of trees")],
        lambda text: text[: text.index("end of parameters")],
        lambda text: text[: text.index("tree_sizes")],
        lambda text: text.replace("Tree=1\n", "Tree=2\n"),
        lambda text: text.replace("version=v4", "version=v3"),
        lambda text: text.replace("num_class=1", "num_class=9"),
        lambda text: text.replace("max_feature_idx=", "max_feature_idx=9"),
        lambda text: text.replace("feature_infos=[", "feature_infos=[a"),
        lambda text: re.sub(r"tree_sizes=\d+", "tree_sizes=99999999", text),
        lambda text: re.sub(r"tree_sizes=[\d ]+", "tree_sizes=", text),
        lambda text: text.replace("threshold=0", "threshold=\xa00"),
        in_first_tree("num_leaves", put(0, "30")),
        in_first_tree("num_leaves", put(0, "-1")),
        in_first_tree("num_leaves", put(0, "999999999")),
        in_first_tree("num_cat", put(0, "1")),
        in_first_tree("is_linear", put(0, "1")),
        in_first_tree("split_feature", put(0, str(len(FEATURES)))),
        in_first_tree("split_feature", put(0, "-1")),
        in_first_tree("split_feature", put(0, "9999999999")),
        in_first_tree("threshold", put(0, "0.7.2")),
        in_first_tree("threshold", lambda values: values[1:]),
        in_first_tree("decision_type", put(0, "3")),
        in_first_tree("left_child", put(0, "0")),
        in_first_tree("left_child", put(0, "500")),
        in_first_tree("right_child", put(0, "-500")),
        in_first_tree("left_child", lambda values: values[::-1]),
        in_first_tree("leaf_value", put(0, "nan")),
        in_first_tree("leaf_value", put(0, "")),
        in_first_tree("leaf_count", lambda values: [*values, "1"]),
    ],
)
def test_trees_that_the_library_did_not_write(no_parser: None, change: Callable[[str], str]) -> None:
    with pytest.raises(ArtifactError, match="The trees cannot be read"):
        load_ranker(with_trees(change))


@pytest.mark.parametrize("rows", [60, 400])
def test_trees_of_one_leaf_and_trees_that_ask_for_the_unknown_are_let_through(rows: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.random((rows, len(FEATURES)))
    values[rng.random(values.shape) < 0.5] = np.nan
    load_lightgbm()
    import lightgbm as lgb

    data = lgb.Dataset(
        values, rng.integers(0, 2, rows), group=[20] * (rows // 20), feature_name=list(FEATURES)
    )
    options = {"objective": "lambdarank", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 50}
    check_trees(lgb.train(options, data, 2).model_to_string())


def test_trees_of_other_features() -> None:
    rng = np.random.default_rng(0)
    names = [*FEATURES[1:], FEATURES[0]]
    load_lightgbm()
    import lightgbm as lgb

    data = lgb.Dataset(
        rng.random((200, len(names))), rng.integers(0, 2, 200), group=[200], feature_name=names
    )
    options = {"objective": "lambdarank", "verbosity": -1, "num_threads": 1}
    trees = lgb.train(options, data, 2).model_to_string()
    with pytest.raises(ArtifactError, match="other features"):
        load_ranker(rewritten(ranker_bytes(), trees=np.frombuffer(trees.encode(), dtype=np.uint8)))
