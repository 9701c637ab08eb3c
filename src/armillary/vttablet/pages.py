"""What the tablet's web pages say. Pure over the agent's state."""

import resource

from armillary.vttablet.agent import Agent
from armillary.vttablet.health import Health
from armillary.vttablet.web import Page, json_page, text_page


def tablet_pages(agent: Agent, health: Health) -> dict[str, Page]:
    """Return the pages by path. `/healthz` is the readiness: 200 when the tablet serves."""

    def healthz() -> tuple[int, str, str]:
        serving = health.serving
        if serving.serving:
            return 200, "text/plain; charset=utf-8", "ok\n"
        return 500, "text/plain; charset=utf-8", f"500 internal server error: {serving.reason}\n"

    def liveness() -> str:
        role, identity = agent.role, agent.identity
        return (
            f"tablet {identity.alias} {identity.keyspace}/{identity.shard} "
            f"{role.tablet_type.name.lower()}: "
            + ("serving" if health.serving.serving else f"not serving: {health.serving.reason}")
        )

    return {
        "/healthz": healthz,
        "/debug/health": healthz,
        "/debug/status": text_page(liveness),
        "/debug/vars": json_page(lambda: variables(agent, health)),
        "/": text_page(liveness),
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
        "MysqldReachable": seen.reachable,
        "MysqldReadOnly": seen.read_only,
        "ReplicationRunning": seen.replicating,
        "ReplicationError": seen.replication_error,
        "BackupIsRunning": agent.flags.backup_running,
        "Action": agent.action_name,
        "CpuSeconds": usage.ru_utime + usage.ru_stime,
        "MaxRssKilobytes": usage.ru_maxrss,
    }
