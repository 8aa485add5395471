import asyncio
import base64
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import bcrypt
import pytest
from starlette.types import ASGIApp

from exporter.web import passwords as module
from exporter.web.limits import Limits
from exporter.web.passwords import Passwords, Verdict
from tests.support.fetch import fetch
from tests.support.logins import hashed, login
from tests.support.serving import Serving
from tests.web.conftest import ReadWebConfig

USERS = {"alice": hashed("secret"), "bob": hashed("x" * 72)}
SECRET = b"s" * 16


class Checks:
    """Counts the hashes that passwords were checked against."""

    def __init__(self) -> None:
        self.hashes: list[str] = []

    def __call__(self, password: bytes, against: str) -> bool:
        self.hashes.append(against)
        return bcrypt.checkpw(password, against.encode())


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    counted = Checks()
    monkeypatch.setattr(module, "_matches", counted)
    return counted


def verdicts(*logins: tuple[str, str], client: Callable[[int], str] = str) -> list[Verdict]:
    """Return what becomes of logins that come all at once."""

    async def check() -> list[Verdict]:
        passwords = Passwords(SECRET, time.monotonic)
        return await asyncio.gather(
            *(passwords.check(USERS, name, word.encode(), client(n)) for n, (name, word) in enumerate(logins))
        )

    return asyncio.run(check())


@pytest.mark.parametrize(
    ("name", "password", "verdict"),
    [
        ("alice", "secret", Verdict.RIGHT),
        ("alice", "Secret", Verdict.WRONG),
        ("alice", "", Verdict.WRONG),
        ("bob", "secret", Verdict.WRONG),
        ("bob", "x" * 72, Verdict.RIGHT),
        ("bob", "x" * 73, Verdict.WRONG),
        ("mallory", "secret", Verdict.WRONG),
        ("", "", Verdict.WRONG),
        ("alice", "secret\0", Verdict.WRONG),
    ],
)
def test_a_login_is_right_or_wrong(name: str, password: str, verdict: Verdict) -> None:
    assert verdicts((name, password)) == [verdict]


def test_an_unknown_name_costs_a_check_against_somebodys_hash(checks: Checks) -> None:
    assert verdicts(("mallory", "secret")) == [Verdict.WRONG]
    assert len(checks.hashes) == 1
    assert checks.hashes[0] in USERS.values()


@pytest.mark.parametrize("name", ["alice", "mallory"])
def test_the_same_login_is_checked_once(checks: Checks, name: str) -> None:
    async def check() -> None:
        passwords = Passwords(SECRET, time.monotonic)
        await asyncio.gather(*(passwords.check(USERS, name, b"secret", "a") for _ in range(50)))
        await passwords.check(USERS, name, b"secret", "b")

    asyncio.run(check())
    assert len(checks.hashes) == 1


def test_a_new_hash_is_checked_anew(checks: Checks) -> None:
    async def check() -> list[Verdict]:
        passwords = Passwords(SECRET, time.monotonic)
        sets = (USERS, USERS | {"alice": hashed("other")}, USERS)
        return [await passwords.check(users, "alice", b"secret", "a") for users in sets]

    assert asyncio.run(check()) == [Verdict.RIGHT, Verdict.WRONG, Verdict.RIGHT]
    assert len(checks.hashes) == 2


def test_wrong_logins_do_not_push_right_ones_out_of_memory(checks: Checks) -> None:
    async def check() -> None:
        passwords = Passwords(SECRET, lambda: 0.0)
        await passwords.check(USERS, "alice", b"secret", "a")
        for number in range(150):
            await passwords.check(USERS, "alice", str(number).encode(), "a")
        checks.hashes.clear()
        await passwords.check(USERS, "alice", b"secret", "a")
        assert len(passwords._wrong._keys) == 128

    asyncio.run(check())
    assert checks.hashes == []


@pytest.mark.usefixtures("checks")
def test_of_many_attempts_at_once_most_are_turned_away() -> None:
    found = verdicts(*(("alice", str(number)) for number in range(100)))
    assert found.count(Verdict.BUSY) == 92


@pytest.mark.usefixtures("checks")
def test_one_client_cannot_take_all_turns() -> None:
    attempts = [("alice", str(number)) for number in range(20)]
    found = verdicts(*attempts, ("alice", "secret"), client=lambda n: "good" if n == 20 else "bad")
    assert found.count(Verdict.BUSY) == 16
    assert found[20] is Verdict.RIGHT


def test_after_a_wrong_password_the_next_has_to_wait_as_long_as_the_check_took() -> None:
    ticks = count(0.0, 0.1)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))

    async def check() -> None:
        await Passwords(SECRET, lambda: next(ticks), sleep).check(USERS, "alice", b"wrong", "a")

    asyncio.run(check())
    assert slept == [0.1]


@pytest.fixture
def guarded(large_site: ASGIApp, web_config: ReadWebConfig) -> Iterator[Serving]:
    with Serving(large_site, Limits(), web_config(f"basic_auth_users: {{alice: {USERS['alice']}}}")) as serving:
        yield serving


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("", 401),
        ("Basic", 401),
        ("Basic !!!", 401),
        ("Basic " + base64.b64encode(b"alice").decode(), 401),
        ("Basic " + base64.b64encode(b"\xff\xfe:secret").decode(), 401),
        ("Bearer " + base64.b64encode(b"alice:secret").decode(), 401),
        ("Basic " + base64.b64encode(b"alice:wrong").decode(), 401),
        ("Basic " + base64.b64encode(b"alice:" + b"x" * 5000).decode(), 401),
        ("Basic " + base64.b64encode(b"alice:secret").decode(), 200),
        ("basic  " + base64.b64encode(b"alice:secret").decode(), 200),
    ],
)
def test_a_header_is_a_login_or_not(guarded: Serving, header: str | None, status: int) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = fetch(f"http://127.0.0.1:{guarded.port}/metrics", headers)
    assert response.status == status
    assert (response.headers["www-authenticate"] is not None) == (status == 401)


def test_every_path_asks_for_a_login(guarded: Serving) -> None:
    paths = ("/metrics", "/", "/-/healthy", "/-/ready", "/nothing")
    assert {fetch(f"http://127.0.0.1:{guarded.port}{path}").status for path in paths} == {401}


def test_wrong_passwords_leave_scrapes_quick(guarded: Serving) -> None:
    url = f"http://127.0.0.1:{guarded.port}/-/healthy"
    assert fetch(url, login("alice", "secret")).status == 200
    with ThreadPoolExecutor(16) as pool:
        guesses = [pool.submit(fetch, url, login("alice", str(number))) for number in range(200)]
        began = time.monotonic()
        assert fetch(url, login("alice", "secret")).status == 200
        assert time.monotonic() - began < 1
    assert {guess.result().status for guess in guesses} <= {401, 429}
