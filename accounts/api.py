"""`GET /api/check-auth`: the person who asks; `/api/roles`: their roles."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import caller
from accounts.services import set_roles
from core.api import ERRORS, WRITE_ERRORS, ApiView, validated
from core.domain import ROLES, USE_CASES


class CheckAuthSerializer(serializers.Serializer[Any]):
    """The caller."""

    authenticated = serializers.BooleanField()
    user_id = serializers.IntegerField(allow_null=True)
    username = serializers.CharField(allow_null=True)


class CheckAuthView(ApiView):
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


class RolesBody(serializers.Serializer[Any]):
    """All the roles that the caller is to have."""

    roles = serializers.ListField(
        child=serializers.ChoiceField(choices=list(ROLES)), allow_empty=True, max_length=len(ROLES)
    )


class RoleSerializer(serializers.Serializer[Any]):
    """A role that may be chosen, and the use cases whose lists it opens."""

    name = serializers.CharField()
    title = serializers.CharField(help_text="in the words of the person who holds it")
    use_cases = serializers.ListField(child=serializers.CharField())


class RolesAnswer(serializers.Serializer[Any]):
    """The caller's roles, and those there are."""

    roles = serializers.ListField(child=serializers.CharField())
    available = RoleSerializer(many=True)


class RolesView(ApiView):
    """The caller's roles, as they chose them. A role opens lists and actions; it gives no permission."""

    @extend_schema(operation_id="roles", responses={200: RolesAnswer, **ERRORS})
    def get(self, request: Request) -> Response:
        return Response(_roles_json(caller(request).roles))

    @extend_schema(operation_id="set_roles", request=RolesBody, responses={200: RolesAnswer, **WRITE_ERRORS})
    def put(self, request: Request) -> Response:
        body = validated(RolesBody, request.data)
        return Response(_roles_json(set_roles(user=caller(request), roles=body["roles"])))


def _roles_json(roles: list[str]) -> dict[str, Any]:
    """`roles` in the form that RolesAnswer describes; one that is not known any more is passed over."""
    available = [
        {
            "name": role.name,
            "title": role.label,
            "use_cases": [one.name for one in USE_CASES.values() if one.role == role.name],
        }
        for role in ROLES.values()
    ]
    return {"roles": [name for name in ROLES if name in roles], "available": available}
