"""A list for two by the API: an invitation to it, and the list that both like."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import caller, use_case_for
from core.api import ERRORS, WRITE_ERRORS, ApiView, ChoiceField, WholeNumberField, only_known, validated
from core.domain import USE_CASES, ItemKind
from core.values import USE_CASE, Whole
from serving.answers import ListAnswer, list_json
from serving.list_request import FilterField, FilterText
from serving.pipeline import DEFAULT_LIMIT, MAX_LIMIT
from serving.together import INVITATION_SECONDS, invite, read_invitation, recommend_together
from serving.wishes import Wishes

# Longer than any of ours.
_LONGEST = 200
_INVITATION = "what `POST /api/recommendations/together` gave the other person"


class InvitationAnswer(serializers.Serializer[Any]):
    """An invitation of the caller, for whoever is to have a list with them."""

    success = serializers.BooleanField()
    invitation = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="seconds")


class TogetherQuery(serializers.Serializer[Any]):
    """The query string of a list for two. Parameters with conditions may be repeated."""

    repeated = ("filter", "exclude")

    invitation = serializers.CharField(max_length=_LONGEST, help_text=_INVITATION)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    use_case = serializers.ChoiceField(choices=list(USE_CASES), required=False)
    filter = FilterText("what every item must be, as for a list of one's own")
    exclude = FilterText("what no item may be")


class TogetherBody(serializers.Serializer[Any]):
    """The body of a request for a list for two."""

    invitation = serializers.CharField(max_length=_LONGEST, help_text=_INVITATION)
    limit = WholeNumberField(Whole(1, MAX_LIMIT), default=DEFAULT_LIMIT)
    use_case = ChoiceField(USE_CASE, required=False)
    filter = FilterField(required=False)
    exclude = FilterField(required=False)


class TogetherAnswer(ListAnswer):
    """A list for two, recorded as one of the caller's."""

    next = None  # type: ignore[assignment]  # such a list has one page
    together_with = serializers.CharField(help_text="the other's user name, or that of their profile")


class InvitationView(ApiView):
    """Gives the caller's invitation. Who brings it sees a list of what both would like, for a day."""

    @extend_schema(operation_id="invitation", request=None, responses={201: InvitationAnswer, **WRITE_ERRORS})
    def post(self, request: Request) -> Response:
        answer = {"success": True, "invitation": invite(caller(request)), "expires_in": INVITATION_SECONDS}
        return Response(answer, status=201, headers={"Cache-Control": "no-store"})


class TogetherView(ApiView):
    """A list of what the caller and who invited them both would like, best first."""

    limited_as = "lists"

    queries = {"get": TogetherQuery}

    @extend_schema(
        operation_id="together_list", parameters=[TogetherQuery], responses={200: TogetherAnswer, **ERRORS}
    )
    def get(self, request: Request, kind: ItemKind) -> Response:
        given = validated(TogetherQuery, request.query_params)
        several = {name: request.query_params.getlist(name) for name in TogetherQuery.repeated}
        return self._serve(
            request, kind, given | {name: ",".join(said) for name, said in several.items() if said}
        )

    @extend_schema(
        operation_id="together_list_by_body",
        request=TogetherBody,
        responses={200: TogetherAnswer, **WRITE_ERRORS},
    )
    def post(self, request: Request, kind: ItemKind) -> Response:
        return self._serve(request, kind, validated(TogetherBody, only_known(TogetherBody, request.data)))

    @staticmethod
    def _serve(request: Request, kind: ItemKind, given: dict[str, Any]) -> Response:
        person = caller(request)
        other = read_invitation(given["invitation"], person)
        served = recommend_together(
            user_id=person.pk,
            other_id=other.pk,
            use_case=use_case_for(person, kind.name, given.get("use_case")),
            limit=given["limit"],
            wishes=Wishes.of({name: given[name] for name in ("filter", "exclude") if name in given}),
        )
        return Response({**list_json(served), "together_with": other.shown_name})
