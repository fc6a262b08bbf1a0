"""The page of an account's profiles, and the one tap that changes to another."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.acting import remember_profiles, use_profile
from accounts.models import MAX_PROFILE_NAME
from accounts.selectors import account_of, caller
from accounts.services import MAX_PROFILES, rename_profile
from core.domain import DOMAIN
from core.errors import HeedError
from core.values import ID
from privacy.account_profiles import delete_profile, make_profile, own_profile
from search.said_wishes import LONGEST


class NewProfileForm(forms.Form):
    """A name, and what the lists of the profile leave out."""

    name = forms.CharField(max_length=MAX_PROFILE_NAME, label="Name")
    wishes = forms.CharField(
        max_length=LONGEST,
        required=False,
        label="What it never shows (you can leave it out)",
        help_text="In your words, such as “nothing scary, no war films”.",
    )
    for_children = forms.BooleanField(required=False)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def account_profiles(request: HttpRequest) -> HttpResponse:
    """The profiles of the account; a POST makes one and changes to it."""
    account = account_of(caller(request))
    form = NewProfileForm(request.POST if request.method == "POST" else None, label_suffix="")
    if form.is_valid():
        try:
            made = make_profile(account=account, **form.cleaned_data)
        except HeedError as error:
            form.add_error(None, error.message)
        else:
            remember_profiles(request, account)
            use_profile(request, made)
            messages.success(request, f"You are {made.shown_name} now. Your other lists stay as they were.")
            return redirect("welcome")
    profiles = remember_profiles(request, account)
    context = {
        "form": form,
        "profiles": profiles,
        "most": MAX_PROFILES,
        "grown_up": ", ".join(DOMAIN.search.grown_up),
    }
    return render(request, "web/account_profiles.html", context, status=400 if form.errors else 200)


@login_required
@never_cache
@require_POST
def change_profile(request: HttpRequest, profile_id: int) -> HttpResponse:
    """Acts as this profile, or as the account where the id is its own, from now on in this browser."""
    account = account_of(caller(request))
    try:
        use_profile(request, None if profile_id == account.pk else own_profile(account, profile_id))
    except HeedError as error:
        messages.error(request, error.message)
        return redirect("account-profiles")
    return redirect("feed")


@login_required
@never_cache
@require_POST
def name_profile(request: HttpRequest, profile_id: int) -> HttpResponse:
    """Gives a profile another name."""
    try:
        profile = own_profile(account_of(caller(request)), profile_id)
        rename_profile(profile=profile, name=request.POST.get("name", ""))
        messages.success(request, f"It is {profile.profile_name} now.")
    except HeedError as error:
        messages.error(request, error.message)
    return redirect("account-profiles")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def end_profile(request: HttpRequest, profile_id: int) -> HttpResponse:
    """Asks once more, and deletes a profile with everything that is kept of it."""
    account, person = account_of(caller(request)), caller(request)
    try:
        profile = own_profile(account, min(profile_id, ID.high))
        if request.method != "POST":
            return render(request, "web/account_profile_end.html", {"profile": profile})
        delete_profile(account=account, profile_id=profile.pk)
    except HeedError as error:
        messages.error(request, error.message)
        return redirect("account-profiles")
    if person.pk == profile.pk:
        use_profile(request, None)
    messages.success(request, f"{profile.profile_name} is deleted, with everything that was kept of it.")
    return redirect("account-profiles")
