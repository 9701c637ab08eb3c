"""Every command line that the operator renders is one that our program takes."""

import importlib
from collections.abc import Sequence
from typing import Any

import pytest

from armillary.kube.kinds import KubeObject
from armillary.operator.cell.build import build_gateway_deployment
from armillary.operator.cluster.vtctld import build_vtctld_deployment
from armillary.operator.crd.backup import BackupPolicy
from armillary.operator.shard.backup_plan import plan_backups
from armillary.operator.shard.backup_pod import build_backup_pod
from armillary.operator.shard.pod import build_pod
from armillary.operator.shard.tablets import wanted_tablets
from armillary.settings.flags import parse_flags
from tests.unit.operator.example import example_cell, example_cluster, example_shard
from tests.unit.operator.moments import NOW


def container(pod_spec: dict[str, Any], name: str) -> dict[str, Any]:
    return next(dict(c) for c in pod_spec["containers"] if c["name"] == name)


def parsed(module: str, class_name: str, args: Sequence[str], ignored: str) -> Any:
    settings = importlib.import_module(f"armillary.settings.{module}")
    accepted: frozenset[str] = getattr(settings, ignored, frozenset())
    return parse_flags(
        getattr(settings, class_name), args, program=module, accepted_without_effect=accepted
    )


def tablet_pod() -> KubeObject:
    shard = example_shard()
    return build_pod(shard, wanted_tablets(shard)[0])


def test_vttablet_takes_its_flags() -> None:
    args = container(tablet_pod()["spec"], "vttablet")["args"]
    settings = parsed("vttablet", "VttabletSettings", args, "VTTABLET_WITHOUT_EFFECT")
    assert settings.tablet_path == "uscentral1a-3876690474"
    assert settings.init_db_name_override == "vt_main"
    assert settings.restore_from_backup is True
    assert settings.backup_engine_implementation == "xtrabackup"
    assert settings.file_backup_storage_root == "/vt/backups/example"


def test_mysqlctld_takes_its_flags() -> None:
    args = container(tablet_pod()["spec"], "mysqld")["args"]
    settings = parsed("mysqlctld", "MysqlctldSettings", args, "MYSQLCTLD_WITHOUT_EFFECT")
    assert settings.tablet_uid == 3876690474


def test_the_exporter_takes_its_flags() -> None:
    args = container(tablet_pod()["spec"], "mysqld-exporter")["args"]
    settings = parsed("mysqlctld", "ExporterSettings", args, "EXPORTER_WITHOUT_EFFECT")
    assert settings.web_listen_address == "$(POD_IP):9104"


def test_vtctld_takes_its_flags() -> None:
    cluster = example_cluster()
    deployment = build_vtctld_deployment(cluster, cluster.spec.cells[0])
    args = container(deployment["spec"]["template"]["spec"], "vtctld")["args"]
    settings = parsed("vtctld", "VtctldSettings", args, "ACCEPTED_WITHOUT_EFFECT")
    assert settings.cell == "uscentral1a"
    assert settings.file_backup_storage_root == "/vt/backups/example"


def test_vtgate_takes_its_flags() -> None:
    deployment = build_gateway_deployment(example_cell(example_cluster()))
    args = container(deployment["spec"]["template"]["spec"], "vtgate")["args"]
    settings = parsed("vtgate", "VtgateSettings", args, "ACCEPTED_WITHOUT_EFFECT")
    assert settings.cell == "uscentral1a"


@pytest.mark.parametrize("is_initial", [True, False])
def test_vtbackup_takes_its_flags(is_initial: bool) -> None:
    shard = example_shard()
    backups = [] if is_initial else [_old_backup()]
    plan = plan_backups(
        shard,
        BackupPolicy(),
        backups,
        has_primary=not is_initial,
        is_snapshot=False,
        now=NOW,
    )
    pod = build_backup_pod(shard, plan.jobs[0])
    args = container(pod["spec"], "vtbackup")["args"]
    settings = parsed("vtbackup", "VtbackupSettings", args, "VTBACKUP_WITHOUT_EFFECT")
    assert settings.initial_backup is is_initial
    assert settings.min_retention_time.total_seconds() == (0 if is_initial else 72 * 3600)


def _old_backup() -> Any:
    from armillary.operator.shard.backup_plan import SeenBackup
    from tests.unit.operator.moments import hours_ago

    return SeenBackup("", complete=True, started_at=hours_ago(25))
