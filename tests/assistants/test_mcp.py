"""An assistant's session: a real client of the protocol, over standard input and output of the command."""

import asyncio
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from accounts.models import ServiceToken, User
from accounts.services import issue_service_token
from assistants.calls import Caller
from assistants.server import make_server
from feedback.models import Dislike
from recommendations.models import RecommendationSession
from tests.factories import make_item, make_user
from tests.threads import threads_db  # noqa: F401  a fixture


def in_a_loop_of_its_own(session: Coroutine[Any, Any, None]) -> None:
    """Runs a session in another thread: in this one a browser test may have left a loop that runs."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, session).result()


def database_url() -> str:
    """The address of the database that this test writes to."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    return f"postgres://{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT']}/{found['NAME']}"


async def talk(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool(name, arguments)
    assert not answer.is_error, answer.content
    told: dict[str, Any] = answer.structured_content
    return told


async def refused(client: Client, name: str, **arguments: Any) -> str:
    answer = await client.call_tool(name, arguments)
    assert answer.is_error
    return str(answer.content[0].text)  # type: ignore[union-attr]


@pytest.mark.slow
def test_a_session_over_standard_input_and_output(threads_db: None) -> None:  # noqa: F811
    person = make_user("ann")
    drama, *_ = (make_item(title, genres=["Drama"], year=2000) for title in ("Night Ferry", "Salt Road"))
    make_item("Low Orbit", genres=["Horror"])
    program = StdioServerParameters(
        command=sys.executable,
        args=[str(settings.BASE_DIR / "manage.py"), "mcp"],
        env={"HEED_TOKEN": issue_service_token(user=person), "DATABASE_URL": database_url(), "DEBUG": "1"},
    )

    async def session() -> None:
        async with Client(stdio_client(program)) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            assert tools == {"recommend", "explain", "dislike", "disliked", "undo"}
            first = await talk(client, "recommend", kind="movie", wanted="genre:Drama")
            assert {item["title"] for item in first["items"]} == {"Night Ferry", "Salt Road"}
            why = await talk(client, "explain", item_id=drama.pk)
            assert why["list_id"] == first["list_id"]
            assert why["why"]
            assert why["factors"]["dislikes"] == 1.0
            no = await talk(client, "dislike", item_id=drama.pk, reason="wrong_genre", comment="Too slow")
            assert no["holds_back"]["genre_adjustments"] == {"Drama": -0.15}
            rest = await talk(client, "recommend")
            assert {item["title"] for item in rest["items"]} == {"Salt Road", "Low Orbit"}
            assert (await talk(client, "disliked"))["dislikes"][0]["title"] == "Night Ferry"
            await talk(client, "undo", dislike_id=no["dislike_id"])
            again = await talk(client, "recommend")
            assert len(again["items"]) == 3

    in_a_loop_of_its_own(session())
    dislike = Dislike.objects.get()
    assert (dislike.user, dislike.feedback_text) == (person, "Too slow")
    assert dislike.context_source == Dislike.ContextSource.SESSION
    assert dislike.interaction.withdrawn_at is not None
    assert RecommendationSession.objects.filter(user=person).count() == 3


@pytest.mark.django_db(transaction=True)
def test_refusals_come_as_sentences_and_change_nothing(threads_db: None, other_person: User) -> None:  # noqa: F811
    token = issue_service_token(user=make_user("ann"))
    item = make_item()
    theirs = Caller(issue_service_token(user=other_person)).post("/api/dislike", {"movie_id": item.pk})

    async def session() -> None:
        async with Client(make_server(Caller(token))) as client:
            assert "recommendations first" in await refused(client, "explain", item_id=item.pk)
            assert "no item with the id" in await refused(client, "dislike", item_id=999_999)
            assert "reason" in await refused(client, "dislike", item_id=item.pk, reason="ugly")
            assert "no such dislike" in await refused(client, "undo", dislike_id=theirs["dislike_id"])
            assert "filter" in await refused(client, "recommend", wanted="taste:good")
            assert "scenario" in await refused(client, "recommend", scenario="x")
            assert "nothing at this address" in await refused(client, "recommend", kind="boat")
            assert "limit" in await refused(client, "recommend", limit=1000)
            assert "has no argument 'genre'" in await refused(client, "recommend", genre="Horror")
            assert (await refused(client, "undo", dislike_id="x")).startswith("dislike_id: ")
            assert (await refused(client, "undo")).startswith("dislike_id: ")
            await asyncio.to_thread(lambda: ServiceToken.objects.filter(user__username="ann").delete())
            assert "token" in await refused(client, "recommend")

    in_a_loop_of_its_own(session())
    assert Dislike.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("token", ["", "heed_nobody", "é"])
def test_without_a_valid_token_nothing_starts(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEED_TOKEN", token)
    out = StringIO()
    with pytest.raises(CommandError, match=r"[Tt]oken"):
        call_command("mcp", stdout=out)
    assert out.getvalue() == ""
