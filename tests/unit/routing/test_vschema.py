"""VSchemas that make sense are taken, others are refused with the reason."""

import json
from typing import Any

import pytest

from armillary.base.errors import InputError, PreconditionError
from armillary.model.keyrange import KeyRange
from armillary.pb import vschema_pb2
from armillary.routing.lookup import LookupVindex
from armillary.routing.partition import Partition
from armillary.routing.vschema import (
    UnknownTableError,
    VSchema,
    VSchemaError,
    build_vschema,
    parse_keyspace_json,
)

HASH = {"hash": {"type": "hash"}}
USERS = {"users": {"column_vindexes": [{"column": "Id", "name": "hash"}]}}


def parse(**document: Any) -> Any:
    return parse_keyspace_json("main", json.dumps(document))


def test_a_sharded_keyspace_has_tables_with_vindexes() -> None:
    keyspace = parse(sharded=True, vindexes=HASH, tables=USERS)
    primary = keyspace.tables["users"].primary
    assert primary.columns == ("id",)
    assert primary.vindex.type == "hash"


LOOKUP: dict[str, Any] = {
    "type": "lookup",
    "params": {"table": "t_idx", "from": "a", "to": "k"},
    "owner": "t",
}

BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"vindexes": {"v": {"type": "nope"}}}, 'vindexType "nope" not found'),
    ({"tables": {"t": {"type": "odd"}}}, "unidentified table type odd"),
    ({"sharded": True, "tables": {"t": {}}}, "missing primary col vindex for table: t"),
    (
        {"sharded": True, "tables": {"t": {"type": "sequence"}}},
        "sequence table has to be in an unsharded keyspace or must be pinned: t",
    ),
    ({"tables": {"t": {"pinned": "zz"}}}, "could not decode the keyspace id for pin"),
    (
        {"sharded": True, "tables": {"t": {"column_vindexes": [{"column": "a", "name": "v"}]}}},
        "vindex v not found for table t",
    ),
    (
        {
            "sharded": True,
            "vindexes": HASH,
            "tables": {
                "t": {"column_vindexes": [{"column": "a", "columns": ["b"], "name": "hash"}]}
            },
        },
        "can't use column and columns at the same time",
    ),
    (
        {
            "sharded": True,
            "vindexes": HASH,
            "tables": {"t": {"column_vindexes": [{"name": "hash"}]}},
        },
        "must specify at least one column",
    ),
    (
        {
            "sharded": True,
            "vindexes": {"l": LOOKUP},
            "tables": {"t": {"column_vindexes": [{"column": "a", "name": "l"}]}},
        },
        "primary vindex l is not Unique for table t",
    ),
    (
        {
            "sharded": True,
            "vindexes": {"l": {**LOOKUP, "type": "lookup_unique"}},
            "tables": {"t": {"column_vindexes": [{"column": "a", "name": "l"}]}},
        },
        "primary vindex l cannot be owned for table t",
    ),
    ({"vindexes": {"l": {"type": "lookup"}}}, "missing parameters: table, from, to"),
    (
        {"vindexes": {"l": {**LOOKUP, "params": {**LOOKUP["params"], "autocommit": "yes"}}}},
        "autocommit value must be 'true' or 'false'",
    ),
    (
        {"tables": {"t": {"columns": [{"name": "a"}, {"name": "A"}]}}},
        "duplicate column name 'a'",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("document", "reason"), BROKEN)
def test_a_broken_vschema_is_refused_with_its_reason(document: Any, reason: str) -> None:
    with pytest.raises(VSchemaError) as refusal:
        parse(**document)
    assert reason in str(refusal.value)


def test_text_that_is_no_json_is_refused() -> None:
    for text in ("{", "[]", "5"):
        with pytest.raises(VSchemaError):
            parse_keyspace_json("main", text)


def test_one_broken_keyspace_does_not_break_the_others() -> None:
    message = vschema_pb2.SrvVSchema()
    message.keyspaces["good"].sharded = False
    message.keyspaces["bad"].sharded = True
    message.keyspaces["bad"].tables["t"].type = ""
    vschema = build_vschema(message)
    assert vschema.find_table("good", "anything").keyspace == "good"
    with pytest.raises(VSchemaError):
        vschema.find_table("bad", "t")


def test_a_bare_name_is_found_where_it_is_alone() -> None:
    main = parse(sharded=True, vindexes=HASH, tables=USERS)
    copy = parse(sharded=True, vindexes=HASH, tables=USERS, require_explicit_routing=True)
    vschema = VSchema({"main": main, "restore": copy})
    assert vschema.find_table(None, "users").keyspace == "main"
    with pytest.raises(VSchemaError, match="ambiguous"):
        VSchema({"main": main, "other": main}).find_table(None, "users")
    with pytest.raises(UnknownTableError):
        vschema.find_table("main", "nothing")


def test_lookups_describe_their_queries() -> None:
    keyspace = parse(vindexes={"l": {**LOOKUP, "type": "lookup_hash"}})
    lookup = keyspace.vindexes["l"]
    assert isinstance(lookup, LookupVindex)
    assert lookup.map_sql(2) == "select `a`, `k` from `t_idx` where `a` in (?, ?)"
    assert lookup.delete_sql() == "delete from `t_idx` where `a` = ? and `k` = ?"
    assert lookup.keyspace_id(b"1").hex() == "166b40b44aba4bd6"
    assert lookup.to_literal(bytes.fromhex("166b40b44aba4bd6")) == b"1"
    with pytest.raises(InputError):
        lookup.keyspace_id(b"x")


def test_a_keyspace_id_has_one_shard() -> None:
    partition = Partition.of(["80-", "-40", "40-80"])
    assert partition.shards == ("-40", "40-80", "80-")
    for point, shard in (
        ("", "-40"),
        ("3fff", "-40"),
        ("40", "40-80"),
        ("80", "80-"),
        ("ff", "80-"),
    ):
        assert partition.shard_of(bytes.fromhex(point)) == shard
    assert partition.is_whole()
    assert partition.shards_in(KeyRange.parse("-80")) == ("-40", "40-80")
    assert Partition.of(["0"]).shard_of(b"\xff") == "0"


@pytest.mark.parametrize("names", [["-40", "80-"], ["-80"], ["80-"], [], ["-80", "40-"]])
def test_shards_with_holes_or_overlaps_are_not_whole(names: list[str]) -> None:
    assert not Partition.of(names).is_whole()


def test_an_id_in_a_hole_has_no_shard() -> None:
    with pytest.raises(PreconditionError):
        Partition.of(["-40", "80-"]).shard_of(b"\x50")
