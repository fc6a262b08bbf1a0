"""The pages of an account's profiles."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import create_profile
from catalog.models import Item
from core.domain import USE_CASES
from feedback.models import OwnRule
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction
from profiles.selectors import get_taste
from serving.pipeline import recommend
from tests.web.conftest import PASSWORD, MakeItem

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def make(client: Client, **fields: str) -> User:
    client.post(reverse("account-profiles"), {"name": "With the kids", **fields})
    return User.objects.get(profile_name="With the kids")


def titles(person: User) -> set[str]:
    served = recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=20)
    return {slot.item.title for slot in served.slots}


def test_a_new_profile_acts_at_once_and_the_menu_leads_back(client: Client, person: User) -> None:
    profile = make(client)
    page = client.get(reverse("feed"), follow=True).text
    assert "Account of With the kids" in page
    assert reverse("profile-change", args=[person.pk]) in page
    client.post(reverse("profile-change", args=[person.pk]))
    page = client.get(reverse("account-profiles")).text
    assert f"Account of {person.username}" in page
    assert reverse("profile-change", args=[profile.pk]) in page


def test_its_taste_history_and_dislikes_are_its_own(
    client: Client, person: User, two_tastes: dict[str, list[Item]]
) -> None:
    orbit, letter = two_tastes["Science Fiction"][0], two_tastes["Romance"][0]
    record_interaction(user_id=person.pk, item_id=orbit.pk, type_name="like")
    profile = make(client)
    client.post(reverse("act", args=[letter.pk]), {"action": "like"})
    client.post(reverse("dislike", args=[orbit.pk]), {})
    liked = UserInteraction.objects.filter(type="like")
    assert liked.get(user=profile).item == letter
    assert liked.get(user=person).item == orbit
    assert get_taste(person.pk).taste != get_taste(profile.pk).taste
    assert orbit.title not in titles(profile)
    assert "Orbit" not in client.get(reverse("watchlist")).text


def test_for_kids_and_wishes_hold_on_every_list(client: Client, person: User, make_item: MakeItem) -> None:
    make_item("Fright", genre=["Horror"])
    make_item("Front", genre=["War"])
    make_item("Western", genre=["Western"])
    make_item("Meadow", genre=["Family"])
    assert titles(person) == {"Fright", "Front", "Western", "Meadow"}
    profile = make(client, for_children="on", wishes="no westerns")
    assert titles(profile) == {"Meadow"}
    feed = client.get(reverse("feed"), follow=True).text
    assert "Meadow" in feed
    assert "Fright" not in feed
    assert titles(person) == {"Fright", "Front", "Western", "Meadow"}


@pytest.mark.parametrize(
    "name", ["\u202eada", "ada\u200f", "\u2066x\u2069", "\u200b", "\u3164", "\u2800\u2800", "ـ"]
)
def test_a_name_that_looks_like_another_or_like_nothing_makes_no_profile(client: Client, name: str) -> None:
    answer = client.post(reverse("account-profiles"), {"name": name})
    assert answer.status_code == 400
    assert "turns writing around" in answer.text
    assert not User.objects.exclude(owner=None).exists()


@pytest.mark.parametrize("name", ["👨‍👩‍👧", "می‌خواهم", "بچه‌ها", "Zoë & Ann", "❤️", "아이"])
def test_names_of_every_script_and_little_pictures_may_be_profiles(client: Client, name: str) -> None:
    client.post(reverse("account-profiles"), {"name": name})
    assert User.objects.exclude(owner=None).get().profile_name == name


def test_a_wish_that_names_nothing_makes_no_profile(client: Client) -> None:
    answer = client.post(reverse("account-profiles"), {"name": "Kids", "wishes": "no blorp"})
    assert answer.status_code == 400
    assert "names nothing to leave out" in answer.text
    assert not User.objects.exclude(owner=None).exists()


def test_deleting_it_asks_and_takes_all_of_it(client: Client, person: User, make_item: MakeItem) -> None:
    film = make_item("Fright", genre=["Horror"])
    profile = make(client, for_children="on")
    save_dislike(user_id=profile.pk, item=film)
    titles(profile)
    address = reverse("profile-end", args=[profile.pk])
    assert "Delete With the kids?" in client.get(address).text
    client.post(address)
    assert not User.objects.filter(pk=profile.pk).exists()
    assert not UserInteraction.objects.exists()
    assert not OwnRule.objects.exists()
    assert f"Account of {person.username}" in client.get(reverse("account-profiles")).text


def test_the_copy_and_the_end_of_an_account_include_its_profiles(
    client: Client, person: User, make_item: MakeItem
) -> None:
    profile = make(client)
    record_interaction(user_id=profile.pk, item_id=make_item("Meadow").pk, type_name="like")
    copy = json.loads(b"".join(client.get(reverse("my-data-download")).streaming_content))  # type: ignore[attr-defined]
    assert copy["account"]["username"] == person.username
    assert copy["profiles"][0]["account"]["profile_name"] == "With the kids"
    assert copy["profiles"][0]["interactions"][0]["title"] == "Meadow"
    client.post(reverse("my-data-erase"), {"password": PASSWORD, "sure": "on"})
    assert not User.objects.filter(pk__in=[person.pk, profile.pk]).exists()
    assert not UserInteraction.objects.exists()


def test_a_stranger_s_profile_is_not_there(client: Client) -> None:
    foreign = create_profile(account=User.objects.create_user("bob"), name="Bob's")
    for method, address in (("get", "profile-end"), ("post", "profile-end"), ("post", "profile-change")):
        answer = getattr(client, method)(reverse(address, args=[foreign.pk]), follow=True)
        assert "There is no such profile of your account." in answer.text
    assert User.objects.filter(pk=foreign.pk).exists()


@pytest.mark.parametrize("number", ["0", "999999999999999999999"])
def test_no_number_in_the_address_is_an_error(client: Client, number: str) -> None:
    assert client.post(f"/accounts/profiles/{number}/").status_code in (302, 404)
