# ruff: noqa: E501  the table of contradictions
"""The pages of rules: who may do what, what is shown before a rule acts, what is refused, and the log."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from curation.models import Rule, RuleChange
from curation.services import end_rule
from feedback.services import save_dislike
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from serving.live import get_state
from serving.pipeline import recommend
from tests.factories import allow, give_facets, make_item, make_rule, make_user, new_item

pytestmark = pytest.mark.django_db
ADD = "/admin/curation/rule/add/"
MOVIES = USE_CASES["movie_home"]
OVERLONG = ("x" * 5000, "9" * 400, "1e999", "\x00", "²", "-1", "nan", "inf", "1" * 18, "'; DROP TABLE x")


def page_of(rule: Rule) -> str:
    return f"/admin/curation/rule/{rule.pk}/change/"


def said(about_item: Item | None = None, **fields: Any) -> dict[str, Any]:
    """A form about an item, or about what `fields` say."""
    about = {"about": "item", "item": about_item.pk} if about_item else {}
    return {
        "kind": "block",
        "use_case": "",
        "segment": "",
        "about": "facet",
        "facet_kind": "genre",
        **about,
        **fields,
    }


def preview(client: Client, form: dict[str, Any], address: str = ADD) -> Any:
    answer = client.post(address, {**form, "_preview": ""})
    assert answer.status_code == 200
    return answer


def save(client: Client, form: dict[str, Any], address: str = ADD) -> Any:
    shown = preview(client, form, address).context["form"].digest
    return client.post(address, {**form, "shown": shown, "_save": ""}, follow=True)


def findings(answer: Any) -> str:
    return " ".join(one.text for one in answer.context["preview"].findings)


def errors(answer: Any) -> str:
    return " ".join(str(one) for of_field in answer.context["form"].errors.values() for one in of_field)


@pytest.fixture
def films(db: None) -> list[Item]:
    films = [new_item(f"Film {number}", year=1990 + number) for number in range(8)]
    Item.objects.bulk_create(films)
    give_facets(
        [(film, {"genre": ["Crime" if number % 2 else "Comedy"]}) for number, film in enumerate(films)]
    )
    return films


@pytest.fixture
def writer(staff: User, films: list[Item]) -> User:
    allow(staff, "view_rule", "add_rule", "change_rule", "view_rulechange")
    return staff


def test_each_page_needs_its_permission(client: Client, staff: User, person: User, films: list[Item]) -> None:
    rule = make_rule("block", item=films[0])
    end = f"/admin/curation/rule/{rule.pk}/end/"

    def statuses() -> list[int]:
        return [
            client.get("/admin/curation/rule/").status_code,
            client.get(page_of(rule)).status_code,
            client.get(ADD).status_code,
            client.post(ADD, {**said(films[1]), "_preview": ""}).status_code,
            client.post(page_of(rule), {**said(films[1]), "_preview": ""}).status_code,
            client.post(end).status_code,
            client.get(f"/admin/curation/rule/{rule.pk}/delete/").status_code,
        ]

    assert statuses() == [403] * 7
    allow(staff, "view_rule")
    assert statuses() == [200, 200, 403, 403, 403, 403, 403]
    assert "Show what it does" not in client.get(page_of(rule)).content.decode()
    allow(staff, "add_rule", "delete_rule")
    assert statuses() == [200, 200, 200, 200, 403, 403, 403]
    assert client.get(end).status_code == 405
    client.force_login(person)
    assert set(statuses()) == {302}
    assert Rule.objects.get().ends_at is None


@pytest.mark.slow
def test_a_rule_is_shown_before_it_acts_then_saved_and_ended(
    client: Client, writer: User, person: User, films: list[Item]
) -> None:
    form = said(films[5], kind="pin", number="2", note="premiere")
    shown = preview(client, form)
    first = shown.context["preview"]
    assert first.named == {MOVIES.label: 1}
    assert first.titles == ("Film 5 (1995)",)
    assert first.places[1].after == "Film 5"
    assert first.places[1].by_rule
    assert {one.before for one in first.places} == {one.after for one in first.places}
    assert not Rule.objects.exists()
    assert not RecommendationSession.objects.exists()
    answer = save(client, form)
    rule = Rule.objects.get()
    assert f"Rule {rule.pk} is saved: pin “Film 5 (1995)” to place 2." in answer.content.decode()
    assert recommend(user_id=person.pk, use_case=MOVIES).slots[1].item.id == films[5].pk
    save(
        client,
        {**form, "number": "3", "begins_at": rule.begins_at.strftime("%Y-%m-%dT%H:%M:%S")},
        page_of(rule),
    )
    assert recommend(user_id=person.pk, use_case=MOVIES).slots[2].item.id == films[5].pk
    ended = client.post(f"/admin/curation/rule/{rule.pk}/end/", follow=True).content.decode()
    assert "is ended: it acts on no list from now on" in ended
    assert recommend(user_id=person.pk, use_case=MOVIES).rules == ()
    assert [(one.what, one.by) for one in RuleChange.objects.all()] == [
        ("ended", writer),
        ("changed", writer),
        ("made", writer),
    ]
    assert [one.user for one in LogEntry.objects.filter(object_id=str(rule.pk))] == [writer] * 3
    again = client.post(f"/admin/curation/rule/{rule.pk}/end/", follow=True).content.decode()
    assert "is over since" in again
    over = client.get(page_of(rule)).content.decode()
    assert "It is over, so it stays as it is." in over
    assert client.post(page_of(rule), {**form, "_preview": ""}).status_code == 403
    assert client.get("/admin/curation/rulechange/").status_code == 200
    assert (
        client.get(f"/admin/curation/rulechange/{RuleChange.objects.latest('pk').pk}/change/").status_code
        == 200
    )
    for state in ("acts", "waits", "over", "%00"):
        assert client.get(f"/admin/curation/rule/?state={state}").status_code == 200


def test_nothing_is_saved_that_was_not_shown(client: Client, writer: User, films: list[Item]) -> None:
    form = said(films[5])
    digest = preview(client, form).context["form"].digest
    for shown, changed in (("", form), (digest, said(films[4])), ("x" * 5000, form)):
        answer = client.post(ADD, {**changed, "shown": shown, "_save": ""})
        assert "Nothing is saved yet" in answer.content.decode()
        assert answer.context["preview"] is not None
    assert not Rule.objects.exists()


def test_it_takes_effect_in_another_process_without_a_request_that_asks(
    client: Client, writer: User, films: list[Item], settings: Settings
) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    assert len(get_state("movie_home").rules) == 0
    save(client, said(films[5]))
    assert len(get_state("movie_home").rules) == 1


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"facet_name": "Nothing"}, "It names nothing in the catalog"),
        ({"facet_name": "crime", "use_case": "drama_home"}, "It names nothing in the catalog"),
        ({"about": "filter", "filter": "year:1800"}, "It names nothing in the catalog"),
        ({"about": "filter", "filter": "year:1990.."}, "It would leave nothing for any list of"),
    ],
)
def test_what_names_nothing_or_leaves_nothing_is_refused(
    client: Client, writer: User, form: dict[str, Any], sentence: str
) -> None:
    assert sentence in findings(preview(client, said(**form)))
    save(client, said(**form))
    assert not Rule.objects.exists()


def test_what_would_leave_one_person_nothing_is_refused(
    client: Client, writer: User, person: User, films: list[Item]
) -> None:
    allow(writer, "view_as_person")
    for film in films[1::2]:
        record_interaction(user_id=person.pk, item_id=film.pk, type_name="watched")
    form = said(facet_name="Comedy", person=person.username)
    assert f"It would leave nothing in the list of {person.username}." in findings(preview(client, form))


@pytest.mark.parametrize(
    ("stored", "form", "sentence", "refuses"),
    [
        ({"kind": "block", "item": 3}, {"kind": "pin", "item": 3, "number": 1}, "blocks all of it", True),
        ({"kind": "pin", "item": 3, "number": 1}, {"item": 3}, "block all that rule 1 is to pin", True),
        ({"kind": "boost", "facet_name": "Crime", "number": 2}, {"item": 3}, "block 1 of the 4 that rule 1 is to boost", False),
        ({"kind": "block", "item": 3}, {"kind": "boost", "facet_name": "Crime", "number": 2}, "blocks 1 of the 4 that it names", False),
        ({"kind": "pin", "item": 3, "number": 1}, {"kind": "pin", "item": 4, "number": 1}, "has this place already", True),
        ({"kind": "pin", "item": 3, "number": 1}, {"kind": "pin", "item": 3, "number": 2}, "pins the same item to place 1", True),
        ({"kind": "bury", "item": 3, "number": 0.5}, {"kind": "boost", "item": 3, "number": 2}, "is to bury just the same", True),
        ({"kind": "boost", "item": 3, "number": 2}, {"kind": "boost", "item": 3, "number": 2}, "both factors multiply", False),
        ({"kind": "quota", "facet_name": "Crime", "number": 2}, {"kind": "quota", "facet_name": "Crime", "number": 1}, "counts the same already, at most 2", True),
        ({"kind": "block", "facet_name": "Crime"}, {"item": 3}, "blocks all of it already", False),
        ({"kind": "pin", "item": 3, "number": 1}, {"kind": "pin", "item": 4, "number": 2}, "", False),
        ({"kind": "block", "item": 3, "segment": "history_10"}, {"kind": "pin", "item": 3, "number": 1, "segment": "newcomers"}, "", False),
        ({"kind": "block", "item": 3, "use_case": "drama_home"}, {"kind": "pin", "item": 3, "number": 1}, "", False),
    ],
)  # fmt: skip
def test_contradictions_are_refused_and_the_rest_is_told(
    client: Client,
    writer: User,
    films: list[Item],
    stored: dict[str, Any],
    form: dict[str, Any],
    sentence: str,
    refuses: bool,
) -> None:
    there = {**stored, **({"item": films[stored["item"]]} if "item" in stored else {})}
    rule = make_rule(**there)
    item = films[form.pop("item")] if "item" in form else None
    answer = preview(client, said(item, **form))
    assert sentence.replace("rule 1", f"rule {rule.pk}") in findings(answer)
    assert answer.context["preview"].is_refused == refuses
    save(client, said(item, **form))
    assert Rule.objects.count() == (1 if refuses else 2)


def test_rules_that_never_meet_do_not_contradict(client: Client, writer: User, films: list[Item]) -> None:
    now = timezone.now()
    make_rule("block", item=films[3], ends_at=now + timedelta(days=1))
    later = {"begins_at": f"{now + timedelta(days=2):%Y-%m-%dT%H:%M}"}
    assert not preview(client, said(films[3], kind="pin", number=1, **later)).context["preview"].is_refused
    end_rule(rule=make_rule("block", item=films[4]), by=None)
    assert not preview(client, said(films[4], kind="pin", number=1)).context["preview"].is_refused


def test_more_pins_than_a_quota_allows_are_refused(client: Client, writer: User, films: list[Item]) -> None:
    make_rule("pin", item=films[1], number=1)
    quota = said(kind="quota", facet_name="Crime", number=1)
    assert not preview(client, quota).context["preview"].is_refused
    make_rule("pin", item=films[3], number=2)
    assert "It allows 1 and 2 are pinned" in findings(preview(client, quota))
    rule = make_rule("quota", facet_name="Crime", number=2)
    third = findings(preview(client, said(films[5], kind="pin", number=3)))
    assert f"Rule {rule.pk} allows 2 and 3 are pinned" in third


@pytest.mark.parametrize("why", ["disliked", "hidden", "watched"])
def test_a_pin_that_a_person_would_not_see_says_why(
    client: Client, writer: User, person: User, films: list[Item], why: str
) -> None:
    allow(writer, "view_as_person")
    if why == "disliked":
        save_dislike(user_id=person.pk, item=films[3], reason="not_interested")
    elif why == "watched":
        record_interaction(user_id=person.pk, item_id=films[3].pk, type_name="watched")
    else:
        Item.objects.filter(pk=films[3].pk).update(is_active=False)
    found = findings(preview(client, said(films[3], kind="pin", number=1, person=person.username)))
    assert ("names nothing" if why == "hidden" else "It is not in this list. It is excluded by") in found


def test_looks_at_a_person_need_their_permission_and_are_logged(
    client: Client, writer: User, person: User, films: list[Item]
) -> None:
    form = said(films[3], person=person.username)
    assert "You may not see anybody's list" in errors(preview(client, form))
    assert not LogEntry.objects.exists()
    allow(writer, "view_as_person")
    assert preview(client, form).context["preview"].whose == person.username
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (writer, str(person.pk))
    assert "without a rule of staff and with it" in entry.change_message
    assert preview(client, {**form, "person": str(person.pk)}).context["preview"].whose == person.username
    assert "There is nobody" in errors(preview(client, {**form, "person": "nobody"}))
    preview(client, {**form, "person": ""})
    assert LogEntry.objects.count() == 2


def test_the_preview_of_a_person_is_their_own_list(
    client: Client, writer: User, person: User, films: list[Item]
) -> None:
    allow(writer, "view_as_person")
    record_interaction(user_id=person.pk, item_id=films[0].pk, type_name="like")
    own = [slot.item.title for slot in recommend(user_id=person.pk, use_case=MOVIES).slots]
    shown = preview(client, said(films[3], segment="newcomers", person=person.username))
    assert [one.before for one in shown.context["preview"].places] == own
    assert "is in another segment" in findings(shown)
    for form in (said(films[3]), said(films[3], segment="history_1", person=person.username)):
        assert "Film 3" not in [one.after for one in preview(client, form).context["preview"].places]


def test_a_person_without_such_lists_is_told_of(client: Client, writer: User, person: User) -> None:
    allow(writer, "view_as_person")
    startup = make_item("Robots", kind="startup")
    shown = preview(client, said(startup, person=person.username))
    assert f"{person.username} has no lists of these." in findings(shown)
    assert shown.context["preview"].places == ()


@pytest.mark.parametrize(
    "field", ["item", "facet_name", "filter", "each", "number", "begins_at", "note", "person"]
)
def test_strange_input_is_answered_with_a_sentence(client: Client, writer: User, field: str) -> None:
    allow(writer, "view_as_person")
    about = {"facet_name": "facet", "filter": "filter", "each": "each"}.get(field, "item")
    for text in OVERLONG:
        form = said(kind="quota", about=about, facet_name="Crime", item="Film 3", number="2") | {field: text}
        answer = client.post(ADD, {**form, "_preview": ""})
        assert answer.status_code == 200, text
        assert errors(answer) or answer.context["preview"] is not None, text
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"kind": "nothing"}, "Select a valid choice"),
        ({"kind": "pin", "number": "0"}, "The place must be from 1 to 100, not 0."),
        ({"kind": "pin", "number": "1.5"}, "The place must be a whole number"),
        ({"kind": "pin"}, "The place is missing."),
        ({"kind": "boost", "number": "9"}, "The factor must be from 1 to 3, not 9."),
        ({"kind": "bury", "number": "0"}, "The factor must be from 0.01 to 1"),
        ({"about": "item", "item": ""}, "Name the item by its id or title."),
        ({"about": "item", "item": "film"}, "Several may be meant. Give the id"),
        ({"about": "item", "item": "no such film"}, "There is no item"),
        ({"about": "filter", "filter": "nothing:x"}, "The filter has 'nothing', which is nothing to go by"),
        (
            {"about": "filter", "filter": "text:" + "|".join(f"w{n} x{n} y{n}" for n in range(20))},
            "words of titles",
        ),
        ({"about": "each", "each": "genre"}, "Only a quota is about each value"),
        ({"kind": "quota", "number": 1, "about": "each", "each": "studio"}, "Name one of"),
        ({"facet_name": ""}, "Name the facet."),
        ({"ends_at": "2020-01-01T00:00"}, "It must end after it begins."),
        ({"begins_at": "2020-01-01T00:00", "ends_at": "2020-01-02T00:00"}, "That is over already."),
        ({"begins_at": "0001-01-01T00:00"}, "The year must be from 2000 to 2199."),
        ({"ends_at": "9999-12-31T23:59"}, "The year must be from 2000 to 2199."),
        ({"ends_at": "2030-02-30T00:00"}, "Enter a valid date/time."),
    ],
)
def test_what_cannot_be_meant_is_said(
    client: Client, writer: User, form: dict[str, Any], sentence: str
) -> None:
    assert sentence in errors(preview(client, said(facet_name="Crime") | form))
    assert not Rule.objects.exists()


def test_words_of_the_form_are_text(client: Client, writer: User, films: list[Item]) -> None:
    bad = "<script>alert(1)</script>"
    item = make_item(bad)
    save(client, said(item, note=bad))
    rule = Rule.objects.get()
    for address in (page_of(rule), "/admin/curation/rule/", "/admin/curation/rulechange/"):
        assert bad not in client.get(address).content.decode()
    assert bad not in preview(client, said(facet_name=bad, note=bad)).content.decode()


def test_a_list_for_staff_shows_what_acted(
    client: Client, writer: User, person: User, films: list[Item]
) -> None:
    allow(writer, "view_as_person")
    pin, boost = make_rule("pin", item=films[3], number=1), make_rule("boost", facet_name="Comedy", number=2)
    record_interaction(user_id=person.pk, item_id=films[0].pk, type_name="like")
    address = f"/admin/people/{person.pk}/"
    now = client.get(address)
    assert now.context["rows"][0].factors == f"rule {pin.pk}"
    assert now.context["rows"][0].why == "Picked by the editors."
    assert any(f"× 2.000 rules of staff, rule {boost.pk}" in row.factors for row in now.context["rows"])
    assert page_of(boost) in now.content.decode()
    served = recommend(user_id=person.pk, use_case=MOVIES)
    then = client.get(address, {"session": str(served.session_id)})
    assert then.context["rules"] == [pin.pk, boost.pk]
    assert f"rule {pin.pk}" in then.context["rows"][0].factors
    assert then.context["rows"][0].why == "pinned by staff"


def test_queries_of_a_preview_do_not_grow_with_the_rules(
    client: Client, writer: User, films: list[Item]
) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            preview(client, said(films[7]))
        return len(queries)

    preview(client, said(films[7]))
    few = count()
    for number in range(6):
        make_rule("boost", item=films[number], number=1.5)
    make_user()
    assert count() <= few + 1


def test_a_list_that_gets_shorter_is_told(client: Client, writer: User, films: list[Item]) -> None:
    quota: dict[str, Any] = {
        "kind": "quota",
        "about": "each",
        "each": "genre",
        "facet_kind": "",
        "use_case": "movie_home",
    }
    answer = preview(client, said(number="2", **quota))
    assert "It would leave 4 titles of 8 in the list of a newcomer." in findings(answer)
    assert not answer.context["preview"].is_refused
    assert "It would leave" not in findings(preview(client, said(number="8", **quota)))
