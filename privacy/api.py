"""An app keeps its people: created, changed and erased by the names that the app gives them."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.selectors import check_keeps, people_of_apps
from accounts.services import NO_SUCH_PERSON, save_person
from accounts.usernames import normal_username
from core.api import ERRORS, WRITE_ERRORS, ApiView, ErrorSerializer, FlagField, only_known, validated
from core.domain import ROLES
from core.errors import InvalidInput, NotFound
from core.values import BadValue, named
from privacy.services import erase_person

CHANGE, DELETE = "accounts.change_user", "accounts.delete_user"


class PersonBody(serializers.Serializer[Any]):
    """The fields of a person that an app may set; those left out stay as they are."""

    is_active = FlagField(required=False, help_text="false: nobody may act for them any more")
    roles = serializers.ListField(
        child=serializers.ChoiceField(choices=list(ROLES)), required=False, max_length=len(ROLES)
    )


class PersonSerializer(serializers.Serializer[Any]):
    """A person as the app that keeps them sees them."""

    external_id = serializers.CharField()
    user_id = serializers.IntegerField(help_text="our own number, which an app need not know")
    is_active = serializers.BooleanField()
    roles = serializers.ListField(child=serializers.CharField())


class PersonAnswer(serializers.Serializer[Any]):
    """The person as they are stored now."""

    success = serializers.BooleanField()
    created = serializers.BooleanField()
    user = PersonSerializer()


class PersonByExternalIdView(ApiView):
    """One person by the name that their app gives them."""

    @extend_schema(operation_id="kept_person", responses={200: PersonSerializer, **ERRORS})
    def get(self, request: Request, external_id: str) -> Response:
        check_keeps(request, CHANGE)
        return Response(_person_json(_find(external_id)))

    @extend_schema(
        operation_id="person_put",
        request=PersonBody,
        responses={200: PersonAnswer, 201: PersonAnswer, 409: ErrorSerializer, **WRITE_ERRORS},
    )
    def put(self, request: Request, external_id: str) -> Response:
        return self._save(request, external_id, create=True)

    @extend_schema(
        operation_id="person_patch", request=PersonBody, responses={200: PersonAnswer, **WRITE_ERRORS}
    )
    def patch(self, request: Request, external_id: str) -> Response:
        return self._save(request, external_id, create=False)

    @extend_schema(operation_id="person_delete", responses={204: None, **ERRORS})
    def delete(self, request: Request, external_id: str) -> Response:
        check_keeps(request, DELETE)
        erase_person(user_id=_find(external_id).pk)
        return Response(status=204)

    @staticmethod
    def _save(request: Request, external_id: str, *, create: bool) -> Response:
        check_keeps(request, CHANGE)
        body = validated(PersonBody, only_known(PersonBody, request.data))
        person, created = save_person(
            username=_username(external_id),
            create=create,
            is_active=body.get("is_active"),
            roles=body.get("roles"),
        )
        answer = {"success": True, "created": created, "user": _person_json(person)}
        return Response(answer, status=201 if created else 200)


def _username(external_id: str) -> str:
    try:
        return named("external_id", normal_username, external_id)
    except BadValue as error:
        raise InvalidInput(f"{error}.") from error


def _find(external_id: str) -> User:
    person = people_of_apps().filter(username=_username(external_id)).first()
    if person is None:
        raise NotFound(NO_SUCH_PERSON)
    return person


def _person_json(person: User) -> dict[str, Any]:
    return {
        "external_id": person.username,
        "user_id": person.pk,
        "is_active": person.is_active,
        "roles": person.roles,
    }
