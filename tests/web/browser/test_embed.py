"""A plain page of another origin shows lists with heed.js: page and code of docs/how-to/embedding.md."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from threading import Thread
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import LazySettings
from django.conf import settings as configured
from django.core import signing
from django.core.management import call_command
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import ServiceToken, User
from accounts.page_tokens import issue_page_token
from catalog.models import Item
from core.domain import REASONS
from feedback.models import Dislike
from interactions.models import UserInteraction
from interactions.selectors import active_interactions
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from tests.web.browser.conftest import PHONE, intercept
from tests.web.browser.test_access import faults_in_both
from tests.web.conftest import MakeItem

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
Films = dict[str, list[Item]]

GUIDE = (configured.BASE_DIR / "docs" / "how-to" / "embedding.md").read_text()
EMPTY = "Nothing to show at the moment."


def block(language: str) -> str:
    """The code block of the guide in that language."""
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found.group(1)


def policy_of_the_guide(heed: str) -> str:
    found = re.search(r"^script-src .*$", GUIDE, re.MULTILINE)
    assert found is not None
    needed = found.group().replace("https://heed.example", heed)
    return f"default-src 'none'; require-trusted-types-for 'script'; {needed}"


@dataclass
class OtherSite:
    """A site of another origin: one page, and tokens for it as the guide gets them."""

    address: str
    heed: str
    new_page_token: Callable[[int], dict[str, Any]]
    person: User
    html: str = ""
    tokens_given: int = 0
    policy: str = ""
    faults: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, str, str]:
        """Status, content type and body."""
        if path == "/heed-token":
            self.tokens_given += 1
            return 200, "application/json", json.dumps(self.new_page_token(self.person.pk))
        return (200, "text/html", self.html) if path == "/" else (404, "text/plain", "")

    def use_page_of_the_guide(self, token: str | None = None) -> None:
        if token is None:
            token = self.new_page_token(self.person.pk)["page_token"]
        self.html = block("html").replace("https://heed.example", self.heed).replace("PAGE_TOKEN", token)

    def use_page(self, body: str, script: str = 'data-token-url="/heed-token" defer') -> None:
        self.html = (
            '<!doctype html><html lang="en"><head><title>Elsewhere</title>'
            f'<script src="{self.heed}/static/heed.js" {script}></script></head><body>{body}</body></html>'
        )


@pytest.fixture
def other_site(
    site: str, person: User, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OtherSite]:
    """The other site, listed by Heed and with a service token of its own."""
    found = re.search(r"^manage\.py (issue_token .*)$", GUIDE, re.MULTILINE)
    assert found is not None
    printed = StringIO()
    call_command(*found[1].split(), stdout=printed)
    token = printed.getvalue().strip()
    monkeypatch.setenv("HEED_ADDRESS", site)
    monkeypatch.setenv("HEED_TOKEN", token)
    code: dict[str, Any] = {}
    exec(block("python"), code)  # noqa: S102  the guide's own code is what is tested

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content_type, body = other.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", f"{content_type}; charset=utf-8")
            self.send_header("Content-Security-Policy", other.policy)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    other = OtherSite(address, site, code["new_page_token"], person, policy=policy_of_the_guide(site))
    settings.CORS_ALLOWED_ORIGINS = [address]
    Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    yield other
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(browser: Browser, other_site: OtherSite) -> Iterator[Callable[..., Page]]:
    """Opens the page of the other site. Its scripts must not fail, nor its policy be broken."""
    contexts: list[BrowserContext] = []

    def open_one(*, stop_the_clock: bool = False, intercepted: bool = False, **options: Any) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        if intercepted:
            intercept(page)
        page.on("pageerror", lambda error: other_site.faults.append(str(error)))
        page.on(
            "console",
            lambda message: (
                other_site.faults.append(message.text) if "Security Policy" in message.text else None
            ),
        )
        if stop_the_clock:
            page.clock.install(time=0)
            page.clock.pause_at(1000)
        page.goto(other_site.address)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert other_site.faults == []


Visit = Callable[..., Page]


def cards(page: Page) -> Any:
    return page.locator(".heed-card")


def titles(page: Page) -> list[str]:
    return page.locator(".heed-title").all_inner_texts()


def press(page: Page, rank: int, name: str) -> None:
    """Presses a button of the card at that rank and waits until it has been done.

    A button that is still busy does nothing, and what was seen is reported in between.
    """
    idle = page.locator(":not([aria-busy=true])")
    one = cards(page).nth(rank - 1).get_by_role("button", name=name).and_(idle)
    with page.expect_response(
        lambda response: response.request.method in ("POST", "DELETE") and not response.url.endswith("/seen")
    ):
        one.click()


def test_a_card_has_the_picture_that_comes_and_no_gap_for_one_that_does_not(
    two_tastes: Films, other_site: OtherSite, visit: Visit
) -> None:
    Item.objects.filter(title__startswith="Letter").update(image_url=f"{other_site.heed}/static/heed.svg")
    Item.objects.filter(title__startswith="Orbit").update(image_url=f"{other_site.heed}/none.png")
    other_site.policy += f"; img-src {other_site.heed}"
    other_site.use_page('<div data-heed-list="movies" data-heed-limit="30"></div>')
    page = visit(viewport={"width": 1440, "height": 6000})
    expect(cards(page)).to_have_count(30)
    expect(cards(page).filter(has_text="Letter").locator(".heed-picture:first-child")).to_have_count(15)
    expect(cards(page).filter(has_text="Orbit").locator(".heed-picture")).to_have_count(0)


@pytest.mark.slow
def test_the_page_of_the_guide_shows_a_list_that_learns(
    two_tastes: Films, other_site: OtherSite, visit: Visit
) -> None:
    other_site.use_page_of_the_guide()
    page = visit()
    expect(cards(page)).to_have_count(10)
    shown = RecommendationSession.objects.get()
    by_id = {film.pk: film.title for films in two_tastes.values() for film in films}
    first = titles(page)
    assert first == [by_id[entry["item_id"]] for entry in shown.recommendations_shown]
    assert shown.user == other_site.person
    link = page.get_by_role("link", name=first[0])
    expect(link).to_have_attribute("href", f"/films/{shown.recommendations_shown[0]['item_id']}")

    press(page, 2, f"Like: {first[1]}")
    like = cards(page).nth(1).get_by_role("button", name="Like: ")
    expect(like).to_have_attribute("aria-pressed", "true")
    row = UserInteraction.objects.get(user=other_site.person, type="like")
    assert (row.recommendation_session_id, row.recommendation_rank) == (shown.pk, 2)
    assert row.item.title == first[1]

    no = cards(page).nth(3).get_by_role("button", name=f"Not for me: {first[3]}")
    expect(no).to_have_attribute("aria-expanded", "false")
    no.click()
    expect(no).to_have_attribute("aria-expanded", "true")
    reasons = (
        cards(page)
        .nth(3)
        .get_by_role("group", name="Are you sure you want to dislike this movie?")
        .get_by_role("button")
    )
    assert reasons.all_inner_texts() == ["Confirm", *(reason.label for reason in REASONS.values())]
    press(page, 4, "Wrong genre for me")
    expect(page.get_by_text(f"Not shown again: {first[3]}")).to_be_visible()
    expect(page.get_by_role("button", name=f"Undo: {first[3]}")).to_be_focused()
    dislike = Dislike.objects.get()
    assert (dislike.reason, dislike.title) == ("wrong_genre", first[3])
    assert (dislike.session_id, dislike.rank) == (shown.pk, 4)

    page.reload()
    expect(cards(page)).to_have_count(10)
    assert not {first[1], first[3]} & {*titles(page)}
    # Confirmed without a reason it is the plain one.
    cards(page).first.get_by_role("button", name="Not for me").click()
    press(page, 1, "Confirm")
    expect(page.get_by_text("Not shown again: ")).to_be_visible()
    assert Dislike.objects.latest("pk").reason == "not_interested"
    assert other_site.tokens_given == 0


def view_card(page: Page, rank: int) -> None:
    """Has the card at that rank in view for half a second of the page's stopped clock."""
    card = cards(page).nth(rank - 1)
    card.scroll_into_view_if_needed()
    # An observer that begins later is told no earlier.
    card.evaluate("(card) => new Promise((told) => new IntersectionObserver(told).observe(card))")
    page.clock.run_for(500)


