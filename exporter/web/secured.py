"""How the web surface is secured as of now: follows the web-config file and the files that it names."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from structlog.typing import FilteringBoundLogger

from exporter.errors import ConfigError
from exporter.web.settings import WebSettings
from exporter.web.tls import Material, read_material, server_context

_INTERVAL_SECONDS = 1.0
_TELLING_FAILURE = 2
"""The first may be met in the middle of a change."""


@dataclass(frozen=True, slots=True)
class Secured:
    """What holds for new connections and requests.

    Attributes:
        settings: What the web-config file says.
        context: In which TLS connections are accepted, or None for plain HTTP.
    """

    settings: WebSettings = field(default_factory=WebSettings)
    context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class _Files:
    """What stands in the web-config file and in those that it names."""

    content: bytes
    settings: WebSettings
    material: Material | None


class WebConfigFile:
    """A web-config file that may change.

    Attributes:
        interval: Seconds between two looks at the files.

    Args:
        source: Its name, for messages.
        read: Returns what is in it, or raises ConfigError.
        parse: Returns what that says, or raises ConfigError.
        log: Gets a line when what holds has changed, or could not be changed.

    Raises:
        ConfigError: It cannot be used.
    """

    def __init__(
        self, source: str, read: Callable[[], bytes], parse: Callable[[bytes], WebSettings], log: FilteringBoundLogger
    ) -> None:
        self.interval = _INTERVAL_SECONDS
        self._source = source
        self._read_content = read
        self._parse = parse
        self._log = log
        self._files = self._seen = self._read(None)
        self._current = self._secure(self._files)
        self._problem = ""
        self._failures = 0

    def current(self) -> Secured:
        """Return what holds now."""
        return self._current

    def refresh(self) -> None:
        """Take what the files say now, once they have said so twice in a row: they may be being written."""
        try:
            files = self._read(self._seen)
            was_seen = files == self._seen
            self._seen = files
            if files == self._files:
                self._problem = ""
            elif was_seen:
                self._check_change(files.settings)
                self._current = self._secure(files)
                self._files = files
                self._problem = ""
                self._log.info("web-config reloaded", file=self._source)
        except ConfigError as error:
            self._failures = self._failures + 1 if str(error) == self._problem else 1
            self._problem = str(error)
            if self._failures == _TELLING_FAILURE:
                message = "web-config cannot be reloaded; the one before stays"
                self._log.error(message, problem="; ".join(error.problems))

    async def follow(self) -> None:
        """Refresh until it is cancelled."""
        while True:
            await asyncio.sleep(self.interval)
            await asyncio.to_thread(self.refresh)

    def _read(self, before: _Files | None) -> _Files:
        content = self._read_content()
        settings = before.settings if before is not None and before.content == content else self._parse(content)
        return _Files(content, settings, None if settings.tls is None else read_material(settings.tls, self._source))

    def _secure(self, files: _Files) -> Secured:
        tls, material = files.settings.tls, files.material
        if tls is None or material is None:
            return Secured(files.settings)
        return Secured(files.settings, server_context(tls, material, self._source, http2=files.settings.http2))

    def _check_change(self, settings: WebSettings) -> None:
        """Refuse what must not happen by a file that was emptied by mistake.

        Raises:
            ConfigError: It would.
        """
        before = self._current.settings
        if (settings.tls is None) != (before.tls is None):
            raise ConfigError([f"{self._source}: tls_server_config: TLS is turned on and off by a restart only"])
        if before.users and not settings.users:
            raise ConfigError([f"{self._source}: basic_auth_users: authentication is turned off by a restart only"])
