"""Webhooks: events wait in a table and are sent, signed, until heard; never into private networks."""

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from threading import Thread
from typing import Any, ClassVar

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from core.errors import InvalidInput
from feedback.models import Dislike
from interactions.models import UserInteraction
from ranking.management.commands import retrain as retrain_command
from ranking.registry.versions import activate_version, reject_version, rollback_version
from recommendations.models import RecommendationSession
from tests.factories import allow, make_als_bytes, make_items, make_version
from tests.imports.helpers import run
from webhooks import dislike_rate, sending
from webhooks.models import EVENTS, Delivery, Webhook
from webhooks.sending import NotSent, is_public, post
from webhooks.services import PAUSES, deliver_due, queue

pytestmark = pytest.mark.django_db


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it is sent, and answers as the test says."""

    received: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []
    status: ClassVar[int] = 204

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, dict(self.headers), body))
        if self.path == "/drip":
            self.wfile.write(b"HTTP/1.1 ")
            time.sleep(1)
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's own
        """Says nothing."""


@pytest.fixture
def address(settings: Settings) -> Iterator[str]:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    Receiver.received, Receiver.status = [], 204
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hook(address: str) -> Webhook:
    return Webhook.objects.create(url=f"{address}/heed?a=1", events=list(EVENTS))


def bodies() -> list[dict[str, Any]]:
    return [json.loads(body) for _, _, body in Receiver.received]


class TestWhatIsTold:
    def test_of_models(self, hook: Webhook) -> None:
        first = make_version(make_als_bytes([[1, 2]]))
        second = make_version(make_als_bytes([[1, 2]], seed=1))
        activate_version(version=first, why="better")
        reject_version(version=second, why="worse")
        assert deliver_due().delivered == 2
        assert [(body["event"], body["data"]["version"], body["data"]["why"]) for body in bodies()] == [
            ("model.activated", first.label, "better"),
            ("model.rejected", second.label, "worse"),
        ]

    def test_of_a_rollback_both_sides(self, hook: Webhook) -> None:
        first, second = (make_version(make_als_bytes([[1, 2]], seed=seed)) for seed in range(2))
        for version in (first, second):
            activate_version(version=version, why="better")
        Delivery.objects.all().delete()
        rollback_version(kind="als", use_case="movie_home", why="odd lists")
        told = Delivery.objects.order_by("pk").values_list("event", "facts__version")
        assert list(told) == [("model.rejected", second.label), ("model.activated", first.label)]

    def test_nothing_of_what_was_taken_back(self, hook: Webhook) -> None:
        version = make_version(make_als_bytes([[1, 2]]))

        def fail_later() -> None:
            with transaction.atomic():
                activate_version(version=version, why="better")
                raise InvalidInput("no")

        with pytest.raises(InvalidInput):
            fail_later()
        assert not Delivery.objects.exists()

    @pytest.mark.parametrize(
        ("error", "why"),
        [(InvalidInput("There is nothing to learn."), "There is nothing"), (KeyError("x"), "KeyError")],
    )
    def test_of_a_failed_retraining_at_once(
        self, hook: Webhook, monkeypatch: pytest.MonkeyPatch, error: Exception, why: str
    ) -> None:
        def fails(**_: object) -> None:
            raise error

        monkeypatch.setattr(retrain_command, "retrain", fails)
        with pytest.raises((CommandError, KeyError)):
            call_command("retrain", stdout=StringIO())
        (body,) = bodies()
        assert body["event"] == "retrain.failed"
        assert why in body["data"]["why"]
        assert body["data"]["use_case"] == "movie_home"

    def test_of_what_it_asks_for_and_while_it_is_active(self, hook: Webhook, address: str) -> None:
        Webhook.objects.create(url=address, events=["retrain.failed"])
        Webhook.objects.create(url=address, events=["model.activated"], is_active=False)
        queue("model.activated", {})
        assert list(Delivery.objects.values_list("webhook", flat=True)) == [hook.pk]
        hook.is_active = False
        hook.save()
        assert deliver_due().delivered == 0


class TestDelivery:
    def test_is_signed_with_the_time(self, hook: Webhook) -> None:
        queue("model.activated", {"why": "ünï"})
        deliver_due()
        ((path, headers, body),) = Receiver.received
        assert path == "/heed?a=1"
        time_part, _, signed = headers["Heed-Signature"].partition(",v1=")
        seconds = time_part.removeprefix("t=")
        assert abs(int(seconds) - time.time()) < 60
        expected = hmac.new(hook.secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
        assert signed == expected
        told = json.loads(body)
        assert headers["Heed-Delivery"] == told["id"] == str(Delivery.objects.get().event_id)
        assert headers["Heed-Event"] == told["event"] == "model.activated"
        assert told["data"] == {"why": "ünï"}

    def test_is_tried_again_with_longer_pauses_and_given_up_at_last(self, hook: Webhook) -> None:
        Receiver.status = 500
        now = timezone.now()
        queue("retrain.failed", {}, now=now)
        for pause in PAUSES:
            assert deliver_due(now=now).failed == 1
            delivery = Delivery.objects.get()
            assert delivery.answer == "HTTP 500"
            assert delivery.due_at == now + timedelta(seconds=pause)
            assert deliver_due(now=now).failed == 0
            now = delivery.due_at
        assert deliver_due(now=now).given_up == 1
        assert Delivery.objects.get().status == "given up"
        assert len({body["id"] for body in bodies()}) == 1
        assert len(Receiver.received) == len(PAUSES) + 1
        assert deliver_due(now=now + timedelta(days=20)).given_up == 0
        deliver_due(now=now + timedelta(days=31))
        assert not Delivery.objects.exists()

    def test_succeeds_after_a_failure(self, hook: Webhook) -> None:
        Receiver.status = 503
        queue("retrain.failed", {})
        deliver_due()
        Receiver.status = 200
        summary = deliver_due(now=timezone.now() + timedelta(minutes=2))
        assert (summary.delivered, summary.waiting) == (1, 0)
        assert deliver_due(now=timezone.now() + timedelta(days=1)).delivered == 0

    def test_of_one_belongs_to_one_run(self, hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another run counted the attempt up between the look and the claim."""
        queue("retrain.failed", {})
        claim = Delivery.objects.select_related("webhook").get()
        assert deliver_due().delivered == 1
        from webhooks.services import _claim

        claim.status = "waiting"
        Delivery.objects.update(status="waiting")
        assert not _claim(claim, timezone.now())

    def test_follows_no_redirect(self, hook: Webhook) -> None:
        Receiver.status = 302
        queue("retrain.failed", {})
        assert deliver_due().failed == 1
        assert [path for path, _, _ in Receiver.received] == ["/heed?a=1"]
        assert Delivery.objects.get().answer == "HTTP 302"

    def test_ends_where_the_answer_does_not(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sending, "ALL_SECONDS", 0.2)
        begun = time.monotonic()
        with pytest.raises(NotSent):
            post(f"{address}/drip", b"{}", {})
        assert time.monotonic() - begun < 0.9

    def test_to_nobody_is_a_failure(self, hook: Webhook) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            hook.url = f"http://127.0.0.1:{free.getsockname()[1]}/"
            hook.save()
            queue("retrain.failed", {})
            assert deliver_due().failed == 1
        assert "refused" in Delivery.objects.get().answer


