"""Pages of the bookshop as a reader and staff see them, as JSON. Run by itself, with HEED_CONFIG set."""

import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402

from accounts.models import User  # noqa: E402
from catalog.models import Item  # noqa: E402
from feedback.models import Dislike  # noqa: E402
from interactions.models import UserInteraction  # noqa: E402


def texts(client: Client, *addresses: str) -> dict[str, str]:
    """The text of each page. Raises AssertionError for one that is not there."""
    pages = {}
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        pages[address] = answer.content.decode()
    return pages


def acted(client: Client, item: Item, **form: object) -> str:
    """The page of an item after a button on it was pressed."""
    return client.post(f"/items/{item.pk}/act/", form, follow=True).content.decode()


def main() -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    visitor, reader, staff = Client(), Client(), Client()
    reader.force_login(User.objects.get(username="gus"))
    staff.force_login(User.objects.create_superuser("keeper"))
    emma = Item.objects.get(title="Emma")
    out = {
        "landing": texts(visitor, "/")["/"],
        "wished": acted(reader, emma, action="wishlist"),
        "unwished": acted(reader, emma, undo="wishlist"),
        "read": acted(reader, emma, action="read", rating="8"),
        "turned_down": acted(reader, Item.objects.get(title="Jane Eyre"), action="dislike"),
    }
    out |= texts(
        reader, "/", f"/items/{emma.pk}/", "/search/?q=books+by+jane+austen", "/search/?subject=Mystery"
    )
    out |= texts(reader, "/watchlist/", "/taste/", "/feedback/", "/welcome/", "/roles/", "/because/")
    dislike = Dislike.objects.get(item__title="Emma")
    out |= texts(
        staff,
        "/admin/",
        "/admin/catalog/item/",
        "/admin/catalog/facet/?kind=subject",
        "/admin/feedback/dislike/?reason=wrong_subject",
        f"/admin/feedback/dislike/{dislike.pk}/change/",
        "/admin/interactions/userinteraction/?type=read",
    )
    out["types"] = sorted(set(UserInteraction.objects.values_list("type", flat=True)))  # type: ignore[assignment]
    out["schema"] = texts(staff, "/api/schema?format=json")["/api/schema?format=json"]
    print(json.dumps(out))  # noqa: T201


if __name__ == "__main__":
    main()
