from armillary.pb import binlogdata_pb2 as _binlogdata_pb2
from armillary.pb import query_pb2 as _query_pb2
from armillary.pb import topodata_pb2 as _topodata_pb2
from armillary.pb import vtrpc_pb2 as _vtrpc_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TransactionMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNSPECIFIED: _ClassVar[TransactionMode]
    SINGLE: _ClassVar[TransactionMode]
    MULTI: _ClassVar[TransactionMode]
    TWOPC: _ClassVar[TransactionMode]

class CommitOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NORMAL: _ClassVar[CommitOrder]
    PRE: _ClassVar[CommitOrder]
    POST: _ClassVar[CommitOrder]
    AUTOCOMMIT: _ClassVar[CommitOrder]
UNSPECIFIED: TransactionMode
SINGLE: TransactionMode
MULTI: TransactionMode
TWOPC: TransactionMode
NORMAL: CommitOrder
PRE: CommitOrder
POST: CommitOrder
AUTOCOMMIT: CommitOrder

class Session(_message.Message):
    __slots__ = ("in_transaction", "shard_sessions", "autocommit", "target_string", "options", "transaction_mode", "warnings", "pre_sessions", "post_sessions", "last_insert_id", "found_rows", "user_defined_variables", "system_variables", "row_count", "savepoints", "in_reserved_conn", "lock_session", "last_lock_heartbeat", "read_after_write", "DDLStrategy", "SessionUUID", "enable_system_settings", "advisory_lock", "query_timeout", "prepare_statement", "migration_context", "error_until_rollback")
    class UserDefinedVariablesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _query_pb2.BindVariable
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_query_pb2.BindVariable, _Mapping]] = ...) -> None: ...
    class SystemVariablesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class AdvisoryLockEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class PrepareStatementEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: PrepareData
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[PrepareData, _Mapping]] = ...) -> None: ...
    class ShardSession(_message.Message):
        __slots__ = ("target", "transaction_id", "tablet_alias", "reserved_id", "read_only", "rows_affected")
        TARGET_FIELD_NUMBER: _ClassVar[int]
        TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
        TABLET_ALIAS_FIELD_NUMBER: _ClassVar[int]
        RESERVED_ID_FIELD_NUMBER: _ClassVar[int]
        READ_ONLY_FIELD_NUMBER: _ClassVar[int]
        ROWS_AFFECTED_FIELD_NUMBER: _ClassVar[int]
        target: _query_pb2.Target
        transaction_id: int
        tablet_alias: _topodata_pb2.TabletAlias
        reserved_id: int
        read_only: bool
        rows_affected: bool
        def __init__(self, target: _Optional[_Union[_query_pb2.Target, _Mapping]] = ..., transaction_id: _Optional[int] = ..., tablet_alias: _Optional[_Union[_topodata_pb2.TabletAlias, _Mapping]] = ..., reserved_id: _Optional[int] = ..., read_only: _Optional[bool] = ..., rows_affected: _Optional[bool] = ...) -> None: ...
    IN_TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    SHARD_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    AUTOCOMMIT_FIELD_NUMBER: _ClassVar[int]
    TARGET_STRING_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_MODE_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    PRE_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    POST_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    LAST_INSERT_ID_FIELD_NUMBER: _ClassVar[int]
    FOUND_ROWS_FIELD_NUMBER: _ClassVar[int]
    USER_DEFINED_VARIABLES_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_VARIABLES_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    SAVEPOINTS_FIELD_NUMBER: _ClassVar[int]
    IN_RESERVED_CONN_FIELD_NUMBER: _ClassVar[int]
    LOCK_SESSION_FIELD_NUMBER: _ClassVar[int]
    LAST_LOCK_HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    READ_AFTER_WRITE_FIELD_NUMBER: _ClassVar[int]
    DDLSTRATEGY_FIELD_NUMBER: _ClassVar[int]
    SESSIONUUID_FIELD_NUMBER: _ClassVar[int]
    ENABLE_SYSTEM_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    ADVISORY_LOCK_FIELD_NUMBER: _ClassVar[int]
    QUERY_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    PREPARE_STATEMENT_FIELD_NUMBER: _ClassVar[int]
    MIGRATION_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ERROR_UNTIL_ROLLBACK_FIELD_NUMBER: _ClassVar[int]
    in_transaction: bool
    shard_sessions: _containers.RepeatedCompositeFieldContainer[Session.ShardSession]
    autocommit: bool
    target_string: str
    options: _query_pb2.ExecuteOptions
    transaction_mode: TransactionMode
    warnings: _containers.RepeatedCompositeFieldContainer[_query_pb2.QueryWarning]
    pre_sessions: _containers.RepeatedCompositeFieldContainer[Session.ShardSession]
    post_sessions: _containers.RepeatedCompositeFieldContainer[Session.ShardSession]
    last_insert_id: int
    found_rows: int
    user_defined_variables: _containers.MessageMap[str, _query_pb2.BindVariable]
    system_variables: _containers.ScalarMap[str, str]
    row_count: int
    savepoints: _containers.RepeatedScalarFieldContainer[str]
    in_reserved_conn: bool
    lock_session: Session.ShardSession
    last_lock_heartbeat: int
    read_after_write: ReadAfterWrite
    DDLStrategy: str
    SessionUUID: str
    enable_system_settings: bool
    advisory_lock: _containers.ScalarMap[str, int]
    query_timeout: int
    prepare_statement: _containers.MessageMap[str, PrepareData]
    migration_context: str
    error_until_rollback: bool
    def __init__(self, in_transaction: _Optional[bool] = ..., shard_sessions: _Optional[_Iterable[_Union[Session.ShardSession, _Mapping]]] = ..., autocommit: _Optional[bool] = ..., target_string: _Optional[str] = ..., options: _Optional[_Union[_query_pb2.ExecuteOptions, _Mapping]] = ..., transaction_mode: _Optional[_Union[TransactionMode, str]] = ..., warnings: _Optional[_Iterable[_Union[_query_pb2.QueryWarning, _Mapping]]] = ..., pre_sessions: _Optional[_Iterable[_Union[Session.ShardSession, _Mapping]]] = ..., post_sessions: _Optional[_Iterable[_Union[Session.ShardSession, _Mapping]]] = ..., last_insert_id: _Optional[int] = ..., found_rows: _Optional[int] = ..., user_defined_variables: _Optional[_Mapping[str, _query_pb2.BindVariable]] = ..., system_variables: _Optional[_Mapping[str, str]] = ..., row_count: _Optional[int] = ..., savepoints: _Optional[_Iterable[str]] = ..., in_reserved_conn: _Optional[bool] = ..., lock_session: _Optional[_Union[Session.ShardSession, _Mapping]] = ..., last_lock_heartbeat: _Optional[int] = ..., read_after_write: _Optional[_Union[ReadAfterWrite, _Mapping]] = ..., DDLStrategy: _Optional[str] = ..., SessionUUID: _Optional[str] = ..., enable_system_settings: _Optional[bool] = ..., advisory_lock: _Optional[_Mapping[str, int]] = ..., query_timeout: _Optional[int] = ..., prepare_statement: _Optional[_Mapping[str, PrepareData]] = ..., migration_context: _Optional[str] = ..., error_until_rollback: _Optional[bool] = ...) -> None: ...

