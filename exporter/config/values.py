"""The values a configuration is made of: durations, ARNs, names, ids.

Each is read from what YAML made of it. A `ValueError` says what is wrong with the value as the rest of a sentence that begins
with the value itself.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, PlainValidator, ValidationInfo

from exporter.config.durations import format_duration, parse_duration

PartitionOf = Callable[[str], str]
"""Returns the partition of a region; raises ValueError for a region that does not exist."""

_NAME_CHARS = "letters, digits and +=,.@-_"
_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_PARTITION = re.compile(r"aws(-[a-z]+)*")
_REGION = re.compile(r"[a-z]+(-[a-z]+)+-[0-9]+")
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_ROLE_PATH = re.compile(r"role/([!-~]{1,510}/)?")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_CODE = re.compile(r"[\w.-]{1,64}", re.ASCII)
_LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class RoleArn:
    """The ARN of an IAM role.

    Attributes:
        text: The whole ARN.
        partition: `aws`, `aws-cn`, ...
        account_id: The account that the role is in.
    """

    text: str
    partition: str
    account_id: str


def _text(value: object) -> str:
    if isinstance(value, bool):
        raise ValueError("is yes or no to YAML, not text: write it in quotes")  # noqa: TRY004 - pydantic listens for ValueError
    if isinstance(value, int | float):
        raise ValueError("is a number to YAML, not text: write it in quotes")  # noqa: TRY004 - as above
    if not isinstance(value, str):
        raise ValueError("is not text")  # noqa: TRY004 - as above
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("has half a character in it (a surrogate): write the whole one")
    return value


def _name(value: object) -> str:
    name = _text(value)
    if not name.strip():
        raise ValueError("is empty: leave the key out, or write a name")
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise ValueError(f"is not a name: it takes up to {_LONGEST_NAME} characters on one line")
    return name


def _account_id(value: object) -> str:
    text = _text(value)
    if _ACCOUNT_ID.fullmatch(text):
        return text
    if text.isascii() and text.isdigit():
        raise ValueError(f"is not an account id: it has {len(text)} digits, not 12")
    raise ValueError("is not an account id: write its 12 digits and nothing else")


def _role_arn(value: object) -> RoleArn:
    text = _text(value)
    parts = text.split(":", 5)
    if len(parts) < len(("arn", "partition", "service", "region", "account", "resource")) or parts[0] != "arn":
        raise ValueError("is not a role ARN: write it like arn:aws:iam::111122223333:role/NAME")
    _, partition, service, region, account_id, resource = parts
    path = _ROLE_PATH.match(resource)
    if not _PARTITION.fullmatch(partition):
        reason = "its partition is aws, aws-cn, aws-us-gov or the like"
    elif service != "iam":
        reason = "its service is iam"
    elif region:
        reason = "it has no region: iam::"
    elif not _ACCOUNT_ID.fullmatch(account_id):
        reason = "the account id has 12 digits"
    elif path is None:
        reason = "it ends in role/NAME"
    elif not _ROLE_NAME.fullmatch(resource[path.end() :]):
        reason = f"the role's name has 1 to 64 {_NAME_CHARS}"
    else:
        return RoleArn(text, partition, account_id)
    raise ValueError(f"is not a role ARN ({reason})")


def _matching(pattern: re.Pattern[str], what: str) -> PlainValidator:
    def read(value: object) -> str:
        text = _text(value)
        if not pattern.fullmatch(text):
            raise ValueError(f"is not {what}")
        return text

    return PlainValidator(read)


def _region(value: object, info: ValidationInfo) -> str:
    region = _text(value)
    partition_of: PartitionOf = info.context["partition_of"] if info.context else _any_partition
    if not _REGION.fullmatch(region):
        raise ValueError("is not an AWS region: write it like us-east-1")
    try:
        partition_of(region)
    except ValueError:
        raise ValueError("is not an AWS region: check its spelling") from None
    return region


def _any_partition(_: str) -> str:
    return ""


def _regions(regions: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    partition_of: PartitionOf = info.context["partition_of"] if info.context else _any_partition
    if not regions:
        raise ValueError("is empty: leave the key out, or list a region")
    partitions = {partition_of(region): region for region in reversed(regions)}
    if len(partitions) > 1:
        where = ", ".join(f"{region} in {partition}" for partition, region in reversed(partitions.items()))
        raise ValueError(f"spans partitions ({where}): an account is in one")
    return regions


def _without_repeats(values: tuple[str, ...]) -> tuple[str, ...]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ValueError(f"has {value} twice: remove one")
    return values


def _chain(roles: tuple[RoleArn, ...]) -> tuple[RoleArn, ...]:
    if not roles:
        raise ValueError("is empty: leave the key out, or list the roles in the order of assuming them")
    return roles


def _duration(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("is not a duration: write it like 30s, 5m or 1h30m")  # noqa: TRY004 - as above
    return parse_duration(value if isinstance(value, str) else f"{value:g}")


def duration(least: float, most: float | None = None) -> PlainValidator:
    """Return what reads a duration within bounds."""

    def read(value: object) -> float:
        found = _duration(value)
        if found < least:
            raise ValueError(f"is too short: write {format_duration(least)} or more")
        if most is not None and found > most:
            raise ValueError(f"is too long: write {format_duration(most)} or less")
        return found

    return PlainValidator(read)


def whole_number(least: int, most: int | None = None) -> PlainValidator:
    """Return what reads a whole number within bounds."""
    bounds = f"{least} or more" if most is None else f"from {least} to {most}"

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
            raise ValueError(f"is not a whole number, {bounds}")
        return value

    return PlainValidator(read)


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false: write one of them, without quotes")  # noqa: TRY004 - as above
    return value


Switch = Annotated[bool, PlainValidator(_switch)]
Text = Annotated[str, PlainValidator(_text)]
Name = Annotated[str, PlainValidator(_name)]
AccountId = Annotated[str, PlainValidator(_account_id)]
RoleArnValue = Annotated[RoleArn, PlainValidator(_role_arn)]
RoleName = Annotated[str, _matching(_ROLE_NAME, f"a role name: that is 1 to 64 {_NAME_CHARS}, without path or ARN")]
SessionName = Annotated[str, _matching(_SESSION_NAME, f"a session name: that is 2 to 64 {_NAME_CHARS}")]
ExternalId = Annotated[str, _matching(_EXTERNAL_ID, "an external id: that is 2 to 1224 letters, digits and +=,.@:/-_")]
LabelName = Annotated[
    str, _matching(_LABEL_NAME, "a label name: that is letters, digits and _, and begins with neither a digit nor __")
]
SeverityCode = Annotated[str, _matching(_CODE, "a severity code: that is one word such as critical")]
Regions = Annotated[
    tuple[Annotated[str, PlainValidator(_region)], ...], AfterValidator(_without_repeats), AfterValidator(_regions)
]
RoleChain = Annotated[tuple[RoleArnValue, ...], AfterValidator(_chain)]
Labels = dict[LabelName, Text]
