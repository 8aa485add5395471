from argparse import ArgumentTypeError
from collections.abc import Callable

import pytest

from exporter import arguments


@pytest.mark.parametrize("text", ["/metrics", "/a/b.c_d~e-f", "/-x"])
def test_a_path_of_plain_characters_can_have_the_metrics(text: str) -> None:
    assert arguments.telemetry_path(text) == text


@pytest.mark.parametrize(
    ("flag", "text", "told"),
    [
        *((arguments.telemetry_path, text, "is not a path for the metrics") for text in ("", "metrics", "/m/", "//m", "/a b")),
        *(
            (arguments.telemetry_path, text, "is not a path for the metrics")
            for text in ("/{x}", "/..", "/a/./b", "/é", "/a%20")
        ),
        *((arguments.telemetry_path, text, "is a path of the exporter's own") for text in ("/config", "/-/ready", "/-/new")),
        *((arguments.route_prefix, text, "is not a path to serve") for text in ("/a b", "/..", "/{x}", "/a//b")),
        *((arguments.external_url, text, "is not a URL") for text in ("", "example.com", "ftp://x", "http://", "http://a/?q")),
        *(
            (arguments.external_url, text, "is not a URL")
            for text in ("http://u:p@a", "http://a:x", "http://a/<", "http://[x]/")
        ),
        (arguments.interval, "1", "is not a duration"),
        (arguments.interval, "10ms", "is too short"),
        (arguments.address, "[]:0", "is not an address"),
    ],
)
def test_a_bad_value_is_told_in_words(flag: Callable[[str], object], text: str, told: str) -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        flag(text)
    assert told in str(caught.value)
    assert str(caught.value).startswith(f'"{text}" ')


@pytest.mark.parametrize(("text", "prefix"), [("", ""), ("/", ""), ("support", "/support"), ("/a/b/", "/a/b")])
def test_a_prefix_has_no_slash_at_its_end(text: str, prefix: str) -> None:
    assert arguments.route_prefix(text) == prefix


@pytest.mark.parametrize(
    ("text", "path"), [("https://example.com", ""), ("http://example.com:80/a/b/", "/a/b"), ("http://[::1]:9/", "")]
)
def test_an_external_url_has_a_path(text: str, path: str) -> None:
    assert arguments.external_url(text) == (text.rstrip("/"), path)
