"""The grammar of filters: what it says, and that nothing else gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.filters import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_TEXT,
    MAX_VALUES,
    All,
    AnyOf,
    BadFilter,
    Condition,
    Is,
    Not,
    parse_filter,
)

FACETS = {"genre": "genre", "genres": "genre", "actor": "actor"}


def leaves(value: object) -> Condition:
    return parse_filter(value, FACETS)


@pytest.mark.parametrize(
    ("text", "entries", "meant"),
    [
        ("genre:Drama", {"genre": "Drama"}, Is("genre", ("drama",))),
        ("genres: Drama | Crime ", {"genres": ["Drama", "Crime"]}, Is("genre", ("drama", "crime"))),
        ("year:1990..1999", {"year": {"from": 1990, "to": 1999}}, Is("year", low=1990.0, high=1999.0)),
        ("year:..1999", {"year": {"to": 1999}}, Is("year", high=1999.0)),
        ("year:1994", {"year": 1994}, AnyOf((Is("year", low=1994.0, high=1994.0),))),
        ("!genre:Drama", {"not": {"genre": "Drama"}}, None),
        ('genre:"Sci, Fi: x|y"', {"genre": "Sci, Fi: x|y"}, Is("genre", ("sci, fi: x|y",))),
        ("text:Night Ferry", {"text": "Night Ferry"}, Is("text", ("night ferry",))),
        (
            "attributes.country:Norway",
            {"attributes.country": "Norway"},
            Is("attributes.country", ("norway",)),
        ),
        ("attributes.runtime:90..", {"attributes.runtime": {"from": 90}}, Is("attributes.runtime", low=90.0)),
        ("attributes.seen:true", {"attributes.seen": True}, Is("attributes.seen", ("true",))),
        ("attributes.runtime:90", {"attributes.runtime": 90.0}, Is("attributes.runtime", ("90",))),
    ],
)
def test_text_and_json_say_the_same(text: str, entries: object, meant: Condition | None) -> None:
    of_text, of_json = leaves(text), leaves(entries)
    if meant is None:
        assert (of_text, of_json) == (
            All((Not(Is("genre", ("drama",))),)),
            All((Not(All((Is("genre", ("drama",)),))),)),
        )
    else:
        assert of_text == of_json == All((meant,))


def test_groups_nest_to_a_depth() -> None:
    value: object = {"genre": "Drama"}
    for _ in range(MAX_DEPTH - 1):
        value = {"any": [value, {"year": 1990}]}
    leaves(value)
    with pytest.raises(BadFilter, match="nested deeper"):
        leaves({"all": [value]})


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (None, "must be a text or an object"),
        (5, "must be a text or an object"),
        ([], "must be a text or an object"),
        ({}, "without conditions"),
        ("", "no condition such as"),
        ("genre", "no condition such as"),
        (",", "no condition such as"),
        ("color:red", "nothing to go by"),
        ("genre:", "empty or longer"),
        ('genre:"Drama', "a quote that does not end"),
        ("year:..", "without an end"),
        ("year:2000..1990", "ends before it begins"),
        ({"attributes.runtime": {"from": 2, "to": 1}}, "ends before it begins"),
        ("year:x..y", "where a number belongs"),
        ("year:nan..1", "where a number belongs"),
        ("year:x", "where a number belongs"),
        ("year:" + "9" * 400, "where a number belongs"),
        ("text:ab", "fewer than 3"),
        ("genre:" + "x" * 201, "empty or longer"),
        ("genre:" + "|".join("x" * (MAX_VALUES + 1)), f"1 to {MAX_VALUES} values"),
        (",".join(["genre:x"] * (MAX_CONDITIONS + 1)), "more than"),
        ("x" * (MAX_TEXT + 1), "is the most"),
        ("attributes.:x", "nothing to go by"),
        ("!" * 1_000 + "genre:x", "more than 1 !"),
        ({"genre": 5}, "that is no text"),
        ({"genre": None}, "that is no text"),
        ({"genre": []}, f"1 to {MAX_VALUES} values"),
        ({"genre": {"from": 1}}, "no range of numbers"),
        ({"year": True}, "is no number"),
        ({"year": {"from": "1990"}}, "is no number"),
        ({"year": {"from": 1990, "till": 1}}, "no range of numbers"),
        ({"year": {"from": 10**400}}, "is no number"),
        ({"not": [{"genre": "x"}]}, "an object at not"),
        ({"any": {"genre": "x"}}, "a list of objects"),
        ({"any": []}, "a list of objects"),
        ({"all": [5]}, "a list of objects"),
        ({"any": [{"genre": "x"}] * (MAX_CONDITIONS + 1)}, "more than"),
        ({"__class__": "x"}, "nothing to go by"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_whatever_cannot_be_meant_is_refused(value: object, cause: str) -> None:
    with pytest.raises(BadFilter, match=cause):
        leaves(value)


def refusal(value: object) -> str:
    """The sentence by which a filter is refused; empty where it is taken."""
    try:
        leaves(value)
    except BadFilter as error:
        return str(error)
    return ""


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    assert len(refusal(text)) < 400


WORDS = st.sampled_from(["all", "any", "not", "genre", "year", "text", "from", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
)


@pytest.mark.slow
@given(JSON)
def test_any_json_is_a_filter_or_refused(value: object) -> None:
    assert len(refusal(value)) < 400
