"""One namespace of one cluster, seen through one kubectl."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMAND_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    program: str
    kubeconfig: Path
    home: Path  # kubectl keeps its cache here
    namespace: str
    has_nodes: bool
    env: Mapping[str, str] = field(default_factory=dict)

    def run(
        self, *words: str, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run kubectl in the namespace, whatever comes of it."""
        return subprocess.run(
            self.words(*words),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
            env=self.environment(env),
        )

    def words(self, *words: str) -> list[str]:
        return [
            self.program,
            f"--kubeconfig={self.kubeconfig}",
            f"--namespace={self.namespace}",
            *words,
        ]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.home), **self.env, **(more or {})}

    def out(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl, which must succeed; return what it printed."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def error(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl, which must fail; return its complaint."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode != 0, f"kubectl {' '.join(words)} succeeded:\n{done.stdout}"
        return done.stderr

    def rows(self, *words: str) -> list[list[str]]:
        """Return the lines of a table, split at two or more blanks; headers first."""
        lines = self.out(*words).splitlines()
        return [[c for c in (cell.strip() for cell in line.split("  ")) if c] for line in lines]

    def get(self, kind: str, name: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.out("get", kind, name, "-o", "json"))
        return value

    def path(self, kind: str, name: str, jsonpath: str) -> str:
        return self.out("get", kind, name, "-o", f"jsonpath={{{jsonpath}}}")

    def apply(self, *objects: Mapping[str, Any], words: tuple[str, ...] = ()) -> str:
        return self.out("apply", "-f", "-", *words, stdin=manifest(*objects))

    def wait_for(self, condition: Callable[[], object], wait_s: float = 30.0) -> None:
        deadline = time.monotonic() + wait_s
        while not condition():
            assert time.monotonic() < deadline, "did not become true in time"
            time.sleep(0.1)  # noqa: TID251 (another process has to do something)


def manifest(*objects: Mapping[str, Any]) -> str:
    """Return what `-f -` takes: one object, or a list of them."""
    if len(objects) == 1:
        return json.dumps(objects[0])
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def pod(name: str, script: str = "sleep 600", **labels: str) -> dict[str, Any]:
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", script]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    metadata = {"name": name, "labels": {"name": name, **labels}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def unscheduled_pod(name: str, **labels: str) -> dict[str, Any]:
    """Return a pod that no node takes: it stays Pending, on any cluster."""
    value = pod(name, **labels)
    value["spec"]["schedulerName"] = "nobody"
    return value


def deployment(name: str, *, replicas: int = 0, script: str = "sleep 600") -> dict[str, Any]:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod("x", script)["spec"]},
        },
    }
