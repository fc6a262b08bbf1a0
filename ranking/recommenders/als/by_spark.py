"""The factors of ALS by Spark: the same objective, solved by as many machines as there are.

pyspark.ml.recommendation.ALS with implicit preferences minimizes, over people u and items i with c = 1 + |r|,

    sum of c (p - x_u . y_i)^2  +  reg (sum of n_u |x_u|^2 + sum of n_i |y_i|^2)

with n_u and n_i the approvals of a person and of an item. Ours has one regularization for all of them. So
reg is taken such that both weigh alike for somebody and something of average approvals (`_mean_approvals`),
and the factors are brought to the length that folding in expects. What was approved has a confidence of at
least 1 there, so only the plain form can be solved.

The events of training lie in the memory of the process that asks; the sums are made by Spark's.
"""

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Floats
from core.arrow import pa
from core.spark import spark_session
from ranking.recommenders.als.model import Progress


def solve_by_spark(
    confidences: "csr_matrix[np.float32]",
    *,
    factors: int,
    regularization: float,
    iterations: int,
    seed: int,
    progress: Progress | None,
) -> Floats:
    """Y (items, factors), of confidences (people × items): c where p = 1, -c where p = 0.

    Raises ValueError for a confidence below 1, InvalidInput where Spark is not installed, and SparkFailed
    where it fails.
    """
    if (np.abs(confidences.data) < 1.0).any():
        raise ValueError("Spark knows no confidence below 1: leave --confidence out, or name the plain one.")
    people, items = _mean_approvals(confidences)
    with spark_session() as spark:
        from pyspark.ml.recommendation import ALS

        # As many parts as can be summed at once; ten, the default, are too few for a cluster.
        parts = max(1, spark.sparkContext.defaultParallelism)
        model = ALS(
            rank=factors,
            maxIter=iterations,
            regParam=regularization / np.sqrt(people * items),
            implicitPrefs=True,
            alpha=1.0,
            numUserBlocks=parts,
            numItemBlocks=parts,
            userCol="person",
            itemCol="item",
            ratingCol="rating",
            seed=seed,
        ).fit(spark.createDataFrame(_ratings(confidences)))
        found = model.itemFactors.toArrow()
    if progress is not None:
        progress(iterations, iterations)
    result = np.zeros((confidences.shape[1], factors), dtype=np.float32)
    vectors = found.column("features").combine_chunks()
    result[found.column("id").to_numpy()] = vectors.flatten().to_numpy().reshape(-1, factors)
    scaled: Floats = (result * (items / people) ** 0.25).astype(np.float32)
    return scaled


def _ratings(confidences: "csr_matrix[np.float32]") -> pa.Table:
    """The pairs with c - 1 as their rating, negative for what was refused."""
    pairs = confidences.tocoo()
    ratings = np.sign(pairs.data) * (np.abs(pairs.data) - 1.0)
    # A confidence of 1 without approval is that of a pair never met.
    columns = {"person": pairs.row, "item": pairs.col, "rating": ratings.astype(np.float32)}
    return pa.table(columns)


def _mean_approvals(confidences: "csr_matrix[np.float32]") -> tuple[float, float]:
    """The approvals of a person and of an item on average over the approvals, not over people and items.

    The factors are made by those who have many.
    """
    approved = (confidences.data > 0).astype(np.float64)
    person_of_entry = np.repeat(np.arange(confidences.shape[0]), np.diff(confidences.indptr))
    of_people = np.bincount(person_of_entry, approved, minlength=confidences.shape[0])
    of_items = np.bincount(confidences.indices, approved, minlength=confidences.shape[1])
    people, items = (float(np.square(of).sum() / of.sum()) for of in (of_people, of_items))
    return people, items
