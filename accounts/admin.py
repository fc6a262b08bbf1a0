"""People, their roles and the tokens of programs, for staff."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
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
    list_before_template = "admin/bursts_link.html"
    list_display = (
        "username",
        "profile_name",
        "owner",
        "is_staff",
        "is_synthetic",
        "is_active",
        "date_joined",
        "last_login",
    )
    list_select_related = ("owner",)
    list_filter = (
        RoleFilter,
        "is_synthetic",
        "is_staff",
        "is_active",
        ("owner", admin.EmptyFieldListFilter),
        ("discounted_at", admin.EmptyFieldListFilter),
    )
    readonly_fields = ("first_acted_at", "discounted_at")
    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        ("Heed", {"fields": ("roles", "is_synthetic", "first_acted_at", "discounted_at")}),
    )

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """False for a profile, which has neither password nor rights to be set; its account makes it."""
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or obj.owner_id is None)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Of a profile, whose it is."""
        if obj is None or obj.owner_id is None:
            return super().get_fieldsets(request, obj)
        shown = ("username", "profile_name", "owner", "date_joined", "is_active", "roles")
        return ((None, {"fields": shown}),)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        """Saves a person. Staff vouch for an address that they set."""
        if "email" in form.changed_data:
            obj.confirmed_email = obj.email
        super().save_model(request, obj, form, change)


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new token. Nobody gets the rights of somebody who has more than they have by it."""

    maker: User

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        owner, ends_at = given.get("user"), given.get("ends_at")
        if not self.maker.is_superuser:
            if owner is not None and owner != self.maker and (owner.is_staff or owner.is_superuser):
                self.add_error("user", "Only a superuser makes a token for somebody else of the staff.")
            if given.get("may_act_for_others"):
                self.add_error("may_act_for_others", "Only a superuser makes a token that acts for others.")
        if owner is not None and owner.owner_id:
            self.add_error("user", "This is a profile. Make the token for its account, which names it.")
        if owner is not None and not owner.is_active:
            self.add_error("user", "This account is inactive, and so would be its token.")
        if ends_at is not None and ends_at <= timezone.now():
            self.add_error("ends_at", "This is past. Name a time to come, or leave it empty.")
        return given


@admin.register(ServiceToken)
class ServiceTokenAdmin(ModelAdmin):  # type: ignore[misc]
    """Tokens of programs: made here or by `manage.py issue_token`, and revoked by deleting them."""

    form = TokenForm
    list_display = (
        "user",
        "name",
        "may_act_for_others",
        "reads_only",
        "ends_at",
        "last_used_on",
        "created_at",
    )
    list_filter = ("may_act_for_others", "reads_only")
    search_fields = ("name", "user__username")
    autocomplete_fields = ("user",)
    fields = ("user", "name", "may_act_for_others", "reads_only", "ends_at")
    kept = ("last_used_on", "created_at", "digest")

    def get_readonly_fields(self, request: HttpRequest, obj: ServiceToken | None = None) -> tuple[str, ...]:
        return () if obj is None else tuple(field for field in (*self.fields, *self.kept) if field != "name")

    def get_fields(self, request: HttpRequest, obj: ServiceToken | None = None) -> tuple[str, ...]:
        return self.fields if obj is None else (*self.fields, *self.kept)

    def get_form(self, request: HttpRequest, obj: ServiceToken | None = None, **kwargs: Any) -> type[Any]:
        form: type[Any] = super().get_form(request, obj, **kwargs)
        form.maker = request.user
        return form

    def save_model(self, request: HttpRequest, obj: ServiceToken, form: Any, change: Any) -> None:
        if not change:
            obj.issued = ServiceToken.generate()
            obj.digest = ServiceToken.hash(obj.issued)
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: ServiceToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The only page that shows the token; nothing keeps it."""
        context = {
            **self.admin_site.each_context(request),
            "title": "The new token",
            "token": obj,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/token_made.html", context)
