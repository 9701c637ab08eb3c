"""What the tablet's web pages say. Pure over the agent's state."""

import resource

from armillary.rpc.web import Page, Pages, json_page
from armillary.vttablet.agent import Agent
from armillary.vttablet.health import Health


def tablet_pages(agent: Agent, health: Health) -> Pages:
    """Return the pages by path. `/healthz` is the readiness: 200 when the tablet serves."""

    async def healthz() -> Page:
        serving = health.serving
        if serving.serving:
            return Page("ok\n")
        return Page(f"500 internal server error: {serving.reason}\n", status=500)

    async def status() -> Page:
        role, identity = agent.role, agent.identity
        return Page(
            f"tablet {identity.alias} {identity.keyspace}/{identity.shard} "
            f"{role.tablet_type.name.lower()}: "
            + ("serving" if health.serving.serving else f"not serving: {health.serving.reason}")
            + "\n"
        )

    async def numbers() -> Page:
        return json_page(variables(agent, health))

    return {
        "/healthz": healthz,
        "/debug/health": healthz,
        "/debug/status": status,
        "/debug/vars": numbers,
        "/": status,
    }


def variables(agent: Agent, health: Health) -> dict[str, object]:
    """Return the state as names and values, Vitess's names where Vitess has them."""
    role, identity, seen = agent.role, agent.identity, health.seen
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "TabletAlias": str(identity.alias),
        "TabletKeyspace": identity.keyspace,
        "TabletShard": identity.shard,
        "TabletType": role.tablet_type.name.lower(),
        "TabletTypeReason": role.reason,
        "PrimaryTermStartTime": role.term_started_at,
        "TabletStateName": "SERVING" if health.serving.serving else "NOT_SERVING",
        "NotServingReason": health.serving.reason,
        "ReplicationLagSeconds": health.serving.lag_s,
        "HealthLooks": health.look_count,
        "MysqldReachable": seen.reachable,
        "MysqldReadOnly": seen.read_only,
        "ReplicationRunning": seen.replicating,
        "ReplicationError": seen.replication_error,
        "BackupIsRunning": agent.flags.backup_running,
        "Action": agent.action_name,
        "CpuSeconds": usage.ru_utime + usage.ru_stime,
        "MaxRssKilobytes": usage.ru_maxrss,
    }
