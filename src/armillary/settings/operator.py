"""Settings of the operator."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from armillary.settings.flags import flag


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    kubeconfig: Path | None = flag(
        None, help="how to reach the API server; without it the pod's service account is used"
    )
    watch_namespaces: tuple[str, ...] = flag(
        (), help="look after clusters in these namespaces only; none means all"
    )
    local_image: bool = flag(
        False,
        help="the operator runs on the one machine that also runs the pods: a backup location of "
        "type volume is read where it is",
    )
    leader_election: bool = flag(
        False, help="act only while holding the lease, so that several operators can run"
    )
    leader_election_lease_duration: timedelta = flag(
        timedelta(seconds=15),
        help="another takes over when the lease was not renewed for this long",
    )
    leader_election_namespace: str = flag("default", help="namespace of the lease")
    port: int = flag(0, help="port of the pages /healthz and /debug/status; 0 means none")
    bind_address: str = flag("", help="address of that port; empty: $POD_IP, else 127.0.0.1")
    resync: timedelta = flag(
        timedelta(minutes=30), help="look at every object this often, even when nothing happened"
    )
    shard_resync: timedelta = flag(
        timedelta(seconds=30), help="look at every shard and its replication this often"
    )
    storage_interval: timedelta | None = flag(
        None, help="look into each backup location this often; 60s, or 15s with local_image"
    )
    topology_timeout: timedelta = flag(
        timedelta(seconds=10), help="longest time for one look at the topology"
    )
    reconcile_timeout: timedelta = flag(
        timedelta(minutes=10), help="longest time for one pass over one object"
    )
    reparent_timeout: timedelta = flag(
        timedelta(seconds=30), help="longest time for a planned change of a shard's primary"
    )
    tablet_timeout: timedelta = flag(
        timedelta(seconds=5), help="longest time for one question to a tablet"
    )
    available_after: timedelta = flag(
        timedelta(seconds=30), help="a tablet counts as available once ready for this long"
    )
    backups_max: int = flag(
        10000, help="a location with more backups than this is not mirrored; 0 means no limit"
    )

    @property
    def storage_interval_s(self) -> float:
        """Looking costs requests and money where storage is remote, and next to nothing here."""
        if self.storage_interval is not None:
            return self.storage_interval.total_seconds()
        return 15.0 if self.local_image else 60.0
