"""A loopback AWS with a living fleet, for the demo, tests and benchmarks."""

from exporter.simulator.account import ROLE_NAME, Account, Role
from exporter.simulator.case import AWS_AUTHOR, CUSTOMER_AUTHOR, Case, Communication
from exporter.simulator.corruptions import Body, HtmlPage, HugeBody, Tokens, Truncated, WrongTypes
from exporter.simulator.exchange import RequestRecord
from exporter.simulator.faults import Fault, FaultHandle, Page
from exporter.simulator.fleet import Counts, Fleet
from exporter.simulator.keys import AccessKey
from exporter.simulator.kinds import (
    ConnectionClosed,
    ConnectionReset,
    CutOffBody,
    Drip,
    Error,
    Garbage,
    Latency,
    ResetInBody,
    Silence,
    SilenceInBody,
    Throttled,
)
from exporter.simulator.server import Simulator

__all__ = [
    "AWS_AUTHOR",
    "CUSTOMER_AUTHOR",
    "ROLE_NAME",
    "AccessKey",
    "Account",
    "Body",
    "Case",
    "Communication",
    "ConnectionClosed",
    "ConnectionReset",
    "Counts",
    "CutOffBody",
    "Drip",
    "Error",
    "Fault",
    "FaultHandle",
    "Fleet",
    "Garbage",
    "HtmlPage",
    "HugeBody",
    "Latency",
    "Page",
    "RequestRecord",
    "ResetInBody",
    "Role",
    "Silence",
    "SilenceInBody",
    "Simulator",
    "Throttled",
    "Tokens",
    "Truncated",
    "WrongTypes",
]
