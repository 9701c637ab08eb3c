"""What the operator renders: labels, ports, mounts, secrets, and that nothing secret is in argv."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from armillary.base.errors import InputError
from armillary.operator.cell.build import Cell, build_gateway_deployment, gateway_flags
from armillary.operator.cluster.build import (
    build_backup_storages,
    build_keyspace,
    build_lockserver,
    build_services,
)
from armillary.operator.cluster.model import cell_topology, parse_cluster
from armillary.operator.cluster.vtctld import build_vtctld_deployment, choose_cells
from armillary.operator.crd.backup import BackupLocation
from armillary.operator.crd.lockserver import EtcdLockserverSpec, LockserverSpec, TopologyParams
from armillary.operator.crd.read import read_spec
from armillary.operator.lockserver.build import (
    Lockserver,
    build_claim,
    build_disruption_budget,
    build_pod,
)
from armillary.operator.lockserver.build import build_services as build_etcd_services
from armillary.operator.render import labels as keys
from armillary.operator.render.images import cluster_images, mysqld_image
from armillary.operator.render.storage import storage_access
from armillary.operator.shard import pod as tablet_pod
from armillary.operator.shard.backup_pod import WantedBackupJob, build_backup_pod
from armillary.operator.shard.tablets import wanted_tablets
from armillary.settings.backup import named_storages
from armillary.settings.vtctld import VtctldSettings
from tests.unit.operator.example import (
    example_cell,
    example_cluster,
    example_object,
    example_shard,
    shard_objects,
)


def tablet() -> dict[str, Any]:
    shard = example_shard()
    return tablet_pod.build_pod(shard, wanted_tablets(shard)[0])


def args_of(container: dict[str, Any]) -> dict[str, str]:
    return dict(word.removeprefix("--").split("=", 1) for word in container["args"])


def test_a_tablet_pod_has_its_three_containers_in_order() -> None:
    containers = tablet()["spec"]["containers"]
    assert [c["name"] for c in containers] == ["vttablet", "mysqld", "mysqld-exporter"]
    assert [c["command"] for c in containers] == [
        ["/vt/bin/vttablet"],
        ["/vt/bin/mysqlctld"],
        ["/vt/bin/mysqld_exporter"],
    ]


def test_a_tablet_pod_says_whose_it_is() -> None:
    assert tablet()["metadata"]["labels"] == {
        "planetscale.com/component": "vttablet",
        "planetscale.com/cluster": "example",
        "planetscale.com/keyspace": "main",
        "planetscale.com/shard": "x-80",
        "planetscale.com/cell": "uscentral1a",
        "planetscale.com/tablet-uid": "3876690474",
        "planetscale.com/tablet-type": "replica",
        "planetscale.com/tablet-index": "1",
    }


def test_a_tablets_data_lives_on_the_claim_of_its_name() -> None:
    pod = tablet()
    (claim,) = (v for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v)
    assert claim["persistentVolumeClaim"]["claimName"] == pod["metadata"]["name"]
    for container in pod["spec"]["containers"]:
        mounts = {m["mountPath"]: m for m in container["volumeMounts"]}
        assert mounts["/vt/vtdataroot"]["subPath"] == "vtdataroot"
        assert mounts["/vt/secrets/auth"]["readOnly"] is True


def test_only_vttablet_sees_the_backups() -> None:
    mounts = [
        {m["mountPath"] for m in container["volumeMounts"]}
        for container in tablet()["spec"]["containers"]
    ]
    assert ["/vt/backups" in paths for paths in mounts] == [True, False, False]


def test_every_volume_that_is_mounted_exists_and_the_other_way_round() -> None:
    pod = tablet()
    volumes = {v["name"] for v in pod["spec"]["volumes"]}
    mounted = {m["name"] for c in pod["spec"]["containers"] for m in c["volumeMounts"]}
    assert volumes == mounted


def test_a_tablet_has_half_an_hour_to_end() -> None:
    assert tablet()["spec"]["terminationGracePeriodSeconds"] == 1800


def test_config_overrides_become_a_file() -> None:
    shard = example_shard()
    wanted = wanted_tablets(shard)[0]
    assert wanted.pool.mysqld is not None
    mysqld = msgspec.structs.replace(wanted.pool.mysqld, config_overrides="max_connections=7")
    pool = msgspec.structs.replace(wanted.pool, mysqld=mysqld)
    pod = tablet_pod.build_pod(shard, replace(wanted, pool=pool))
    assert pod["metadata"]["annotations"][keys.MYSQLD_CONFIG_OVERRIDES] == "max_connections=7"
    env = {e["name"]: e.get("value") for e in pod["spec"]["containers"][1]["env"]}
    assert env["EXTRA_MY_CNF"] == "/pod-config/mysqld-config-overrides"


def test_config_overrides_reach_backup_runs_as_well() -> None:
    shard = example_shard()
    pool = wanted_tablets(shard)[0].pool
    assert pool.mysqld is not None and pool.backup_location_name == ""
    mysqld = msgspec.structs.replace(pool.mysqld, config_overrides="innodb_page_size=8k")
    pool = msgspec.structs.replace(pool, mysqld=mysqld)
    location = shard.location_of(pool)
    assert location is not None
    job = WantedBackupJob(name="job", kind="init", pool=pool, location=location)
    pod = build_backup_pod(shard, job)
    assert pod["metadata"]["annotations"][keys.MYSQLD_CONFIG_OVERRIDES] == "innodb_page_size=8k"
    (container,) = pod["spec"]["containers"]
    env = {e["name"]: e.get("value") for e in container["env"]}
    assert env["EXTRA_MY_CNF"] == "/pod-config/mysqld-config-overrides"
    assert "pod-config" in {mount["name"] for mount in container["volumeMounts"]}
    assert "pod-config" in {volume["name"] for volume in pod["spec"]["volumes"]}


def test_the_restore_keyspace_uses_mains_database() -> None:
    shard = example_shard("-80", "restore")
    pod = tablet_pod.build_pod(shard, wanted_tablets(shard)[0])
    assert args_of(pod["spec"]["containers"][0])["init_db_name_override"] == "vt_main"


def test_shards_carry_what_the_cluster_says() -> None:
    shard = example_shard()
    assert shard.spec.backup_engine == "xtrabackup"
    assert shard.spec.backup_policy == {
        "backupIntervalHours": 24,
        "minRetentionHours": 72,
        "minRetentionCount": 1,
    }
    assert {obj["metadata"]["name"] for obj in shard_objects(example_cluster())} == {
        "example-main-x-80-84bc4397",
        "example-main-80-x-65d60c75",
        "example-restore-x-80-81134cd4",
        "example-restore-80-x-17ca1c61",
    }


def keyspace_policy(backup: dict[str, Any]) -> Any:
    obj = example_object()
    obj["spec"]["backup"] = {"locations": [{"volume": {}}], **backup}
    cluster = parse_cluster(obj)
    return build_keyspace(cluster, cluster.spec.keyspaces[0])["spec"].get("backupPolicy")


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ({}, (24, 72, 1)),
        ({"minRetentionHours": 5}, (24, 5, 1)),
        ({"backupIntervalHours": 1, "minRetentionCount": 3}, (1, 72, 3)),
    ],
)
def test_a_policy_is_completed_with_its_defaults(
    policy: dict[str, int], wanted: tuple[int, ...]
) -> None:
    assert tuple(keyspace_policy({"policy": policy}).values()) == wanted


@pytest.mark.parametrize("backup", [{}, {"policy": None}])
def test_no_policy_is_not_an_empty_one(backup: dict[str, Any]) -> None:
    assert keyspace_policy(backup) is None


def test_cloud_credentials_are_files_and_never_words() -> None:
    s3 = {"region": "r", "bucket": "b", "authSecret": {"name": "s", "key": "k"}}
    location = msgspec.convert({"s3": s3}, BackupLocation)
    access = storage_access(location, "example")
    assert access.flags["s3_backup_storage_root"] == "example"
    assert access.env == [
        {"name": "AWS_SHARED_CREDENTIALS_FILE", "value": "/vt/secrets/s3-backup-auth/k"}
    ]
    (volume,) = access.volumes
    assert volume["secret"]["secretName"] == "s"


def test_a_gcs_location_names_its_key_file() -> None:
    location = msgspec.convert(
        {"gcs": {"bucket": "b", "keyPrefix": "p/", "authSecret": {"name": "s", "key": "key.json"}}},
        BackupLocation,
    )
    access = storage_access(location, "example")
    assert access.flags["gcs_backup_storage_root"] == "p/example"
    assert access.env[0]["name"] == "GOOGLE_APPLICATION_CREDENTIALS"


def test_there_is_one_storage_object_for_each_location() -> None:
    (storage,) = build_backup_storages(example_cluster())
    assert storage["metadata"]["name"] == "example-90089e05"
    assert storage["metadata"]["labels"][keys.BACKUP_LOCATION] == ""


def lockserver() -> Lockserver:
    obj = build_lockserver(example_cluster())
    assert obj is not None
    spec = read_spec(obj, EtcdLockserverSpec)
    return Lockserver(obj["metadata"]["name"], "planetscale", obj["metadata"]["labels"], spec)


def test_an_etcd_member_advertises_names_and_binds_its_address() -> None:
    pod = build_pod(lockserver(), 2)
    args = args_of(pod["spec"]["containers"][0])
    name, peers = "example-etcd-faf13de3-2", "example-etcd-faf13de3-peer"
    assert pod["metadata"]["name"] == name == pod["spec"]["hostname"]
    assert pod["spec"]["subdomain"] == peers
    assert args["advertise-client-urls"] == f"https://{name}.{peers}:2379"
    assert args["listen-client-urls"] == "https://$(POD_IP):2379"
    assert args["initial-cluster"].count(",") == 2
    assert build_claim(lockserver(), 2)["metadata"]["name"] == name


def test_etcd_members_find_each_other_before_they_are_ready() -> None:
    client, peer = build_etcd_services(lockserver())
    assert peer["spec"]["clusterIP"] == "None" and peer["spec"]["publishNotReadyAddresses"]
    assert "publishNotReadyAddresses" not in client["spec"]
    budget = build_disruption_budget(lockserver())
    assert budget is not None and budget["spec"]["minAvailable"] == 2


def test_an_external_lockserver_is_not_deployed() -> None:
    obj = example_object()
    external = {"implementation": "etcd2", "address": "e:1", "rootPath": "/r"}
    obj["spec"]["globalLockserver"] = {"external": external}
    cluster = parse_cluster(obj)
    assert build_lockserver(cluster) is None
    assert cluster.topology.address == "e:1"


def test_a_cells_topology_is_its_own_server_or_another_root_of_the_global_one() -> None:
    shared = TopologyParams(implementation="etcd2", address="g:2379", root_path="/g")
    plain = cell_topology("example", shared, "a", LockserverSpec())
    assert (plain.address, plain.root_path) == ("g:2379", "/vitess/example/local/a")
    own = cell_topology("example", shared, "a", msgspec.convert({"etcd": {}}, LockserverSpec))
    assert own.address.startswith("example-a-etcd-") and own.address.endswith("-client:2379")


def test_services_select_by_component() -> None:
    vtgate, vttablet, vtctld = build_services(example_cluster())
    assert vtgate["spec"]["selector"] == {keys.COMPONENT: "vtgate", keys.CLUSTER: "example"}
    assert [p["port"] for p in vtgate["spec"]["ports"]] == [15000, 15999, 3306]
    assert vttablet["spec"]["clusterIP"] == "None"
    assert [p["port"] for p in vtctld["spec"]["ports"]] == [15000, 15999]


def test_vtgate_sees_only_its_own_secret() -> None:
    deployment = build_gateway_deployment(example_cell(example_cluster()))
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    secrets = {v["secret"]["secretName"] for v in volumes if "secret" in v}
    assert "example-cluster-config" in secrets
    assert not any(name.startswith("example-auth-bac") for name in secrets)
    assert deployment["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    ("limits", "workers"),
    [
        ({}, None),
        ({"cpu": "1500m"}, None),
        ({"cpu": 4}, "4"),
        ({"cpu": "4", "memory": "256Mi"}, "2"),
        ({"cpu": "4", "memory": "200M"}, None),
    ],
)
def test_a_gateway_has_as_many_processes_as_its_limits_allow(
    limits: dict[str, Any], workers: str | None
) -> None:
    cell = example_cell(example_cluster())
    plain = msgspec.to_builtins(cell.spec)
    plain["gateway"]["resources"] = {"limits": limits}
    spec = msgspec.convert(plain, type(cell.spec))
    deployment = build_gateway_deployment(Cell(cell.cluster, cell.namespace, spec))
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    told = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert told.get("VTGATE_WORKERS") == workers


def test_tls_needs_both_halves() -> None:
    cell = example_cell(example_cluster())

    def flags(**tls: Any) -> dict[str, Any]:
        plain = msgspec.to_builtins(cell.spec)
        plain["gateway"]["secureTransport"] = {"required": True, "tls": tls}
        spec = msgspec.convert(plain, type(cell.spec))
        return dict(gateway_flags(Cell(cell.cluster, cell.namespace, spec)))

    cert, key = {"name": "s", "key": "cert.pem"}, {"name": "s", "key": "key.pem"}
    assert "mysql_server_ssl_cert" not in flags(certSecret=cert)
    assert flags(certSecret=cert, keySecret=key)["mysql_server_require_secure_transport"] is True


def test_a_new_secret_hash_rolls_the_gateways() -> None:
    cell = example_cell(example_cluster())
    one, other = (build_gateway_deployment(cell, secret_hash=h) for h in ("a", "b"))
    assert one["spec"]["template"] != other["spec"]["template"]


def test_the_dashboard_goes_where_it_is_told() -> None:
    cluster = example_cluster()
    assert [cell.name for cell in choose_cells(cluster)] == ["uscentral1a"]
    obj = example_object()
    obj["spec"]["vitessDashboard"] = {"cells": ["nowhere"]}
    assert choose_cells(parse_cluster(obj)) == []
    del obj["spec"]["vitessDashboard"]
    assert len(choose_cells(parse_cluster(obj))) == 3


def test_vtctld_looks_into_the_first_location() -> None:
    cluster = example_cluster()
    deployment = build_vtctld_deployment(cluster, cluster.spec.cells[0])
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert args_of(container)["file_backup_storage_root"] == "/vt/backups/example"


def test_vtctld_looks_into_every_location() -> None:
    obj = example_object()
    s3 = {"bucket": "x", "region": "r", "authSecret": {"name": "amazon", "key": "keys"}}
    gcs = {"bucket": "y", "authSecret": {"name": "google", "key": "key.json"}}
    first = obj["spec"]["backup"]["locations"][0]
    second_volume = {"name": "d", "volume": {"hostPath": {"path": "/elsewhere"}}}
    obj["spec"]["backup"]["locations"] = [
        first,
        {"name": "b", "s3": s3},
        {"name": "c", "gcs": gcs},
        second_volume,
        {"name": "e", "s3": s3 | {"authSecret": None}},
    ]
    cluster = parse_cluster(obj)
    spec = build_vtctld_deployment(cluster, cluster.spec.cells[0])["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert args_of(container)["file_backup_storage_root"] == "/vt/backups/example"
    env = {variable["name"]: variable.get("value", "") for variable in container["env"]}
    flags = VtctldSettings(topo_global_server_address="x", topo_global_root="y")
    given = env | {"AWS_SHARED_CREDENTIALS_FILE": "/another", "STORAGE_EMULATOR_HOST": "host"}
    found = {one.name: one.settings for one in named_storages(flags, given)}
    assert list(found) == ["", "b", "c", "d", "e"]
    assert found["b"].s3_backup_storage_bucket == "x"
    assert found["b"].aws_shared_credentials_file == "/vt/secrets/s3-backup-auth-2/keys"
    assert found["c"].google_application_credentials == "/vt/secrets/gcs-backup-auth-3/key.json"
    assert found["c"].gcs_backup_endpoint == "host", "an emulator is for all"
    assert found["d"].file_backup_storage_root == "/vt/backups-4/example"
    assert found["e"].aws_shared_credentials_file == "", "not another location's"
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert len(mounts) == len(container["volumeMounts"])
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert len(volumes) == len(spec["volumes"])
    assert volumes[mounts["/vt/secrets/s3-backup-auth-2"]]["secret"]["secretName"] == "amazon"
    assert volumes[mounts["/vt/secrets/gcs-backup-auth-3"]]["secret"]["secretName"] == "google"
    assert volumes[mounts["/vt/backups-4"]]["hostPath"] == {"path": "/elsewhere"}
    assert mounts["/vt/backups"] in volumes


@pytest.mark.parametrize(
    "text", ["x", "[1]", '[{"name": "a"}]', '[{"name": "", "flags": {"x": 1}}]']
)
def test_a_bad_description_of_locations_is_told(text: str) -> None:
    flags = VtctldSettings(topo_global_server_address="x", topo_global_root="y")
    with pytest.raises(InputError, match="ARMILLARY_BACKUP_LOCATIONS"):
        named_storages(flags, {"ARMILLARY_BACKUP_LOCATIONS": text})


def test_an_image_is_built_from_its_parts() -> None:
    obj = example_object()
    obj["spec"]["image"] = {
        "registry": "r", "repository": "x/lite", "mysqlFlavor": "mysql80", "version": "1",
    }  # fmt: skip
    images = cluster_images(parse_cluster(obj).spec)
    assert images.vttablet == "r/x/lite:mysql80-1"
    assert mysqld_image({"mysql80Compatible": "m"}) == ("m", "MySQL80")
