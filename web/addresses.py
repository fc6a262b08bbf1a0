"""Addresses within the site: the page a person came from, and the list of a use case."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from core.domain import KINDS, UseCase
from core.domain.roles import use_cases_of_kind


def same_site(request: HttpRequest, wanted: str, otherwise: str) -> str:
    """`wanted` if it is a path on this site, else `otherwise`."""
    hosts = {request.get_host()}
    is_safe = url_has_allowed_host_and_scheme(wanted, hosts, require_https=request.is_secure())
    return wanted if is_safe and wanted.startswith("/") else otherwise


def query_of(use_case: UseCase) -> str:
    """The query that asks for a use case: its kind, and its name where the kind has several."""
    query = {"kind": KINDS[use_case.kind].plural}
    if len(use_cases_of_kind(use_case.kind)) > 1:
        query["use_case"] = use_case.name
    return urlencode(query)


def list_address(use_case: UseCase) -> str:
    """The feed of a use case."""
    return f"{reverse('feed')}?{query_of(use_case)}"
