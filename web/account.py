"""The pages of an account: address for mail, password, ending all logins, and a new password by mail."""

from typing import Any
from urllib.parse import urlsplit

import structlog
from axes.utils import reset as forget_failures
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetView
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.acting import as_account
from accounts.models import User
from accounts.selectors import caller
from web.account_forms import (
    NO_PASSWORD,
    ChosenPasswordForm,
    ConfirmedForm,
    MailForm,
    NewPasswordForm,
    ResetForm,
)
from web.mail_links import ask_to_confirm, link_origin, may_send

logger = structlog.stdlib.get_logger(__name__)

SENT = (
    "If an account has this address, a mail with a link is on its way to it. "
    "The link is good for {minutes} minutes and for one new password."
)
NO_ADDRESS = "This site cannot send links: its operator has to set SITE_ADDRESS, the address of this site."


@login_required
@as_account
@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """The account at a glance: name, address for mail, and what can be changed."""
    return _account_page(request, caller(request))


@sensitive_post_parameters("password")
@login_required
@as_account
@never_cache
@require_POST
def change_mail(request: HttpRequest) -> HttpResponseBase:
    """Sets or removes the address for mail."""
    person = caller(request)
    form = MailForm(request, person, request.POST)
    if not form.is_valid():
        return _account_page(request, person, mail_form=form)
    person.email = form.cleaned_data["email"]
    person.save(update_fields=["email"])
    if not person.email:
        messages.success(request, "No address is kept any more.")
    elif person.has_confirmed_mail:
        messages.success(request, f"A new password would go to {person.email}.")
    else:
        _ask_to_confirm(request, person)
    return redirect("account")


@login_required
@as_account
@never_cache
@require_POST
def send_confirmation(request: HttpRequest) -> HttpResponseBase:
    """Sends the link to confirm the address once more."""
    person = caller(request)
    if person.email and not person.has_confirmed_mail:
        _ask_to_confirm(request, person)
    return redirect("account")


def _ask_to_confirm(request: HttpRequest, person: User) -> None:
    if ask_to_confirm(request, person):
        return
    if link_origin(request) is None:
        logger.error("SITE_ADDRESS is not set, so no address can be confirmed")
        messages.error(request, NO_ADDRESS)
    else:
        messages.error(request, "Several mails went to this address lately. Try again in an hour.")


@sensitive_post_parameters("password")
@login_required
@as_account
@never_cache
@require_POST
def log_out_everywhere(request: HttpRequest) -> HttpResponseBase:
    """Ends all logins of the person but this one, and links for a new password that are under way.

    The same password is stored anew with another salt, and every login holds a hash of what is stored.
    """
    person = caller(request)
    form = _everywhere_form(request, person, request.POST)
    if not form.is_valid():
        return _account_page(request, person, everywhere_form=form)
    _store_password(request, person, form.cleaned_data["password"])
    messages.success(request, "All other browsers are logged out.")
    return redirect("account")


@sensitive_post_parameters()
@login_required
@as_account
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponseBase:
    """Asks for the old password and a new one; other browsers are logged out."""
    person = caller(request)
    if not person.has_usable_password():
        return redirect("account")
    form = NewPasswordForm(request, person, request.POST if request.method == "POST" else None)
    if form.is_valid():
        _store_password(request, person, form.cleaned_data["new_password1"])
        messages.success(request, "Your password is changed, and all other browsers are logged out.")
        return redirect("account")
    return render(request, "registration/change_password.html", {"form": form})


def _everywhere_form(request: HttpRequest, person: User, sent: QueryDict | None = None) -> ConfirmedForm:
    """The form beside another one that asks for the same password, so with ids of its own."""
    return ConfirmedForm(request, person, sent, auto_id="everywhere_%s")


def _store_password(request: HttpRequest, person: User, password: str) -> None:
    person.set_password(password)
    person.save(update_fields=["password"])
    update_session_auth_hash(request, person)


def _account_page(
    request: HttpRequest,
    person: User,
    *,
    mail_form: MailForm | None = None,
    everywhere_form: ConfirmedForm | None = None,
) -> HttpResponse:
    context = {
        "refusal": "" if person.has_usable_password() else NO_PASSWORD,
        "mail_form": mail_form or MailForm(request, person, initial={"email": person.email}),
        "everywhere_form": everywhere_form or _everywhere_form(request, person),
    }
    return render(request, "web/account.html", context)


class ForgottenPasswordView(PasswordResetView):
    """Asks for an address and sends a link to it, where somebody has it; says the same in either case."""

    form_class = ResetForm
    template_name = "registration/forgotten.html"
    email_template_name = "registration/forgotten_mail.txt"
    subject_template_name = "registration/forgotten_subject.txt"
    success_url = reverse_lazy("password-forgotten")

    def form_valid(self, form: Any) -> HttpResponse:
        origin = link_origin(self.request)
        if origin is None:
            logger.error("SITE_ADDRESS is not set, so no link for a new password is sent")
            form.add_error(None, NO_ADDRESS)
            return self.form_invalid(form)
        if may_send(form.cleaned_data["email"]):
            parts = urlsplit(origin)
            form.save(
                domain_override=parts.netloc,
                use_https=parts.scheme == "https",
                subject_template_name=self.subject_template_name,
                email_template_name=self.email_template_name,
                from_email=settings.DEFAULT_FROM_EMAIL,
                extra_email_context={"minutes": settings.PASSWORD_RESET_TIMEOUT // 60},
            )
        messages.success(self.request, SENT.format(minutes=settings.PASSWORD_RESET_TIMEOUT // 60))
        return redirect("password-forgotten")


@method_decorator(sensitive_post_parameters(), name="dispatch")
class NewPasswordView(PasswordResetConfirmView):
    """Takes the new password of who came by the link, which is then used up."""

    form_class = ChosenPasswordForm
    template_name = "registration/new_password.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        # Who was locked out for guessing wrong has just proved who they are.
        forget_failures(username=form.user.get_username())
        messages.success(self.request, "Your password is changed. Log in with it.")
        return response