def test_what_was_seen_is_on_record(two_tastes: Films, other_site: OtherSite, visit: Visit) -> None:
    other_site.use_page('<div data-heed-list="movies" data-heed-limit="25"></div>')
    page = visit(stop_the_clock=True, viewport={"width": 390, "height": 700})
    expect(cards(page)).to_have_count(25)
    shown = RecommendationSession.objects.get()
    view_card(page, 1)
    with page.expect_response(re.compile("/seen$")):
        page.clock.run_for(1000)
    shown.refresh_from_db()
    assert 1 <= shown.seen_rank < 15
    # Who leaves the page before the next report is due is not forgotten.
    view_card(page, 25)
    page.goto("about:blank")
    deadline = time.monotonic() + 10
    while shown.seen_rank < 25 and time.monotonic() < deadline:
        page.wait_for_timeout(50)
        shown.refresh_from_db()
    assert shown.seen_rank == 25


@pytest.mark.slow
def test_a_dislike_that_is_undone_and_a_like_that_is_taken_back(
    two_tastes: Films, other_site: OtherSite, visit: Visit
) -> None:
    other_site.use_page_of_the_guide()
    page = visit()
    expect(cards(page)).to_have_count(10)
    title = titles(page)[0]
    card = cards(page).first
    press(page, 1, "Like")
    card.get_by_role("button", name="Not for me").click()
    press(page, 1, "Something else")
    expect(card.get_by_role("button", name="Undo")).to_be_visible()
    mine = active_interactions().filter(user=other_site.person).values_list("type", flat=True)
    assert [*mine.all()] == ["dislike"]
    press(page, 1, "Undo")
    expect(card.get_by_text(title)).to_be_visible()
    expect(card.get_by_role("button", name="Not for me")).to_be_focused()
    expect(card.get_by_role("button", name="Like: ")).to_have_attribute("aria-pressed", "true")
    expect(card.get_by_role("group")).to_have_count(0)
    assert [*mine.all()] == ["like"]
    press(page, 1, "Like")
    expect(card.get_by_role("button", name="Like: ")).to_have_attribute("aria-pressed", "false")
    assert [*mine.all()] == []
    press(page, 1, "Watchlist")
    press(page, 1, "Watchlist")
    expect(card.get_by_role("button", name="Watchlist: ")).to_have_attribute("aria-pressed", "false")
    assert [*mine.all()] == ["watchlist_remove"]


