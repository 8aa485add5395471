"""Taking turns: of many threads that wait for AWS, one at a time computes.

The interpreter runs one thread at a time anyway. Threads that many answers wake at once would all ask for it, and whoever
serves HTTP would stand in the same queue, each time that it reads or writes. So a thread keeps its turn from one wait on the
network to the next, and one that is woken there queues for its turn, which asks nothing of the interpreter.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from socket import socket
from typing import Any

from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool, AWSHTTPSConnection, AWSHTTPSConnectionPool

from exporter.aws.transport import HttpSession


class Turns:
    """Gives turns, in a `with` statement; who has one gives it up while waiting."""

    def __init__(self) -> None:
        self._free = threading.Lock()
        self._holder: int | None = None

    def __enter__(self) -> None:
        self._free.acquire()
        self._holder = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self._holder = None
        self._free.release()

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Give up the turn, if the present thread has it, until the end of the `with` statement."""
        if self._holder != threading.get_ident():
            yield
            return
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()


def take_turns(session: HttpSession, turns: Turns) -> None:
    """Let a session's connections give up the turn while they connect and while they receive.

    While they send they do not: a request is small, and the system takes it at once.
    """

    class Response(HTTPResponse):
        def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as http.client has them
            super().__init__(_Receiving(sock, turns), *args, **kwargs)  # type: ignore[arg-type]  # it makes a file of it, no more

    class Connection(AWSHTTPConnection):
        response_class: Any = Response

        def connect(self) -> None:
            with turns.given_up():
                super().connect()

    class TlsConnection(AWSHTTPSConnection):
        response_class: Any = Response

        def connect(self) -> None:
            with turns.given_up():
                super().connect()

    class Pool(AWSHTTPConnectionPool):
        ConnectionCls = Connection

    class TlsPool(AWSHTTPSConnectionPool):
        ConnectionCls = TlsConnection

    # Those of its proxies, too. botocore has no public way.
    session._pool_classes_by_scheme.update(http=Pool, https=TlsPool)  # type: ignore[attr-defined]  # noqa: SLF001


class _Receiving:
    """A socket of which a file is made."""

    def __init__(self, sock: socket, turns: Turns) -> None:
        self._sock = sock
        self._turns = turns

    def makefile(self, mode: str) -> BufferedReader:
        del mode  # http.client reads bytes
        return BufferedReader(_Received(self._sock, self._turns))


class _Received(RawIOBase):
    """What comes in at a socket; nobody has the turn while nothing comes."""

    def __init__(self, sock: socket, turns: Turns) -> None:
        self._raw = sock.makefile("rb", buffering=0)
        self._turns = turns

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - typeshed's name for it is not there at run time
        with self._turns.given_up():
            return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
