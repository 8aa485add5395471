"""How many shards there are: the replicas of the pod's own StatefulSet, as the Kubernetes API has them."""

import os
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import aiohttp
import msgspec
from structlog.typing import FilteringBoundLogger

from exporter.clock import Clock
from exporter.collector.schedule import MOST_SHARDS
from exporter.errors import StartupError, internal

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_INTERVAL, _TIMEOUT, _PATIENCE = 15.0, 10.0, 20.0
_DENIED = "the Kubernetes API denies access: grant the service account the verb get on this StatefulSet (rbac.create)"


class _Spec(msgspec.Struct):
    replicas: Annotated[int, msgspec.Meta(ge=0, le=MOST_SHARDS)]


class _StatefulSet(msgspec.Struct):
    spec: _Spec


@dataclass(frozen=True, slots=True)
class StatefulSet:
    """One in the pod's own namespace; `directory` has what Kubernetes mounts for its API: token, ca.crt, namespace."""

    name: str
    directory: Path
    clock: Clock
    log: FilteringBoundLogger

    async def replicas(self, patience: float = _PATIENCE) -> int:
        """Return how many pods it should have; raises StartupError where that is refused, or out of reach for so long."""
        end = self.clock.monotonic() + patience
        while True:
            try:
                return await self._get()
            except (OSError, aiohttp.ClientError) as error:
                if self.clock.monotonic() >= end:
                    told = f"the Kubernetes API cannot be reached: {str(error.__cause__ or error) or type(error).__name__}"
                    raise StartupError(f"--shard.statefulset={self.name}: {told}") from None
            await self.clock.sleep(1.0)

    async def follow(self, total: int, apply: Callable[[int], Awaitable[None]]) -> None:
        """Apply every new number of pods; while it cannot be read, the last one stays."""
        problem = ""
        while True:
            await self.clock.sleep(_INTERVAL)
            before, problem = problem, ""
            try:
                if (found := await self.replicas(patience=0.0)) != total:
                    await apply(found)
                    self.log.info("shards changed", before=total, total=found)
                    total = found
            except Exception as error:  # noqa: BLE001 - a bug in what is applied must not keep it from the next number
                problem = str(error if isinstance(error, StartupError) else internal(error))
            if problem != before:
                log, text = (self.log.warning, "reading shards failed") if problem else (self.log.info, "shards read")
                log(text, total=total, problem=problem)

    async def _get(self) -> int:
        host, port = (os.environ.get(f"KUBERNETES_SERVICE_{name}", "") for name in ("HOST", "PORT"))
        token, namespace = ((self.directory / name).read_text().strip() for name in ("token", "namespace"))  # the token changes
        server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        url = f"{server}/apis/apps/v1/namespaces/{namespace}/statefulsets/{self.name}"
        tls = ssl.create_default_context(cafile=self.directory / "ca.crt")
        tls.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13 sets it; the CA of EKS has no key identifier
        headers, timeout = {"Authorization": f"Bearer {token}"}, aiohttp.ClientTimeout(_TIMEOUT)
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout) as http,
            http.get(url, ssl=tls, allow_redirects=False) as response,
        ):
            status, body = response.status, await response.read() if response.status == HTTPStatus.OK else b""
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise OSError(f"it answers {status}")
        try:
            return msgspec.json.decode(body, type=_StatefulSet).spec.replicas
        except msgspec.MsgspecError:
            none = f"the Kubernetes API answers {status} without replicas of 0 to {MOST_SHARDS}"
            told = _DENIED if status == HTTPStatus.FORBIDDEN else none
            raise StartupError(f"--shard.statefulset={self.name}: {told}") from None
