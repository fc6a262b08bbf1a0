"""People in the admin: deleting one erases all that is kept about them, as `erase_user` does."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin import PersonAdmin
from accounts.models import User
from privacy.selectors import count_kept
from privacy.services import erase_person, follow_new_name

admin.site.unregister(User)


@admin.register(User)
class ErasablePersonAdmin(PersonAdmin):
    def get_deleted_objects(
        self, objs: Iterable[User], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        titles = []
        for person in objs:
            kept = count_kept(person)
            titles.append(
                f"{person.username}, with all that is kept: {kept.lists:,} lists, "
                f"{kept.interactions:,} interactions, {kept.dislikes:,} dislikes, {kept.tokens:,} tokens"
            )
        return titles, {"users": len(titles)}, set(), []

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        if change and "username" in form.changed_data:
            follow_new_name(person=obj, before=form.initial["username"])

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        erase_person(user_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for user_id in list(queryset.values_list("pk", flat=True)):
            erase_person(user_id=user_id)
