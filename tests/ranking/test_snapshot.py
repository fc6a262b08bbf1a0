"""The catalog as arrays, read from the database."""

from typing import Any

import numpy as np
import pytest

from core.domain import NUMBERS
from ranking.catalog_rows import read_rows
from ranking.snapshot import read_snapshot
from ranking.statistics.demand import ItemDemand
from tests.factories import make_item

VOTES, RATING = NUMBERS.index("votes"), NUMBERS.index("rating")


@pytest.mark.django_db
def test_the_numbers_that_the_domain_names_are_read_from_attributes() -> None:
    """Cells of a CSV file are texts, so the text of a number is one; what is none is not known."""
    of_items: list[dict[str, Any]] = [
        {"votes": 269, "rating": 6.5},
        {"votes": "269", "rating": " 6.5 "},
        {"votes": True, "rating": ["6.5"]},
        {"votes": "many", "rating": "inf"},
        {"VOTES": 1, "votes.rating": 2},
        {},
    ]
    for attributes in of_items:
        make_item(attributes=attributes)
    make_item(attributes={"votes": 1}, is_active=False)
    numbers = read_snapshot("movie_home").content.numbers
    assert numbers.shape == (6, len(NUMBERS))
    assert numbers[:2, [VOTES, RATING]].tolist() == [[269.0, 6.5]] * 2
    assert np.isnan(numbers[2:, [VOTES, RATING]]).all()


@pytest.mark.django_db
def test_a_kind_that_names_no_numbers_has_none() -> None:
    make_item(kind="startup", attributes={"votes": 3})
    assert np.isnan(read_snapshot("investor_startup").content.numbers).all()


@pytest.mark.django_db
def test_a_part_of_the_catalog_keeps_its_numbers() -> None:
    for votes in (1, 2, 3):
        make_item(attributes={"votes": votes})
    whole = read_snapshot("movie_home")
    demand = ItemDemand.from_counts(*np.zeros((3, 2)))
    part = whole.only(np.array([False, True, True]), demand)
    assert part.content.numbers[:, VOTES].tolist() == [2.0, 3.0]


@pytest.mark.django_db
def test_a_number_that_changed_is_read_with_what_changed() -> None:
    item, other = make_item(attributes={"votes": 1}), make_item(attributes={"votes": 5})
    rows = read_rows("movie_home")
    assert rows.changed().is_as(rows)
    item.attributes = {"votes": 2}
    item.save()
    assert rows.changed().numbers[:, VOTES].tolist() == [2.0, 5.0]
    other.attributes = {}
    other.save()
    assert np.isnan(rows.changed().numbers[1, VOTES])
