"""What the exporter is measured against, each in a process of its own: `python -m bench.rivals raw|script|listing`.

`raw` is the least that a Python program can do: it signs by hand, keeps one connection, parses with the standard library,
and counts. `script` is what one would write first: a boto3 session and client for each account, one after the other.
Both get account ids on standard input. `listing` lists the accounts of the organization, as `raw` would.

Each prints one JSON array: the seconds and CPU seconds that it took, and the open cases or accounts that it found.
"""

import hashlib
import hmac
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import boto3

from bench.processes import ROOT, SimulatedAws
from tests.support.process import environment

_ROLE = "arn:aws:iam::{}:role/AwsSupportExporter"
_OK = 200


class Cost(NamedTuple):
    """What it took to read some accounts; `found` are their open cases, or the accounts that were listed."""

    seconds: float
    cpu_seconds: float
    found: int


class Keys(NamedTuple):
    """What a request is signed with."""

    access_key: str
    secret_key: str
    token: str


def measure(rival: str, aws: SimulatedAws, account_ids: Sequence[str] = ()) -> Cost:
    """Run a rival on some accounts, and return what it took."""
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "bench.rivals", rival],
        cwd=ROOT,
        env=environment(aws.environment),
        input=" ".join(account_ids),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Cost(*json.loads(done.stdout))


def _raw(account_ids: Sequence[str]) -> Cost:
    """Read all accounts by hand; that their roles were assumed before is not counted, as in a refresh."""
    connection, own = _connect()
    assumed = [_assume(connection, own, account_id) for account_id in account_ids]
    counts: Counter[tuple[str, ...]] = Counter()
    began, cpu = time.monotonic(), time.process_time()
    for keys in assumed:
        parameters = {"includeCommunications": True, "maxResults": 100}
        for answer in _pages(connection, keys, "support", "AWSSupport_20130415.DescribeCases", parameters, "nextToken"):
            counts.update((case["status"], case["severityCode"], case["serviceCode"]) for case in answer["cases"])
    return Cost(time.monotonic() - began, time.process_time() - cpu, counts.total())


def _listing(_: Sequence[str]) -> Cost:
    """List all accounts by hand."""
    connection, own = _connect()
    began, cpu = time.monotonic(), time.process_time()
    target = "AWSOrganizationsV20161128.ListAccounts"
    pages = _pages(connection, own, "organizations", target, {}, "NextToken")
    found = sum(len(page["Accounts"]) for page in pages)
    return Cost(time.monotonic() - began, time.process_time() - cpu, found)


def _connect() -> tuple[http.client.HTTPConnection, Keys]:
    url = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    own = Keys(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], "")
    if url.scheme == "http":
        return http.client.HTTPConnection(url.netloc), own
    context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    return http.client.HTTPSConnection(url.netloc, context=context), own


def _pages(
    connection: http.client.HTTPConnection, keys: Keys, service: str, target: str, parameters: dict[str, Any], token: str
) -> Iterator[dict[str, Any]]:
    """Yield the pages of an operation; `token` names what the next one is asked for by, in requests and answers."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
    page: dict[str, Any] = {token: ""}
    while token in page:
        following = {token: page[token]} if page[token] else {}
        page = json.loads(_post(connection, service, keys, json.dumps(parameters | following), headers))
        yield page


def _script(account_ids: Sequence[str]) -> Cost:
    """Read all accounts the way that a script would."""
    counts: Counter[tuple[str, ...]] = Counter()
    began, cpu = time.monotonic(), time.process_time()
    for account_id in account_ids:
        issued = boto3.client("sts").assume_role(RoleArn=_ROLE.format(account_id), RoleSessionName="script")["Credentials"]
        session = boto3.Session(issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])
        pages = session.client("support", region_name="us-east-1").get_paginator("describe_cases").paginate()
        counts.update((case["status"], case["severityCode"], case["serviceCode"]) for page in pages for case in page["cases"])
    return Cost(time.monotonic() - began, time.process_time() - cpu, counts.total())


def _assume(connection: http.client.HTTPConnection, own: Keys, account_id: str) -> Keys:
    parameters = {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": _ROLE.format(account_id),
        "RoleSessionName": "raw",
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = _post(connection, "sts", own, urlencode(parameters), headers).decode()
    tags = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    return Keys(*(found[1] for tag in tags if (found := re.search(f"<{tag}>(.*?)</{tag}>", answer))))


def _post(connection: http.client.HTTPConnection, service: str, keys: Keys, body: str, headers: dict[str, str]) -> bytes:
    """Send one request with Signature Version 4."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    signed = {name.lower(): value for name, value in headers.items()}
    signed |= {"host": f"{connection.host}:{connection.port}", "x-amz-date": now}
    if keys.token:
        signed["x-amz-security-token"] = keys.token
    names = ";".join(sorted(signed))
    canonical = "\n".join(
        (
            "POST",
            "/",
            "",
            *(f"{name}:{signed[name]}" for name in sorted(signed)),
            "",
            names,
            hashlib.sha256(body.encode()).hexdigest(),
        )
    )
    scope = f"{now[:8]}/us-east-1/{service}/aws4_request"
    key = f"AWS4{keys.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    authorization = f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    connection.request("POST", "/", body, {**signed, "Authorization": authorization})
    response = connection.getresponse()
    content = response.read()
    if response.status != _OK:
        raise RuntimeError(f"{service} answered {response.status}: {content[:200]!r}")
    return content


_RIVALS = {"raw": _raw, "script": _script, "listing": _listing}

if __name__ == "__main__":
    print(json.dumps(_RIVALS[sys.argv[1]](sys.stdin.read().split())))
