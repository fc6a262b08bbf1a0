"""`GET /api/check-auth`: who the server thinks is asking."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api import ERRORS


class CheckAuthSerializer(serializers.Serializer[Any]):
    """Who is asking."""

    authenticated = serializers.BooleanField()
    user_id = serializers.IntegerField(allow_null=True)
    username = serializers.CharField(allow_null=True)


class CheckAuthView(APIView):
    """Tells whether the caller is logged in, and as whom."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="check_auth", responses={200: CheckAuthSerializer, **ERRORS})
    def get(self, request: Request) -> Response:
        known = request.user.is_authenticated
        return Response(
            {
                "authenticated": known,
                "user_id": request.user.pk if known else None,
                "username": request.user.get_username() if known else None,
            }
        )
