"""LightGBM LambdaRank over the features of a pool."""
