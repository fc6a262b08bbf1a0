"""The logo of a site: in the bar, in the tab, and nothing that runs."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

import core.context
import web.logo
from core.domain import DOMAIN
from core.domain.reading import MAX_LOGO_BYTES, read_domain

pytestmark = pytest.mark.django_db
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def with_logo(tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Path:
    picture = tmp_path / "ours.svg"
    picture.write_bytes(SVG)
    settings.HEED_CONFIG = tmp_path / "heed.toml"
    domain = replace(DOMAIN, site=replace(DOMAIN.site, logo="ours.svg"))
    monkeypatch.setattr(core.context, "DOMAIN", domain)
    monkeypatch.setattr(web.logo, "DOMAIN", domain)
    return picture


def test_it_stands_in_the_bar_and_in_the_tab(client: Client, with_logo: Path) -> None:
    page = client.get("/").content.decode()
    assert '<img class="brand-logo" src="/logo" alt=""' in page
    assert '<link rel="icon" href="/logo">' in page


def test_the_picture_runs_nothing(client: Client, with_logo: Path) -> None:
    answer = client.get("/logo")
    assert answer.content == SVG
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    with_logo.unlink()
    assert client.get("/logo").status_code == 404


def test_without_one_there_is_none(client: Client) -> None:
    assert client.get("/logo").status_code == 404
    assert "brand-logo" not in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [("x.gif", 1, "ends in"), ("none.svg", None, "no file"), ("big.png", MAX_LOGO_BYTES + 1, "bytes")],
    ids=["kind", "absent", "size"],
)
def test_a_wrong_one_is_named_at_the_start(tmp_path: Path, name: str, size: int | None, said: str) -> None:
    from django.conf import settings

    config = tmp_path / "heed.toml"
    written = Path(settings.HEED_CONFIG).read_text(encoding="utf-8")
    config.write_text(written.replace("[site]", f'[site]\nlogo = "{name}"', 1), encoding="utf-8")
    if size is not None:
        (tmp_path / name).write_bytes(b"x" * size)
    with pytest.raises(ImproperlyConfigured, match=f"site.logo: .*{said}"):
        read_domain(config)


def test_the_page_to_log_in_has_name_and_colors_of_the_site(client: Client) -> None:
    page = client.get("/accounts/login/").content.decode()
    assert f"<title>Log in · {DOMAIN.site.name}</title>" in page
    assert f"--light-accent: {DOMAIN.site.color}" in page
