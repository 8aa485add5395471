"""What fuzzing starts from, by target."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from tests.support.tools import ROOT

ANSWER = b"""{"cases": [{"caseId": "case-1", "displayId": "1", "status": "opened", "severityCode": "critical",
"serviceCode": "amazon-s3", "timeCreated": "2026-07-25T18:00:00Z", "recentCommunications": {"communications": [
{"submittedBy": "Amazon Web Services", "timeCreated": "2026-07-25T18:05:00Z"}]}}]}""".replace(b"\n", b" ")
FOUND = (
    b'{"cases": [{"timeCreated": "0001-01-01T00:00:00+23:59"}]}',
    b'{"cases": [{"displayId": "\\ud800", "status": "\\u2028"}]}',
    b"[" * 100_000,
)
ACCOUNTS: Sequence[bytes] = (
    b'2{"Accounts": [{"Id": "111122223333", "Name": "payments", "State": "ACTIVE", "JoinedTimestamp": 1.7e9}]}',
    b'2{"Accounts": [], "NextToken": {"a": 1}}',  # found: a token that is no text
    b'2{"Accounts": [null]}',  # found: an account that is nothing
    b"2null",  # found: an answer that is nothing
    b'4{"__type": "AccessDeniedException", "Message": "User: x is not authorized to perform: organizations:ListAccounts"}',
    b"5<html>Service Unavailable</html>",
    b'2"text"',
    b"2\xff\xfe<\0!\0",
)
STS: Sequence[bytes] = (
    (
        b"2<R><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t"
        b"</SessionToken><Expiration>2026-07-25T18:00:00Z</Expiration></Credentials></AssumeRoleResult></R>"
    ),
    b"2<R><GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult></R>",
    b"4<R><Error><Code>AccessDenied</Code><Message>User: x is not authorized to perform: sts:AssumeRole</Message></Error></R>",
    b"2<R><AssumeRoleResult><Credentials/></AssumeRoleResult></R>",
    b"2<R><GetCallerIdentityResult><Account>self</Account></GetCallerIdentityResult></R>",
    b'2"text"',
    b"2\xff\xfe<\0!\0",
)
REQUESTS: Sequence[bytes] = (
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"HEAD /api/v1/status HTTP/1.1\r\nHost: a\r\n\r\nGET /config HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /-/reload HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 3\r\n\r\nabc",
    b"PUT /-/reload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"GET /assets/a.css?a=%ff HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n",
    b"GET /api/v1/cases?severity=low&page_token=%ff%0a&limit=1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /api/v1/accounts/%0d%0a/refresh HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    b"HEaD /nothing HTTP/1.1\r\nHost: a\r\n\r\n",  # a method in small letters is none
    b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET http://a/metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTpi\r\n\r\n",
    b"GET /metrics HTTP/9.9\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nExpect: 100\r\n\r\n0\r\n\r\n",
)
SEEDS: Mapping[str, Sequence[bytes]] = MappingProxyType(
    {
        "answers": (ANSWER, *FOUND),
        "communications": (ANSWER, *FOUND),
        "accounts": ACCOUNTS,
        "sts": STS,
        "config": [path.read_bytes() for path in sorted((ROOT / "tests/config").glob("*.yaml"))],
        "web_config": [path.read_bytes() for path in sorted((ROOT / "tests/webconfig").glob("*.yml"))],
        "headers": (b"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4\ngzip;q=0.5, identity",),
        "requests": REQUESTS,
    }
)
