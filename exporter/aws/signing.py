"""Requests that botocore writes once, and that are signed anew for each account and moment.

Two requests that ask the same differ in nothing but their time and who signs them. So botocore resolves the endpoint, checks
and serializes the parameters, and writes the canonical request of Signature Version 4 once, with gaps for these two. What is
left for each request is to fill the gaps and have botocore compute the signature, a quarter of the work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore import xform_name
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.client import BaseClient
from botocore.credentials import Credentials
from botocore.model import OperationModel
from botocore.signers import RequestSigner

_TIME, _TOKEN = "{time}", "{token}"
"""The gaps."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_CAPTURED = "Captured"
_NOBODY = Credentials("none", "none")


class _Captured(NamedTuple):
    """What botocore has of a request just before it signs it."""

    operation: OperationModel
    request: dict[str, Any]
    service: str
    region: str


@dataclass(frozen=True, slots=True)
class UnsignedRequest:
    """A request that nobody has signed yet.

    Attributes:
        operation: botocore's model of the operation.
        url: Where it goes.
        headers: All but those that signing adds.
        body: What is sent.
        service: The service as signatures name it.
        region: The region that it is signed for.
        canonical: The canonical request, with its gaps.
        signed_headers: The names of the headers in it.
    """

    operation: OperationModel
    url: str
    headers: Mapping[str, str]
    body: bytes
    service: str
    region: str
    canonical: str
    signed_headers: str

    def signed(self, credentials: Credentials, now: float, read_timeout: float) -> AWSPreparedRequest:
        """Return the request as it goes out.

        Args:
            credentials: What it is signed with; temporary ones if and only if it was written for those.
            now: Unix seconds.
            read_timeout: For how many seconds the answer may be silent.
        """
        time = datetime.fromtimestamp(now, UTC).strftime(SIGV4_TIMESTAMP)
        headers: Any = {**self.headers, "X-Amz-Date": time}
        if credentials.token:
            headers["X-Amz-Security-Token"] = credentials.token
        context = {"timestamp": time, "read_timeout": read_timeout}
        request: Any = AWSPreparedRequest("POST", self.url, headers, self.body, stream_output=True, context=context)
        signer = SigV4Auth(credentials, self.service, self.region)
        text = self.canonical.replace(_TIME, time).replace(_TOKEN, credentials.token or "")
        signature = signer.signature(signer.string_to_sign(request, text), request)
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={self.signed_headers}, Signature={signature}"
        )
        signed: AWSPreparedRequest = request
        return signed


def never_send(client: BaseClient, service: str) -> None:
    """Let a client write requests, and send none: those that go out are signed for an account."""
    handler: Any = _capture  # the stubs know no handler that returns something
    client.meta.events.register(f"before-call.{service}", handler)


def unsigned_request(
    client: BaseClient, operation: str, parameters: Mapping[str, object], *, temporary: bool
) -> UnsignedRequest:
    """Return the request that a client makes of an operation.

    Args:
        client: One that never sends.
        operation: AWS's name of the operation, such as `DescribeCases`.
        parameters: Its parameters.
        temporary: Whether it is to be signed with credentials that have a session token.

    Raises:
        botocore.exceptions.BotoCoreError: The parameters do not fit the operation.
    """
    model, request, service, region = getattr(client, xform_name(operation))(**parameters)[_CAPTURED]
    written = AWSRequest("POST", request["url"], headers=request["headers"], data=request["body"]).prepare()
    headers: dict[str, str] = {**written.headers, "Host": _host(written.url)}
    # Bytes of AWS JSON, or text of the query protocol; no service here takes files.
    body = written.body if isinstance(written.body, bytes) else str(written.body).encode()
    gaps = {"X-Amz-Date": _TIME} | ({"X-Amz-Security-Token": _TOKEN} if temporary else {})
    filled_later = AWSRequest("POST", written.url, headers={**headers, **gaps}, data=body)
    signer = SigV4Auth(_NOBODY, service, region)
    canonical, names = signer.canonical_request(filled_later), signer.signed_headers(signer.headers_to_sign(filled_later))
    return UnsignedRequest(model, written.url, headers, body, service, region, canonical, names)


class _NotSent(NamedTuple):
    """Stands for the answer of a request that was not sent."""

    status_code: int = 200


def _capture(
    model: OperationModel, params: dict[str, Any], request_signer: RequestSigner, context: Mapping[str, Any], **_: object
) -> tuple[_NotSent, dict[str, _Captured]]:
    """Take a request from botocore just before it is signed; what is returned here is what botocore's caller gets."""
    signing = context.get("signing", {})
    service = signing.get("signing_name") or request_signer.signing_name
    region = signing.get("region") or request_signer.region_name
    return _NotSent(), {_CAPTURED: _Captured(model, params, service, region)}


def _host(url: str) -> str:
    """Return the host of a URL as the Host header has it."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2].removesuffix(f":{_DEFAULT_PORTS.get(parts.scheme)}")
