"""A way to the service that can be cut and frozen, as networks do."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

_CHUNK_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)


class Relay:
    """Passes connections on to the service at `url`; its own is `url`, too."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        assert where.hostname is not None
        self._service = (where.hostname, where.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._passes = threading.Event()
        self._passes.set()
        self._is_cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Every connection is reset, and none is taken inside of the block."""
        self._is_cut = True
        self._drop_all()
        yield
        self._is_cut = False

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Connections stay open inside of the block, and nothing comes from the service."""
        self._passes.clear()
        yield
        self._passes.set()

    def close(self) -> None:
        self._listener.close()
        self._passes.set()
        self._drop_all()

    def _drop_all(self) -> None:
        with self._lock:
            dropped, self._open = self._open, set()
        for each in dropped:
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                client.close()
                continue
            try:
                service = socket.create_connection(self._service)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, service}
            for source, sink, waits in ((client, service, False), (service, client, True)):
                threading.Thread(target=self._pass_on, args=(source, sink, waits), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, waits: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK_BYTES):
                if waits:
                    self._passes.wait()
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            with self._lock:
                self._open.discard(each)
            each.close()
