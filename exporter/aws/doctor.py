"""What `check` asks AWS besides the cases: who it is, whether each endpoint answers, and what few readings need."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from botocore.credentials import Credentials

from exporter.aws.client import Client, Service
from exporter.aws.credentials import SessionCredentials, Shared, Sts
from exporter.aws.retry import Caller, time_limit
from exporter.aws.support import SupportReader
from exporter.cases.advice import advice
from exporter.cases.model import Reading, Reason
from exporter.cases.report import Checked, Failure, grouped
from exporter.errors import ReadFailure, internal

_OPERATIONS = {"sts": "GetCallerIdentity", "support": "DescribeCases", "organizations": "ListAccounts"}
_NOBODY = Credentials("none", "none")
_NO_ANSWER = frozenset((Reason.UNREACHABLE, Reason.TIMEOUT, Reason.SERVER_ERROR, Reason.MALFORMED))
_ARN = re.compile(r"arn:[\w-]+:(?:iam|sts)::\d{12}:[\w+=,.@/-]+", re.ASCII)
_PERSONAL = re.compile(r"(:assumed-role/[^/]+)/.*|(?<=/)[^/]*@.*")


@dataclass(frozen=True, slots=True)
class Doctor:
    """Asks each question for `timeout` seconds at most; no circuit that the polls opened answers its client in AWS's place."""

    client: Client
    timeout: float
    slots: asyncio.Semaphore

    async def identity(self, profile: str | None, credentials: Shared, regions: Sequence[str]) -> Checked:
        """Return whose credentials a profile gives, or the default chain, how botocore came by them, and when they expire."""
        answer: dict[str, object] = {}

        async def ask(caller: Caller) -> None:
            answer.update((await Sts(self.client, regions).ask("GetCallerIdentity", {}, credentials, caller))[0])

        failure = await self._failure("identity", ask)
        arn, source = str(answer.get("Arn")), credentials.source
        method, expires = source.origin() if isinstance(source, SessionCredentials) else ("", None)
        facts = {
            "source": f"profile {profile}" if profile else "own credentials",
            "arn": _PERSONAL.sub(lambda found: found[1] or "*", arn) if _ARN.fullmatch(arn) else None,
            "method": method or None,
            "expires": expires and expires.isoformat(timespec="minutes"),
        }
        return Checked(facts, *_why(failure))

    async def endpoints(self, asked: Iterable[tuple[str, str]]) -> list[Checked]:
        """Return where each service is asked in its regions; all is well if AWS answers, as it does without credentials."""
        unique: dict[tuple[Service, str], list[str]] = {}
        for name, region in asked:
            unique.setdefault((self.client.services(name, (region,))[0], name), []).append(region)
        return await asyncio.gather(*(self._endpoint(*each, list(dict.fromkeys(regions))) for each, regions in unique.items()))

    async def denied(self, readers: Mapping[object, Reading]) -> list[Failure]:
        """Return for which accounts the communications of a case may not be read, which few readings need."""
        found = [self._denied(reader, reading) for reader, reading in readers.items() if isinstance(reader, SupportReader)]
        return grouped(failure for failure in await asyncio.gather(*found) if failure is not None)

    async def _endpoint(self, service: Service, name: str, regions: Sequence[str]) -> Checked:
        core = self.client.endpoints.core
        facts = {
            "service": name,
            "regions": regions,
            "partition": self.client.endpoints.partition_of(regions[0]),
            "host": service.host,
            "proxy": service.way.partition("leads through ")[2] or None,  # no URL: that may be none, or hold a password
            "ca_bundle": core.get_config_variable("ca_bundle"),
            "fips": bool(core.get_config_variable("use_fips_endpoint")),
            "dual_stack": bool(core.get_config_variable("use_dualstack_endpoint")),
        }
        failure = await self._failure(name, partial(self.client.request, service, _OPERATIONS[name], {}, _NOBODY))
        return Checked(facts, *_why(failure if failure is not None and failure.reason in _NO_ANSWER else None))

    async def _denied(self, reader: SupportReader, reading: Reading) -> Failure | None:
        case_id = reading.cases[0].case_id if reading.cases else f"case-{reader.account_id}-none"  # is looked for if one may
        parameters = {"caseId": case_id, "maxResults": 10}

        def ask(caller: Caller) -> Awaitable[object]:
            retries = self.client.retries(reader.services, reader.credentials, caller, attempts=4)
            return retries.call(lambda at, used: self.client.request(at, "DescribeCommunications", parameters, used, caller))

        async with self.slots:
            failure = await self._failure(reader.account_id, ask)
        is_denied = failure is not None and failure.reason is Reason.ACCESS_DENIED
        return Failure((reader.account_id,), *_why(failure)) if is_denied else None

    async def _failure(self, subject: str, ask: Callable[[Caller], Awaitable[object]]) -> ReadFailure | None:
        try:
            async with time_limit(subject, asyncio.get_running_loop().time() + self.timeout) as caller:
                await ask(caller)
        except ReadFailure as failure:
            return failure
        except Exception as error:  # noqa: BLE001 - a bug here must not keep the accounts' results from being shown
            return internal(error)
        return None


def _why(failure: ReadFailure | None) -> tuple[Reason, str, str] | tuple[()]:
    return () if failure is None else (failure.reason, failure.detail, advice(failure.reason, failure.detail))
