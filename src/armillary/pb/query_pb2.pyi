from armillary.pb import topodata_pb2 as _topodata_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NULL_TYPE: _ClassVar[Type]
    INT8: _ClassVar[Type]
    UINT8: _ClassVar[Type]
    INT16: _ClassVar[Type]
    UINT16: _ClassVar[Type]
    INT24: _ClassVar[Type]
    UINT24: _ClassVar[Type]
    INT32: _ClassVar[Type]
    UINT32: _ClassVar[Type]
    INT64: _ClassVar[Type]
    UINT64: _ClassVar[Type]
    FLOAT32: _ClassVar[Type]
    FLOAT64: _ClassVar[Type]
    TIMESTAMP: _ClassVar[Type]
    DATE: _ClassVar[Type]
    TIME: _ClassVar[Type]
    DATETIME: _ClassVar[Type]
    YEAR: _ClassVar[Type]
    DECIMAL: _ClassVar[Type]
    TEXT: _ClassVar[Type]
    BLOB: _ClassVar[Type]
    VARCHAR: _ClassVar[Type]
    VARBINARY: _ClassVar[Type]
    CHAR: _ClassVar[Type]
    BINARY: _ClassVar[Type]
    BIT: _ClassVar[Type]
    ENUM: _ClassVar[Type]
    SET: _ClassVar[Type]
    TUPLE: _ClassVar[Type]
    GEOMETRY: _ClassVar[Type]
    JSON: _ClassVar[Type]
    EXPRESSION: _ClassVar[Type]
    HEXNUM: _ClassVar[Type]
    HEXVAL: _ClassVar[Type]
    BITNUM: _ClassVar[Type]
    VECTOR: _ClassVar[Type]
    RAW: _ClassVar[Type]
    ROW_TUPLE: _ClassVar[Type]
NULL_TYPE: Type
INT8: Type
UINT8: Type
INT16: Type
UINT16: Type
INT24: Type
UINT24: Type
INT32: Type
UINT32: Type
INT64: Type
UINT64: Type
FLOAT32: Type
FLOAT64: Type
TIMESTAMP: Type
DATE: Type
TIME: Type
DATETIME: Type
YEAR: Type
DECIMAL: Type
TEXT: Type
BLOB: Type
VARCHAR: Type
VARBINARY: Type
CHAR: Type
BINARY: Type
BIT: Type
ENUM: Type
SET: Type
TUPLE: Type
GEOMETRY: Type
JSON: Type
EXPRESSION: Type
HEXNUM: Type
HEXVAL: Type
BITNUM: Type
VECTOR: Type
RAW: Type
ROW_TUPLE: Type

class Target(_message.Message):
    __slots__ = ("keyspace", "shard", "tablet_type", "cell")
    KEYSPACE_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    TABLET_TYPE_FIELD_NUMBER: _ClassVar[int]
    CELL_FIELD_NUMBER: _ClassVar[int]
    keyspace: str
    shard: str
    tablet_type: _topodata_pb2.TabletType
    cell: str
    def __init__(self, keyspace: _Optional[str] = ..., shard: _Optional[str] = ..., tablet_type: _Optional[_Union[_topodata_pb2.TabletType, str]] = ..., cell: _Optional[str] = ...) -> None: ...

class Field(_message.Message):
    __slots__ = ("name", "type", "table", "org_table", "database", "org_name", "column_length", "charset", "decimals", "flags", "column_type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    ORG_TABLE_FIELD_NUMBER: _ClassVar[int]
    DATABASE_FIELD_NUMBER: _ClassVar[int]
    ORG_NAME_FIELD_NUMBER: _ClassVar[int]
    COLUMN_LENGTH_FIELD_NUMBER: _ClassVar[int]
    CHARSET_FIELD_NUMBER: _ClassVar[int]
    DECIMALS_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    COLUMN_TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: Type
    table: str
    org_table: str
    database: str
    org_name: str
    column_length: int
    charset: int
    decimals: int
    flags: int
    column_type: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[Type, str]] = ..., table: _Optional[str] = ..., org_table: _Optional[str] = ..., database: _Optional[str] = ..., org_name: _Optional[str] = ..., column_length: _Optional[int] = ..., charset: _Optional[int] = ..., decimals: _Optional[int] = ..., flags: _Optional[int] = ..., column_type: _Optional[str] = ...) -> None: ...