HOSTILE = [
    '<img src=x onerror="document.title=1">',
    "</script><script>document.title=2</script>",
    "\"'><b onmouseover=document.title=3>",
]


def test_titles_are_text(make_item: MakeItem, other_site: OtherSite, visit: Visit) -> None:
    for title in HOSTILE:
        make_item(title, genre=[f"<i>{title[:3]}</i>"], year=2000)
    Item.objects.filter(title=HOSTILE[0]).update(external_id="a/../?b=<i>")
    # Without the policy, which would stop them too.
    other_site.policy = ""
    other_site.use_page(
        '<div data-heed-list="movies" data-heed-link="/films/{external_id}" data-heed-actions="like"></div>'
    )
    page = visit()
    expect(cards(page)).to_have_count(3)
    links = page.get_by_role("link").evaluate_all("(links) => links.map((link) => link.getAttribute('href'))")
    assert "/films/a%2F..%2F%3Fb%3D%3Ci%3E" in links
    assert {*titles(page)} == {*HOSTILE}
    name = f"Like: {HOSTILE[0]}"
    expect(page.get_by_role("button", name=name, exact=True)).to_have_count(1)
    cards(page).first.get_by_role("button", name="Not for me").click()
    press(page, 1, "Something else")
    assert page.locator("[data-heed-list] :is(img, script, b, i)").count() == 0
    assert page.title() == "Elsewhere"


