"""The client: one connection, one token, and answers in the forms of the API's description."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self, Unpack, cast
from urllib.parse import quote

import requests

from heed_client.schema import (
    ActionAnswer,
    BulkAnswer,
    DislikeAnswer,
    HistoryAnswer,
    ItemUpsertRequest,
    KeptItemAnswer,
    ListAnswer,
    ListBodyRequest,
    PatchedItemFieldsRequest,
    PersonAnswer,
    PersonBodyRequest,
    PersonsInteractionRequest,
    UpsertAnswer,
)


class HeedError(Exception):
    """An answer that is no success: its status, and the sentence that came with it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class Heed:
    """A server of Heed, asked with one token.

    A token that may act for others speaks for itself, or with `as_person` for a person of the app.
    """

    def __init__(
        self,
        address: str,
        token: str,
        *,
        person: str | None = None,
        timeout: float = 10.0,
        session: requests.Session | None = None,
    ) -> None:
        self._address = address.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._session = session or requests.Session()
        self._headers = {"Authorization": f"Token {token}"}
        if person is not None:
            self._headers["X-User-Name"] = person.encode().decode("latin-1")

    def as_person(self, name: str) -> Self:
        """The same server, asked for a person by the name that the app gives them."""
        return type(self)(
            self._address, self._token, person=name, timeout=self._timeout, session=self._session
        )

    # --- For a person

    def recommend(self, kind: str, **wishes: Unpack[ListBodyRequest]) -> ListAnswer:
        """A list for the person, best first. It is on record as shown."""
        return cast("ListAnswer", self._ask("POST", f"recommendations/personalized/{quote(kind)}", wishes))

    def pages(self, kind: str, **wishes: Unpack[ListBodyRequest]) -> Iterator[ListAnswer]:
        """The same, page after page, until nothing is left; no item comes twice."""
        page = self.recommend(kind, **wishes)
        yield page
        while cursor := page.get("next"):
            page = self.recommend(kind, cursor=cursor)
            yield page

    def report_seen(self, list_id: str, rank: int) -> None:
        """Says how far down a list the person looked."""
        self._ask("POST", f"recommendations/session/{list_id}/seen", {"rank": rank})

    def act(
        self, kind: str, item_id: int, action: str, *, list_id: str | None = None, rating: float | None = None
    ) -> ActionAnswer:
        """Records what the person does with an item: `like`, `watched` and so on."""
        body = {"recommendation_session_id": list_id, "rating": rating}
        return cast("ActionAnswer", self._ask("POST", f"{quote(kind)}/{item_id}/{quote(action)}", body))

    def undo_act(self, kind: str, item_id: int, action: str) -> None:
        """Takes that back."""
        self._ask("DELETE", f"{quote(kind)}/{item_id}/{quote(action)}")

    def dislike(
        self, item_id: int, *, reason: str | None = None, comment: str = "", list_id: str | None = None
    ) -> DislikeAnswer:
        """Records a no, and why."""
        body: dict[str, object] = {"movie_id": item_id, "feedback_text": comment}
        body |= {"reason": reason} if reason is not None else {}
        body |= {"recommendation_set_id": list_id} if list_id is not None else {}
        return cast("DislikeAnswer", self._ask("POST", "dislike", body))

    def undo_dislike(self, dislike_id: int) -> None:
        """Takes a no back, with all that it changed."""
        self._ask("DELETE", f"dislike/{dislike_id}")

    def dislikes(self, limit: int = 50) -> HistoryAnswer:
        """The person's dislikes that stand, newest first."""
        return cast("HistoryAnswer", self._ask("GET", f"dislike-history?limit={limit}"))

    # --- For an app

    def put_items(self, items: Sequence[ItemUpsertRequest]) -> UpsertAnswer:
        """Creates or changes many items by the ids of the app. Bad rows are reported in `errors`."""
        return cast("UpsertAnswer", self._ask("POST", "items", {"items": list(items)}))

    def patch_item(
        self, kind: str, external_id: str, **fields: Unpack[PatchedItemFieldsRequest]
    ) -> KeptItemAnswer:
        """Changes the fields of an item that are given."""
        return cast("KeptItemAnswer", self._ask("PATCH", _item(kind, external_id), fields))

    def delete_item(self, kind: str, external_id: str, *, with_history: bool = False) -> None:
        """Deletes an item; where people did something with it, only together with that."""
        history = "?history=delete" if with_history else ""
        self._ask("DELETE", _item(kind, external_id) + history)

    def put_person(self, name: str, **fields: Unpack[PersonBodyRequest]) -> PersonAnswer:
        """Creates or changes a person by the name that the app gives them."""
        return cast("PersonAnswer", self._ask("PUT", f"users/{quote(name, safe='')}", fields))

    def delete_person(self, name: str) -> None:
        """Erases a person, with everything that is kept of them."""
        self._ask("DELETE", f"users/{quote(name, safe='')}")

    def record(
        self, interactions: Sequence[PersonsInteractionRequest], *, create_users: bool = False
    ) -> BulkAnswer:
        """Records what many people did, at most 1,000 rows. Bad rows are reported in `errors`."""
        body = {"interactions": list(interactions), "create_users": create_users}
        return cast("BulkAnswer", self._ask("POST", "interactions", body))

    def export(
        self, table: Literal["items", "interactions", "dislikes"], *, kind: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """All rows of a table, read page by page."""
        of_kind, cursor = f"&kind={quote(kind)}" if kind else "", 0
        while cursor is not None:
            page = self._ask("GET", f"export/{table}?cursor={cursor}{of_kind}")
            yield from page["rows"]
            cursor = page["next"]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(
            method, f"{self._address}/api/{path}", json=body, headers=self._headers, timeout=self._timeout
        )
        if answer.status_code >= 400:
            raise HeedError(answer.status_code, _sentence(answer))
        return answer.json() if answer.content else None


def _item(kind: str, external_id: str) -> str:
    return f"items/{quote(kind)}/{quote(external_id, safe='')}"


def _sentence(answer: requests.Response) -> str:
    """The sentence of a refusal; of what lies between, such as a proxy, its reason."""
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return str(answer.reason)