class Row(_message.Message):
    __slots__ = ("lengths", "values")
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    lengths: _containers.RepeatedScalarFieldContainer[int]
    values: bytes
    def __init__(self, lengths: _Optional[_Iterable[int]] = ..., values: _Optional[bytes] = ...) -> None: ...

class QueryResult(_message.Message):
    __slots__ = ("fields", "rows_affected", "insert_id", "rows", "info", "session_state_changes", "insert_id_changed")
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    ROWS_AFFECTED_FIELD_NUMBER: _ClassVar[int]
    INSERT_ID_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    INFO_FIELD_NUMBER: _ClassVar[int]
    SESSION_STATE_CHANGES_FIELD_NUMBER: _ClassVar[int]
    INSERT_ID_CHANGED_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedCompositeFieldContainer[Field]
    rows_affected: int
    insert_id: int
    rows: _containers.RepeatedCompositeFieldContainer[Row]
    info: str
    session_state_changes: str
    insert_id_changed: bool
    def __init__(self, fields: _Optional[_Iterable[_Union[Field, _Mapping]]] = ..., rows_affected: _Optional[int] = ..., insert_id: _Optional[int] = ..., rows: _Optional[_Iterable[_Union[Row, _Mapping]]] = ..., info: _Optional[str] = ..., session_state_changes: _Optional[str] = ..., insert_id_changed: _Optional[bool] = ...) -> None: ...

class StreamHealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RealtimeStats(_message.Message):
    __slots__ = ("health_error", "replication_lag_seconds", "binlog_players_count", "filtered_replication_lag_seconds", "cpu_usage", "qps", "table_schema_changed", "view_schema_changed", "udfs_changed", "tx_unresolved")
    HEALTH_ERROR_FIELD_NUMBER: _ClassVar[int]
    REPLICATION_LAG_SECONDS_FIELD_NUMBER: _ClassVar[int]
    BINLOG_PLAYERS_COUNT_FIELD_NUMBER: _ClassVar[int]
    FILTERED_REPLICATION_LAG_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CPU_USAGE_FIELD_NUMBER: _ClassVar[int]
    QPS_FIELD_NUMBER: _ClassVar[int]
    TABLE_SCHEMA_CHANGED_FIELD_NUMBER: _ClassVar[int]
    VIEW_SCHEMA_CHANGED_FIELD_NUMBER: _ClassVar[int]
    UDFS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    TX_UNRESOLVED_FIELD_NUMBER: _ClassVar[int]
    health_error: str
    replication_lag_seconds: int
    binlog_players_count: int
    filtered_replication_lag_seconds: int
    cpu_usage: float
    qps: float
    table_schema_changed: _containers.RepeatedScalarFieldContainer[str]
    view_schema_changed: _containers.RepeatedScalarFieldContainer[str]
    udfs_changed: bool
    tx_unresolved: bool
    def __init__(self, health_error: _Optional[str] = ..., replication_lag_seconds: _Optional[int] = ..., binlog_players_count: _Optional[int] = ..., filtered_replication_lag_seconds: _Optional[int] = ..., cpu_usage: _Optional[float] = ..., qps: _Optional[float] = ..., table_schema_changed: _Optional[_Iterable[str]] = ..., view_schema_changed: _Optional[_Iterable[str]] = ..., udfs_changed: _Optional[bool] = ..., tx_unresolved: _Optional[bool] = ...) -> None: ...

class StreamHealthResponse(_message.Message):
    __slots__ = ("target", "serving", "primary_term_start_timestamp", "realtime_stats", "tablet_alias")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    SERVING_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_TERM_START_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    REALTIME_STATS_FIELD_NUMBER: _ClassVar[int]
    TABLET_ALIAS_FIELD_NUMBER: _ClassVar[int]
    target: Target
    serving: bool
    primary_term_start_timestamp: int
    realtime_stats: RealtimeStats
    tablet_alias: _topodata_pb2.TabletAlias
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., serving: _Optional[bool] = ..., primary_term_start_timestamp: _Optional[int] = ..., realtime_stats: _Optional[_Union[RealtimeStats, _Mapping]] = ..., tablet_alias: _Optional[_Union[_topodata_pb2.TabletAlias, _Mapping]] = ...) -> None: ...
