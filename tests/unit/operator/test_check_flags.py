"""Flags that a spec adds: which do nothing, and with which a process does not start."""

from typing import Any

import pytest

from armillary.operator.cluster.check_flags import flags_that_stop_processes, flags_without_effect
from armillary.operator.cluster.check_spec import check_spec
from armillary.operator.cluster.model import Cluster, parse_cluster
from tests.unit.operator.example import example_cluster, example_object


def cluster_with(flags: dict[str, Any], *, at: str = "extraVitessFlags") -> Cluster:
    obj = example_object()
    if at == "extraVitessFlags":
        obj["spec"][at] = flags
    elif at == "gateway":
        obj["spec"]["cells"][0]["gateway"]["extraFlags"] = flags
    else:
        (partitioning,) = obj["spec"]["keyspaces"][0]["partitionings"]
        pool = partitioning["equal"]["shardTemplate"]["tabletPools"][0]
        pool.setdefault("vttablet", {})["extraFlags"] = flags
    return parse_cluster(obj)


def test_the_procedures_own_flags_all_do_something() -> None:
    assert flags_without_effect(example_cluster().spec) == []
    assert flags_that_stop_processes(example_cluster().spec) == []


@pytest.mark.parametrize("name", ["mysql_server_read_timeout", "mysql-server-read-timeout"])
def test_a_flag_that_is_passed_over_is_told(name: str) -> None:
    spec = cluster_with({name: "5s", "max_connections": "7"}, at="gateway").spec
    assert flags_without_effect(spec) == [f"spec.cells[uscentral1a].gateway.extraFlags.{name}"]
    assert flags_that_stop_processes(spec) == []


def test_a_flag_for_all_must_do_something_in_one_of_them_and_harm_none() -> None:
    spec = cluster_with({"grpc_auth_mode": "", "log_dir": "x", "web_open": "true"}).spec
    assert flags_without_effect(spec) == ["spec.extraVitessFlags.log_dir"]
    assert flags_that_stop_processes(spec) == []
    (told,) = flags_that_stop_processes(cluster_with({"db_charset": "utf8"}).spec)
    assert told.startswith("spec.extraVitessFlags.db_charset: ")
    assert "vtctld (unknown)" in told and "vtgate (unknown)" in told and "vttablet" not in told


def test_what_a_tablet_refuses_is_advised_against() -> None:
    cluster = cluster_with({"restore_to_pos": "0-1-2"}, at="vttablet")
    advice = check_spec(cluster, frozenset()).advice
    told, *_ = [line for line in advice if "restore_to_pos" in line]
    assert told.endswith(".restore_to_pos: no start with this flag: vttablet (refused)")
