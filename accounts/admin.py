from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import ServiceToken, User


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "is_staff", "is_synthetic", "is_active", "date_joined", "last_login")
    list_filter = ("is_synthetic", "is_staff", "is_active")
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Heed", {"fields": ("is_synthetic",)}))


@admin.register(ServiceToken)
class ServiceTokenAdmin(ModelAdmin):  # type: ignore[misc]
    """Tokens are issued by `manage.py issue_token`; here they are seen and revoked."""

    list_display = ("user", "may_act_for_others", "created_at")
    readonly_fields = ("digest", "user", "created_at", "may_act_for_others")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
