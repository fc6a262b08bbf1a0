"""The header `Idempotency-Key`: a write that is sent twice is done once."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import caller
from accounts.services import MAX_KEY_LENGTH, answer_once
from core.errors import InvalidInput

IDEMPOTENCY_HEADER = "Idempotency-Key"
IDEMPOTENCY_PARAMETER = OpenApiParameter(
    IDEMPOTENCY_HEADER, str, OpenApiParameter.HEADER, description="any unique text"
)


def respond_once(
    request: Request, *, route: str, act: Callable[[], tuple[int, dict[str, Any]]], body: object = None
) -> Response:
    """The response to `act`, which returns (status, body): the first one, where the key came before.

    `route` is what the caller's keys belong to, `body` what the request says where that is not its body.
    Raises InvalidInput for a key that is too long or not
    printable, KeyReused for one that came with another body, and whatever `act` raises.
    """
    key = request.headers.get(IDEMPOTENCY_HEADER, "")
    if len(key) > MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidInput(f"{IDEMPOTENCY_HEADER}: at most {MAX_KEY_LENGTH} printable characters.")
    said = request.data if body is None else body
    status, answer = answer_once(user=caller(request), route=route, key=key, body=said, act=act)
    return Response(answer, status=status)
