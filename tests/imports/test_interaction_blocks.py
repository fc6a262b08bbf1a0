"""Whatever a block takes is what `parse_interaction` makes of each of its rows."""

from itertools import product
from pathlib import Path

import pytest

from core.values import BadValue
from imports.blocks import Block
from imports.interaction_blocks import check_block
from imports.interaction_rows import INTERACTION_COLUMNS, OUR_SCALE, RatingScale, parse_interaction
from imports.reading import read_parts
from imports.rows import BadRows
from tests.imports.helpers import refusal, run, write

USERS = ["ann", "Ann.B+c@d-e_1", "é", " ann", "", "a b", "x" * 150, "x" * 151, "bob"]
ITEMS = ["7", "a:b/c", "", " 7", "é", "y" * 200, "y" * 201]
TYPES = ["like", "watched", "view", "watchlist_add", "nothing", "", " like"]
RATINGS = ["", "7.5", "0", "10.0", "11", "-1", "x", "1e1", " 3"]
MOMENTS = [
    "1000000000",
    "99999999",
    "100000000",
    "99999999999",
    "1000000000000",
    "1000000000.5",
    "2020-02-03T04:05:06Z",
    "2020-02-03 04:05:06.789+00:00",
    "2020-02-03T04:05:06.789012",
    "2020-02-03T04:05:06+02:00",
    "2020-02-03",
    "1969-12-31T23:59:59",
    "2150-01-01T00:00:00Z",
    "20200203",
    "",
]
COLUMNS = ["user", "item", "kind", "type", "rating", "occurred_at", "withdrawn_at", "reason"]
USUAL = {
    "user": "ann",
    "item": "7",
    "kind": "",
    "type": "like",
    "rating": "",
    "occurred_at": "1000000000",
    "withdrawn_at": "",
    "reason": "",
}


def rows() -> list[dict[str, str]]:
    """Every value of each column beside usual ones, and all pairs of what must go together."""
    alone = {
        "user": USERS,
        "item": ITEMS,
        "kind": ["movie", "movies", "drama", "x", " "],
        "type": TYPES,
        "occurred_at": MOMENTS,
        "withdrawn_at": [*MOMENTS, "2001-09-09T01:46:39Z", "2001-09-09T01:46:40Z"],
        "reason": ["wrong_genre", " "],
    }
    pairs = [{"type": type_name, "rating": rating} for type_name, rating in product(TYPES, RATINGS)]
    ended = [{"type": name, "withdrawn_at": "1000000001"} for name in TYPES]
    single = [{name: value} for name, values in alone.items() for value in values]
    return [{**USUAL, **one} for one in [*single, *pairs, *ended]]


@pytest.mark.parametrize("scale", [OUR_SCALE, RatingScale(0, 10, unrated=0.0), RatingScale(-1, 11)])
def test_a_block_takes_what_is_right_and_as_it_is_read_alone(tmp_path: Path, scale: RatingScale) -> None:
    lines = [",".join(row[name] for name in COLUMNS) for row in rows()]
    path = write(tmp_path / "done.csv", "\n".join([",".join(COLUMNS), *lines]))
    (block,) = read_parts(path, columns=INTERACTION_COLUMNS, bad_rows=BadRows())
    assert isinstance(block, Block)
    checked = check_block(block, default_kind="movie", scale=scale, refused=["bob"])
    taken = [place for place in range(block.size) if place not in checked.others]
    columns = {name: column.to_pylist() for name, column in checked.columns.items()}
    assert len(taken) >= 40
    for at, place in enumerate(taken):
        alone = parse_interaction(block.row(place), default_kind="movie", scale=scale)
        assert {name: getattr(alone, name) for name in columns} == {
            name: values[at] for name, values in columns.items()
        }
        assert alone.said.reason is None
        assert alone.username != "bob"
    for place in range(block.size):
        # What keeps to no rule is looked at alone, and so is what is right and unusual.
        try:
            parse_interaction(block.row(place), default_kind="movie", scale=scale)
        except BadValue:
            assert place in checked.others
    assert checked.kinds == {"movie", "drama"}


@pytest.mark.django_db
def test_a_bad_row_among_many_is_named_by_its_line(tmp_path: Path) -> None:
    write(tmp_path / "items.csv", "external_id,title\n7,Seven\n")
    run("import_items", tmp_path / "items.csv")
    lines = [f"user-{number},7,like,{1_000_000_000 + number}" for number in range(50)]
    lines[20] = "user-20,7,like,tomorrow"
    lines[30] = "é-30,7,like,1000000030"
    path = write(tmp_path / "done.csv", "\n".join(["user,item,type,occurred_at", *lines]))
    assert "done.csv:22: occurred_at must be a date" in refusal("import_interactions", path)
    summary = run("import_interactions", path, "--max-errors", 1)
    assert (summary["created"], summary["new_users"], summary["bad_rows"]) == (49, 49, 1)
