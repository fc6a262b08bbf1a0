"""Shared parts of all API views: the ranges of our columns, and one form of error out."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from core.database import in_one_line, is_away, is_unstorable, logged
from core.domain import KINDS
from core.errors import DATABASE_AWAY, UNSTORABLE_VALUE, HeedError, InvalidInput
from core.values import (
    HAPPENED,
    ID,
    PERSON,
    TRUTH,
    BadValue,
    Choice,
    Name,
    Names,
    Number,
    Rule,
    Text,
    Whole,
    shown,
)

logger = structlog.stdlib.get_logger(__name__)

MAX_SENTENCE = 500


class _ByRule(serializers.Field):  # type: ignore[type-arg]  # a mix-in of fields of several types
    """A field whose values one rule judges, in the words in which it judges them in a file."""

    default_error_messages = {"null": "is empty"}
    rule: Rule[Any]

    def run_validation(self, data: Any = serializers.empty) -> Any:
        # Not that of CharField and ChoiceField: they have an opinion on blanks.
        return serializers.Field.run_validation(self, data)

    def to_internal_value(self, data: Any) -> Any:
        try:
            return self.rule(data)
        except BadValue as error:
            raise serializers.ValidationError(str(error)) from error


class WholeNumberField(_ByRule, serializers.IntegerField):
    """A whole number as JSON writes it: never a float, a boolean or a string."""

    def __init__(self, rule: Whole, **kwargs: Any) -> None:
        super().__init__(min_value=rule.low, max_value=rule.high, **kwargs)
        self.rule = rule


class IdField(WholeNumberField):
    """A database id."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(ID, **kwargs)


class NumberField(_ByRule, serializers.FloatField):
    """A number as JSON writes it: never a boolean or a string, so never NaN or infinite either."""

    def __init__(self, rule: Number, **kwargs: Any) -> None:
        super().__init__(min_value=rule.low, max_value=rule.high, **kwargs)
        self.rule = rule


class TextField(_ByRule, serializers.CharField):
    """A text as JSON writes it: never a number that would be turned into one."""

    def __init__(self, rule: Text, **kwargs: Any) -> None:
        is_name = isinstance(rule, Name)
        super().__init__(max_length=rule.max_length, allow_blank=not is_name, **kwargs)
        self.rule = rule


class ChoiceField(_ByRule, serializers.ChoiceField):
    """One of some names."""

    def __init__(self, rule: Choice, **kwargs: Any) -> None:
        super().__init__(choices=list(rule.names), **kwargs)
        self.rule = rule


class NamesField(_ByRule, serializers.ListField):
    """A list of names."""

    def __init__(self, rule: Names, **kwargs: Any) -> None:
        super().__init__(
            child=serializers.CharField(max_length=rule.max_length), max_length=rule.most, **kwargs
        )
        self.rule = rule


