"""The address of a client, which only known proxies tell."""

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from core.client_address import client_address, networks

PROXY, CLIENT = "127.0.0.1", "203.0.113.7"


@pytest.mark.parametrize(
    ("trusted", "peer", "told", "address"),
    [
        ([], CLIENT, "", CLIENT),
        ([], PROXY, CLIENT, PROXY),
        ([PROXY], PROXY, CLIENT, CLIENT),
        ([PROXY], PROXY, f"10.9.9.9, {CLIENT}", CLIENT),
        ([PROXY], CLIENT, "10.9.9.9", CLIENT),
        ([PROXY, "10.0.0.0/8"], PROXY, f"1.2.3.4, {CLIENT}, 10.1.2.3", CLIENT),
        ([PROXY], PROXY, "not an address", ""),
        ([PROXY], PROXY, "", PROXY),
        ([PROXY], PROXY, f"{CLIENT},", PROXY),
        ([PROXY], "", CLIENT, CLIENT),
        ([], "", CLIENT, ""),
        (["::1"], "::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ([PROXY], "::ffff:127.0.0.1", CLIENT, CLIENT),
        ([PROXY], PROXY, f"{CLIENT}:5678", CLIENT),
        ([PROXY], PROXY, f"[{CLIENT}]", CLIENT),
        ([PROXY], PROXY, "[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::"),
        ([PROXY], PROXY, "[2001:db8:1:2:3:4:5:6]", "2001:db8:1:2::"),
        ([PROXY], PROXY, f"10.9.9.9:1, {CLIENT}:2, 127.0.0.1:3", CLIENT),
        ([PROXY], PROXY, f"{CLIENT}:x", ""),
        ([PROXY], PROXY, "[[::1]]:1", ""),
        (["10.0.0.0/8"], "10.0.0.1", ", ".join(["10.0.0.2"] * 1000), "10.0.0.2"),
    ],
)
def test_only_what_a_known_proxy_says_counts(
    settings: Settings, trusted: list[str], peer: str, told: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = networks(trusted)
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=told)
    assert client_address(request) == address
