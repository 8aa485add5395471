"""Within what time AWS promises its first response, by support plan, severity and service."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

_MINUTE, _HOUR = 60.0, 3600.0
_ALL_PLANS = {"low": 24 * _HOUR, "normal": 12 * _HOUR, "high": 4 * _HOUR, "urgent": 1 * _HOUR}


class SupportPlan(StrEnum):
    """AWS's support plans that include the Support API; the last two end on 2027-01-01, GovCloud apart."""

    BUSINESS_SUPPORT_PLUS = "business_support_plus"
    ENTERPRISE = "enterprise"
    UNIFIED_OPERATIONS = "unified_operations"
    ENTERPRISE_ON_RAMP = "enterprise_on_ramp"
    BUSINESS = "business"


PLANS: Mapping[SupportPlan, Mapping[str, float]] = {
    SupportPlan.BUSINESS_SUPPORT_PLUS: {**_ALL_PLANS, "critical": 30 * _MINUTE},
    SupportPlan.ENTERPRISE: {**_ALL_PLANS, "critical": 15 * _MINUTE},
    SupportPlan.UNIFIED_OPERATIONS: {**_ALL_PLANS, "critical": 5 * _MINUTE},
    SupportPlan.ENTERPRISE_ON_RAMP: {**_ALL_PLANS, "critical": 30 * _MINUTE},
    SupportPlan.BUSINESS: _ALL_PLANS,
}
"""Seconds by severity code (AWS Support plans, 2026); Business has no severity critical."""
EXEMPT_SERVICES = ("service-limit-increase", "billing", "account-management", "customer-account")  # not technical


@dataclass(frozen=True, slots=True)
class Targets:
    """An account's first-response targets, by its support plan: seconds by severity code, and patterns of services without."""

    plan: SupportPlan = SupportPlan.ENTERPRISE
    by_severity: tuple[tuple[str, float], ...] = ()
    exempt_services: tuple[str, ...] = ()

    def of(self, severity_code: str, service_code: str) -> float:
        """Return the target in seconds, infinity where there is none."""
        if any(fnmatchcase(service_code, pattern) for pattern in self.exempt_services):
            return float("inf")
        return dict(self.by_severity).get(severity_code, float("inf"))


def targets(
    plan: SupportPlan, overrides: Iterable[Mapping[str, float | None]] = (), exempt_services: tuple[str, ...] = EXEMPT_SERVICES
) -> Targets:
    """Return a plan's targets with what overrides single severities, the later the stronger; None is no target."""
    merged: dict[str, float | None] = dict(PLANS[plan])
    for override in overrides:
        merged |= override
    return Targets(plan, tuple((code, seconds) for code, seconds in merged.items() if seconds is not None), exempt_services)


DEFAULT = targets(SupportPlan.ENTERPRISE)
