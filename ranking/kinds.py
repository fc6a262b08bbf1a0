"""The names of the kinds of recommenders: the folders of `ranking.recommenders` by what they hold.

By themselves, so that the features know which models there are without loading any of them.
"""

# Kinds that bring items by a trained model. Labels of lists name the models in this order; the scores of each
# are a feature.
MODELS: tuple[str, ...] = (
    "als",
    "two_tower",
    "transitions",
    "ease",
    "sequence",
    "item_knn",
    "content",
    "text",
    "verdict",
)
# Kinds that bring items without training.
UNTRAINED: tuple[str, ...] = ("popular", "taste", "similar", "fresh")
# Kinds that order what the others bring.
ORDERING: tuple[str, ...] = ("ranker",)

BRINGING: tuple[str, ...] = (*MODELS, *UNTRAINED)
"""The kinds that bring items: those that a use case may name among its sources."""
LEARNING: tuple[str, ...] = (*MODELS, *ORDERING)
"""The kinds of which there are model versions: those that a use case may name among its models."""
FOLDERS: tuple[str, ...] = (*BRINGING, *ORDERING)
