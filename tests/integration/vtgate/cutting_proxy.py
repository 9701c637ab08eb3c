"""A TCP proxy before a real server that cuts a connection at a chosen moment."""

import contextlib
import socket
import threading
from collections.abc import Iterator

_CHUNK = 1 << 16


class CuttingProxy:
    """Set `cut` to "before" or "after": the next COMMIT is lost, or only its answer."""

    def __init__(self, address: str, port: int, target: tuple[str, int]) -> None:
        self.address = address
        self.port = port
        self.cut = ""
        self._target = target
        self._listening = socket.create_server((address, port))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._open += [client, server]
            for source, sink, asks in ((client, server, True), (server, client, False)):
                arguments = (source, sink, asks)
                threading.Thread(target=self._pass_on, args=arguments, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, asks: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                if asks and self.cut and data[4:] == b"\x03COMMIT":
                    cut, self.cut = self.cut, ""
                    if cut == "after":
                        source.shutdown(socket.SHUT_RDWR)  # no answer reaches this side any more
                        sink.sendall(data)
                        sink.recv(_CHUNK, socket.MSG_PEEK)
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)  # which wakes the thread that accepts
        self._listening.close()
        for end in self._open:
            end.close()


@contextlib.contextmanager
def cutting_proxy(address: str, port: int, target: tuple[str, int]) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(address, port, target)
    try:
        yield proxy
    finally:
        proxy.close()
