"""Two operators on one cluster: one acts, another takes over, and nothing is made twice.

Both are processes. Each has an API server of its own over the same store, so that what it writes is
told from what the other one does.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from armillary.kube import kinds
from armillary.kube.client import KubeClient
from armillary.local.apiserver.main import open_apiserver
from armillary.local.apiserver.store.memory import MemoryStore
from armillary.local.apiserver.store.records import ChangeBatch, ObjectKey, Snapshot
from armillary.local.pki import ensure_pki, write_kubeconfig
from armillary.operator.crd.definitions import DEFINITIONS, build_crd
from tests.integration.operator.running import NAMESPACE, Running, example, wait_served

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

LEASE_S = 6  # a starved machine must not make a healthy operator miss its renewals
MIDST = 20  # writes of the leader: more are to come, also from the pass that it is in
PODS = 15  # of the example: eight tablets, three members of etcd, four first backups


@dataclass
class Recorded:
    """One API server's view of the store, and what was written through it."""

    store: MemoryStore
    writes: list[tuple[str, ObjectKey]] = field(default_factory=list)

    async def read_all(self) -> Snapshot:
        return await self.store.read_all()

    async def create(self, key: ObjectKey, raw: bytes) -> int | None:
        return self._note("create", key, await self.store.create(key, raw))

    async def replace(self, key: ObjectKey, raw: bytes, revision: int) -> int | None:
        return self._note("replace", key, await self.store.replace(key, raw, revision))

    async def delete(self, key: ObjectKey, revision: int) -> int | None:
        return self._note("delete", key, await self.store.delete(key, revision))

    def changes(self, after: int) -> AsyncIterator[ChangeBatch]:
        return self.store.changes(after)

    async def compact(self, revision: int) -> None:
        await self.store.compact(revision)

    def _note(self, verb: str, key: ObjectKey, revision: int | None) -> int | None:
        if revision is not None and key.namespace == NAMESPACE:
            self.writes.append((verb, key))
        return revision


@dataclass
class Operator:
    kubeconfig: Path
    recorded: Recorded
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        words = [sys.executable, "-m", "armillary.operator.main", "--leader_election"]
        words += [f"--kubeconfig={self.kubeconfig}", f"--leader_election_lease_duration={LEASE_S}s"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, env=dict(os.environ))

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self) -> int:
        assert self.process is not None
        with anyio.fail_after(120):
            while (code := self.process.poll()) is None:  # noqa: ASYNC110  # not our loop's child
                await anyio.sleep(0.02)
        return code

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@dataclass
class Pair:
    running: Running
    operators: tuple[Operator, Operator]

    async def leader(self) -> Operator:
        """Return the operator that makes the cluster's objects, once it has made some."""
        await self.until(lambda: any(len(o.recorded.writes) >= MIDST for o in self.operators))
        return max(self.operators, key=lambda operator: len(operator.recorded.writes))

    def other(self, operator: Operator) -> Operator:
        (found,) = (one for one in self.operators if one is not operator)
        return found

    async def until(self, holds: Callable[[], bool]) -> None:
        async def look() -> bool:
            return holds()

        await self.running.eventually(look, bool)

    async def wait_pods(self) -> None:
        async def count() -> int:
            return len(await self.running.names(kinds.POD))

        await self.running.eventually(count, lambda found: found == PODS)

    def made_twice(self) -> set[str]:
        made = Counter(
            key
            for operator in self.operators
            for verb, key in operator.recorded.writes
            if verb == "create"
        )
        return {f"{key.resource}/{key.name}" for key, count in made.items() if count > 1}


@asynccontextmanager
async def two_operators(directory: Path) -> AsyncIterator[Pair]:
    store = MemoryStore()
    async with AsyncExitStack() as stack:

        async def open_api(name: str) -> Operator:
            home = directory / name
            home.mkdir()
            recorded = Recorded(store)
            api = open_apiserver(
                recorded,
                pki=ensure_pki(home),
                host="127.0.0.1",
                port=0,
                service_cidr="127.13.128.0/17",
            )
            kubeconfig = write_kubeconfig(home, port=await stack.enter_async_context(api))
            return Operator(kubeconfig, recorded, home / "log")

        person = await open_api("person")
        client = await stack.enter_async_context(KubeClient.from_kubeconfig(person.kubeconfig))
        for definition in DEFINITIONS:
            await client.apply(build_crd(definition), "test")
        await wait_served(client)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        await client.create(namespace)
        operators = (await open_api("first"), await open_api("second"))
        for operator in operators:
            stack.callback(operator.end)
            operator.start()
        yield Pair(Running(client, person.kubeconfig), operators)


async def test_one_acts_at_a_time_whether_the_other_is_dead_or_only_asleep(tmp_path: Path) -> None:
    async with two_operators(tmp_path) as pair:
        await pair.running.client.create(example(tmp_path / "b"))
        asleep = await pair.leader()
        asleep.send(signal.SIGSTOP)  # in the midst of its work
        acting = pair.other(asleep)
        assert acting.recorded.writes == []
        await pair.wait_pods()
        await pair.until(lambda: len(acting.recorded.writes) > 0)
        secret = await pair.running.get(kinds.SECRET, "example-auth-bac9b849")

        before = list(asleep.recorded.writes)
        asleep.send(signal.SIGCONT)
        assert await asleep.ended() == 1
        assert "lost the lease" in asleep.log.read_text()
        # What it was about to tell when it fell asleep it may still tell; it does nothing.
        since = asleep.recorded.writes[len(before) :]
        assert [(verb, key) for verb, key in since if key.resource != "events"] == []

        asleep.start()
        acting.send(signal.SIGKILL)
        await acting.ended()
        name = "example-vttablet-uscentral1a-0274179421-446d19ea"
        await pair.running.client.delete(kinds.POD, name, NAMESPACE, grace_s=0)
        await pair.wait_pods()
        assert ("create", ObjectKey("pods", NAMESPACE, name)) in asleep.recorded.writes[
            len(before) :
        ]
        again = await pair.running.get(kinds.SECRET, "example-auth-bac9b849")
        assert again["data"] == secret["data"]
        assert pair.made_twice() <= {f"pods/{name}"}