def ended_token(person: User) -> str:
    long_ago = signing.b62_encode(int(time.time()) - 4000)
    with patch.object(signing.TimestampSigner, "timestamp", return_value=long_ago):
        return issue_page_token(person=person, service_token=ServiceToken.objects.get())


def test_a_token_that_has_ended_is_replaced_once(
    two_tastes: Films, other_site: OtherSite, visit: Visit
) -> None:
    other_site.use_page_of_the_guide(token=ended_token(other_site.person))
    place = re.search("<div.*</div>", other_site.html)
    assert place is not None
    other_site.html = other_site.html.replace(place.group(), place.group() * 3)
    page = visit()
    expect(cards(page)).to_have_count(30)
    assert RecommendationSession.objects.count() == 3
    # Three lists found the token ended at once, and one asked for the next.
    assert other_site.tokens_given == 1


def test_who_comes_late_with_the_ended_token_takes_the_one_there_is(
    two_tastes: Films, other_site: OtherSite, visit: Visit
) -> None:
    token = ended_token(other_site.person)
    other_site.use_page("", f'data-token="{token}" data-token-url="/heed-token" defer')
    page = visit(intercepted=True)
    late: list[Any] = []
    page.route("**/personalized/dramas*", lambda route: route.continue_() if late else late.append(route))
    page.evaluate("""() => { document.late = Heed.list("dramas"); }""")
    assert len(page.evaluate("() => Heed.list('movies', { limit: 3 })")) == 3
    assert other_site.tokens_given == 1
    late[0].continue_()
    assert page.evaluate("() => document.late") == []
    assert other_site.tokens_given == 1


def test_without_a_token_that_holds_the_page_stays_quiet(
    two_tastes: Films, other_site: OtherSite, visit: Visit
) -> None:
    other_site.use_page(
        '<div data-heed-list="movies"></div><div data-heed-list="similar"></div>', 'data-token="x" defer'
    )
    page = visit()
    expect(page.get_by_text(EMPTY)).to_have_count(2)
    assert not RecommendationSession.objects.exists()


