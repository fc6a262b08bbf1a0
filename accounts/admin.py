from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.models import ServiceToken, User
from core.domain import ROLES


class PersonForm(UserChangeForm):  # type: ignore[misc]
    """A person, with a box to tick for each role."""

    roles = forms.MultipleChoiceField(
        choices=[(role.name, role.name) for role in ROLES.values()],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What the person comes for; it opens lists and actions, and gives no permissions.",
    )


class RoleFilter(admin.SimpleListFilter):
    """The people who hold a role."""

    title = "role"
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(role.name, role.name) for role in ROLES.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        if self.value() not in ROLES:
            return queryset
        # SQLite cannot ask what a list in JSON contains. In the text each name stands in quotes.
        return queryset.alias(roles_text=Cast("roles", TextField())).filter(
            roles_text__contains=f'"{self.value()}"'
        )


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    form = PersonForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    change_form_outer_before_template = "admin/person_link.html"
    list_display = ("username", "is_staff", "is_synthetic", "is_active", "date_joined", "last_login")
    list_filter = (RoleFilter, "is_synthetic", "is_staff", "is_active")
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Heed", {"fields": ("roles", "is_synthetic")}))


@admin.register(ServiceToken)
class ServiceTokenAdmin(ModelAdmin):  # type: ignore[misc]
    """Tokens are issued by `manage.py issue_token`; here they are seen and revoked."""

    list_display = ("user", "may_act_for_others", "created_at")
    readonly_fields = ("digest", "user", "created_at", "may_act_for_others")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
