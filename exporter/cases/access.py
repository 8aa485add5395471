"""How an account's credentials come: values that the configuration tells and `exporter.aws` acts on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OwnCredentials:
    """The exporter's own: AWS's default chain."""


@dataclass(frozen=True, slots=True)
class ProfileCredentials:
    """Those of a named profile in AWS's configuration files."""

    name: str


@dataclass(frozen=True, slots=True)
class RoleCredentials:
    """Those of a role, which is assumed.

    Attributes:
        chain: ARNs of the roles to assume one after the other; the last one is the account's.
        external_id: What the trust policy of the last role asks for, or None.
        profile: The profile whose credentials the first is assumed with, or None for the exporter's own.
    """

    chain: tuple[str, ...]
    external_id: str | None = None
    profile: str | None = None


Access = OwnCredentials | ProfileCredentials | RoleCredentials
