from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.config.settings import Settings, parse
from exporter.config.yaml_lines import read

FIXTURES = Path(__file__).parent
REGIONS = {
    "aws": {"us-east-1", "us-west-2", "eu-west-1"},
    "aws-cn": {"cn-north-1", "cn-northwest-1"},
    "aws-us-gov": {"us-gov-west-1"},
}

Parse = Callable[[str | bytes], Settings]
Load = Callable[[Path], Settings]


def partition_of(region: str) -> str:
    for partition, regions in REGIONS.items():
        if region in regions:
            return partition
    raise ValueError(region)


@pytest.fixture(scope="session")
def parse_config() -> Parse:
    def parsed(content: str | bytes) -> Settings:
        return parse(content.encode() if isinstance(content, str) else content, source="config.yaml", partition_of=partition_of)

    return parsed


@pytest.fixture(scope="session")
def load_config() -> Load:
    return lambda path: parse(read(path), source=str(path), partition_of=partition_of)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name, pattern in (("ok_file", "*.ok.yaml"), ("bad_file", "*.bad.yaml")):
        if name in metafunc.fixturenames:
            files = sorted(FIXTURES.glob(pattern))
            metafunc.parametrize(name, files, ids=[file.name.split(".")[0] for file in files])
