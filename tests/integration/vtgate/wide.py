"""A keyspace of three shards with few values, so that whatever can coincide does; and its twin.

Tables that hang together by their vindex, one placed by text, one with lookups of both kinds, one
the same everywhere, types that compare in ways of their own; and the same on one server.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from armillary.vtgate.tablets.cluster import Cluster
from tests.integration.vtgate.clients import ask
from tests.integration.vtgate.gate import (
    CELL,
    Gate,
    fill_cluster,
    running_gate,
    settings_for,
    tablet,
)
from tests.integration.vtgate.servers import Server

SHARDS = ("-55", "55-aa", "aa-")
TABLES: dict[str, str] = {
    "a": "(id bigint primary key, n int, s varchar(20), d decimal(10,2), key (n))",
    "b": "(bid bigint primary key, id bigint not null, n int, s varchar(20), g double, key (id))",
    "c": "(v varchar(20) primary key, n int, s varchar(20) collate utf8mb4_bin)",
    "l": "(id bigint primary key, code varchar(20), tag varchar(20), n int)",
    "r": "(rid bigint primary key, n int, s varchar(20))",
    "o": "(id bigint primary key, u uuid, i inet6, z int(5) zerofill, y year, t time(3), "
    "e enum('z','b','a'), bi bit(9), bl blob, j json, ts timestamp(2) null)",
}
LOOKUPS: dict[str, str] = {
    "l_code": "(code varchar(20) primary key, ksid varbinary(16))",
    "l_tag": "(tag varchar(20), id bigint, primary key (tag, id))",
}
# Whose vindex column the server computes; only in the shards.
COMPUTED = {"k": "(n int primary key, id bigint as (n + 1) stored)"}
_HASHED = {"column": "id", "name": "hash"}
VSCHEMA = json.dumps(
    {
        "sharded": True,
        "vindexes": {
            "hash": {"type": "hash"},
            "loose": {"type": "unicode_loose_md5"},
            "l_code": {
                "type": "consistent_lookup_unique",
                "params": {"table": "l_code", "from": "code", "to": "ksid"},
                "owner": "l",
            },
            "l_tag": {
                "type": "lookup_hash",
                "params": {"table": "l_tag", "from": "tag", "to": "id"},
                "owner": "l",
            },
        },
        "tables": {
            "a": {"column_vindexes": [_HASHED]},
            "b": {"column_vindexes": [_HASHED]},
            "c": {"column_vindexes": [{"column": "v", "name": "loose"}]},
            "l": {
                "column_vindexes": [
                    _HASHED,
                    {"column": "code", "name": "l_code"},
                    {"column": "tag", "name": "l_tag"},
                ]
            },
            "l_code": {"column_vindexes": [{"column": "code", "name": "loose"}]},
            "l_tag": {"column_vindexes": [{"column": "tag", "name": "loose"}]},
            "k": {"column_vindexes": [_HASHED]},
            "r": {"type": "reference"},
            "o": {"column_vindexes": [_HASHED]},
        },
    }
)


def make_tables(servers: tuple[Server, ...]) -> None:
    """Each server is one shard; the last one also holds everything, to compare with."""
    for number, server in enumerate(servers):
        databases = ["vt_wide"] if number < 2 else ["vt_wide", "vt_solo", "wide_whole"]
        for database in databases:
            server.new_database(database)
            if database == "vt_solo":
                server.query(
                    "create table p (id bigint primary key, n int, s varchar(20))", database
                )
                continue
            for name, columns in TABLES.items():
                server.create(f"create table {name} {columns}", database)
            if database == "vt_wide":
                for name, columns in (LOOKUPS | COMPUTED).items():
                    server.create(f"create table {name} {columns}", database)


@contextmanager
def running_wide(servers: tuple[Server, ...], address: str) -> Iterator[Gate]:
    cluster = Cluster(cell=CELL)
    tablets = [
        tablet(server, "wide", shard, database="vt_wide", uid=number)
        for number, (server, shard) in enumerate(zip(servers, SHARDS, strict=True), start=1)
    ]
    tablets.append(tablet(servers[2], "solo", "0", database="vt_solo", uid=9))
    fill_cluster(
        cluster, {"wide": VSCHEMA, "solo": "{}"}, {"wide": SHARDS, "solo": ("0",)}, tablets
    )
    with (
        tempfile.TemporaryDirectory(prefix="arm-vtg-", dir="/tmp") as directory,
        running_gate(cluster, settings_for(address, Path(directory))) as gate,
    ):
        yield gate


REFERENCE_ROWS = (
    "insert into r values (1,1,'a'),(2,2,'B'),(3,NULL,'x'),(4,0,NULL),(5,3,'a'),(7,7,'q')"
)
ROWS: tuple[str, ...] = (
    "insert into a values (1,1,'a',1.50),(2,1,'A',-1.5),(3,NULL,'b',0),(4,0,'B',2.25),(5,2,NULL,7),"
    "(6,3,'a',1.5),(7,-1,'ß',NULL),(8,1,'ss',100),(9,2,'b',3),(10,NULL,NULL,NULL),(11,3,'x',0.01),"
    "(12,0,'',5)",
    "insert into b values (1,1,1,'a',0.5),(2,1,2,'b',1e20),(3,2,1,'A',NULL),(4,3,NULL,'x',-1),"
    "(5,3,0,NULL,0.1),(6,5,2,'b',0.2),(7,5,2,'a',3),(8,6,3,'ss',4),(9,8,1,'c',5),(10,9,5,'a',6),"
    "(11,9,-1,'',7),(12,20,1,'a',8),(13,21,2,'b',9),(14,22,NULL,'x',10)",
    "insert into c values ('a',1,'a'),('b',2,'A'),('z',3,'b'),('c',NULL,NULL),('d',1,'B'),"
    "('e',2,'a'),('1',5,'x'),('02',2,'')",
    "insert into l values (1,'one','t',1),(2,'two','t',2),(3,'three','u',1),(4,'four','U',NULL),"
    "(5,'five','v',0),(6,'six','w',3)",
    "insert into o values "
    "(1,'f47ac10b-58cc-4372-a567-0e02b2c3d479','::1',7,2020,'-01:00:00','z',b'1','a','1',NULL),"
    "(2,'123e4567-e89b-12d3-a456-426655440000','2001:db8::ff00:42:8329',70,1999,'100:00:00.5','a',"
    "b'10','A','{\"a\": 1}','2020-01-01 00:00:00'),"
    "(3,'123e4567-e89b-22d3-a456-426655440000','::ffff:10.0.0.1',100000,2000,'00:00:01','b',"
    "b'111111111','b','[1]','2020-01-01 00:00:00.5'),"
    "(4,'00000000-0000-1000-8000-000000000001','fe80::1',0,2155,NULL,'z',b'0',NULL,'\"x\"',"
    "'1999-12-31 23:59:59'),"
    "(5,'00000000-0000-4000-8000-000000000001','10::',1,1901,'23:59:59','b',NULL,'','null',NULL),"
    "(6,NULL,NULL,NULL,NULL,NULL,NULL,b'101','zz',NULL,NULL),"
    "(7,'f47ac10b-58cc-1372-8567-0e02b2c3d479','9::',9,2021,'-00:00:01.25','a',b'1','a ','1.0',"
    "'2021-06-01 12:00:00')",
)


def fill(servers: tuple[Server, ...], here: object, there: object) -> None:
    """Empty all tables, and give both sides the same rows."""
    for number, server in enumerate(servers):
        for name in (*TABLES, *LOOKUPS):
            server.query(f"delete from {name}", "vt_wide")
        server.query(REFERENCE_ROWS, "vt_wide")
        if number == len(servers) - 1:
            server.query("delete from p", "vt_solo")
            server.query("insert into p values (1,1,'a'),(2,2,'b')", "vt_solo")
            for name in TABLES:
                server.query(f"delete from {name}", "wide_whole")
            server.query(REFERENCE_ROWS, "wide_whole")
    for client in (here, there):
        for sql in ("set @v = 2, @w = -3", *ROWS):
            answer = ask(client, sql)
            assert not answer.errno, (sql, answer)
