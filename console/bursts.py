"""A page for staff on bursts of new accounts: each can be discounted, and counted again."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

import interactions.bursts
from accounts.models import User
from accounts.selectors import caller
from catalog.models import Item
from interactions.bursts import Burst, DiscountedGroup, accounts_of, discounted_groups, find_bursts

PERMISSION = "accounts.change_user"
MOST = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A burst as the page shows it; `key` names it in a form."""

    key: str
    burst: Burst
    title: str

    @property
    def share(self) -> str:
        return f"{self.burst.share:.0%}"

    @property
    def people(self) -> str:
        return _accounts(self.burst.accounts)


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Accounts that were discounted at once; `key` names them in a form."""

    key: str
    group: DiscountedGroup
    address: str

    @property
    def people(self) -> str:
        return _accounts(self.group.accounts)


@require_GET
def bursts(request: HttpRequest) -> HttpResponse:
    """The page, for those who may change people; with the accounts of the burst that its address names."""
    _check(request)
    now, key = timezone.now(), request.GET.get("burst", "")
    found = find_bursts(now)
    chosen = next((one for one in found if _key(one) == key), None)
    shown = found[:MOST]
    titles = dict(Item.objects.filter(pk__in={one.item_id for one in shown}).values_list("pk", "title"))
    people = reverse("admin:accounts_user_changelist")
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Bursts of new accounts",
        "rows": [Row(_key(one), one, titles.get(one.item_id, f"item {one.item_id}")) for one in shown],
        "left_out": len(found) - len(shown),
        "chosen": chosen,
        "people": [] if chosen is None else accounts_of(chosen, now).order_by("date_joined", "pk")[:MOST],
        "most": MOST,
        "groups": [
            GroupRow(one.at.isoformat(), one, f"{people}?{urlencode({'discounted_at': one.at.isoformat()})}")
            for one in discounted_groups()
        ],
    }
    return render(request, "admin/bursts.html", context)


@require_POST
def discount(request: HttpRequest) -> HttpResponse:
    """Discounts the accounts of a burst that there is now, asked for by a form."""
    _check(request)
    now = timezone.now()
    key = request.POST.get("burst", "")
    burst = next((one for one in find_bursts(now) if _key(one) == key), None)
    count = 0 if burst is None else interactions.bursts.discount(burst, now)
    if burst is None or not count:
        messages.info(request, "Nothing changed: there is no such burst, or no more.")
    else:
        item = Item.objects.get(pk=burst.item_id)
        side = "for" if burst.speaks_for else "against"
        said = f"Discounted {_accounts(count)} that spoke {side} it, at {now.isoformat()}."
        LogEntry.objects.log_actions(
            caller(request).pk, [item], CHANGE, change_message=said, single_object=True
        )
        messages.success(request, f"Discounted: {_accounts(count)}. What they say counts nothing for others.")
    return HttpResponseRedirect(reverse("bursts"))


@require_POST
def count_again(request: HttpRequest) -> HttpResponse:
    """Takes back what `discount` did to a group of accounts, asked for by a form."""
    _check(request)
    key = request.POST.get("group", "")
    group = next((one for one in discounted_groups() if one.at.isoformat() == key), None)
    count = 0 if group is None else interactions.bursts.count_again(group)
    if group is None or not count:
        messages.info(request, "Nothing changed: no accounts were discounted then, or none are any more.")
    else:
        # Of many accounts, so of none by its id.
        LogEntry.objects.create(
            user=caller(request),
            content_type=ContentType.objects.get_for_model(User),
            object_repr=_accounts(count),
            action_flag=CHANGE,
            change_message=f"Counts them again, which were discounted at {group.at.isoformat()}.",
        )
        messages.success(request, f"Counted again: {_accounts(count)}.")
    return HttpResponseRedirect(reverse("bursts"))


def _check(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied


def _key(burst: Burst) -> str:
    return f"{burst.item_id}-{'for' if burst.speaks_for else 'against'}"


def _accounts(count: int) -> str:
    return "1 account" if count == 1 else f"{count:,} accounts"