@pytest.mark.slow
def test_a_site_that_is_not_listed_sees_nothing(
    two_tastes: Films, other_site: OtherSite, visit: Visit, settings: LazySettings
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://films.example"]
    other_site.use_page_of_the_guide()
    page = visit()
    expect(page.get_by_text(EMPTY)).to_be_visible(timeout=15_000)
    assert not RecommendationSession.objects.exists()


def test_a_login_at_heed_is_worth_nothing_in_another_sites_page(
    two_tastes: Films, other_site: OtherSite, visit: Visit, client: Any
) -> None:
    other_site.use_page("")
    page = visit()
    client.force_login(other_site.person)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": other_site.heed}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    ask = """([path, options]) => fetch(path, options).then((answer) => answer.text(), () => "kept out")"""
    for path in ("/api/check-auth", "/api/recommendations/personalized/movies", "/taste/"):
        address = other_site.heed + path
        assert page.evaluate(ask, [address, {"credentials": "include"}]) == "kept out"
    like = f"{other_site.heed}/api/movies/{two_tastes['Romance'][0].pk}/like"
    for options in ({"mode": "no-cors"}, {"headers": {"X-CSRFToken": "x"}}):
        page.evaluate(ask, [like, {"method": "POST", "credentials": "include", **options}])
    acting = {"headers": {"X-User-ID": "1"}, "method": "POST"}
    assert page.evaluate(ask, [like, acting]) == "kept out"
    assert not UserInteraction.objects.filter(user=other_site.person).exists()
    assert not RecommendationSession.objects.exists()


@pytest.mark.slow
def test_the_code_of_the_guide(two_tastes: Films, other_site: OtherSite, visit: Visit) -> None:
    other_site.use_page("<ul></ul>")
    page = visit()
    with page.expect_response(re.compile("/seen$")):
        page.evaluate(f"async () => {{ {block('js')} }}")
        expect(page.get_by_role("listitem")).to_have_count(5)
    shown = RecommendationSession.objects.get()
    assert shown.seen_rank == 5
    mine = active_interactions().filter(user=other_site.person)
    done = {row.type: (row.recommendation_session_id, row.recommendation_rank) for row in mine}
    assert done == {"like": (shown.pk, 1), "dislike": (shown.pk, 2)}
    assert Dislike.objects.get().reason == "not_interested"


def test_rows_of_what_is_like_something(two_tastes: Films, other_site: OtherSite, visit: Visit) -> None:
    orbit = two_tastes["Science Fiction"][0]
    record_interaction(user_id=other_site.person.pk, item_id=orbit.pk, type_name="like")
    other_site.use_page(
        f'<div data-heed-list="similar" data-heed-item="movie/{orbit.pk}" data-heed-limit="4"></div>'
        '<div data-heed-list="because-you-watched" data-heed-limit="3"></div>'
    )
    page = visit()
    expect(cards(page)).to_have_count(7)
    expect(page.get_by_text(f"More like {orbit.title}", exact=True)).to_be_visible()
    assert all(title.startswith("Orbit") for title in titles(page))
    press(page, 5, "Like")
    row = UserInteraction.objects.get(type="like", user=other_site.person, recommendation_rank=1)
    assert row.recommendation_session == RecommendationSession.objects.get()


@pytest.mark.slow
def test_what_does_not_arrive_is_sent_again_under_the_same_key(
    two_tastes: Films, other_site: OtherSite, visit: Visit
) -> None:
    other_site.use_page_of_the_guide()
    page = visit(intercepted=True)
    expect(cards(page)).to_have_count(10)
    keys: list[str | None] = []

    def lose_the_answer(route: Any) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/like", lose_the_answer)
    like = cards(page).first.get_by_role("button", name="Like: ")
    like.click()
    expect(like).to_have_attribute("aria-pressed", "true")
    assert len(keys) == 2
    assert keys[0] == keys[1] != ""
    assert UserInteraction.objects.filter(user=other_site.person).count() == 1

    page.unroute("**/like")
    page.route("**/like", lambda route: route.fulfill(status=500, body="{}"))
    like.click()
    expect(cards(page).first.get_by_role("status")).to_have_text("That did not work. Try it again.")
    expect(like).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("how", ["defer", "async", ""])
def test_however_it_is_loaded_it_leaves_one_global(
    two_tastes: Films, other_site: OtherSite, visit: Visit, how: str
) -> None:
    other_site.use_page('<div data-heed-list="movies"></div>', f'data-token-url="/heed-token" {how}')
    page = visit()
    expect(cards(page)).to_have_count(12)
    names = "() => Object.getOwnPropertyNames(window)"
    mine = set(page.evaluate(names))
    other_site.html = "<!doctype html><title>Elsewhere</title>"
    page.reload()
    assert mine - set(page.evaluate(names)) == {"Heed"}
    assert page.evaluate("() => [document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]


@pytest.mark.slow
def test_cards_are_accessible_and_stay_within_a_phone(
    two_tastes: Films, make_item: MakeItem, other_site: OtherSite, visit: Visit
) -> None:
    make_item("Donaudampfschifffahrt" * 12, genre=["Romance"], year=2026)
    other_site.policy = ""  # axe is put in as a script of the page
    other_site.use_page_of_the_guide()
    colors = "color-scheme: light dark; background: Canvas"
    other_site.html = other_site.html.replace("<html", f'<html style="{colors}"')
    other_site.html = other_site.html.replace('data-heed-limit="10"', 'data-heed-limit="40"')
    page = visit(viewport=PHONE)
    expect(cards(page)).to_have_count(31)
    cards(page).first.get_by_role("button", name="Not for me").click()
    assert faults_in_both(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
