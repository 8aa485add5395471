"""Where a case is in the Support Center of its partition."""

import re

_CONSOLES = {
    "aws": "https://support.console.aws.amazon.com/support/home",
    "aws-cn": "https://console.amazonaws.cn/support/home",
    "aws-us-gov": "https://console.amazonaws-us-gov.com/support/home",
}
_DISPLAY_ID = re.compile(r"[0-9]{1,32}", re.ASCII)


def case_url(display_id: str, partition: str) -> str | None:
    """Return the address of a case for a person signed in to its account; None where there is none."""
    console = _CONSOLES.get(partition)
    if console is None or not _DISPLAY_ID.fullmatch(display_id):
        return None
    return f"{console}#/case/?displayId={display_id}"
