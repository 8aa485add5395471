"""A server of a large fleet's page as a process of its own, so that its memory and its limits are its own.

`python -m tests.support.crowded ACCOUNTS [WEB_CONFIG]` prints its port, and serves until SIGTERM.
"""

import asyncio
import signal
import sys
from pathlib import Path

from exporter import memory
from exporter.config import parse_web_config, read_web_config
from exporter.web.server import Address, listen, run
from exporter.web.tls import WebConfigFile
from tests.support.log import Log
from tests.support.site import site_of


async def serve(accounts: int, web_config: Path | None) -> None:
    """Serve until SIGTERM."""
    stop, log = asyncio.Event(), Log().logger
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sock = listen(Address("127.0.0.1", 0))
    secured = None
    if web_config is not None:
        directory = web_config.parent
        secured = WebConfigFile(
            web_config.name,
            lambda: read_web_config(web_config),
            lambda content: parse_web_config(content, source=web_config.name, directory=directory),
            log,
        )
    sys.stdout.write(f"{sock.getsockname()[1]}\n")
    sys.stdout.flush()
    await run(site_of(accounts), [sock], stop, log, web_config=secured)


if __name__ == "__main__":
    memory.give_back_large_blocks()
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
