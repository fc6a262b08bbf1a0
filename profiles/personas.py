"""Names for people by the facets they like best, by the rules of heed.toml."""

from core.domain import CATEGORIES, DOMAIN, THEMES
from profiles.reduction import CODES, Taste

# A view alone (0.06) is no taste yet; one like (0.12) is.
LEAST_SCORE = 0.1
# A facet is among the strongest if it comes this close to the strongest of all.
CLOSE = 0.8
MAX_CONSIDERED = 20
_CATEGORIES = tuple(kind for kind in CATEGORIES if kind in CODES)
_CONSIDERED = (*(kind for kind in THEMES if kind in CODES), *_CATEGORIES)


def top_categories(taste: Taste, limit: int) -> dict[str, float]:
    """The scores, above 0 and at most 1, of the best-liked categories by name, best first."""
    best = [pair for kind in _CATEGORIES for pair in taste.strongest(kind, limit)]
    best.sort(key=lambda pair: -pair[1])
    return {taste.names[facet_id]: score for facet_id, score in best[:limit] if facet_id in taste.names}


def find_personas(taste: Taste) -> tuple[str, ...]:
    """The personas of the strongest categories and themes, in the order of the rules; none for a stranger.

    Each rule that speaks of one of them names the person; where none does, the best-liked category.
    """
    scores = [
        (score, taste.names[facet_id].casefold())
        for kind in _CONSIDERED
        for facet_id, score in taste.strongest(kind, MAX_CONSIDERED)
        if score >= LEAST_SCORE and facet_id in taste.names
    ]
    if not scores:
        return ()
    least = CLOSE * max(score for score, _ in scores)
    strongest = {name for score, name in scores if score >= least}
    if personas := tuple(name for name, wanted in DOMAIN.personas.rules.items() if wanted & strongest):
        return personas
    return tuple(DOMAIN.personas.otherwise.format(name=name) for name in top_categories(taste, 1))
