"""Links in mail: where they lead, how often they are sent, and the one that confirms an address."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.limits.counting import COUNTS
from accounts.limits.rules import rules
from accounts.models import User
from accounts.selectors import caller
from core.domain import DOMAIN
from core.mail import send_later

_SALT = "heed.mail-confirmation"
GOOD_FOR_HOURS = 48


def link_origin(request: HttpRequest) -> str | None:
    """Scheme and host of links in mail; None where only the request says it, which a stranger can write.

    ALLOWED_HOSTS with a pattern lets through names that its owner never wrote down.
    """
    if settings.SITE_ADDRESS:
        return str(settings.SITE_ADDRESS)
    host = request.get_host()
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return f"{request.scheme}://{host}" if name in settings.ALLOWED_HOSTS else None


def may_send(email: str) -> bool:
    """False where this address was asked for too often, from wherever: nobody's mailbox is flooded."""
    return _may(f"mailbox {email.casefold()}")


def _may(what: str) -> bool:
    rule = rules().get("password-reset")
    return rule is None or not COUNTS.take(rule, what)


def ask_to_confirm(request: HttpRequest, person: User) -> bool:
    """Sends the link by which a person shows that their address is theirs; False where none can be sent.

    Nobody has mail sent to more addresses than one mailbox gets mail.
    """
    origin = link_origin(request)
    if origin is None or not _may(f"sender {person.pk}") or not may_send(person.email):
        return False
    token = signing.dumps([person.pk, person.email], salt=_SALT)
    context = {
        "name": person.get_username(),
        "site_name": DOMAIN.site.name,
        "link": f"{origin}{reverse('mail-confirm', args=[token])}",
        "hours": GOOD_FOR_HOURS,
    }
    body = render_to_string("registration/confirm_mail.txt", context)
    send_later(EmailMessage(f"Your address at {DOMAIN.site.name}", body, to=[person.email]))
    messages.success(
        request,
        f"A link to confirm your address is on its way to it. It is good for {GOOD_FOR_HOURS} hours.",
    )
    return True


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_mail(request: HttpRequest, token: str) -> HttpResponseBase:
    """Asks who came by the link to confirm, and takes the address for theirs.

    A look alone confirms nothing: mail servers follow links. Nor does it for anybody but its owner, who may
    have given another person's address.
    """
    person = caller(request)
    try:
        user_id, email = signing.loads(token, salt=_SALT, max_age=GOOD_FOR_HOURS * 3600)
    except signing.BadSignature:
        user_id, email = None, ""
    is_good = user_id == person.pk and email == person.email
    if is_good and request.method == "POST":
        User.objects.filter(pk=person.pk, email=email).update(confirmed_email=email)
        messages.success(request, f"{email} is confirmed. A new password would go to it.")
        return redirect("account")
    return render(
        request, "web/confirm_mail.html", {"is_good": is_good, "email": email}, status=200 if is_good else 400
    )
