"""What fuzzing starts from, by target."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from tests.support.tools import ROOT

ANSWER = json.dumps(
    {
        "cases": [
            {
                "caseId": "case-1",
                "displayId": "1",
                "status": "opened",
                "severityCode": "critical",
                "serviceCode": "amazon-s3",
                "timeCreated": "2026-07-25T18:00:00Z",
                "recentCommunications": {
                    "communications": [{"submittedBy": "Amazon Web Services", "timeCreated": "2026-07-25T18:05:00Z"}]
                },
            }
        ]
    }
).encode()
CONFIGS: Sequence[Path] = sorted((ROOT / "tests/config").glob("*.yaml"))
WEB_CONFIGS: Sequence[Path] = sorted((ROOT / "tests/webconfig").glob("*.yml"))
REQUESTS: Sequence[bytes] = (
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"HEAD /api/v1/status HTTP/1.1\r\nHost: a\r\n\r\nGET /config HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /-/reload HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 3\r\n\r\nabc",
    b"PUT /-/reload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"GET /assets/a.css?a=%ff HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    b"HEaD /nothing HTTP/1.1\r\nHost: a\r\n\r\n",  # found: Hypercorn took it for HEAD, h11 did not
    b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET http://a/metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTpi\r\n\r\n",
)
SEEDS: Mapping[str, Sequence[bytes]] = MappingProxyType(
    {
        "answers": (ANSWER,),
        "communications": (ANSWER,),
        "config": [path.read_bytes() for path in CONFIGS],
        "web_config": [path.read_bytes() for path in WEB_CONFIGS],
        "headers": (b"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4\ngzip;q=0.5, identity",),
        "requests": REQUESTS,
    }
)
