"""From a configuration file to a configuration, or to everything that is wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from exporter.config import checks
from exporter.config.durations import quoted
from exporter.config.model import AccountEntry, Aws, Config, Metrics, OrganizationEntry, Poll, Section
from exporter.config.reader import Document, Path, Problem, read_document
from exporter.config.resolved import (
    PartitionOf,
    ResolvedAccount,
    ResolvedOrganization,
    resolve_account,
    resolve_organization,
)
from exporter.errors import ConfigError

S = TypeVar("S", bound=Section)

_SECRET_WORDS = ("secret", "password", "passwd", "token", "access_key", "credential", "private_key")
_EXPECTED = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration that needs no more checks.

    Attributes:
        config: As the file has it, defaults filled in.
        accounts: The configured accounts.
        organizations: The organizations whose accounts are discovered.
    """

    config: Config
    accounts: tuple[ResolvedAccount, ...]
    organizations: tuple[ResolvedOrganization, ...]


def load(path: FilePath, *, partition_of: PartitionOf) -> Settings:
    """Read a configuration file.

    Args:
        path: Where it is.
        partition_of: Returns the partition of a region, or raises ValueError for one that does not exist.

    Raises:
        ConfigError: It cannot be read or used; holds every problem as `file:line: path: what is wrong`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror or error}"]) from None
    return parse(content, source=str(path), partition_of=partition_of)


def parse(content: bytes, *, source: str, partition_of: PartitionOf) -> Settings:
    """Read a configuration.

    Args:
        content: YAML.
        source: What messages call it.
        partition_of: Returns the partition of a region, or raises ValueError for one that does not exist.

    Raises:
        ConfigError: It cannot be used; holds every problem.
    """
    document = read_document(content)
    parser = _Parser(document, partition_of)
    config = parser.config()
    if document.problems:
        located = [(problem.line or document.line(problem.path), problem) for problem in document.problems]
        located.sort(key=lambda item: item[0])
        raise ConfigError([_tell(source, line, problem) for line, problem in located])
    return Settings(
        config,
        tuple(resolve_account(entry, config.aws, partition_of) for entry in config.accounts),
        tuple(resolve_organization(entry, config.aws, partition_of) for entry in config.organizations),
    )


class _Parser:
    """Reads a document section by section, so that a problem in one hides none in another."""

    def __init__(self, document: Document, partition_of: PartitionOf) -> None:
        self._document = document
        self._partition_of = partition_of

    def config(self) -> Config:
        """Return the configuration, as far as it is right; the rest is added to the document's problems."""
        if self._document.problems and self._document.value is None:
            return Config()
        root = self._document.value
        if root is None:
            self._note(Problem((), "the file is empty: was it mounted? write {} to use the defaults"))
            return Config()
        if not isinstance(root, dict):
            self._note(Problem((), "must be a mapping of keys to values, such as poll: {interval: 5m}"))
            return Config()
        for key in root.keys() - Config.model_fields.keys():
            self._note(_unknown_key((key,), Config))
        poll = self._section(Poll, root, "poll")
        aws = self._section(Aws, root, "aws")
        metrics = self._section(Metrics, root, "metrics")
        accounts = self._entries(AccountEntry, root.get("accounts", ()), "accounts")
        organizations = self._entries(OrganizationEntry, root.get("organizations", ()), "organizations")
        for problem in self._checks(poll, aws, accounts, organizations):
            self._note(problem)
        self._note_repeats(root.get("accounts"), "id", "accounts", "account")
        self._note_repeats(root.get("organizations"), "name", "organizations", "organization")
        return Config(
            poll=poll,
            aws=aws,
            metrics=metrics,
            accounts=tuple(entry for _, entry in accounts),
            organizations=tuple(entry for _, entry in organizations),
        )

    def _checks(
        self,
        poll: Poll,
        aws: Aws,
        accounts: list[tuple[Path, AccountEntry]],
        organizations: list[tuple[Path, OrganizationEntry]],
    ) -> Iterator[Problem]:
        yield from checks.check_poll(poll)
        yield from checks.check_regions(aws.regions, ("aws", "regions"), self._partition_of)
        for path, account in accounts:
            yield from checks.check_account(account, path, aws, self._partition_of)
        for path, organization in organizations:
            yield from checks.check_organization(organization, path, aws, self._partition_of)
        yield from checks.check_own(accounts, aws)

    def _section(self, model: type[S], root: Mapping[str, object], key: str) -> S:
        """Return one section; a value that is wrong is noted, and its default stands in for the checks of others."""
        value = root.get(key, {})
        return self._validated(model, value, (key,)) or model()

    def _entries(self, model: type[S], value: object, key: str) -> list[tuple[Path, S]]:
        if value is None:
            return []
        if not isinstance(value, tuple):
            self._note(Problem((key,), "must be a list"))
            return []
        entries = [((key, index), self._validated(model, item, (key, index))) for index, item in enumerate(value)]
        return [(path, entry) for path, entry in entries if entry is not None]

    def _validated(self, model: type[S], value: object, path: Path) -> S | None:
        try:
            return model.model_validate({} if value is None else value)
        except ValidationError as error:
            for details in error.errors(include_url=False):
                self._note(_explain(details, path, model))
            return None

    def _note_repeats(self, entries: object, key: str, section: str, what: str) -> None:
        if not isinstance(entries, tuple):
            return
        ids: list[tuple[Path, str]] = [
            ((section, index, key), entry[key])
            for index, entry in enumerate(entries)
            if isinstance(entry, dict) and isinstance(entry.get(key), str)
        ]
        for problem in checks.check_repeats(self._document, ids, what):
            self._note(problem)

    def _note(self, problem: Problem) -> None:
        self._document.problems.append(problem)


def _explain(details: ErrorDetails, around: Path, model: type[Section]) -> Problem:
    """Return what pydantic found wrong, in the words of this project."""
    path: Path = (*around, *(part for part in details["loc"] if part != "[key]"))
    kind = details["type"]
    if kind == "extra_forbidden":
        return _unknown_key(path, _model_at(model, details["loc"][:-1]))
    if kind == "missing":
        return Problem(path, "is missing")
    if kind == "value_error":
        return Problem(path, str(details["ctx"]["error"]))
    if kind in {"greater_than_equal", "less_than_equal"}:
        bound = details["ctx"].get("ge", details["ctx"].get("le"))
        word = "at least" if kind == "greater_than_equal" else "at most"
        return Problem(path, f"{quoted(details['input'])} must be {word} {bound}")
    expected = _EXPECTED.get(kind, "has a value of the wrong kind")
    return Problem(path, expected if isinstance(details["input"], dict | tuple) else f"{quoted(details['input'])} {expected}")


def _unknown_key(path: Path, model: type[Section]) -> Problem:
    key = str(path[-1])
    if any(word in key.lower() for word in _SECRET_WORDS):
        return Problem(path, "credentials do not belong in this file: they come from AWS's default chain; remove the key")
    near = get_close_matches(key, model.model_fields, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(model.model_fields)}"
    return Problem(path, f"unknown key; {hint}")


def _model_at(model: type[Section], location: tuple[Any, ...]) -> type[Section]:
    for part in location:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        if isinstance(annotation, type) and issubclass(annotation, Section):
            model = annotation
    return model


def _tell(source: str, line: int, problem: Problem) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem.path).removeprefix(".")
    where = " ".join(where.split())[:120]
    return f"{source}:{line}: {where}: {problem.message}" if where else f"{source}:{line}: {problem.message}"
