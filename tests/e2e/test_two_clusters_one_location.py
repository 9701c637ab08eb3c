"""Two clusters with different names keep their backups in one location and never mix them."""

import json

from armillary.cli.demo.walk import Walk
from tests.e2e.machine import NAMESPACE, Machine
from tests.e2e.small_cluster import backups_in, keyspace, write_small_manifest


def test_each_cluster_sees_only_its_own_backups(machine: Machine, walked: Walk) -> None:
    other = Machine.fresh()
    shards = [keyspace("main", "-80", "80-")]
    write_small_manifest(other, backups_in(machine.paths.backups), shards, name="second")
    try:
        other.up()
        listed = json.loads(
            other.walk().shell.run(f"kubectl -n {NAMESPACE} get vitessbackups -o json", quiet=True)
        )
        names = [item["metadata"]["name"] for item in listed["items"]]
        assert len(names) == 2
        assert all(name.startswith("second-") for name in names)
        first = walked.shell.run(f"{walked.kubectl} get vitessbackups -o name", quiet=True)
        assert "second-" not in first
        mine, theirs = (json.loads(m.paths.state.read_text()) for m in (machine, other))
        assert mine["network"] != theirs["network"]
        assert sorted(p.name for p in machine.paths.backups.iterdir()) == ["example", "second"]
    finally:
        other.remove()