class TestPrivateAddresses:
    @pytest.mark.parametrize(
        "text",
        [
            "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
            "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1",
            "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:0:0::1",
        ],
    )  # fmt: skip
    def test_are_none_that_all_of_the_internet_means_alike(self, text: str) -> None:
        assert not is_public(text)

    @pytest.mark.parametrize("text", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
    def test_are_not_public_ones(self, text: str) -> None:
        assert is_public(text)

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433"])
    def test_are_refused_however_they_are_written(self, address: str, settings: Settings, host: str) -> None:
        settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
        with pytest.raises(NotSent):
            post(address.replace("127.0.0.1", host), b"{}", {})
        assert Receiver.received == []

    def test_are_refused_behind_a_name_where_any_is_private(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, 80)) for text in ("8.8.8.8", "10.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("it was spoken to"))
        with pytest.raises(NotSent, match="private"):
            post("http://hooks.example.org/", b"{}", {})

    def test_cannot_come_by_a_second_look(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        """The address that was checked is spoken to, whatever the name means a moment later."""
        settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
        looks, spoken = iter(["8.8.8.8", "127.0.0.1"]), []

        def look(*_: object, **__: object) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(looks), 80))]

        def connect(target: tuple[str, int], **_: object) -> None:
            spoken.append(target)
            raise OSError("not in a test")

        monkeypatch.setattr(socket, "getaddrinfo", look)
        monkeypatch.setattr(socket, "create_connection", connect)
        with pytest.raises(NotSent, match="not in a test"):
            post("http://hooks.example.org/", b"{}", {})
        assert spoken == [("8.8.8.8", 80)]


