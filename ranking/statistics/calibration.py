"""Turn raw scores into probabilities: Platt scaling.

Platt, "Probabilistic Outputs for Support Vector Machines" (1999), with the smoothed targets and the
numerically safe loss of Lin, Lin and Weng, "A Note on Platt's Probabilistic Outputs" (2007).
"""

import numpy as np

from core.arrays import Bools, Doubles, Floats

# Of the largest score. The mean of equal numbers is off by rounding, so that their spread is not quite zero;
# scaled by that, the slope would be 1e16 and every probability 0 or 1.
SMALLEST_SPREAD = 1e-9
MIN_SLOPE = 1e-3  # per standard deviation of the scores: keeps the order where the scores say nothing
EXPECTED_WITHIN = 0.5  # the standard deviation of slopes around the one that is expected, as a share of it


def probabilities(scores: Floats | Doubles, slope: float, intercept: float) -> Doubles:
    """P(label) of raw scores (n,), in [0, 1]: 1 / (1 + exp(-(slope score + intercept))).

    Never reverses an order; keeps it strictly while |slope score + intercept| stays below about 16,
    beyond which neighboring results can round to one number.
    """
    z = slope * scores.astype(np.float64) + intercept
    # exp of a positive argument could overflow; both forms are the same function.
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))


def fit_platt(
    scores: Floats | Doubles, labels: Bools, *, expected_slope: float | None = None
) -> tuple[float, float]:
    """(slope, intercept) of P(label) = 1 / (1 + exp(-(slope score + intercept))), slope > 0.

    `scores` and `labels` are (n,). `expected_slope` is the slope that scores are trained to have, above 0:
    few labels move it little, and many as far as they say. Without one the labels alone decide. Raises
    ValueError if they differ in length, are not finite, or if only one kind of label is there.
    """
    from scipy.optimize import minimize  # half a second that only training pays

    if scores.shape != labels.shape or scores.ndim != 1:
        raise ValueError("Scores and labels must be two arrays of one length.")
    if not np.isfinite(scores).all():
        raise ValueError("Scores must be finite.")
    positives = int(np.count_nonzero(labels))
    negatives = len(labels) - positives
    if positives == 0 or negatives == 0:
        raise ValueError("Calibration needs both relevant and other items.")

    targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    # Standardized, the problem has one scale whatever the model's, and the optimizer needs no tuning.
    values = scores.astype(np.float64)
    center, spread = float(values.mean()), float(values.std())
    if spread <= SMALLEST_SPREAD * float(np.abs(values).max()):
        spread = 1.0  # the scores are equal but for rounding: nothing to scale by
    standard = (values - center) / spread
    expected = 1.0 if expected_slope is None else expected_slope * spread
    within = max(EXPECTED_WITHIN * expected, MIN_SLOPE)
    drawn = 0.0 if expected_slope is None else 1.0 / (len(labels) * within**2)

    def loss(parameters: Doubles) -> tuple[float, Doubles]:
        z = parameters[0] * standard + parameters[1]
        away = parameters[0] - expected
        value = np.mean(np.logaddexp(0, z) - targets * z) + 0.5 * drawn * away**2
        error = 1 / (1 + np.exp(-np.clip(z, -500, 500))) - targets
        return float(value), np.array([np.mean(error * standard) + drawn * away, np.mean(error)])

    start = np.array([max(expected, MIN_SLOPE), np.log((positives + 1) / (negatives + 1))])
    result = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(MIN_SLOPE, None), (None, None)])
    slope = float(result.x[0]) / spread
    return slope, float(result.x[1]) - slope * center
