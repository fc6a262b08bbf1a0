"""An answer of which parts were written before: they go in as they are, and it is what it would be."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.renderers import JSONRenderer

from core.renderers import WrittenJSONRenderer, write
from core.written import Written

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@given(st.dictionaries(st.text(), values, min_size=1, max_size=4), st.sets(st.integers(0, 3)))
def test_an_answer_is_the_same_whatever_of_it_was_written_before(
    answer: dict[str, Any], places: set[int]
) -> None:
    parts = {
        name: write(value) if place in places else value for place, (name, value) in enumerate(answer.items())
    }
    for media_type in (None, "application/json", "application/json; indent=2"):
        assert WrittenJSONRenderer().render(parts, media_type) == JSONRenderer().render(answer, media_type)


def test_an_array_of_what_is_written_is_an_array() -> None:
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    array = Written.array([write({"a": "ü\u2028"}), write(moment), write([])])
    assert json.loads(array) == [{"a": "ü\u2028"}, "2026-11-01T00:00:00Z", []]
    assert Written.array([]) == "[]"


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        write(float("nan"))
