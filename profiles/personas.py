"""What to call a person by what they like best: the rules, all of them here.

To add a persona, add a row. The rows stand from the particular to the general, and the first one that fits
names the person, so that who likes medical dramas is a Medical Fan though all of them are dramas too.
"""

from dataclasses import dataclass

from profiles.fold import Taste

# A view alone (0.06) is no taste yet; one like (0.12) is.
LEAST_SCORE = 0.1
# A facet is among the strongest if it comes this close to the strongest of all.
CLOSE = 0.8
LOOKED_AT = ("theme", "genre")
MAX_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Persona:
    """A name, and the genres or themes (in small letters) of which one must be among the strongest."""

    name: str
    facets: frozenset[str]


PERSONAS = tuple(
    Persona(name, frozenset(facets))
    for name, facets in (
        ("Medical Fan", ("medical", "hospital", "medicine", "doctor", "health", "biotech")),
        ("Courtroom Regular", ("legal", "courtroom", "law", "lawyer")),
        ("Slice of Life Enthusiast", ("slice of life", "everyday life", "found family", "family bonds")),
        ("Time Traveller", ("time travel", "past lives")),
        (
            "True Crime Detective",
            ("crime", "detective", "detective duo", "serial killer", "cold case", "police"),
        ),
        ("Thriller Enthusiast", ("thriller", "conspiracy", "espionage", "suspense")),
        ("Puzzle Solver", ("mystery", "hidden identity", "family secrets")),
        ("Horror Fan", ("horror", "ghosts", "zombies", "monsters")),
        ("Science Fiction Explorer", ("science fiction", "sci-fi", "dystopia", "space travel", "aliens")),
        ("Fantasy Dreamer", ("fantasy", "magic", "superpowers", "fairy tale")),
        ("History Lover", ("history", "historical", "court intrigue", "war", "western")),
        ("Documentary Buff", ("documentary", "journalism")),
        ("Animation Fan", ("animation", "anime")),
        ("Music Lover", ("music", "musical")),
        ("Young at Heart", ("youth", "coming of age", "school life", "high school", "family")),
        ("Office Insider", ("office", "office life", "workplace romance", "business")),
        ("Politics Watcher", ("political", "politics", "power struggle")),
        ("Sports Fan", ("sports", "sports team")),
        ("Hopeless Romantic", ("romance", "first love", "melodrama", "love triangle")),
        ("Adventure Seeker", ("adventure", "quest", "survival", "treasure")),
        ("Action Fan", ("action", "vigilante justice", "assassin")),
        ("Comedy Lover", ("comedy", "satire")),
        ("Drama Devotee", ("drama",)),
    )
)


def find_persona(taste: Taste) -> str | None:
    """The persona of the strongest genres and themes; None where nothing is known.

    A strongest genre that no row speaks of makes an enthusiast of it.
    """
    scores = [
        (score, taste.names[facet_id].casefold())
        for kind in LOOKED_AT
        for facet_id, score in taste.strongest(kind, MAX_LOOKED_AT)
        if score >= LEAST_SCORE and facet_id in taste.names
    ]
    if not scores:
        return None
    least = CLOSE * max(score for score, _ in scores)
    strongest = {name for score, name in scores if score >= least}
    for persona in PERSONAS:
        if persona.facets & strongest:
            return persona.name
    genres = taste.top_names("genre", 1)
    return f"{genres[0]} Enthusiast" if genres else None
