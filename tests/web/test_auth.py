import asyncio
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

import bcrypt
import pytest

from exporter.config.web import parse_web_config
from exporter.web.auth import BasicAuth
from exporter.web.tls import WebConfigFile
from tests.support.log import Log
from tests.support.logins import hashed, login
from tests.support.serving import Serving
from tests.support.site import site_of

USERS = {"alice": hashed("secret"), "bob": hashed("x" * 72)}
OK, WRONG, BUSY = HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Keep the hashes that passwords are checked against."""
    against, check = list[bytes](), bcrypt.checkpw

    def checkpw(password: bytes, hashed: bytes) -> bool:
        against.append(hashed)
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    return against


async def statuses(auth: BasicAuth, *logins: tuple[str, str, str]) -> list[HTTPStatus]:
    """Return what becomes of logins (name, password, client) that come all at once."""
    return await asyncio.gather(*(auth.login(name, word.encode(), client) for name, word, client in logins))


@pytest.mark.parametrize(("name", "expected"), [("alice", OK), ("mallory", WRONG)])
async def test_the_same_login_is_checked_once_an_unknown_name_against_somebodys_hash(
    checks: list[bytes], name: str, expected: HTTPStatus
) -> None:
    assert set(await statuses(BasicAuth(lambda: USERS), *[(name, "secret", "a")] * 50, (name, "secret", "b"))) == {expected}
    assert len(checks) == 1
    assert checks[0].decode() in USERS.values()


async def test_a_right_login_is_remembered_until_its_hash_changes_however_many_wrong_ones_come(checks: list[bytes]) -> None:
    users = dict(USERS)
    auth = BasicAuth(lambda: users)
    for word in (b"secret", *(b"%d" % number for number in range(10)), b"secret"):
        await auth.login("alice", word, "a")
    assert len(checks) == 11
    users["alice"] = hashed("another")
    assert await auth.login("alice", b"secret", "a") == WRONG
    del users["alice"]
    assert await auth.login("alice", b"secret", "a") == WRONG


async def test_of_many_attempts_at_once_most_are_turned_away_and_one_client_cannot_take_all_turns() -> None:
    auth = BasicAuth(lambda: USERS)
    everybody = await statuses(auth, *(("alice", str(number), str(number)) for number in range(100)))
    assert everybody.count(BUSY) == 92
    found = await statuses(auth, *(("alice", str(number), "bad") for number in range(20)), ("alice", "secret", "good"))
    assert (found.count(BUSY), found[20]) == (16, OK)


async def test_after_a_wrong_password_the_next_has_to_wait_as_long_as_the_check_took(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: time.sleep(0.05))
    began = time.monotonic()
    await statuses(BasicAuth(lambda: USERS), ("alice", "one", "a"), ("alice", "two", "a"))
    assert time.monotonic() - began >= 0.2, "two checks, and a pause as long as the check after each"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Serving]:
    odd = USERS["alice"][:28] + "9" + USERS["alice"][29:]
    text = f"basic_auth_users: {{alice: {hashed('secret', cost=9)}, bob: {USERS['bob']}, odd: {odd}}}"
    file = WebConfigFile("", lambda: parse_web_config(text.encode(), source="", directory=Path()), Log().logger)
    with Serving(site_of(2), web_config=file) as serving:
        yield serving


@pytest.mark.parametrize(
    ("scheme", "token", "status"),
    [
        ("", b"", 401),
        ("Basic !!!", b"", 401),
        ("Basic ", b"alice", 401),
        ("Basic ", b"\xff\xfe:secret", 401),
        ("Bearer ", b"alice:secret", 401),
        ("Basic ", b"alice:secret\0", 401),
        ("Basic ", b"bob:" + b"x" * 73, 401),
        *(("Basic ", word, 401) for word in b"alice:wrong alice: bob:secret mallory:secret odd:secret :".split()),
        ("Basic ", b"bob:" + b"x" * 72, 200),
        ("basic  ", b"alice:secret", 200),
    ],
)
def test_a_login_is_right_or_wrong(guarded: Serving, scheme: str, token: bytes, status: int) -> None:
    response = guarded.get("/metrics", {"Authorization": scheme + b64encode(token).decode()})
    assert response.status == status
    assert (response.headers["www-authenticate"] is not None) == (status == 401)


def test_every_path_asks_for_a_login(guarded: Serving) -> None:
    paths = ("/metrics", "/", "/config", "/api/v1/status", "/api/v1/cases", "/-/healthy", "/-/ready", "/assets/a", "/nothing")
    changes = ("/-/reload", "/api/v1/accounts/111111111111/refresh")
    found = [guarded.get(path) for path in paths] + [guarded.get(path, method="POST") for path in changes]
    assert {response.status for response in found} == {401}


def test_of_many_guesses_most_get_429_and_scrapes_stay_quick(guarded: Serving) -> None:
    assert guarded.get("/-/healthy", login("alice", "secret")).status == 200
    with ThreadPoolExecutor(16) as pool:
        guesses = [pool.submit(guarded.get, "/-/healthy", login("alice", f"guess {number}")) for number in range(32)]
        began = time.monotonic()
        assert guarded.get("/-/healthy", login("alice", "secret")).status == 200
        assert time.monotonic() - began < 1
        answers = [guess.result() for guess in guesses]
    found = Counter(answer.status for answer in answers)
    assert found.keys() == {401, 429}
    assert found[429] > found[401] >= 4
    assert {answer.headers["retry-after"] for answer in answers if answer.status == 429} == {"1"}
