"""The values a configuration is made of: durations, ARNs, names, ids.

A `ValueError` is the rest of a sentence that begins with the value itself.
"""

import re
from collections.abc import Callable, Sized
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainValidator, ValidationInfo

from exporter.cases.targets import SupportPlan

PartitionOf = Callable[[str], str]
"""Returns the partition of a region; raises ValueError for a region that does not exist."""

_DAY_MS = 86_400_000
_UNITS_MS = {"y": 365 * _DAY_MS, "w": 7 * _DAY_MS, "d": _DAY_MS, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
# Nine digits of years are some 10^17 seconds: still a number that a float holds.
_DURATION = re.compile("".join(rf"(?:(?P<{unit}>[0-9]{{1,9}}){unit})?" for unit in _UNITS_MS))

_NAME_CHARS = "letters, digits and +=,.@-_"
_NO_ROLE_NAME = f"is not a role name: write 1 to 64 {_NAME_CHARS}, with its path if it has one, not an ARN"
_NO_ROLES = ": remove the key, or list the roles in the order to assume them"
_NO_EXTERNAL_ID = "is not an external ID: write 2 to 1224 letters, digits and +=,.@:/-_"
_NO_LABEL_NAME = "is not a label name: write letters, digits and _, without a digit or __ at the start"
_REGION = re.compile(r"[a-z]+(-[a-z]+)+-[0-9]+")
# Those after "arn", and what to say of each.
_ROLE_ARN = (
    (r"aws(-[a-z]+)*", "its partition is aws, aws-cn, aws-us-gov or the like"),
    (r"iam", "its service is iam"),
    (r"", "it has no region: iam::"),
    (r"[0-9]{12}", "the account ID has 12 digits"),
    (r"role/([!-~]{1,510}/)?[\w+=,.@-]{1,64}", f"it ends in role/NAME, the name of 1 to 64 {_NAME_CHARS}"),
)
SHARD = "{shard}"  # in the name of a queue
_QUEUE_URL = r"(?!http://[^/]*\.amazonaws\.com)https?://[\w.-]+(:[0-9]{1,5})?/[0-9]{12}/([\w-]|\{shard\}){1,80}(\.fifo)?"
_NO_QUEUE_URL = "is not a queue URL: write it like https://sqs.us-east-1.amazonaws.com/111122223333/aws-support-events"
_QUEUE_REGION = re.compile(r"https?://(?:[\w.-]+\.)?sqs(?:-fips)?\.([a-z]+(?:-[a-z]+)+-[0-9]+)\.", re.ASCII)
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_MAX_NAME = 256
_ACCOUNT_ID_DIGITS = 12


def parse_duration(text: str) -> float:
    """Return the seconds of a duration in Prometheus's format: `30s`, `5m`, `1h30m`; a ValueError says what to write."""
    match = _DURATION.fullmatch(text)
    counts = {unit: int(count) for unit, count in match.groupdict().items() if count} if match else {}
    if not counts:
        plain = text.isascii() and text.isdigit() and len(text) <= len("86400")
        raise ValueError(f"is not a duration: write {f'{text}s or {text}m' if plain else 'it like 30s, 5m or 1h30m'}")
    return sum(count * _UNITS_MS[unit] for unit, count in counts.items()) / 1000


def format_duration(seconds: float) -> str:
    """Return seconds as a duration, to the millisecond."""
    left_ms = round(seconds * 1000)
    written = ""
    for unit in ("d", "h", "m", "s", "ms"):
        count, left_ms = divmod(left_ms, _UNITS_MS[unit])
        written += f"{count}{unit}" if count else ""
    return written or "0s"


@cache
def label_name(tag: str) -> str:
    """Return a tag's label, without its `label_` prefix, as kube-state-metrics names it: `CostCenter` is `cost_center`."""
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", re.sub("[^a-zA-Z0-9_]", "_", tag)).lower()


@dataclass(frozen=True, slots=True)
class RoleArn:
    text: str
    partition: str
    account_id: str


def _text(value: object) -> str:
    match value:
        case bool():
            raise ValueError("is a boolean in YAML, not a string: write it in quotes")
        case int() | float():
            raise ValueError("is a number in YAML, not a string: write it in quotes")
        case str() if _NO_TEXT.search(value):
            raise ValueError("contains a surrogate or NUL character: remove it")
        case str():
            return value
    raise ValueError("is not a string")


def _name(name: str) -> str:
    if not name.strip():
        raise ValueError("is empty: remove the key, or write a name")
    if len(name) > _MAX_NAME or not name.isprintable():
        raise ValueError(f"is not a name: write up to {_MAX_NAME} characters on one line")
    return name


def _account_id(text: str) -> str:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("is not an account ID: write its 12 digits")
    if len(text) != _ACCOUNT_ID_DIGITS:
        raise ValueError(f"is not an account ID: it has {len(text)} digits, not 12")
    return text


def _role_arn(value: object) -> RoleArn:
    text = _text(value)
    arn, *parts = text.split(":", len(_ROLE_ARN))
    if arn != "arn" or len(parts) < len(_ROLE_ARN):
        raise ValueError("is not a role ARN: write it like arn:aws:iam::111122223333:role/NAME")
    for part, (pattern, reason) in zip(parts, _ROLE_ARN, strict=True):
        if not re.fullmatch(pattern, part, re.ASCII):
            raise ValueError(f"is not a role ARN ({reason})")
    return RoleArn(text, partition=parts[0], account_id=parts[3])


def region_of_queue(url: str) -> str:
    """Return the region that the URL of a queue names; empty where it names none, as with an endpoint of one's own."""
    return found[1] if (found := _QUEUE_REGION.match(url)) else ""


def _queue_url(url: str, info: ValidationInfo[PartitionOf]) -> str:
    try:
        partition = info.context(region) if (region := region_of_queue(url)) else ""
    except ValueError:
        raise ValueError(f"is in {region}, which is not an AWS region: check its spelling") from None
    if partition == "aws-cn":
        raise ValueError("is in China, where AWS sends no events about cases: remove events")
    return url


def matching(pattern: str, problem: str) -> AfterValidator:
    compiled = re.compile(pattern, re.ASCII | re.DOTALL)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(problem)
        return text

    return AfterValidator(check)


def _given(value: object) -> object:
    if value is None:
        raise ValueError("has no value")
    return value


def not_empty(problem: str) -> AfterValidator:
    def check(value: Sized) -> Sized:
        if not value:
            raise ValueError(f"is empty{problem}")
        return value

    return AfterValidator(check)


def _region(value: object, info: ValidationInfo[PartitionOf]) -> str:
    region = _text(value)
    if not _REGION.fullmatch(region):
        raise ValueError("is not an AWS region: write it like us-east-1")
    try:
        info.context(region)
    except ValueError:
        raise ValueError("is not an AWS region: check its spelling") from None
    return region


def _regions(regions: tuple[str, ...], info: ValidationInfo[PartitionOf]) -> tuple[str, ...]:
    for index, region in enumerate(regions):
        if region in regions[:index]:
            raise ValueError(f"has {region} twice: remove one")
    partitions = {info.context(region): region for region in reversed(regions)}
    if len(partitions) > 1:
        where = ", ".join(f"{region} in {partition}" for partition, region in reversed(partitions.items()))
        raise ValueError(f"spans partitions ({where}): an account is in one partition")
    return regions


def _tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    for tag in tags:
        if tag.startswith("label_"):
            raise ValueError(f"has {tag}, which is a label: write the tag, such as {tag.removeprefix('label_')}")
        same = [each for each in tags if label_name(each) == label_name(tag)]
        if len(same) > 1:
            raise ValueError(f"has {' and '.join(same)}, which are both label_{label_name(tag)}: remove one")
    return tags


def duration(minimum: float, maximum: float, *, optional: bool = False) -> PlainValidator:
    def read(value: object) -> float | None:
        if optional and value is None:
            return None
        text = value if isinstance(value, str) else f"{value:g}" if type(value) in {int, float} else ""
        if optional and not _DURATION.fullmatch(text):
            raise ValueError("is not a duration: write it like 30s, 5m or 1h30m, or null for no target")
        found = parse_duration(text)
        if found < minimum:
            raise ValueError(f"is too short: write {format_duration(minimum)} or more")
        if found > maximum:
            raise ValueError(f"is too long: write {format_duration(maximum)} or less")
        return found

    return PlainValidator(read)


def whole_number(minimum: int, maximum: int | None = None) -> PlainValidator:
    bounds = f"of {minimum} or more" if maximum is None else f"from {minimum} to {maximum}"

    def read(value: object) -> int:
        if type(value) is not int or value < minimum or (maximum is not None and value > maximum):
            raise ValueError(f"is not an integer {bounds}")
        return value

    return PlainValidator(read)


def one_of(kind: type[StrEnum], what: str) -> PlainValidator:
    def read_name(value: object) -> StrEnum:
        try:
            return kind(str(value))
        except ValueError:
            raise ValueError(f"is not {what}: write one of {', '.join(kind)}") from None

    return PlainValidator(read_name)


def _switch(value: object) -> bool:
    if value is True or value is False:
        return value
    raise ValueError("is not a boolean: write true or false, without quotes")


GIVEN = BeforeValidator(_given)
Plan = Annotated[SupportPlan, one_of(SupportPlan, "a support plan with the Support API")]
Switch = Annotated[bool, PlainValidator(_switch)]
Text = Annotated[str, PlainValidator(_text)]
Name = Annotated[Text, AfterValidator(_name)]
Language = Annotated[Text, matching(r"[a-z]{2}", "is not a language code: write two letters, such as en or ja")]
AccountId = Annotated[Text, AfterValidator(_account_id)]
RoleArnValue = Annotated[RoleArn, PlainValidator(_role_arn)]
RoleName = Annotated[Text, matching(r"([\w+=,.@-]{1,128}/){0,4}[\w+=,.@-]{1,64}", _NO_ROLE_NAME)]
SessionName = Annotated[Text, matching(r"[\w+=,.@-]{2,64}", f"is not a session name: write 2 to 64 {_NAME_CHARS}")]
ExternalId = Annotated[Text, matching(r"[\w+=,.@:/-]{2,1224}", _NO_EXTERNAL_ID)]
LabelName = Annotated[Text, matching(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*", _NO_LABEL_NAME)]
SeverityCode = Annotated[Text, matching(r"[\w.-]{1,64}", "is not a severity code: write one such as critical")]
QueueUrl = Annotated[Text, matching(_QUEUE_URL, _NO_QUEUE_URL), AfterValidator(_queue_url)]
_Region = Annotated[str, PlainValidator(_region)]
Regions = Annotated[tuple[_Region, ...], not_empty(": remove the key, or list a region"), AfterValidator(_regions)]
RoleChain = Annotated[tuple[RoleArnValue, ...], not_empty(_NO_ROLES)]
Labels = dict[LabelName, Text]
UnitId = Annotated[Text, matching(r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}", "is not a unit ID: write it like ou-abcd-11111111")]
Tags = Annotated[tuple[Name, ...], AfterValidator(_tags)]
