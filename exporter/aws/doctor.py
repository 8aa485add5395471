"""What `check` asks AWS in addition to cases: who it is, whether each endpoint answers, and what few readings need."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from botocore.credentials import Credentials

from exporter.aws.client import Client, Service
from exporter.aws.credentials import SessionCredentials, Sts
from exporter.aws.readers import Readers
from exporter.aws.retry import Caller, time_limit
from exporter.aws.support import SupportReader
from exporter.cases.model import Reading, Reason
from exporter.cases.report import Finding, finding, grouped
from exporter.errors import ReadFailure, internal

T = TypeVar("T")
Why = tuple[Reason, str] | tuple[()]

_OPERATIONS = {"sts": "GetCallerIdentity", "support": "DescribeCases", "organizations": "ListAccounts"}
_NOBODY = Credentials("none", "none")
_NO_ANSWER = frozenset((Reason.UNREACHABLE, Reason.TIMEOUT, Reason.SERVER_ERROR, Reason.MALFORMED))
_NAMED = r"(?:user|role|assumed-role|federated-user)(?:/[\w+=,.@-]{1,64}){1,9}"
_ARN = re.compile(rf"arn:[\w-]{{1,20}}:(?:iam|sts)::\d{{12}}:(?:root|{_NAMED})", re.ASCII)
_PERSONAL = re.compile(r"(:assumed-role/[^/]+|:federated-user)/.*|(?<=/)[^/]*@.*")


@dataclass(frozen=True, slots=True)
class Doctor:
    """Asks each question for `timeout` seconds at most; no circuit that the polls opened answers its client in AWS's place."""

    client: Client
    readers: Readers
    timeout: float
    slots: asyncio.Semaphore

    async def identity(self, profile: str | None, regions: Sequence[str]) -> Finding:
        """Return whose credentials a profile gives, or the default chain, how botocore came by them, and when they expire."""
        sts, credentials = Sts(self.client, regions), self.readers.session_credentials(profile, regions[0])
        answer, why = await self._ask("identity", partial(sts.ask, "GetCallerIdentity", {}, credentials))
        arn = str(answer[0].get("Arn")) if answer else ""
        source = credentials.source
        method, expires = source.origin() if isinstance(source, SessionCredentials) else ("", None)
        name = f"profile {profile}" if profile else "own credentials"
        facts = {
            "source": name,
            "arn": _PERSONAL.sub(lambda found: found[1] or "*", arn) if _ARN.fullmatch(arn) else None,
            "method": method or None,
            "expires": expires and expires.isoformat(timespec="minutes"),
        }
        return finding(name, facts, *why)

    async def endpoints(self, asked: Iterable[tuple[str, str]]) -> list[Finding]:
        """Return where each service is asked; all is well if AWS answers, even without credentials, and the queue works."""
        unique: dict[tuple[Service, str], list[str]] = {}
        for name, region in asked:
            unique.setdefault((self.client.services(name, (region,))[0], name), []).append(region)
        found = [self._endpoint(*each, list(dict.fromkeys(regions))) for each, regions in unique.items()]
        if (queue := self.readers.queue) is not None:
            found.append(self._endpoint(queue.service, "sqs", [queue.service.region], lambda _: queue.probe()))
        return await asyncio.gather(*found)

    async def denied(self, readers: Mapping[object, Reading]) -> list[Finding]:
        """Return for which accounts the communications of a case may not be read, which few readings need."""
        found = [self._denied(reader, reading) for reader, reading in readers.items() if isinstance(reader, SupportReader)]
        return grouped(each for each in await asyncio.gather(*found) if each.reason is Reason.ACCESS_DENIED)

    async def _endpoint(
        self, service: Service, name: str, regions: Sequence[str], probe: Callable[[Caller], Awaitable[object]] | None = None
    ) -> Finding:
        endpoints = self.client.endpoints
        facts = {
            "service": name,
            "regions": regions,
            "partition": endpoints.partition_of(regions[0]),
            "host": service.host,
            "proxy": service.way.partition("leads through ")[2] or None,  # no URL: that may be none, or hold a password
            "ca_bundle": endpoints.ca_bundle,
            "fips": bool(endpoints.core.get_config_variable("use_fips_endpoint")),
            "dual_stack": bool(endpoints.core.get_config_variable("use_dualstack_endpoint")),
        }
        _, why = await self._ask(name, probe or partial(self.client.request, service, _OPERATIONS[name], {}, _NOBODY))
        return finding(name, facts, *why) if why and (probe or why[0] in _NO_ANSWER) else finding(name, facts)

    async def _denied(self, reader: SupportReader, reading: Reading) -> Finding:
        case_id = reading.cases[0].case_id if reading.cases else f"case-{reader.account_id}-none"  # is looked for if one may
        parameters = {"caseId": case_id, "maxResults": 10}

        def ask(caller: Caller) -> Awaitable[object]:
            retries = self.client.retries(reader.services, reader.credentials, caller, attempts=4)
            return retries.call(lambda at, used: self.client.request(at, "DescribeCommunications", parameters, used, caller))

        _, why = await self._ask(reader.account_id, ask)
        return finding(reader.account_id, {}, *why)

    async def _ask(self, subject: str, ask: Callable[[Caller], Awaitable[T]]) -> tuple[T | None, Why]:
        """Return the answer, or why there is none."""
        try:
            async with self.slots, time_limit(subject, asyncio.get_running_loop().time() + self.timeout) as caller:
                return await ask(caller), ()
        except Exception as error:  # noqa: BLE001 - a bug here must not keep the accounts' results from being shown
            failure = error if isinstance(error, ReadFailure) else internal(error)
            return None, (failure.reason, failure.detail)
