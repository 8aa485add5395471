"""AWS Signature Version 4, of requests that post a body."""

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from time import gmtime, strftime
from urllib.parse import quote

from botocore.credentials import Credentials

_ALGORITHM = "AWS4-HMAC-SHA256"


def signed(
    headers: Mapping[str, str], body: bytes, path: str, service: str, region: str, *, credentials: Credentials, now: float
) -> dict[str, str]:
    """Return headers, named in lower case and Host among them, with those that sign a POST request at `now` (Unix seconds)."""
    moment = strftime("%Y%m%dT%H%M%SZ", gmtime(now))
    token = {"x-amz-security-token": credentials.token} if credentials.token else {}
    headers = dict(sorted({**headers, "x-amz-date": moment, **token}.items()))
    names = ";".join(headers)
    lines = (f"{name}:{value}" for name, value in headers.items())
    request = "\n".join(("POST", quote(re.sub("//+", "/", path), safe="/~"), "", *lines, "", names, sha256(body).hexdigest()))
    scope = (moment[:8], region, service, "aws4_request")
    summary = "\n".join((_ALGORITHM, moment, "/".join(scope), sha256(request.encode()).hexdigest()))
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (*scope, summary):
        key = hmac.new(key, part.encode(), "sha256").digest()  # unlike hmac.digest, it keeps the GIL
    credential = f"Credential={credentials.access_key}/{'/'.join(scope)}"
    return {**headers, "authorization": f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={key.hex()}"}
