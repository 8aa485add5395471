from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from exporter.aws.endpoints import Endpoints
from exporter.config.schema import Config, CredentialKeys
from exporter.config.settings import Settings, parse

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"

Parse = Callable[[bytes], Settings]


def _keys(annotation: object, path: str) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield f"{path}{name}"
            yield from _keys(field.annotation, f"{path}{name}.")
    for part in get_args(annotation):
        yield from _keys(part, path)


def _written(data: object, path: str) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield f"{path}{key}"
            yield from _written(value, f"{path}{key}.")
    if isinstance(data, list):
        for item in data:
            yield from _written(item, path)


def test_example_is_valid_for_the_real_regions() -> None:
    assert parse(EXAMPLE.read_bytes(), source="example", partition_of=Endpoints().partition_of).accounts


def test_example_shows_every_key() -> None:
    written = set(_written(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")), ""))
    shown_of_accounts = {f"events.{key}" for key in CredentialKeys.model_fields}  # of which a mapping takes one
    assert set(_keys(Config, "")) - written - shown_of_accounts == set()


@pytest.mark.parametrize("section", ["poll", "metrics"])
def test_example_shows_the_defaults(section: str, parse_config: Parse) -> None:
    assert getattr(parse_config(EXAMPLE.read_bytes()).config, section) == getattr(Config(), section)