class EventField(_ByRule, serializers.DateTimeField):
    """The time of something that happened."""

    rule = HAPPENED


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}]})
class PersonField(TextField):
    """A person as a body names them: an id, or a user name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(PERSON, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        name: str = super().to_internal_value(str(data) if type(data) is int else data)
        return name


class UuidField(serializers.UUIDField):
    """A UUID in text: never a number, which Python would take for one."""

    def to_internal_value(self, data: Any) -> UUID:
        # Python reads the digits of every script as hexadecimal ones.
        if not isinstance(data, str) or not data.isascii():
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class ByKindsId(serializers.Serializer[Any]):
    """A body that may name its item by `startup_id`, `movie_id` and so on in place of `item_id`.

    other_names  of further fields: the other name, and that of the field
    """

    other_names: Mapping[str, str] = {}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            names = {f"{kind}_id": "item_id" for kind in KINDS} | dict(self.other_names)
            meant = {name: data[other] for other, name in names.items() if other in data}
            data = {**meant, **data}
        return super().to_internal_value(data)


class FlagField(_ByRule, serializers.BooleanField):
    """true or false as JSON writes them: never a text or a number that would be turned into one."""

    rule = TRUTH


class RowErrorSerializer(serializers.Serializer[Any]):
    """A row of a batch that was not taken, and the cause."""

    row = serializers.IntegerField(help_text="its place in the request, from 0")
    error = serializers.CharField()


class ErrorSerializer(serializers.Serializer[dict[str, Any]]):
    """The body of every answer that is not a success."""

    success = serializers.BooleanField(default=False)
    error = serializers.CharField()


# Answers of an operation besides success: of any operation, and of one that reads a body.
ERRORS = dict.fromkeys((400, 401, 403, 404, 429, 503), ErrorSerializer)
WRITE_ERRORS = ERRORS | dict.fromkeys((413, 415), ErrorSerializer)


def validated(serializer_class: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """`data` checked against `serializer_class`; raises ValidationError, which becomes a 400."""
    serializer = serializer_class(data=data)
    serializer.is_valid(raise_exception=True)
    result: dict[str, Any] = serializer.validated_data
    return result


def only_known(serializer_class: type[serializers.Serializer[Any]], data: Any) -> Any:
    """`data` as it is. Raises InvalidInput, which names the first, where it holds fields nobody reads."""
    known = _field_names(serializer_class)
    if isinstance(data, dict) and (unknown := [name for name in data if name not in known]):
        raise InvalidInput(f"There is no field {shown(unknown[0])} here; there are {', '.join(known)}.")
    return data


@cache
def _field_names(serializer_class: type[serializers.Serializer[Any]]) -> tuple[str, ...]:
    return tuple(serializer_class().get_fields())


def check_query(serializer_class: type[serializers.Serializer[Any]] | None, request: Request) -> None:
    """Raises InvalidInput, which names the first, for parameters that nobody reads or that say nothing.

    So it does for one that stands twice, of which only the last would be heeded; where each counts, the
    serializer names it in `repeated`.
    """
    said = list(request.query_params.lists())
    # In the place of bytes that are none.
    if odd := [name for name, texts in said if any("\ufffd" in text for text in (name, *texts))]:
        raise InvalidInput(f"{shown(odd[0])} is not UTF-8 in the query string.")
    known = _field_names(serializer_class) if serializer_class and request.query_params else ()
    # Django REST framework reads one by itself.
    if unknown := [name for name in request.query_params if name not in (*known, "format")]:
        there_are = f"there are {', '.join(known)}" if known else "there are none"
        raise InvalidInput(f"There is no parameter {shown(unknown[0])} here; {there_are}.")
    repeated = getattr(serializer_class, "repeated", ())
    if twice := [name for name, texts in said if len(texts) > 1 and name not in repeated]:
        raise InvalidInput(f"{shown(twice[0])} stands more than once in the query string. Say it once.")
    # Of a number, a choice or an id an empty one says nothing, and is taken as if it were left out.
    if empty := [name for name, value in request.query_params.items() if not value and name in known]:
        fields = serializer_class().get_fields() if serializer_class else {}
        if mute := [name for name in empty if not isinstance(fields[name], serializers.CharField)]:
            raise InvalidInput(f"{mute[0]} is empty. Say something or leave it out.")


class ApiView(APIView):
    """A view of ours: a query parameter that its method does not read is refused, and named.

    queries     the serializer of the query string of each method, by its name in lower case
    limited_as  the limit that its requests count for (docs/reference/limits.md); "": writes are events
    """

    queries: ClassVar[Mapping[str, type[serializers.Serializer[Any]]]] = {}
    limited_as: ClassVar[str] = ""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises InvalidInput for an unknown parameter, once it is known that the caller may ask at all."""
        super().initial(request, *args, **kwargs)
        method = (request.method or "").lower()
        if method != "options":
            check_query(self.queries.get("get" if method == "head" else method), request)


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answers every foreseeable failure as `{success: false, error: sentence}`; others stay a 500."""
    headers: dict[str, str] = {}
    match exception:
        case HeedError():
            status, message = exception.status, exception.message
        case Http404():
            status, message = 404, "There is nothing at this address."
        case PermissionDenied():
            status, message = 403, "You may not do this."
        case RequestDataTooBig():
            status, message = 413, "The body is too large. Send it in several requests."
        case SuspiciousOperation():
            status, message = 400, "This request is not well-formed."
        case APIException():
            status, message = exception.status_code, _sentence(exception.detail)
            headers = _headers(exception)
        case _ if is_away(exception):
            path = getattr(context.get("request"), "path", "")
            logger.error("database unavailable", path=path, error=in_one_line(exception))
            status, message = 503, DATABASE_AWAY
            headers["Retry-After"] = "2"
        case _ if is_unstorable(exception):
            logger.error("value refused by the database", view=context.get("view"), exc_info=exception)
            status, message = 400, UNSTORABLE_VALUE
        case _:
            return None
    set_rollback()
    # A message may quote what was sent, and that may be long.
    response = Response({"success": False, "error": message[:MAX_SENTENCE]}, status=status, headers=headers)
    return logged(response) if message == DATABASE_AWAY else response


def _headers(exception: APIException) -> dict[str, str]:
    headers: dict[str, str] = {}
    if header := getattr(exception, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(exception, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    return headers


def _sentence(detail: Any, path: str = "") -> str:
    """Flattens DRF's nested error detail to one readable line: `field: message`."""
    if isinstance(detail, Mapping):
        parts = [
            _sentence(value, path if key == "non_field_errors" else f"{path}.{key}".strip("."))
            for key, value in detail.items()
        ]
    elif isinstance(detail, list | tuple):
        nested = any(isinstance(value, Mapping) for value in detail)
        parts = [
            _sentence(value, f"{path}[{index}]" if nested else path)
            for index, value in enumerate(detail)
            if value
        ]
    else:
        # Most messages of DRF end with a full stop; all of ours shall.
        sentence = str(detail).removesuffix(".") + "."
        # Ours begin with a small letter: they go on where the name of the field ends.
        return f"{path}{' ' if sentence[0].islower() else ': '}{sentence}" if path else sentence
    return " ".join(parts[:5])
