"""The two forms of confidence: damped by how much a person says, and plain as in the paper."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from ranking.recommenders.als.file import dump_als, load_als
from ranking.recommenders.als.model import (
    AlsParameters,
    default_alpha,
    default_regularization,
    fit_als,
    fold_in,
    history_confidences,
)
from tests.ranking.statistics.builders import two_tastes


def test_a_plain_confidence_is_one_and_alpha_for_each_unit_however_much_somebody_says() -> None:
    model = fit_als(two_tastes(), AlsParameters(factors=4, alpha=0.5, confidence="plain"), seed=1, threads=1)
    weights = np.array([2.0, 4.0, -3.0], dtype=np.float32)
    np.testing.assert_allclose(history_confidences(model, weights), [2.0, 3.0, 4.0])
    damped = fit_als(two_tastes(), AlsParameters(factors=4, alpha=0.5), seed=1, threads=1)
    np.testing.assert_allclose(
        history_confidences(damped, weights), [1.0 / np.sqrt(2.0), 2.0 / np.sqrt(2.0), 4.0]
    )


def test_a_person_is_folded_in_by_the_confidences_of_the_model() -> None:
    model = fit_als(two_tastes(), AlsParameters(factors=4, alpha=0.5, confidence="plain"), seed=1, threads=1)
    rows, weights = np.array([0, 3]), np.array([2.0, -1.0], dtype=np.float32)
    factors = model.item_factors[rows].astype(np.float64)
    # Equation 4 of Hu, Koren and Volinsky 2008: one liked item of c = 1 + 0.5 × 2, one refused of c = 1 + 1.
    left = model.gram + factors.T @ (np.diag([1.0, 1.0]) @ factors) + model.regularization * np.eye(4)
    expected = np.linalg.solve(left, 2.0 * factors[0])
    np.testing.assert_allclose(fold_in(model, rows, weights), expected, rtol=1e-5)


def test_alpha_and_regularization_follow_what_approvals_add_to_one() -> None:
    weights = csr_matrix((np.full(200, 2.0, np.float32), (np.arange(200), np.arange(200))), (200, 1000))
    assert default_alpha(weights, "plain") == pytest.approx(0.03 * 200 * 1000 / 400)
    dense = csr_matrix(np.ones((4, 3), dtype=np.float32))
    assert default_alpha(dense, "plain") == pytest.approx(0.03)
    plain = csr_matrix((weights.data * 3.0 + 1.0, weights.indices, weights.indptr), shape=weights.shape)
    damped = csr_matrix((weights.data * 3.0, weights.indices, weights.indptr), shape=weights.shape)
    assert default_regularization(plain, "plain") == pytest.approx(default_regularization(damped), rel=1e-4)


def test_the_form_is_kept_in_the_file_and_anything_else_is_refused() -> None:
    model = fit_als(two_tastes(), AlsParameters(factors=4, confidence="plain"), seed=1, threads=1)
    assert load_als(dump_als(model)).confidence == "plain"
    with pytest.raises(ValueError, match="damped"):
        AlsParameters(confidence="loud")  # type: ignore[arg-type]
