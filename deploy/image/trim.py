"""Deletes from an environment the botocore data of services that the exporter never calls."""

import shutil
import sys
from pathlib import Path

CALLED = frozenset({"organizations", "signin", "sqs", "sso", "sso-oidc", "sts", "support"})
"""Services that the exporter calls, and those through which a profile gets its credentials."""


def trim(data: Path) -> None:
    """Delete the folders of all other services; the files beside them, such as the endpoints, are shared and stay.

    Raises:
        SystemExit: A service that is called is not there: botocore has moved its data.
    """
    folders = [path for path in data.iterdir() if path.is_dir()]
    missing = CALLED - {path.name for path in folders}
    if missing:
        sys.exit(f"{data}: there is no data of {', '.join(sorted(missing))}")
    for folder in folders:
        if folder.name not in CALLED:
            shutil.rmtree(folder)


if __name__ == "__main__":
    found = list(Path(sys.argv[1]).glob("lib/python*/site-packages/botocore/data"))
    if len(found) != 1:
        sys.exit(f"{sys.argv[1]}: there is not one botocore in it, but {len(found)}")
    trim(found[0])
