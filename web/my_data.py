"""The pages of what is kept about a person: seeing it, downloading it, and having it erased."""

import tempfile

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate, logout
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from accounts.acting import as_account
from accounts.models import User
from accounts.selectors import caller
from privacy.export import export_person
from privacy.selectors import count_kept
from privacy.services import erase_person

ERASED = "Your account is deleted, with everything that was kept about it."
BY_THE_OPERATOR = {
    "staff": "A staff account is deleted by the operator of this site, with a command on the server.",
    "no password": "Your account has no password to confirm this with, so ask the operator of this site.",
}


class EraseForm(forms.Form):
    """The password, and that the person means it."""

    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Type your password."},
    )
    sure = forms.BooleanField(error_messages={"required": "Tick the box if you mean it."})


@login_required
@as_account
@never_cache
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """The size of the record about the person, and the ways to export or erase it."""
    person = caller(request)
    context = {"kept": count_kept(person), "refusal": _refusal(person)}
    return render(request, "web/my_data.html", context)


@login_required
@as_account
@never_cache
@require_GET
def download(request: HttpRequest) -> FileResponse:
    """Everything that is kept, as a file.

    It is written out first and then sent, so that what fails on the way is no half file, and a slow reader
    keeps no query open.
    """
    person = caller(request)
    file = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
    for piece in export_person(person):
        file.write(piece.encode())
    file.seek(0)
    name = f"heed-{person.username}.json"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/json")


@sensitive_post_parameters("password")
@login_required
@as_account
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest) -> HttpResponseBase:
    """Asks for the password, and deletes the account with all that is kept about it.

    A wrong password counts as a failed login, so that it cannot be guessed here either.
    """
    person = caller(request)
    if refusal := _refusal(person):
        messages.error(request, refusal)
        return redirect("my-data")
    form = EraseForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        password = form.cleaned_data["password"]
        if authenticate(request, username=person.username, password=password) == person:
            erase_person(user_id=person.pk)
            logout(request)
            messages.success(request, ERASED)
            return redirect("feed")
        form.add_error("password", "This is not your password.")
    context = {"form": form, "kept": count_kept(person)}
    return render(request, "web/my_data_erase.html", context)


def _refusal(person: User) -> str:
    """The reason why a person cannot erase themselves here, in a sentence; empty where they can."""
    if person.is_staff or person.is_superuser:
        return BY_THE_OPERATOR["staff"]
    return "" if person.has_usable_password() else BY_THE_OPERATOR["no password"]
