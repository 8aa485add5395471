"""The command: `aws-support-exporter` and `python -m exporter`."""

import gc
import sys

gc.disable()  # Nothing that is imported is garbage: to look for it takes a tenth of the start.
from exporter import cli  # noqa: E402 - imported while collection is off


def main() -> None:
    gc.enable()
    sys.exit(cli.main(sys.argv[1:]))


if __name__ == "__main__":
    main()
