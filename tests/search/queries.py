"""Sixty searches as people type them, written down before the parser: what each should be read as.

(query, what it must have, what it must not have, like which title, kind, country, for children, years)
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """One search. Names of facets are as the catalog has them; "" and () where it says nothing of that."""

    text: str
    has: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    like: str = ""
    kind: str = ""
    country: str = ""
    for_children: bool = False
    years: tuple[int | None, int | None] | None = None


QUERIES = (
    Query("not horror", without=("Horror",)),
    Query("no horror", without=("Horror",)),
    Query("without war", without=("War",)),
    Query("comedy without zombies", has=("Comedy",), without=("zombies",)),
    Query("thriller but not horror", has=("Thriller",), without=("Horror",)),
    Query("funny but not romantic", has=("Comedy",), without=("Romance",)),
    Query("crime, no war", has=("Crime",), without=("War",)),
    Query("drama -war", has=("Drama",), without=("War",), kind="drama"),
    Query("science fiction except horror", has=("Science Fiction",), without=("Horror",)),
    Query("no superhero films", without=("superhero",), kind="movie"),
    Query("thriller without violence or war", has=("Thriller",), without=("War",)),
    Query("not too scary", without=("Horror",)),
    Query("nothing scary", without=("Horror",)),
    Query("a comedy that is not a romance", has=("Comedy",), without=("Romance",)),
    Query("90s thriller not crime", has=("Thriller",), without=("Crime",), years=(1990, 1999)),
    Query("no animation 80s", without=("Animation",), years=(1980, 1989)),
    Query("films with Tom Hanks but no war", has=("Tom Hanks",), without=("War",), kind="movie"),
    Query(
        "horror without zombies from the eighties", has=("Horror",), without=("zombies",), years=(1980, 1989)
    ),
    Query("no zombies, no vampires", without=("zombies", "vampires")),
    Query("non-romantic comedy", has=("Comedy",), without=("Romance",)),
    Query("movies like Alien", like="Alien", kind="movie"),
    Query("something like Get Out but funnier", has=("Comedy",), like="Get Out"),
    Query("like Toy Story", like="Toy Story"),
    Query("similar to Parasite", like="Parasite"),
    Query("like Oldboy but scarier", has=("Horror",), like="Oldboy"),
    Query("like Alien but not horror", without=("Horror",), like="Alien"),
    Query("films similar to Heat", like="Heat", kind="movie"),
    Query("like Heat but more romantic", has=("Romance",), like="Heat"),
    Query("in the style of Blade Runner", like="Blade Runner"),
    Query("more like Spirited Away", like="Spirited Away"),
    Query("like alien", like="Alien"),
    Query("like Toy Story for kids", like="Toy Story", for_children=True),
    Query("like Alien from the 80s", like="Alien", years=(1980, 1989)),
    Query("like Fargo but without crime", without=("Crime",), like="Fargo"),
    Query("for kids", for_children=True),
    Query("good for kids", for_children=True),
    Query("films for children", kind="movie", for_children=True),
    Query("family friendly", for_children=True),
    Query("for the whole family", for_children=True),
    Query("kids movies", kind="movie", for_children=True),
    Query("animation for kids without war", has=("Animation",), without=("War",), for_children=True),
    Query("adventure for my children", has=("Adventure",), for_children=True),
    Query("korean thriller", has=("Thriller",), country="South Korea"),
    Query("japanese animation", has=("Animation",), country="Japan"),
    Query("french comedy", has=("Comedy",), country="France"),
    Query("thriller from South Korea", has=("Thriller",), country="South Korea"),
    Query("italian films", kind="movie", country="Italy"),
    Query("german drama", has=("Drama",), kind="drama", country="Germany"),
    Query("japanese 50s drama", has=("Drama",), kind="drama", country="Japan", years=(1950, 1959)),
    Query("한국 스릴러", has=("Thriller",), country="South Korea"),
    Query("korean films not crime", without=("Crime",), kind="movie", country="South Korea"),
    Query("90s", years=(1990, 1999)),
    Query("nineties thriller", has=("Thriller",), years=(1990, 1999)),
    Query("films from the 1970s", kind="movie", years=(1970, 1979)),
    Query("medical drama", has=("Medical",), kind="drama"),
    Query("drama about a hospital", has=("hospital",), kind="drama"),
    Query("crime film", has=("Crime",), kind="movie"),
    Query("romance dramas", has=("Romance",), kind="drama"),
    Query("startup for health", has=("Health",), kind="startup"),
    Query("기생충"),
)
