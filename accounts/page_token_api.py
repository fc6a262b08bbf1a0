"""`POST /api/page-token`: tokens for the pages of other sites."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.acting import PROFILE_HEADER
from accounts.authentication import ACTING_HEADER, NAMING_HEADER, names_somebody
from accounts.models import ServiceToken
from accounts.page_tokens import issue_page_token
from accounts.selectors import caller
from core.api import ERRORS, ApiView


class PageTokenSerializer(serializers.Serializer[Any]):
    """A token for the pages of another site."""

    success = serializers.BooleanField()
    page_token = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="seconds")


class PageTokenView(ApiView):
    """Issues a token for the pages that one person sees on another site."""

    @extend_schema(
        operation_id="issue_page_token",
        request=None,
        parameters=[
            OpenApiParameter(ACTING_HEADER, str, OpenApiParameter.HEADER, description="the person's id"),
            OpenApiParameter(
                NAMING_HEADER, str, OpenApiParameter.HEADER, description="or the person's user name"
            ),
        ],
        responses={201: PageTokenSerializer, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        # Who names a person in the header and comes so far may act for them.
        if not isinstance(request.auth, ServiceToken) or not names_somebody(request):
            raise PermissionDenied(
                "A page token is issued to a service token that may act for others, "
                f"for the person that it names in {ACTING_HEADER} or {NAMING_HEADER}."
            )
        if caller(request).owner_id:
            raise PermissionDenied(
                f"A page token stands for an account. Name a profile in {PROFILE_HEADER} where it is used."
            )
        answer = {
            "success": True,
            "page_token": issue_page_token(person=caller(request), service_token=request.auth),
            "expires_in": settings.PAGE_TOKEN_SECONDS,
        }
        return Response(answer, status=201, headers={"Cache-Control": "no-store"})
