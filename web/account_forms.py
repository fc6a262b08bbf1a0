"""The forms of an account: its address for mail, its password, and getting a new one by mail."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm, PasswordResetForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string

from accounts.models import User
from core.mail import send_later

WRONG_PASSWORD = "This is not your password."  # noqa: S105  a sentence
NO_PASSWORD = "Your account has no password to confirm a change with: ask the operator."  # noqa: S105


def check_password(request: HttpRequest, person: User, password: str) -> None:
    """Raises ValidationError for a wrong password. It counts as a failed login, so nobody guesses it here."""
    if authenticate(request, username=person.username, password=password) != person:
        raise ValidationError(WRONG_PASSWORD)


class ConfirmedForm(forms.Form):
    """The person's password, asked for again."""

    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Type your password."},
    )

    def __init__(self, request: HttpRequest, person: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.person = request, person

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        check_password(self.request, self.person, password)
        return password


class MailForm(ConfirmedForm):
    """An address for mail, or none; with the password, for who can change it can get a new password."""

    email = forms.EmailField(
        label="E-mail",
        required=False,
        max_length=254,
        help_text="Only for a new password when you forget yours. Leave it empty to have none.",
    )
    field_order = ("email", "password")


class NewPasswordForm(PasswordChangeForm):
    """The old password and twice the new one. A wrong old one counts as a failed login."""

    def __init__(self, request: HttpRequest, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        check_password(self.request, self.user, password)
        return password


class ResetForm(PasswordResetForm):
    """An address that a new password is asked for. What is answered does not tell whether anybody has it."""

    def get_users(self, email: str) -> Iterable[User]:
        """The people who showed this address to be theirs; where there are none, one who gets no mail.

        So the same work is done for an address that nobody has, and takes the same time.
        """
        people = [person for person in super().get_users(email) if person.has_confirmed_mail]
        return people or [User(pk=0, username="nobody")]

    def send_mail(
        self,
        subject_template_name: str,
        email_template_name: str,
        context: dict[str, Any],
        from_email: str | None,
        to_email: str,
        html_email_template_name: str | None = None,
    ) -> None:
        subject = " ".join(render_to_string(subject_template_name, context).split())
        message = EmailMessage(
            subject, render_to_string(email_template_name, context), from_email, [to_email]
        )
        if to_email:
            send_later(message)


class ChosenPasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """Twice the new password of somebody who came by mail."""
