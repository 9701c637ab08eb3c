"""What the kubelet remembers of a pod on disk, so that its successor can take over. I/O.

DIR/pods/<id>/pod.json                the API object and the address
DIR/pods/<id>/c/<container>/record    starts, the newest end (a ContainerState without live parts)
DIR/pods/<id>/c/<container>/<n>/      the n-th run: shim, main, exit; log beside it: <n>.log
DIR/pods/<id>/v/<volume>/             volumes that live as long as the pod

<id> is short, because unix sockets in volumes have paths of at most 107 bytes.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from armillary.local.kubelet.containers.volumes import remove_tree
from armillary.local.kubelet.pod.state import ContainerState, Exit

_LOGS_KEPT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRecord:
    pod: dict[str, Any]
    pod_ip: str
    sandboxed: bool
    started_at: datetime


class PodDir:
    """One pod's directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, pods: Path, uid: str) -> "PodDir":
        return cls(pods / hashlib.sha256(uid.encode()).hexdigest()[:8])

    def write(self, record: PodRecord) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {
            "pod": record.pod,
            "podIP": record.pod_ip,
            "sandboxed": record.sandboxed,
            "startedAt": record.started_at.isoformat(),
        }
        _replace(self.path / "pod.json", json.dumps(content))

    def read(self) -> PodRecord | None:
        """Return the record; None when the directory holds none that can be read."""
        try:
            content = json.loads((self.path / "pod.json").read_text())
            return PodRecord(
                pod=content["pod"],
                pod_ip=content["podIP"],
                sandboxed=content["sandboxed"],
                started_at=datetime.fromisoformat(content["startedAt"]),
            )
        except (OSError, ValueError, KeyError):
            return None

    def container(self, name: str) -> "ContainerDir":
        return ContainerDir(self.path / "c" / name)

    def containers(self) -> list["ContainerDir"]:
        root = self.path / "c"
        return [ContainerDir(path) for path in sorted(root.iterdir())] if root.is_dir() else []

    def remove(self) -> None:
        remove_tree(self.path)


class ContainerDir:
    """One container's directory within its pod's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    def attempt(self, number: int) -> Path:
        return self.path / str(number)

    def log(self, number: int) -> Path:
        return self.path / f"{number}.log"

    @property
    def temporary(self) -> Path:
        """What the container sees as /tmp."""
        return self.path / "tmp"

    @property
    def last_words(self) -> Path:
        """What the container sees at its terminationMessagePath."""
        return self.path / "last-words"

    def read(self) -> tuple[ContainerState, datetime | None]:
        """Return what is remembered, and when the newest start was made if its end is not known."""
        fresh = ContainerState(name=self.name)
        try:
            content = json.loads((self.path / "record").read_text())
        except (OSError, ValueError):
            return fresh, None
        end = content.get("exit")
        state = ContainerState(
            name=self.name,
            attempts=content["attempts"],
            quick_exits=content["quickExits"],
            exit=None if end is None else _decode_exit(end),
        )
        since = content.get("runningSince")
        return state, None if since is None else datetime.fromisoformat(since)

    def write(self, state: ContainerState) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {
            "attempts": state.attempts,
            "quickExits": state.quick_exits,
            "exit": None if state.exit is None else _encode_exit(state.exit),
            "runningSince": None
            if state.running_since is None
            else state.running_since.isoformat(),
        }
        _replace(self.path / "record", json.dumps(content))

    def prune(self, newest: int) -> None:
        """Keep the newest run and the one before it."""
        for entry in self.path.iterdir():
            number = entry.name.partition(".")[0]
            if number.isdigit() and int(number) <= newest - _LOGS_KEPT:
                if entry.is_dir():
                    remove_tree(entry)
                else:
                    entry.unlink(missing_ok=True)


def list_pod_dirs(pods: Path) -> Iterator[PodDir]:
    if pods.is_dir():
        for path in sorted(pods.iterdir()):
            if path.is_dir():
                yield PodDir(path)


def _encode_exit(end: Exit) -> dict[str, Any]:
    return {
        "code": end.code,
        "reason": end.reason,
        "message": end.message,
        "startedAt": end.started_at.isoformat(),
        "finishedAt": end.finished_at.isoformat(),
        "attempt": end.attempt,
    }


def _decode_exit(content: dict[str, Any]) -> Exit:
    return Exit(
        code=content["code"],
        reason=content["reason"],
        message=content["message"],
        started_at=datetime.fromisoformat(content["startedAt"]),
        finished_at=datetime.fromisoformat(content["finishedAt"]),
        attempt=content["attempt"],
    )


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".new")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.replace(part, path)
