"""The server of the Model Context Protocol: what an assistant can do with a person's lists.

It knows nothing that the API does not say. Of the lists that it gave out it keeps the slots, so that it can
say later why something was on one and from which list a no came.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeAlias, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field, ValidationError

from assistants.calls import Caller
from core.domain import DEFAULT_KIND, DOMAIN, KINDS, REASONS, SCENARIOS
from core.errors import HeedError, NotFound
from core.values import shown

MOST_KEPT = 5_000
_INSTRUCTIONS = (
    "Lists of recommendations for one person. `recommend` gives items with a reason each; `explain` says how "
    "the place of one came about; `dislike` records a no with its reason, after which neither the item nor "
    "as much of its like is shown; `undo` takes a no back. Record a dislike only where the person said so."
)
_SCENARIOS = f"one of {', '.join(SCENARIOS) or 'none'}"
_REASONS = "; ".join(f"{reason.name}: {reason.label}" for reason in REASONS.values())

P = ParamSpec("P")
T = TypeVar("T")
Answer: TypeAlias = dict[str, Any]
Kind: TypeAlias = Annotated[
    str, Field(description="the kind of items", json_schema_extra={"enum": list(KINDS)})
]
Reason: TypeAlias = Annotated[str, Field(description=_REASONS, json_schema_extra={"enum": list(REASONS)})]
ItemId: TypeAlias = Annotated[int, Field(description="the `item_id` of a list")]


class Slots:
    """The slots that were given out, newest last; at most MOST_KEPT."""

    def __init__(self) -> None:
        self._slots: OrderedDict[int, Answer] = OrderedDict()

    def keep(self, served: Answer) -> None:
        """Remembers every slot of a list, with what is true of the list."""
        of_list = {
            "list_id": served["recommendation_session_id"],
            "method_used": served["method_used"],
            "model_version": served["model_version"],
            "personalization": served["personalization"],
        }
        for slot in served["recommendations"]:
            self._slots.pop(slot["item"]["id"], None)
            self._slots[slot["item"]["id"]] = {**slot, **of_list}
        while len(self._slots) > MOST_KEPT:
            self._slots.popitem(last=False)

    def get(self, item_id: int) -> Answer | None:
        return self._slots.get(item_id)


class _StrictServer(MCPServer):
    """A server that refuses an argument which its tool does not have, as the API does, and says so."""

    async def call_tool(self, name: str, arguments: Answer, context: Any = None) -> Any:
        schema = next((tool.input_schema for tool in await self.list_tools() if tool.name == name), None)
        if schema is not None:
            known = schema.get("properties", {})
            if unknown := [argument for argument in arguments if argument not in known]:
                raise ToolError(f"{name} has no argument {shown(unknown[0])}; it has {', '.join(known)}.")
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                wrong = error.__cause__.errors()[0]
                place = ".".join(map(str, wrong["loc"]))
                raise ToolError(f"{place}: {wrong['msg']}.") from error
            raise


def make_server(caller: Caller) -> MCPServer:
    """The server, on behalf of the bearer of a token."""
    server = _StrictServer(DOMAIN.site.name, instructions=_INSTRUCTIONS, log_level="WARNING")
    slots = Slots()

    @server.tool()
    @_told
    def recommend(
        kind: Kind = DEFAULT_KIND,
        limit: Annotated[int, Field(description="1 to 100")] = 10,
        wanted: Annotated[
            str | None, Field(description="a filter, such as genre:Drama,year:1990..1999")
        ] = None,
        unwanted: Annotated[str | None, Field(description="a filter of what to leave out")] = None,
        scenario: Annotated[str | None, Field(description=_SCENARIOS)] = None,
        cursor: Annotated[str | None, Field(description="`next` of a list, for its next page")] = None,
    ) -> Answer:
        """Makes a list for the person, best first, with a reason for each item. It counts as shown."""
        served = caller.get(
            f"/api/recommendations/personalized/{KINDS[kind].plural if kind in KINDS else kind}",
            limit=limit,
            filter=wanted,
            exclude=unwanted,
            scenario=scenario,
            cursor=cursor,
        )
        slots.keep(served)
        return {
            "list_id": served["recommendation_session_id"],
            "items": [_brief(slot) for slot in served["recommendations"]],
            "next": served["next"],
        }

    @server.tool()
    @_told
    def explain(item_id: ItemId) -> Answer:
        """Says why an item stood where it did on the last list that held it: factors, model, taste."""
        slot = slots.get(item_id)
        if slot is None:
            raise NotFound("No list of this conversation held this item. Ask for recommendations first.")
        return {
            **_brief(slot),
            "list_id": slot["list_id"],
            "base_score": slot["base_score"],
            "factors": slot["boost_details"],
            "placed_by": slot["method"],
            "model_version": slot["model_version"],
            "taste": {name: slot["personalization"][name] for name in ("top_genres", "persona")},
        }

    @server.tool()
    @_told
    def dislike(
        item_id: ItemId,
        reason: Reason = DOMAIN.dislikes.plain,
        comment: Annotated[str, Field(description="in the person's own words")] = "",
    ) -> Answer:
        """Records that the person does not want an item, and why. It changes their next list at once."""
        slot = slots.get(item_id)
        answer = caller.post(
            "/api/dislike",
            {
                "movie_id": item_id,
                "reason": reason,
                "feedback_text": comment,
                "recommendation_set_id": None if slot is None else slot["list_id"],
            },
        )
        return {
            "dislike_id": answer["dislike_id"],
            "message": answer["message"],
            "holds_back": answer["feature_adjustments"],
        }

    @server.tool()
    @_told
    def disliked(limit: Annotated[int, Field(description="1 to 500")] = 20) -> Answer:
        """Lists what the person turned down, newest first."""
        told = caller.get("/api/dislike-history", limit=limit)
        names = ("dislike_id", "item_id", "title", "reason", "feedback_text", "created_at")
        return {"dislikes": [{name: one[name] for name in names} for one in told["dislikes"]]}

    @server.tool()
    @_told
    def undo(dislike_id: int) -> Answer:
        """Takes a dislike back, with all that it changed."""
        caller.delete(f"/api/dislike/{dislike_id}")
        return {"undone": dislike_id}

    return server


def _told(tool: Callable[P, T]) -> Callable[P, T]:
    """The same tool, whose refusals reach the assistant as their sentences."""

    @wraps(tool)
    def telling(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return tool(*args, **kwargs)
        except HeedError as error:
            raise ToolError(error.message) from error

    return telling


def _brief(slot: Answer) -> Answer:
    item = slot["item"]
    return {
        "item_id": item["id"],
        "rank": slot["rank"],
        "title": item["title"],
        "year": item["year"],
        "genres": item["genres"],
        "score": round(slot["score"], 3),
        "why": slot["why"],
    }
