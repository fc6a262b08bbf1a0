"""Boosts by a taste, and how alpha moves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from core.domain import BOOSTED
from profiles.boosts import CAPS, LEAST_ALPHA, ORIGINAL_ALPHA, boost, personal_alpha
from profiles.reduction import KINDS, no_taste
from tests.profiles.builders import make_taste

CLEAR = LEAST_ALPHA  # everything that can be boosted is boosted
ALL_KINDS = {(kind, kind.title()): 0.5 for kind in KINDS}


def rows(*items: list[int], columns: int) -> "csr_matrix[np.float64]":
    """Items with the facets of these columns."""
    matrix = np.zeros((len(items), columns))
    for row, item in enumerate(items):
        matrix[row, item] = 1.0
    return csr_matrix(matrix)


def test_each_kind_has_its_part_and_its_cap() -> None:
    taste = make_taste(dict.fromkeys(ALL_KINDS, 1.0))
    boosts = boost(
        rows([0, 1, 2, 3, 4], [0], [], columns=5), np.arange(1, 6), taste, alpha=CLEAR, strength=1.0
    )
    np.testing.assert_allclose(
        boosts.parts, [[0.5, 0.3, 0.2, 0.4], [0.5, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    )
    np.testing.assert_allclose(boosts.multipliers, [2.4, 1.5, 1.0])
    assert dict(zip(BOOSTED, CAPS, strict=True)) == {
        "genre": 0.5,
        "actor": 0.3,
        "director": 0.2,
        "theme": 0.4,
    }


def test_facets_of_one_kind_add_up_to_the_cap_at_most() -> None:
    taste = make_taste({("genre", "Drama"): 0.5, ("genre", "Comedy"): 0.5})
    boosts = boost(rows([0], [0, 1], columns=2), np.array([1, 2]), taste, alpha=CLEAR, strength=1.0)
    np.testing.assert_allclose(boosts.parts[:, 0], [0.5 * 0.5, 0.5 * 0.75])


def test_what_is_disliked_boosts_nothing_and_holds_nothing_back() -> None:
    taste = make_taste({("genre", "Drama"): -0.9})
    assert boost(rows([0], columns=1), np.array([1]), taste, alpha=CLEAR, strength=1.0).multipliers == [1.0]


def test_columns_of_other_facets_are_passed_over() -> None:
    taste = make_taste({("genre", "Drama"): 0.5, ("genre", "Unknown here"): 0.5})
    boosts = boost(rows([0, 1], columns=2), np.array([1, 77]), taste, alpha=CLEAR, strength=1.0)
    np.testing.assert_allclose(boosts.multipliers, [1.25])


@given(
    scores=st.lists(st.floats(-1, 1), min_size=5, max_size=5),
    alpha=st.floats(0.5, 0.7),
    strength=st.floats(0, 1),
)
def test_a_part_is_never_below_zero_nor_above_its_cap(
    scores: list[float], alpha: float, strength: float
) -> None:
    taste = make_taste(dict(zip(ALL_KINDS, scores, strict=True)))
    boosts = boost(
        rows([0, 1, 2, 3, 4], [2], columns=5), np.arange(1, 6), taste, alpha=alpha, strength=strength
    )
    assert (boosts.parts >= 0.0).all()
    assert (boosts.parts <= CAPS + 1e-12).all()
    np.testing.assert_allclose(boosts.multipliers, 1.0 + boosts.parts.sum(axis=1))


def test_strength_and_alpha_scale_what_is_lifted() -> None:
    taste, items, columns = make_taste(ALL_KINDS), rows([0], columns=5), np.arange(1, 6)
    full = boost(items, columns, taste, alpha=0.5, strength=1.0).parts[0, 0]
    assert boost(items, columns, taste, alpha=0.5, strength=0.5).parts[0, 0] == pytest.approx(full / 2)
    assert boost(items, columns, taste, alpha=0.7, strength=1.0).parts[0, 0] == pytest.approx(full * 0.6)
    assert boost(items, columns, taste, alpha=0.5, strength=0.0).multipliers == [1.0]


def test_nothing_known_boosts_nothing() -> None:
    assert boost(
        rows([0], [], columns=1), np.array([1]), no_taste(), alpha=0.7, strength=1.0
    ).multipliers.tolist() == [1, 1]
    assert boost(csr_matrix((0, 1)), np.array([1]), no_taste(), alpha=0.7, strength=1.0).parts.shape == (0, 4)


def test_alpha_starts_at_the_original_and_falls_as_a_clear_taste_shows() -> None:
    assert personal_alpha(no_taste()) == ORIGINAL_ALPHA
    one_genre = {("genre", "Drama"): 0.5}
    alphas = [personal_alpha(make_taste(one_genre, evidence=evidence)) for evidence in (0, 1, 10, 1000)]
    assert alphas[0] == ORIGINAL_ALPHA
    assert alphas[2] == pytest.approx(0.6)
    assert sorted(alphas, reverse=True) == alphas
    assert 0.5 < alphas[3] < 0.51


def test_alpha_stays_near_the_original_for_who_likes_a_bit_of_everything() -> None:
    everything = {("genre", f"Genre {number}"): 0.3 for number in range(20)}
    assert 0.65 < personal_alpha(make_taste(everything, evidence=1000)) < ORIGINAL_ALPHA


def test_alpha_is_the_lower_the_clearer_the_taste_and_never_above_the_original() -> None:
    tastes = [{("genre", f"Genre {number}"): 0.5 for number in range(count)} for count in (20, 6, 4, 2, 1)]
    alphas = [personal_alpha(make_taste(taste, evidence=6)) for taste in tastes]
    assert sorted(alphas, reverse=True) == alphas
    assert len({*alphas, ORIGINAL_ALPHA}) == 6
    assert max(alphas) < ORIGINAL_ALPHA


def test_the_documents_fan_of_medical_dramas_is_below_the_original() -> None:
    published = {("genre", "Medical"): 0.70, ("genre", "Life"): 0.58}
    assert personal_alpha(make_taste(published, evidence=6)) == pytest.approx(
        0.7 - 0.2 * 6 / 16 * 0.7102, abs=1e-4
    )


def test_alpha_is_the_original_where_nothing_is_liked() -> None:
    assert personal_alpha(make_taste({("genre", "Drama"): -0.5})) == ORIGINAL_ALPHA
