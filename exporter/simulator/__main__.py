"""Runs the simulator as a process of its own: `python -m exporter.simulator`."""

import argparse
import gc
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code."""
    options = _parser().parse_args(arguments)
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    fleet = _fleet(options)
    if options.events:
        queue = fleet.send_events(options.lost_events, options.doubled_events, options.late_events)
    simulator = Simulator(
        fleet,
        port=options.port,
        throttle=not options.no_throttle,
        verify_signatures=not options.no_signatures,
        latency_seconds=options.latency,
        seed=options.seed,
        tls=(options.tls_cert_file, options.tls_key_file) if options.tls_cert_file else None,
    )
    gc.freeze()  # nothing of the fleet is garbage: no request need wait for a collection to find that out
    try:
        simulator.start()
    except OSError as error:
        sys.stderr.write(f"cannot listen on port {options.port}: {error}\n")
        return 1
    sys.stdout.write(f"{simulator.url}\n")
    sys.stdout.writelines(f"export {name}={value}\n" for name, value in simulator.environment().items())
    sys.stdout.write(f"# events.queue_url: {queue.url}\n\n" if options.events else "\n")
    sys.stdout.flush()
    signal.sigwait(_STOP_SIGNALS)
    simulator.stop()
    return 0


def _fleet(options: argparse.Namespace) -> Fleet:
    if options.demo:
        return Fleet.demo(time.time, seed=options.seed, pace=options.pace or 1.0)
    if options.pace:
        return Fleet.living(time.time, accounts=options.accounts, cases=options.cases, seed=options.seed, pace=options.pace)
    fleet = Fleet.uniform(
        time.time,
        accounts=options.accounts,
        cases=options.cases,
        communications=options.communications,
        body_chars=options.body_chars,
        seed=options.seed,
    )
    # What is measured against it must not wait for the first encoding, which takes as long as a whole round.
    for account in fleet.accounts:
        for case in account.cases:
            case.encoded(include_communications=True)
    return fleet


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m exporter.simulator", description="A loopback AWS: Support, STS and Organizations."
    )
    parser.add_argument("--accounts", type=int, default=1000, help="how many accounts (default: %(default)s)")
    parser.add_argument("--cases", type=int, default=20, help="open cases of each account (default: %(default)s)")
    parser.add_argument("--communications", type=int, default=5, help="of each case (default: %(default)s)")
    parser.add_argument("--body-chars", type=int, default=500, help="of each communication (default: %(default)s)")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every answer takes")
    parser.add_argument("--port", type=int, default=0, help="on the loopback interface (default: a free one)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another history (default: %(default)s)")
    parser.add_argument("--pace", type=float, default=0.0, help="let the fleet live, so many times as fast (0: not)")
    parser.add_argument("--demo", action="store_true", help="a dozen accounts that show what can be met")
    parser.add_argument("--no-throttle", action="store_true", help="no quota of five calls per second and account")
    parser.add_argument("--no-signatures", action="store_true", help="do not check signatures")
    parser.add_argument("--events", action="store_true", help="send events about cases to an SQS queue")
    for what in ("lost", "doubled", "late"):
        parser.add_argument(f"--{what}-events", type=float, default=0.0, help=f"share of the events that are {what}")
    parser.add_argument("--tls-cert-file", type=Path, help="serve HTTPS with this certificate (PEM) for 127.0.0.1")
    parser.add_argument("--tls-key-file", type=Path, help="the certificate's key (PEM), if not in the same file")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