class PrepareData(_message.Message):
    __slots__ = ("prepare_statement", "params_count")
    PREPARE_STATEMENT_FIELD_NUMBER: _ClassVar[int]
    PARAMS_COUNT_FIELD_NUMBER: _ClassVar[int]
    prepare_statement: str
    params_count: int
    def __init__(self, prepare_statement: _Optional[str] = ..., params_count: _Optional[int] = ...) -> None: ...

class ReadAfterWrite(_message.Message):
    __slots__ = ("read_after_write_gtid", "read_after_write_timeout", "session_track_gtids")
    READ_AFTER_WRITE_GTID_FIELD_NUMBER: _ClassVar[int]
    READ_AFTER_WRITE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    SESSION_TRACK_GTIDS_FIELD_NUMBER: _ClassVar[int]
    read_after_write_gtid: str
    read_after_write_timeout: float
    session_track_gtids: bool
    def __init__(self, read_after_write_gtid: _Optional[str] = ..., read_after_write_timeout: _Optional[float] = ..., session_track_gtids: _Optional[bool] = ...) -> None: ...

class ExecuteMultiRequest(_message.Message):
    __slots__ = ("caller_id", "sql", "session")
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    caller_id: _vtrpc_pb2.CallerID
    sql: str
    session: Session
    def __init__(self, caller_id: _Optional[_Union[_vtrpc_pb2.CallerID, _Mapping]] = ..., sql: _Optional[str] = ..., session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class ExecuteMultiResponse(_message.Message):
    __slots__ = ("error", "session", "results")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    error: _vtrpc_pb2.RPCError
    session: Session
    results: _containers.RepeatedCompositeFieldContainer[_query_pb2.QueryResult]
    def __init__(self, error: _Optional[_Union[_vtrpc_pb2.RPCError, _Mapping]] = ..., session: _Optional[_Union[Session, _Mapping]] = ..., results: _Optional[_Iterable[_Union[_query_pb2.QueryResult, _Mapping]]] = ...) -> None: ...

class ExecuteRequest(_message.Message):
    __slots__ = ("caller_id", "session", "query", "prepared")
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    PREPARED_FIELD_NUMBER: _ClassVar[int]
    caller_id: _vtrpc_pb2.CallerID
    session: Session
    query: _query_pb2.BoundQuery
    prepared: bool
    def __init__(self, caller_id: _Optional[_Union[_vtrpc_pb2.CallerID, _Mapping]] = ..., session: _Optional[_Union[Session, _Mapping]] = ..., query: _Optional[_Union[_query_pb2.BoundQuery, _Mapping]] = ..., prepared: _Optional[bool] = ...) -> None: ...

class ExecuteResponse(_message.Message):
    __slots__ = ("error", "session", "result")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    error: _vtrpc_pb2.RPCError
    session: Session
    result: _query_pb2.QueryResult
    def __init__(self, error: _Optional[_Union[_vtrpc_pb2.RPCError, _Mapping]] = ..., session: _Optional[_Union[Session, _Mapping]] = ..., result: _Optional[_Union[_query_pb2.QueryResult, _Mapping]] = ...) -> None: ...

class ExecuteBatchRequest(_message.Message):
    __slots__ = ("caller_id", "session", "queries")
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    caller_id: _vtrpc_pb2.CallerID
    session: Session
    queries: _containers.RepeatedCompositeFieldContainer[_query_pb2.BoundQuery]
    def __init__(self, caller_id: _Optional[_Union[_vtrpc_pb2.CallerID, _Mapping]] = ..., session: _Optional[_Union[Session, _Mapping]] = ..., queries: _Optional[_Iterable[_Union[_query_pb2.BoundQuery, _Mapping]]] = ...) -> None: ...

class ExecuteBatchResponse(_message.Message):
    __slots__ = ("error", "session", "results")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    error: _vtrpc_pb2.RPCError
    session: Session
    results: _containers.RepeatedCompositeFieldContainer[_query_pb2.ResultWithError]
    def __init__(self, error: _Optional[_Union[_vtrpc_pb2.RPCError, _Mapping]] = ..., session: _Optional[_Union[Session, _Mapping]] = ..., results: _Optional[_Iterable[_Union[_query_pb2.ResultWithError, _Mapping]]] = ...) -> None: ...

class StreamExecuteRequest(_message.Message):
    __slots__ = ("caller_id", "query", "session")
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    caller_id: _vtrpc_pb2.CallerID
    query: _query_pb2.BoundQuery
    session: Session
    def __init__(self, caller_id: _Optional[_Union[_vtrpc_pb2.CallerID, _Mapping]] = ..., query: _Optional[_Union[_query_pb2.BoundQuery, _Mapping]] = ..., session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class StreamExecuteResponse(_message.Message):
    __slots__ = ("result", "session")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    result: _query_pb2.QueryResult
    session: Session
    def __init__(self, result: _Optional[_Union[_query_pb2.QueryResult, _Mapping]] = ..., session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class StreamExecuteMultiRequest(_message.Message):
    __slots__ = ("caller_id", "sql", "session")
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    caller_id: _vtrpc_pb2.CallerID
    sql: str
    session: Session
    def __init__(self, caller_id: _Optional[_Union[_vtrpc_pb2.CallerID, _Mapping]] = ..., sql: _Optional[str] = ..., session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class StreamExecuteMultiResponse(_message.Message):
    __slots__ = ("result", "more_results", "new_result", "session")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    MORE_RESULTS_FIELD_NUMBER: _ClassVar[int]
    NEW_RESULT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    result: _query_pb2.ResultWithError
    more_results: bool
    new_result: bool
    session: Session
    def __init__(self, result: _Optional[_Union[_query_pb2.ResultWithError, _Mapping]] = ..., more_results: _Optional[bool] = ..., new_result: _Optional[bool] = ..., session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class ResolveTransactionRequest(_message.Message):
    __slots__ = ("caller_id", "dtid")
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    DTID_FIELD_NUMBER: _ClassVar[int]
    caller_id: _vtrpc_pb2.CallerID
    dtid: str
    def __init__(self, caller_id: _Optional[_Union[_vtrpc_pb2.CallerID, _Mapping]] = ..., dtid: _Optional[str] = ...) -> None: ...

class ResolveTransactionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class VStreamFlags(_message.Message):
    __slots__ = ("minimize_skew", "heartbeat_interval", "stop_on_reshard", "cells", "cell_preference", "tablet_order", "stream_keyspace_heartbeats", "include_reshard_journal_events", "tables_to_copy", "exclude_keyspace_from_table_name")
    MINIMIZE_SKEW_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    STOP_ON_RESHARD_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    CELL_PREFERENCE_FIELD_NUMBER: _ClassVar[int]
    TABLET_ORDER_FIELD_NUMBER: _ClassVar[int]
    STREAM_KEYSPACE_HEARTBEATS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_RESHARD_JOURNAL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    TABLES_TO_COPY_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_KEYSPACE_FROM_TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    minimize_skew: bool
    heartbeat_interval: int
    stop_on_reshard: bool
    cells: str
    cell_preference: str
    tablet_order: str
    stream_keyspace_heartbeats: bool
    include_reshard_journal_events: bool
    tables_to_copy: _containers.RepeatedScalarFieldContainer[str]
    exclude_keyspace_from_table_name: bool
    def __init__(self, minimize_skew: _Optional[bool] = ..., heartbeat_interval: _Optional[int] = ..., stop_on_reshard: _Optional[bool] = ..., cells: _Optional[str] = ..., cell_preference: _Optional[str] = ..., tablet_order: _Optional[str] = ..., stream_keyspace_heartbeats: _Optional[bool] = ..., include_reshard_journal_events: _Optional[bool] = ..., tables_to_copy: _Optional[_Iterable[str]] = ..., exclude_keyspace_from_table_name: _Optional[bool] = ...) -> None: ...

class VStreamRequest(_message.Message):
    __slots__ = ("caller_id", "tablet_type", "vgtid", "filter", "flags")
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    TABLET_TYPE_FIELD_NUMBER: _ClassVar[int]
    VGTID_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    caller_id: _vtrpc_pb2.CallerID
    tablet_type: _topodata_pb2.TabletType
    vgtid: _binlogdata_pb2.VGtid
    filter: _binlogdata_pb2.Filter
    flags: VStreamFlags
    def __init__(self, caller_id: _Optional[_Union[_vtrpc_pb2.CallerID, _Mapping]] = ..., tablet_type: _Optional[_Union[_topodata_pb2.TabletType, str]] = ..., vgtid: _Optional[_Union[_binlogdata_pb2.VGtid, _Mapping]] = ..., filter: _Optional[_Union[_binlogdata_pb2.Filter, _Mapping]] = ..., flags: _Optional[_Union[VStreamFlags, _Mapping]] = ...) -> None: ...

class VStreamResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_binlogdata_pb2.VEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[_binlogdata_pb2.VEvent, _Mapping]]] = ...) -> None: ...

class PrepareRequest(_message.Message):
    __slots__ = ("caller_id", "session", "query")
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    caller_id: _vtrpc_pb2.CallerID
    session: Session
    query: _query_pb2.BoundQuery
    def __init__(self, caller_id: _Optional[_Union[_vtrpc_pb2.CallerID, _Mapping]] = ..., session: _Optional[_Union[Session, _Mapping]] = ..., query: _Optional[_Union[_query_pb2.BoundQuery, _Mapping]] = ...) -> None: ...

class PrepareResponse(_message.Message):
    __slots__ = ("error", "session", "fields", "params_count")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_COUNT_FIELD_NUMBER: _ClassVar[int]
    error: _vtrpc_pb2.RPCError
    session: Session
    fields: _containers.RepeatedCompositeFieldContainer[_query_pb2.Field]
    params_count: int
    def __init__(self, error: _Optional[_Union[_vtrpc_pb2.RPCError, _Mapping]] = ..., session: _Optional[_Union[Session, _Mapping]] = ..., fields: _Optional[_Iterable[_Union[_query_pb2.Field, _Mapping]]] = ..., params_count: _Optional[int] = ...) -> None: ...

class CloseSessionRequest(_message.Message):
    __slots__ = ("caller_id", "session")
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    caller_id: _vtrpc_pb2.CallerID
    session: Session
    def __init__(self, caller_id: _Optional[_Union[_vtrpc_pb2.CallerID, _Mapping]] = ..., session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class CloseSessionResponse(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: _vtrpc_pb2.RPCError
    def __init__(self, error: _Optional[_Union[_vtrpc_pb2.RPCError, _Mapping]] = ...) -> None: ...
