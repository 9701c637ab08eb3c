"""The web pages of a gateway: whether it is ready, what it knows, what it has done. I/O."""

import time

from armillary.model.tablet import TabletType
from armillary.rpc.web import Page, Pages, json_page
from armillary.vtgate.client.listener import Listener
from armillary.vtgate.tablets.cluster import Cluster


class Readiness:
    """Ready once every shard seen has its tablets, or after a while; then for good."""

    def __init__(self, cluster: Cluster, wanted: tuple[TabletType, ...], timeout_s: float) -> None:
        self._cluster = cluster
        self._wanted = wanted
        self._give_up_at = time.monotonic() + timeout_s
        self._ready = False

    def check(self) -> tuple[bool, str]:
        if self._ready:
            return True, "ok"
        missing = self._cluster.missing(self._wanted)
        if not self._cluster.layouts:
            missing = ["no keyspace is known yet"]
        if not missing or time.monotonic() >= self._give_up_at:
            self._ready = True
            return True, "ok"
        return False, "waiting for tablets: " + ", ".join(missing)


def gateway_pages(listener: Listener, readiness: Readiness) -> Pages:
    async def health() -> Page:
        ready, text = readiness.check()
        return Page(f"{text}\n", status=200 if ready else 503)

    async def status() -> Page:
        cluster = listener.gateway.cluster
        found = {
            "cell": cluster.cell,
            "keyspaces": cluster.keyspaces(),
            "tablets": [
                {
                    "alias": str(tablet.alias),
                    "keyspace": tablet.keyspace,
                    "shard": tablet.shard,
                    "type": tablet.type.name,
                    "serving": tablet.serving,
                    "lag_s": tablet.lag_s,
                    "problem": tablet.problem,
                }
                for tablet in cluster.tablets()
            ],
        }
        return json_page(found)

    async def variables() -> Page:
        tablets = listener.gateway.tablets
        found = {
            "mysql_connections": len(listener.connections),
            "mysql_connections_accepted": listener.accepted_count,
            "mysql_commands": listener.query_count,
            "plans_cached": len(listener.gateway.plans.entries),
            "plan_cache_bytes": listener.gateway.plans.bytes_used,
            "statements_buffered": tablets.buffered,
            "tablet_connections": tablets.pools.open_counts(),
        }
        return json_page(found)

    return {
        "/debug/health": health,
        "/healthz": health,
        "/debug/status": status,
        "/debug/vars": variables,
    }
