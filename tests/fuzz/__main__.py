"""Fuzzes one target with atheris: `python -m tests.fuzz TARGET SECONDS CORPUS`."""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["exporter"]):
    from tests.fuzz.targets import TARGETS_BY_NAME

if __name__ == "__main__":
    name, seconds, corpus = sys.argv[1:]
    Path(corpus).mkdir(parents=True, exist_ok=True)
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024", corpus], TARGETS_BY_NAME[name]
    )
    atheris.Fuzz()
