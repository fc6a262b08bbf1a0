"""Attributes of items: what passes the check can be stored, given back and shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.attributes import MAX_BYTES, Attributes, attribute_texts, parse_attributes

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=70), inner, max_size=3),
    max_leaves=8,
)


@given(value=any_json | any_json.map(json.dumps))
def test_what_passes_stays_the_same_and_the_rest_is_a_value_error(value: object) -> None:
    try:
        attributes = parse_attributes(value)
    except ValueError:
        return
    text = json.dumps(attributes, ensure_ascii=False)
    assert len(text.encode()) <= MAX_BYTES
    assert parse_attributes(text) == parse_attributes(attributes) == attributes
    assert "\0" not in json.loads(text)


def test_the_limits_are_allowed() -> None:
    names = {f"{number:060}": number for number in range(50)}
    assert parse_attributes(names) == names
    longest = {"a": "x" * (MAX_BYTES - len('{"a": ""}'))}
    assert parse_attributes(longest) == longest
    with pytest.raises(ValueError, match="has 10,001 bytes"):
        parse_attributes({"a": longest["a"] + "x"})


def test_the_texts_are_those_of_texts_and_lists() -> None:
    attributes: Attributes = {"country": ["France", "Italy"], "runtime": 121, "dubbed": True, "film": "70 mm"}
    assert attribute_texts(attributes) == ["France", "Italy", "70 mm"]
