"""A small catalog of genres that people like apart from each other, with a model that knows it."""

from accounts.models import User
from catalog.models import Item
from serving.live import forget_state
from tests.factories import give_facets, make_active_als, make_interaction, make_items, make_users

PEOPLE = 3
GENRES = ("Horror", "Comedy", "War")
TONES = ("Dark", "Light", "Slow", "Loud")


def make_world(people: int = PEOPLE) -> tuple[list[User], dict[str, list[Item]]]:
    """People who like two films of each genre, of 20 in four tones; in the model genres go together."""
    items = {name: make_items(20) for name in GENRES}
    give_facets(
        [
            (film, {"genre": [name, TONES[place % 4]]})
            for name, films in items.items()
            for place, film in enumerate(films)
        ]
    )
    persons = make_users(people)
    for number, person in enumerate(persons):
        for films in items.values():
            for film in films[number : number + 2]:
                make_interaction(person, film)
    make_active_als([[film.pk for film in films] for films in items.values()])
    forget_state()
    return persons, items
