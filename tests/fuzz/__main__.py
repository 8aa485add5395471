"""Fuzzes one target with atheris: `python -m tests.fuzz TARGET SECONDS CORPUS`."""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["aiohttp", "exporter", "yaml"]):
    from tests.fuzz.seeds import SEEDS
    from tests.fuzz.targets import TARGETS_BY_NAME

if __name__ == "__main__":
    name, seconds, corpus = sys.argv[1:]
    folder = Path(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (folder / f"seed-{number}").write_bytes(seed)
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024", corpus], TARGETS_BY_NAME[name]
    )
    atheris.Fuzz()
