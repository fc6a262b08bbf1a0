"""Web addresses from outside: the origin is the one that a browser would go to, or there is none."""

import pytest

from core.web_addresses import check_origin, check_web_address, host_of, origin_of


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://films.example", "https://films.example"),
        ("HTTPS://Films.Example:443/A?b#c", "https://films.example"),
        ("http://films.example:80/", "http://films.example"),
        ("http://films.example:8080/", "http://films.example:8080"),
        ("https://films.example:80/", "https://films.example:80"),
        ("http://localhost:9000/a.png", "http://localhost:9000"),
        ("http://[::1]:9000/a.png", "http://[::1]:9000"),
        ("http://0x7f.1/", "http://127.0.0.1"),
        ("https://bücher.example/ü?q='\"><script>", "https://xn--bcher-kva.example"),
        ("https://films.example\\@evil.example/", "https://films.example"),
    ],
)
def test_an_address_has_the_origin_that_a_browser_sees(address: str, origin: str) -> None:
    assert check_web_address(address) == address
    assert origin_of(address) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "films.example",
        "//films.example",
        "/a.png",
        "javascript:alert(1)",
        "JAVASCRIPT://films.example/%0aalert(1)",
        "java\nscript:alert(1)",
        "data:image/png;base64,AAAA",
        "ftp://films.example/",
        "http:films.example",
        "http:/films.example",
        "https:///films.example",
        "https://\\films.example",
        "https://films.example/\n",
        " https://films.example/",
        "https://films.example/a b",
        "https://films.example/\x00",
        "https://films.example/\ud800",
        "https://ann:secret@films.example/",
        "https://films.example@evil.example/",
        "https://films.example;script-src/",
        "https://films.example,evil.example/",
        "https://films.example:99999/",
        "https://[::1/",
        "https://films.example/" + "a" * 2000,
    ],
)
def test_what_is_no_address_has_no_origin_and_no_host(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|has) "):
        check_web_address(text)
    assert len(text) > 2000 or (origin_of(text) is None and host_of(text) == "")


def test_a_host_is_shown_without_what_nobody_needs_to_read() -> None:
    assert host_of("https://www.films.example/a/b") == "films.example"
    assert host_of("http://films.example:8080/") == "films.example:8080"


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://images.example", "https://images.example"),
        ("HTTPS://Images.Example:443/", "https://images.example"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_has_one_form(text: str, origin: str) -> None:
    assert check_origin(text) == check_origin(origin) == origin


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "images.example",
        "https:",
        "data:",
        "'self'",
        "https://*.images.example",
        "https://images.example/posters/",
        "https://images.example?",
        "https://images.example#a",
        "https://ann@images.example",
        "https://images.example; script-src *",
        "https://images.example;script-src",
    ],
)
def test_what_says_more_or_less_than_an_origin_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        check_origin(text)
