"""`/api/account/profiles`: the profiles of the caller's account; `X-Profile` names the one that acts."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.idempotency import IDEMPOTENCY_PARAMETER, respond_once
from accounts.models import User
from accounts.selectors import account_of, caller, profiles_of
from accounts.services import PROFILE_NAME, rename_profile
from core.api import (
    ERRORS,
    WRITE_ERRORS,
    ApiView,
    ErrorSerializer,
    FlagField,
    IdField,
    TextField,
    only_known,
    validated,
)
from core.values import Text
from privacy.account_profiles import MAKING, delete_profile, make_profile, own_profile
from search.said_wishes import LONGEST


class AccountProfileBody(serializers.Serializer[Any]):
    """A new profile."""

    name = TextField(PROFILE_NAME, help_text="such as `With the kids`; no two of an account are alike")
    for_children = FlagField(default=False, help_text="its lists leave out what heed.toml calls `grown_up`")
    wishes = TextField(Text(LONGEST), default="", help_text="more to leave out, such as `nothing scary`")


class AccountProfileNameBody(serializers.Serializer[Any]):
    """The new name of a profile."""

    name = TextField(PROFILE_NAME)


class AccountProfileJson(serializers.Serializer[Any]):
    """A profile of an account."""

    profile_id = IdField(help_text="for the header `X-Profile`")
    name = serializers.CharField()


class AccountProfilesAnswer(serializers.Serializer[Any]):
    """The profiles of the caller's account, the oldest first."""

    success = serializers.BooleanField()
    account_id = IdField(help_text="in `X-Profile` for the account itself")
    acting_as = IdField(help_text="who acts in this request: the account or a profile of it")
    profiles = AccountProfileJson(many=True)


class AccountProfileAnswer(serializers.Serializer[Any]):
    """One profile as it is now."""

    success = serializers.BooleanField()
    profile = AccountProfileJson()


class AccountProfilesView(ApiView):
    """The profiles of the caller's account."""

    @extend_schema(operation_id="account_profiles", responses={200: AccountProfilesAnswer, **ERRORS})
    def get(self, request: Request) -> Response:
        person = caller(request)
        return Response(
            {
                "success": True,
                "account_id": person.account_id,
                "acting_as": person.pk,
                "profiles": [_profile_json(one) for one in profiles_of(account_of(person))],
            }
        )

    @extend_schema(
        operation_id="account_profile_make",
        request=AccountProfileBody,
        parameters=[IDEMPOTENCY_PARAMETER],
        responses={201: AccountProfileAnswer, 422: ErrorSerializer, **WRITE_ERRORS},
    )
    def post(self, request: Request) -> Response:
        body = validated(AccountProfileBody, only_known(AccountProfileBody, request.data))

        def act() -> tuple[int, dict[str, Any]]:
            profile = make_profile(account=account_of(caller(request)), **body)
            return 201, {"success": True, "profile": _profile_json(profile)}

        return respond_once(request, route=MAKING, act=act)


class AccountProfileView(ApiView):
    """One profile of the caller's account: renamed, or deleted with all that is kept of it."""

    @extend_schema(
        operation_id="account_profile_rename",
        request=AccountProfileNameBody,
        responses={200: AccountProfileAnswer, **WRITE_ERRORS},
    )
    def patch(self, request: Request, profile_id: int) -> Response:
        body = validated(AccountProfileNameBody, only_known(AccountProfileNameBody, request.data))
        profile = own_profile(account_of(caller(request)), profile_id)
        rename_profile(profile=profile, name=body["name"])
        return Response({"success": True, "profile": _profile_json(profile)})

    @extend_schema(operation_id="account_profile_delete", responses={204: None, **ERRORS})
    def delete(self, request: Request, profile_id: int) -> Response:
        delete_profile(account=account_of(caller(request)), profile_id=profile_id)
        return Response(status=204)


def _profile_json(profile: User) -> dict[str, Any]:
    return {"profile_id": profile.pk, "name": profile.profile_name}
