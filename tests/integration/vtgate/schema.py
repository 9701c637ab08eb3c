"""The tables of the gateway's tests, and how they are sharded."""

import json

from tests.integration.vtgate.hostile import TABLE as THINGS

TABLES = (
    "create table users (user_id bigint, name varchar(128), primary key (user_id))",
    """create table users_name_idx (name varchar(128), user_id bigint,
       primary key (name, user_id))""",
    """create table orders (id bigint, user_id bigint, total decimal(10,2), note varchar(40),
       primary key (id), key (user_id))""",
    """create table kinds (id bigint primary key, i int, u bigint unsigned, d decimal(12,3),
       f float, g double, dt date, ts datetime(3), t time, y year, e enum('z','m','a'),
       s set('x','y','w'),
       c varchar(30), b varchar(30) collate utf8mb4_bin, n varchar(30) collate utf8mb4_unicode_ci,
       v varbinary(30), x text, bi bit(9))""",
    "create table accounts (email varchar(64), balance int, primary key (email))",
    """create table members (id bigint, email varchar(64), code varchar(20), primary key (id))""",
    "create table members_email_idx (email varchar(64) primary key, keyspace_id varbinary(16))",
    "create table members_code_idx (code varchar(20), id bigint, keyspace_id varbinary(16), "
    "primary key (code, id))",
    THINGS,
    "create table items (id bigint, label varchar(30), primary key (id))",
)
PLAIN_TABLES = (
    "create table item_seq (id int primary key, next_id bigint, cache bigint) "
    "comment 'vitess_sequence'",
    "create table notes (id int auto_increment primary key, body varchar(100))",
)

VSCHEMA = json.dumps(
    {
        "sharded": True,
        "vindexes": {
            "hash": {"type": "hash"},
            "unicode_loose_md5": {"type": "unicode_loose_md5"},
            "xxhash": {"type": "xxhash"},
            "users_name_idx": {
                "type": "lookup_hash",
                "params": {"table": "users_name_idx", "from": "name", "to": "user_id"},
                "owner": "users",
            },
            "members_email_idx": {
                "type": "consistent_lookup_unique",
                "params": {"table": "members_email_idx", "from": "email", "to": "keyspace_id"},
                "owner": "members",
            },
            "members_code_idx": {
                "type": "consistent_lookup",
                "params": {"table": "members_code_idx", "from": "code,id", "to": "keyspace_id"},
                "owner": "members",
            },
        },
        "tables": {
            "users": {
                "column_vindexes": [
                    {"column": "user_id", "name": "hash"},
                    {"column": "name", "name": "users_name_idx"},
                ]
            },
            "users_name_idx": {
                "column_vindexes": [{"column": "name", "name": "unicode_loose_md5"}]
            },
            "orders": {"column_vindexes": [{"column": "user_id", "name": "hash"}]},
            "kinds": {"column_vindexes": [{"column": "id", "name": "hash"}]},
            "things": {"column_vindexes": [{"column": "id", "name": "hash"}]},
            "accounts": {"column_vindexes": [{"column": "email", "name": "xxhash"}]},
            "members": {
                "column_vindexes": [
                    {"column": "id", "name": "hash"},
                    {"column": "email", "name": "members_email_idx"},
                    {"columns": ["code", "id"], "name": "members_code_idx"},
                ]
            },
            "members_email_idx": {
                "column_vindexes": [{"column": "email", "name": "unicode_loose_md5"}]
            },
            "members_code_idx": {
                "column_vindexes": [{"column": "code", "name": "unicode_loose_md5"}]
            },
            "items": {
                "column_vindexes": [{"column": "id", "name": "hash"}],
                "auto_increment": {"column": "id", "sequence": "item_seq"},
            },
        },
    }
)
