"""Webhooks, defined by staff, and what became of each delivery."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from core.admin import RecordAdmin
from webhooks.models import EVENTS, Delivery, Webhook, new_secret
from webhooks.services import deliver_again


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]
    """A webhook, with a box to tick for each event."""

    events = forms.MultipleChoiceField(
        choices=[(name, f"{name}: {says}") for name, says in EVENTS.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


@admin.register(Webhook)
class WebhookAdmin(ModelAdmin):  # type: ignore[misc]
    """A secret is shown when it is made, and never again."""

    form = WebhookForm
    list_display = ("url", "description", "is_active", "created_at")
    fields = ("url", "events", "description", "is_active")
    actions = ("make_new_secret",)

    def save_model(
        self,
        request: HttpRequest,
        obj: Webhook,
        form: Any,
        change: bool,  # noqa: FBT001  Django's own
    ) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            self._show(request, obj)

    @admin.action(description="Make a new secret", permissions=["change"])
    def make_new_secret(self, request: HttpRequest, hooks: QuerySet[Webhook]) -> None:
        for hook in hooks:
            hook.secret = new_secret()
            hook.save(update_fields=["secret"])
            self._show(request, hook)

    def _show(self, request: HttpRequest, hook: Webhook) -> None:
        told = f"The secret of {hook} is {hook.secret}. Copy it now: it is not shown again."
        messages.warning(request, told)


@admin.register(Delivery)
class DeliveryAdmin(RecordAdmin):
    list_display = ("event", "webhook", "status", "attempts", "answer", "created_at", "due_at")
    list_filter = ("status", "event")
    list_select_related = ("webhook",)
    date_hierarchy = "created_at"
    fields = (
        "event",
        "event_id",
        "webhook",
        "facts",
        "status",
        "attempts",
        "answer",
        "created_at",
        "due_at",
        "delivered_at",
    )
    actions = ("send_again",)

    @admin.action(description="Deliver again")
    def send_again(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        if not request.user.has_perm("webhooks.change_webhook"):
            messages.error(request, "You need the permission to change webhooks.")
            return
        for delivery in deliveries:
            deliver_again(delivery)
        messages.success(request, "They wait for the next run of deliver_webhooks.")
