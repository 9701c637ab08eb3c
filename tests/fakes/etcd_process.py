"""A real etcd on an address of the loopback network, for one test or one session."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.addresses import host


class EtcdProcess:
    """Can be stopped and started again on the same address and data."""

    def __init__(self, host: str, data: Path) -> None:
        self.address = f"{host}:2379"
        self._host = host
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        peer = f"http://{self._host}:2380"
        client = f"http://{self.address}"
        self._process = subprocess.Popen(
            [
                "etcd",
                f"--data-dir={self._data}",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
                "--unsafe-no-fsync",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def send_signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait_ready(self, *, timeout_s: float = 20.0) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                socket.create_connection((self._host, 2379), timeout=1).close()
                return
            except OSError:
                assert self._process is not None and self._process.poll() is None, "etcd died"
                time.sleep(0.05)  # noqa: TID251  # a blocking wait before any event loop runs
        raise TimeoutError(f"etcd at {self.address} does not listen after {timeout_s} s")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None


@contextmanager
def etcd_process() -> Iterator[EtcdProcess]:
    with tempfile.TemporaryDirectory(prefix="arm-etcd-", dir="/tmp") as directory:
        server = EtcdProcess(host(), Path(directory) / "data")
        server.start()
        try:
            server.wait_ready()
            yield server
        finally:
            server.stop()
