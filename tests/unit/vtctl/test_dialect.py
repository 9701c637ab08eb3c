"""What vtctl commands print, to the letter."""

import json

from armillary.pb import topodata_pb2, vschema_pb2, vttime_pb2
from armillary.vtctld.commands.tablets import newest_primaries_only
from armillary.vtctld.dialect import (
    keyspace_json,
    message_json,
    shard_json,
    tablet_line,
    vschema_json,
)


def tablet(**fields: object) -> topodata_pb2.Tablet:
    record = topodata_pb2.Tablet(
        alias=topodata_pb2.TabletAlias(cell="uscentral1a", uid=274179421),
        hostname="10.32.0.184",
        port_map={"vt": 15000, "grpc": 15999},
        keyspace="restore",
        shard="80-",
        type=topodata_pb2.PRIMARY,
        mysql_hostname="10.32.0.184",
        mysql_port=3306,
        primary_term_start_time=vttime_pb2.Time(seconds=1597207146),
    )
    for name, value in fields.items():
        setattr(record, name, value)
    return record


def test_a_tablet_is_the_line_of_the_procedure() -> None:
    assert tablet_line(tablet()) == (
        "uscentral1a-0274179421 restore 80- master 10.32.0.184:15000 10.32.0.184:3306 [] "
        "2020-08-12T04:39:06Z"
    )


def test_a_replica_has_no_term() -> None:
    record = tablet(type=topodata_pb2.REPLICA)
    record.ClearField("primary_term_start_time")
    assert tablet_line(record) == (
        "uscentral1a-0274179421 restore 80- replica 10.32.0.184:15000 10.32.0.184:3306 [] <null>"
    )


def test_tags_are_sorted_and_quoted_and_ipv6_is_bracketed() -> None:
    record = tablet(keyspace="", shard="", hostname="fd00::1")
    record.tags.update({"b": 'x"y', "a": "1"})
    assert " <null> <null> master [fd00::1]:15000 " in tablet_line(record)
    assert '[a: "1" b: "x\\"y"]' in tablet_line(record)


def test_a_snapshot_keyspace_prints_as_in_the_procedure() -> None:
    record = topodata_pb2.Keyspace(
        keyspace_type=topodata_pb2.SNAPSHOT,
        base_keyspace="main",
        snapshot_time=vttime_pb2.Time(seconds=1597207275),
    )
    assert (
        keyspace_json(record)
        == """{
  "sharding_column_name": "",
  "sharding_column_type": 0,
  "served_froms": [
  ],
  "keyspace_type": 1,
  "base_keyspace": "main",
  "snapshot_time": {
    "seconds": "1597207275",
    "nanoseconds": 0
  }
}"""
    )


def test_a_normal_keyspace_has_no_snapshot_time() -> None:
    text = keyspace_json(topodata_pb2.Keyspace())
    assert '"keyspace_type": 0' in text and text.endswith('"snapshot_time": null\n}')


def test_a_message_prints_every_field_with_numbers_for_enums() -> None:
    text = message_json(tablet())
    assert '"type": 1' in text
    assert '"db_name_override": ""' in text
    assert '"key_range": null' in text
    assert '"seconds": "1597207146"' in text
    assert '"tags": {\n  },' in text
    assert '"port_map": {\n    "grpc": 15999,\n    "vt": 15000\n  }' in text


def test_a_shard_says_master() -> None:
    text = shard_json(topodata_pb2.Shard(is_primary_serving=True))
    assert '"master_alias": null' in text and '"is_master_serving": true' in text
    assert "primary" not in text


def test_a_superseded_primary_is_shown_as_unknown() -> None:
    old, new = tablet(), tablet()
    old.alias.uid = 1
    new.primary_term_start_time.seconds += 1
    shown = newest_primaries_only([old, new])
    assert [record.type for record in shown] == [topodata_pb2.UNKNOWN, topodata_pb2.PRIMARY]
    assert old.type == topodata_pb2.PRIMARY, "the record itself is left alone"


def test_a_vschema_is_printed_in_the_same_order_each_time() -> None:
    names = ["users_name_idx", "hash", "a", "unicode_loose_md5"]
    vschema = vschema_pb2.Keyspace(sharded=True)
    for name in names:
        vschema.vindexes[name].type = "lookup"
        for param in ("to", "from", "table"):
            vschema.vindexes[name].params[param] = "x"
        vschema.tables[name].column_vindexes.add(column="c", name=name)
    printed = json.loads(vschema_json(vschema))
    assert list(printed["vindexes"]) == list(printed["tables"]) == sorted(names)
    assert list(printed["vindexes"]["a"]["params"]) == ["from", "table", "to"]
    assert printed["tables"]["a"] == {"columnVindexes": [{"column": "c", "name": "a"}]}
