"""The image, built and run: as any user, without a writable file, without capabilities. `make image-test` builds it first."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.fetch import fetch
from tests.support.waiting import wait_until

IMAGE = "localhost/aws-support-exporter:test"
PODMAN = ("podman", "--cgroup-manager=cgroupfs", "--events-backend=file", "--runtime=runc")
LARGEST_MEGABYTES = 60
"""What may be on top of the base."""
LONGEST_STOP_SECONDS = 5.0
NO_SHELL = tuple(f"--volume=/dev/null:/usr/bin/{shell}:ro" for shell in ("dash", "bash"))
"""Puts what cannot be run in the place of each shell."""


def podman(*arguments: str) -> str:
    command = [*PODMAN, *arguments]
    ended = subprocess.run(
        command, env=os.environ | {"STORAGE_DRIVER": "vfs"}, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, f"{' '.join(command)}: {ended.stderr}"
    return ended.stdout.strip()


@pytest.fixture(scope="module")
def config() -> dict[str, object]:
    """Return what the image says of itself."""
    described = json.loads(podman("inspect", "--type=image", IMAGE))[0]
    return {**described["Config"], "Healthcheck": described["Healthcheck"]}


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., tuple[str, str]]]:
    """Start a container as a careful cluster would; return its id and its address."""
    started: list[str] = []

    def run(*options: str) -> tuple[str, str]:
        hardened = ("--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges")
        limits = ("--ulimit=nofile=4096:20000", "--ulimit=nproc=4096:4096")
        container = podman(
            *("run", "--detach", "--network=host", "--no-healthcheck", *hardened, *limits, *options, IMAGE),
            *("--demo", "--web.listen-address=127.0.0.1:0"),
        )
        started.append(container)

        def find_url() -> str | None:
            lines = subprocess.run(
                [*PODMAN, "logs", container],
                env=os.environ | {"STORAGE_DRIVER": "vfs"},
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            )
            words = (word for word in lines.stderr.split() if word.startswith("url="))
            return next(words, "")[len("url=") :] or None

        return container, wait_until(find_url, 20, lambda: podman("logs", container))

    yield run
    for container in started:
        podman("rm", "--force", "--time=1", container)


@pytest.fixture(scope="module")
def running(start: Callable[..., tuple[str, str]]) -> tuple[str, str]:
    """Return a container that only looks are taken at."""
    return start()


@pytest.mark.parametrize(
    "options", [(), ("--user=1000670000:0",), NO_SHELL], ids=["its-own-user", "any-user", "without-a-shell"]
)
def test_it_serves_metrics_and_ends_on_sigterm(options: tuple[str, ...], start: Callable[..., tuple[str, str]]) -> None:
    container, url = start(*options)
    page = wait_until(lambda: text if "aws_support_open_cases{" in (text := fetch(f"{url}/metrics").text) else None, 20, str)
    assert 'version="unknown"' not in page
    assert 'revision="unknown"' not in page
    began = time.monotonic()
    podman("kill", "--signal=TERM", container)
    assert podman("wait", container) == "0"
    assert time.monotonic() - began < LONGEST_STOP_SECONDS


@pytest.mark.parametrize("module", ["pip", "ensurepip"])
def test_it_cannot_install_anything(module: str, running: tuple[str, str]) -> None:
    with pytest.raises(AssertionError, match=f"No module named {module}"):
        podman("exec", running[0], "/usr/local/bin/python", "-m", module, "--version")


def test_the_user_it_runs_as_can_write_nothing(running: tuple[str, str]) -> None:
    writable = "import os; print([d for d, _, _ in os.walk('/opt') if os.access(d, os.W_OK)], os.getuid())"
    assert podman("exec", running[0], "python", "-c", writable) == "[] 65532"


def test_its_user_is_a_number_that_is_not_root(config: dict[str, object]) -> None:
    assert config["User"] == "65532:65532"


def test_its_health_check_finds_it_well_and_finds_it_gone(config: dict[str, object], running: tuple[str, str]) -> None:
    check = config["Healthcheck"]["Test"]  # type: ignore[index]  # podman's JSON
    assert check[0] == "CMD"
    container, url = running
    port = url.rpartition(":")[2]
    asked = [part.replace("10047", port) for part in check[1:]]
    podman("exec", container, *asked)
    with pytest.raises(AssertionError, match="ConnectionRefused"):
        podman("exec", container, *(part.replace("10047", "1") for part in check[1:]))


def test_it_is_labelled(config: dict[str, object]) -> None:
    labels = config["Labels"]
    assert isinstance(labels, dict)
    title, licence, version = (labels[f"org.opencontainers.image.{name}"] for name in ("title", "licenses", "version"))
    assert (title, licence) == ("aws-support-exporter", "Apache-2.0")
    assert version != "0.0.0"


def test_it_adds_little_to_its_base() -> None:
    layers = json.loads(podman("history", "--format=json", IMAGE))
    own = next(layer["size"] for layer in layers if layer["size"])
    print(f"on top of the base: {own / 1e6:.0f} MB")  # noqa: T201 - the README quotes it
    assert own < LARGEST_MEGABYTES * 1e6