class TestDislikeRate:
    NOW = datetime(2026, 3, 31, 8, 0, tzinfo=UTC)

    def days(self, person: User, disliked_today: int) -> None:
        """28 days of 200 slots with 4 or 6 dislikes each, and a last one."""
        items = make_items(60)
        days = [self.NOW - timedelta(days=number + 1) for number in range(29)]
        of_days = [disliked_today, *(4 + 2 * (number % 2) for number in range(1, 29))]
        people = User.objects.bulk_create([User(username=f"reader-{number}") for number in range(58)])
        seen = {"use_case": "movie_home", "method": "als", "recommendations_shown": [], "seen_rank": 100}
        RecommendationSession.objects.bulk_create(
            RecommendationSession(user=person, created_at=days[number // 2], **seen)
            for number, person in enumerate(people)
        )
        noes = [
            UserInteraction(user=people[2 * number], item=item, type="dislike", weight=-1.0, occurred_at=day)
            for number, (day, how_many) in enumerate(zip(days, of_days, strict=True))
            for item in items[:how_many]
        ]
        slot = {"rank": 1, "score": 0.5, "base_score": 0.5, "method": "als", "source": "als"}
        lists = [
            RecommendationSession(
                user=no.user,
                use_case="movie_home",
                method="als",
                created_at=no.occurred_at,
                recommendations_shown=[{**slot, "item_id": no.item_id}],
            )
            for no in noes
        ]
        RecommendationSession.objects.bulk_create(lists)
        for no, one in zip(noes, lists, strict=True):
            no.recommendation_session = one
        UserInteraction.objects.bulk_create(noes)
        Dislike.objects.bulk_create(
            Dislike(
                user=no.user,
                item=no.item,
                title=no.item.title,
                interaction=no,
                session=no.recommendation_session,
                reason="other",
                created_at=no.occurred_at,
            )
            for no in noes
        )

    def test_is_told_once_where_a_day_leaves_the_band(self, hook: Webhook, person: User) -> None:
        self.days(person, disliked_today=40)
        with CaptureQueriesContext(connection) as asked:
            band = dislike_rate.find_band(self.NOW)
        assert len(asked) == 2
        assert band is not None
        assert band.rate == pytest.approx(0.2)
        assert band.low < 0.025 < band.high < 0.05
        for _ in range(2):
            dislike_rate.queue_dislike_rate(now=self.NOW)
        delivery = Delivery.objects.get()
        assert delivery.event == "dislike_rate.out_of_band"
        assert (delivery.facts["day"], delivery.facts["rate"]) == ("2026-03-30", pytest.approx(0.2))

    def test_is_not_told_within_the_band_or_of_too_little(self, hook: Webhook, person: User) -> None:
        assert dislike_rate.find_band(self.NOW) is None
        self.days(person, disliked_today=6)
        assert dislike_rate.queue_dislike_rate(now=self.NOW) == 0
        assert not Delivery.objects.exists()


def test_the_command_delivers_and_says_how_much(hook: Webhook) -> None:
    queue("retrain.failed", {})
    assert run("deliver_webhooks") == {"delivered": 1, "failed": 0, "given_up": 0, "waiting": 0}


class TestAdmin:
    @pytest.fixture
    def page(self, staff: User, client: Client) -> Client:
        allow(staff, "view_webhook", "add_webhook", "change_webhook", "view_delivery")
        return client

    def test_shows_a_secret_once(self, page: Client) -> None:
        sent = {
            "url": "https://example.org/hook",
            "events": ["model.activated"],
            "description": "",
            "is_active": "on",
        }
        answer = page.post("/admin/webhooks/webhook/add/", sent, follow=True)
        hook = Webhook.objects.get()
        assert hook.events == ["model.activated"]
        assert hook.secret in answer.content.decode()
        for address in ("", f"{hook.pk}/change/"):
            assert hook.secret not in page.get(f"/admin/webhooks/webhook/{address}").content.decode()
        act = {"action": "make_new_secret", "_selected_action": [hook.pk]}
        answer = page.post("/admin/webhooks/webhook/", act, follow=True)
        before = hook.secret
        hook.refresh_from_db()
        assert hook.secret != before
        assert hook.secret in answer.content.decode()

    @pytest.mark.parametrize(
        "sent", [{"url": "javascript:alert(1)"}, {"url": "ftp://x.org/"}, {"events": ["x"]}, {"events": []}]
    )
    def test_refuses_what_is_no_hook(self, page: Client, sent: dict[str, Any]) -> None:
        whole = {"url": "https://example.org/", "events": ["model.activated"], **sent}
        assert page.post("/admin/webhooks/webhook/add/", whole).status_code == 200
        assert not Webhook.objects.exists()

    def test_has_a_delivery_sent_again(self, page: Client, hook: Webhook) -> None:
        Receiver.status = 500
        queue("retrain.failed", {})
        Delivery.objects.update(status="given up", attempts=9)
        act = {"action": "send_again", "_selected_action": [Delivery.objects.get().pk]}
        page.post("/admin/webhooks/delivery/", act)
        assert Delivery.objects.get().status == "waiting"
        assert page.get(f"/admin/webhooks/delivery/{Delivery.objects.get().pk}/change/").status_code == 200
