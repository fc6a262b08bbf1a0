"""The text of LightGBM's trees, checked line by line before the library is given it.

LightGBM's parser trusts its input: a text cut in half ends the process, and a child or a feature that is not
there is read from wherever it would lie. So a text is let through only where it holds what the library
writes: every line in its place, every list of its length, every number a number, every tree a tree.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from core.arrays import Ints
from ranking.recommenders.artifact import ArtifactError

_WHOLE = r"-?[0-9]{1,10}"
_NUMBER = r"-?(?:[0-9]{1,20}(?:\.[0-9]{1,40})?(?:e[-+]?[0-9]{1,3})?|inf|nan)"
_FINITE = r"-?[0-9]{1,20}(?:\.[0-9]{1,40})?(?:e[-+]?[0-9]{1,3})?"
_LIST = {pattern: re.compile(rf"(?:{pattern}(?: {pattern})*)?") for pattern in (_WHOLE, _NUMBER, _FINITE)}
_LARGEST_INT = 2**31 - 1
_MOST_LEAVES = 131_072

# The lines of a tree, in their order: the name, what its values are, and how many: one of each tree, one of
# each split, one of each leaf, or as many as there are where a single leaf has none.
_LINES: Sequence[tuple[str, str, str]] = (
    ("num_leaves", _WHOLE, "tree"),
    ("num_cat", _WHOLE, "tree"),
    ("split_feature", _WHOLE, "split"),
    ("split_gain", _NUMBER, "split"),
    ("threshold", _NUMBER, "split"),
    ("decision_type", _WHOLE, "split"),
    ("left_child", _WHOLE, "split"),
    ("right_child", _WHOLE, "split"),
    ("leaf_value", _FINITE, "leaf"),
    ("leaf_weight", _NUMBER, "leaf or none"),
    ("leaf_count", _WHOLE, "leaf or none"),
    ("internal_value", _NUMBER, "split"),
    ("internal_weight", _NUMBER, "split"),
    ("internal_count", _WHOLE, "split"),
    ("is_linear", _WHOLE, "tree"),
    ("shrinkage", _FINITE, "tree"),
)
_HEAD = re.compile(
    r"tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=([0-9]{1,6})\n"
    r"objective=lambdarank\nfeature_names=([^\n]*)\nfeature_infos=([^\n]*)\ntree_sizes=([0-9 ]*)\n\n"
)
_INFO = re.compile(rf"none|\[{_NUMBER}:{_NUMBER}\]")
_TAIL = re.compile(
    r"end of trees\n\nfeature_importances:\n(?:[^\s=]+=[0-9]+\n)*\n"
    r"parameters:\n(?:\[[a-z0-9_]+: [^\n]*\]\n)*\nend of parameters\n\npandas_categorical:null\n"
)
# A split by a number; the two bits beside say where what is unknown goes.
_DECISIONS = (0, 2, 4, 6, 8, 10)


def check_trees(text: str) -> None:
    """Raises ArtifactError unless `text` is a model of ranked lists as LightGBM writes it."""
    head = _HEAD.match(text)
    _check(text.isascii() and head is not None, "the first lines are not those of a ranker")
    if head is None:
        return
    features = int(head[1]) + 1
    _check(len(head[2].split(" ")) == features, "the names are not those of its features")
    infos = head[3].split(" ")
    _check(len(infos) == features and all(map(_INFO.fullmatch, infos)), "its features are not described")
    at = head.end()
    for number, size in enumerate(map(int, head[4].split())):
        _check_tree(text[at : at + size], number, features)
        at += size
    _check(at > head.end(), "there is no tree")
    _check(_TAIL.fullmatch(text, at) is not None, "the end is missing or is not what follows trees")


def _check_tree(text: str, number: int, features: int) -> None:
    lines = text.split("\n")
    name = f"tree {number}"
    # The library separates trees by two lines of which the size of each knows.
    _check(len(lines) == len(_LINES) + 4 and not any(lines[-3:]), f"{name} has not the lines of a tree")
    _check(lines[0] == f"Tree={number}", f"{name} stands in the place of another")
    values = {key: _values(line, key, pattern, name) for line, (key, pattern, _) in _rows(lines)}
    (leaves,) = _whole(values["num_leaves"])[:1] or [0]
    _check(1 <= leaves <= _MOST_LEAVES, f"{name} has no leaves")
    lengths = {
        "tree": (1,),
        "split": (leaves - 1,),
        "leaf": (leaves,),
        "leaf or none": (leaves, leaves == 1 and 0),
    }
    for key, _, counted in _LINES:
        _check(len(values[key]) in lengths[counted], f"{name} has a list {key} of another length")
    _check(values["num_cat"] == ["0"] and values["is_linear"] == ["0"], f"{name} is of another sort")
    used = np.array(_whole(values["split_feature"]), dtype=np.int64)
    _check(bool(((used >= 0) & (used < features)).all()), f"{name} asks for a feature that is not there")
    _check(set(_whole(values["decision_type"])) <= set(_DECISIONS), f"{name} decides in an unknown way")
    children = [np.array(_whole(values[side]), dtype=np.int64) for side in ("left_child", "right_child")]
    _check_children(children, leaves, name)


def _rows(lines: Sequence[str]) -> Iterator[tuple[str, tuple[str, str, str]]]:
    return zip(lines[1:], _LINES, strict=False)


def _values(line: str, key: str, pattern: str, name: str) -> list[str]:
    """The values of a line of a tree."""
    found, _, rest = line.partition("=")
    _check(
        found == key and _LIST[pattern].fullmatch(rest) is not None, f"{name}: {key} is not what it has to be"
    )
    return rest.split(" ") if rest else []


def _whole(values: Sequence[str]) -> list[int]:
    numbers = [int(value) for value in values]
    _check(all(abs(number) <= _LARGEST_INT for number in numbers), "a number is too large")
    return numbers


def _check_children(children: Sequence[Ints], leaves: int, name: str) -> None:
    """Each split but the first, and each leaf, is the child of one split, which comes before it.

    Splits are numbered from 0, leaves from -1 downwards.
    """
    both = np.concatenate(children)
    expected = np.concatenate([np.arange(-leaves, 0), np.arange(1, leaves - 1)])
    parents = np.tile(np.arange(leaves - 1), 2)
    is_tree = leaves == 1 or (
        np.array_equal(np.sort(both), expected) and bool((both > parents)[both >= 0].all())
    )
    _check(is_tree, f"the splits of {name} do not make a tree")


def _check(holds: bool, otherwise: str) -> None:  # noqa: FBT001  as an assertion reads
    if not holds:
        raise ArtifactError(f"The trees cannot be read: {otherwise}.")
