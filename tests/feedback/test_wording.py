"""Sentences that tell what a dislike changed."""

from feedback.adjustments import FacetDelta
from feedback.wording import changes_in_words, recorded_sentence


def test_changes_in_words() -> None:
    deltas = [
        FacetDelta(1, "genre", "Action", -0.15),
        FacetDelta(2, "genre", "Crime", -0.15),
        FacetDelta(3, "franchise", "Alien", -0.12),
        *(FacetDelta(number, "actor", f"Actor {number}", -0.075) for number in range(4, 8)),
    ]
    assert changes_in_words(deltas) == (
        "less Action and Crime, −15 %; less of the same series, −12 %; "
        "less Actor 4, Actor 5 and 2 more, −7.5 %"
    )
    assert recorded_sentence(deltas[:1]) == (
        "✓ Dislike recorded. We'll improve recommendations! From now on: less Action, −15 %."
    )


def test_nothing_held_back_is_nothing_said() -> None:
    assert changes_in_words([]) == ""
    assert recorded_sentence([]) == "✓ Dislike recorded. We'll improve recommendations!"


def test_a_name_is_said_once() -> None:
    deltas = [
        FacetDelta(1, "actor", "Clint Eastwood", -0.1),
        FacetDelta(2, "director", "Clint Eastwood", -0.1),
        FacetDelta(3, "franchise", "Alien", -0.12),
        FacetDelta(4, "franchise", "Predator", -0.12),
    ]
    assert changes_in_words(deltas) == "less of the same series, −12 %; less Clint Eastwood, −10 %"
