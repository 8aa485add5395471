"""What to do about a failure, in one line, for the on-call engineer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from exporter.cases.model import Reason

_TABLE = files(__package__).joinpath("advice.txt").read_text(encoding="utf-8")
"""For each reason its kinds: a detail as it is really said, what distinguishes it in brackets, and what to do."""
_NAMES = {"role": r"(?<=resource: )arn:\S+", "action": r"(?<=perform: )[\w:-]+", "setting": r"[^(]+(?= leads to)|\w+(?= names)"}
_CALLER = "the exporter's own role or user"


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to fail for a reason: the pattern that matches it, what to do, and a detail as it is really said."""

    reason: Reason
    says: str
    advice: str
    example: str


def _kinds() -> Iterator[Kind]:
    for reasons, block in re.findall(r"^(\w.*)\n((?: .*\n)+)", _TABLE, re.MULTILINE):
        for said, advised in (line.strip().split(" => ") for line in block.splitlines()):
            says = ".*".join(f"(?:{part})" for part in re.findall(r"\[(.*?)\]", said))
            example = re.sub(r"\[(.*?)(?:\|.*?)?\]", r"\1", said)
            yield from (Kind(Reason(reason), says, advised, example) for reason in reasons.split())


KINDS = tuple(_kinds())  # the first of a reason's kinds whose pattern is found counts; the last of each reason fits all


def advice(reason: Reason, detail: str, caller: str = "") -> str:
    """Return what to do about a failure; `caller` is the exporter's own ARN, if that is known."""
    kind = next(kind for kind in KINDS if kind.reason is reason and re.search(kind.says, detail))
    found = {name: re.search(pattern, detail) for name, pattern in _NAMES.items()}
    names = {name: place[0] if place else f"the {name}" for name, place in found.items()}
    return kind.advice.format(**names, caller=caller or _CALLER)
