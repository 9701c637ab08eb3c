from armillary.pb import logutil_pb2 as _logutil_pb2
from armillary.pb import query_pb2 as _query_pb2
from armillary.pb import replicationdata_pb2 as _replicationdata_pb2
from armillary.pb import topodata_pb2 as _topodata_pb2
from armillary.pb import vtrpc_pb2 as _vtrpc_pb2
from armillary.pb import vttime_pb2 as _vttime_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TableDefinition(_message.Message):
    __slots__ = ("name", "schema", "columns", "primary_key_columns", "type", "data_length", "row_count", "fields")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_LENGTH_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    schema: str
    columns: _containers.RepeatedScalarFieldContainer[str]
    primary_key_columns: _containers.RepeatedScalarFieldContainer[str]
    type: str
    data_length: int
    row_count: int
    fields: _containers.RepeatedCompositeFieldContainer[_query_pb2.Field]
    def __init__(self, name: _Optional[str] = ..., schema: _Optional[str] = ..., columns: _Optional[_Iterable[str]] = ..., primary_key_columns: _Optional[_Iterable[str]] = ..., type: _Optional[str] = ..., data_length: _Optional[int] = ..., row_count: _Optional[int] = ..., fields: _Optional[_Iterable[_Union[_query_pb2.Field, _Mapping]]] = ...) -> None: ...

class SchemaDefinition(_message.Message):
    __slots__ = ("database_schema", "table_definitions")
    DATABASE_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    TABLE_DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    database_schema: str
    table_definitions: _containers.RepeatedCompositeFieldContainer[TableDefinition]
    def __init__(self, database_schema: _Optional[str] = ..., table_definitions: _Optional[_Iterable[_Union[TableDefinition, _Mapping]]] = ...) -> None: ...

class PingRequest(_message.Message):
    __slots__ = ("payload",)
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    payload: str
    def __init__(self, payload: _Optional[str] = ...) -> None: ...

class PingResponse(_message.Message):
    __slots__ = ("payload",)
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    payload: str
    def __init__(self, payload: _Optional[str] = ...) -> None: ...

class SleepRequest(_message.Message):
    __slots__ = ("duration",)
    DURATION_FIELD_NUMBER: _ClassVar[int]
    duration: int
    def __init__(self, duration: _Optional[int] = ...) -> None: ...

class SleepResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSchemaRequest(_message.Message):
    __slots__ = ("tables", "include_views", "exclude_tables", "table_schema_only")
    TABLES_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_VIEWS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_TABLES_FIELD_NUMBER: _ClassVar[int]
    TABLE_SCHEMA_ONLY_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedScalarFieldContainer[str]
    include_views: bool
    exclude_tables: _containers.RepeatedScalarFieldContainer[str]
    table_schema_only: bool
    def __init__(self, tables: _Optional[_Iterable[str]] = ..., include_views: _Optional[bool] = ..., exclude_tables: _Optional[_Iterable[str]] = ..., table_schema_only: _Optional[bool] = ...) -> None: ...

class GetSchemaResponse(_message.Message):
    __slots__ = ("schema_definition",)
    SCHEMA_DEFINITION_FIELD_NUMBER: _ClassVar[int]
    schema_definition: SchemaDefinition
    def __init__(self, schema_definition: _Optional[_Union[SchemaDefinition, _Mapping]] = ...) -> None: ...

class GetGlobalStatusVarsRequest(_message.Message):
    __slots__ = ("variables",)
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    variables: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, variables: _Optional[_Iterable[str]] = ...) -> None: ...

class GetGlobalStatusVarsResponse(_message.Message):
    __slots__ = ("status_values",)
    class StatusValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    STATUS_VALUES_FIELD_NUMBER: _ClassVar[int]
    status_values: _containers.ScalarMap[str, str]
    def __init__(self, status_values: _Optional[_Mapping[str, str]] = ...) -> None: ...

class SetReadOnlyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SetReadOnlyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SetReadWriteRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SetReadWriteResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ChangeTypeRequest(_message.Message):
    __slots__ = ("tablet_type", "semiSync")
    TABLET_TYPE_FIELD_NUMBER: _ClassVar[int]
    SEMISYNC_FIELD_NUMBER: _ClassVar[int]
    tablet_type: _topodata_pb2.TabletType
    semiSync: bool
    def __init__(self, tablet_type: _Optional[_Union[_topodata_pb2.TabletType, str]] = ..., semiSync: _Optional[bool] = ...) -> None: ...

class ChangeTypeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RefreshStateRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RefreshStateResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RunHealthCheckRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RunHealthCheckResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReloadSchemaRequest(_message.Message):
    __slots__ = ("wait_position",)
    WAIT_POSITION_FIELD_NUMBER: _ClassVar[int]
    wait_position: str
    def __init__(self, wait_position: _Optional[str] = ...) -> None: ...

class ReloadSchemaResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ApplySchemaRequest(_message.Message):
    __slots__ = ("sql", "force", "allow_replication", "before_schema", "after_schema", "sql_mode", "batch_size", "disable_foreign_key_checks")
    SQL_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    ALLOW_REPLICATION_FIELD_NUMBER: _ClassVar[int]
    BEFORE_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    AFTER_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    SQL_MODE_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    DISABLE_FOREIGN_KEY_CHECKS_FIELD_NUMBER: _ClassVar[int]
    sql: str
    force: bool
    allow_replication: bool
    before_schema: SchemaDefinition
    after_schema: SchemaDefinition
    sql_mode: str
    batch_size: int
    disable_foreign_key_checks: bool
    def __init__(self, sql: _Optional[str] = ..., force: _Optional[bool] = ..., allow_replication: _Optional[bool] = ..., before_schema: _Optional[_Union[SchemaDefinition, _Mapping]] = ..., after_schema: _Optional[_Union[SchemaDefinition, _Mapping]] = ..., sql_mode: _Optional[str] = ..., batch_size: _Optional[int] = ..., disable_foreign_key_checks: _Optional[bool] = ...) -> None: ...

class ApplySchemaResponse(_message.Message):
    __slots__ = ("before_schema", "after_schema")
    BEFORE_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    AFTER_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    before_schema: SchemaDefinition
    after_schema: SchemaDefinition
    def __init__(self, before_schema: _Optional[_Union[SchemaDefinition, _Mapping]] = ..., after_schema: _Optional[_Union[SchemaDefinition, _Mapping]] = ...) -> None: ...

class LockTablesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LockTablesResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExecuteQueryRequest(_message.Message):
    __slots__ = ("query", "db_name", "max_rows", "caller_id")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    DB_NAME_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    query: bytes
    db_name: str
    max_rows: int
    caller_id: _vtrpc_pb2.CallerID
    def __init__(self, query: _Optional[bytes] = ..., db_name: _Optional[str] = ..., max_rows: _Optional[int] = ..., caller_id: _Optional[_Union[_vtrpc_pb2.CallerID, _Mapping]] = ...) -> None: ...

class ExecuteQueryResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _query_pb2.QueryResult
    def __init__(self, result: _Optional[_Union[_query_pb2.QueryResult, _Mapping]] = ...) -> None: ...

class ExecuteFetchAsDbaRequest(_message.Message):
    __slots__ = ("query", "db_name", "max_rows", "disable_binlogs", "reload_schema", "disable_foreign_key_checks")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    DB_NAME_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    DISABLE_BINLOGS_FIELD_NUMBER: _ClassVar[int]
    RELOAD_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    DISABLE_FOREIGN_KEY_CHECKS_FIELD_NUMBER: _ClassVar[int]
    query: bytes
    db_name: str
    max_rows: int
    disable_binlogs: bool
    reload_schema: bool
    disable_foreign_key_checks: bool
    def __init__(self, query: _Optional[bytes] = ..., db_name: _Optional[str] = ..., max_rows: _Optional[int] = ..., disable_binlogs: _Optional[bool] = ..., reload_schema: _Optional[bool] = ..., disable_foreign_key_checks: _Optional[bool] = ...) -> None: ...

class ExecuteFetchAsDbaResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _query_pb2.QueryResult
    def __init__(self, result: _Optional[_Union[_query_pb2.QueryResult, _Mapping]] = ...) -> None: ...

class ExecuteMultiFetchAsDbaRequest(_message.Message):
    __slots__ = ("sql", "db_name", "max_rows", "disable_binlogs", "reload_schema", "disable_foreign_key_checks")
    SQL_FIELD_NUMBER: _ClassVar[int]
    DB_NAME_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    DISABLE_BINLOGS_FIELD_NUMBER: _ClassVar[int]
    RELOAD_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    DISABLE_FOREIGN_KEY_CHECKS_FIELD_NUMBER: _ClassVar[int]
    sql: bytes
    db_name: str
    max_rows: int
    disable_binlogs: bool
    reload_schema: bool
    disable_foreign_key_checks: bool
    def __init__(self, sql: _Optional[bytes] = ..., db_name: _Optional[str] = ..., max_rows: _Optional[int] = ..., disable_binlogs: _Optional[bool] = ..., reload_schema: _Optional[bool] = ..., disable_foreign_key_checks: _Optional[bool] = ...) -> None: ...

class ExecuteMultiFetchAsDbaResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_query_pb2.QueryResult]
    def __init__(self, results: _Optional[_Iterable[_Union[_query_pb2.QueryResult, _Mapping]]] = ...) -> None: ...

class ExecuteFetchAsAllPrivsRequest(_message.Message):
    __slots__ = ("query", "db_name", "max_rows", "reload_schema")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    DB_NAME_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    RELOAD_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    query: bytes
    db_name: str
    max_rows: int
    reload_schema: bool
    def __init__(self, query: _Optional[bytes] = ..., db_name: _Optional[str] = ..., max_rows: _Optional[int] = ..., reload_schema: _Optional[bool] = ...) -> None: ...

class ExecuteFetchAsAllPrivsResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _query_pb2.QueryResult
    def __init__(self, result: _Optional[_Union[_query_pb2.QueryResult, _Mapping]] = ...) -> None: ...

class ExecuteFetchAsAppRequest(_message.Message):
    __slots__ = ("query", "max_rows")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    query: bytes
    max_rows: int
    def __init__(self, query: _Optional[bytes] = ..., max_rows: _Optional[int] = ...) -> None: ...

class ExecuteFetchAsAppResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _query_pb2.QueryResult
    def __init__(self, result: _Optional[_Union[_query_pb2.QueryResult, _Mapping]] = ...) -> None: ...

class ReplicationStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReplicationStatusResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _replicationdata_pb2.Status
    def __init__(self, status: _Optional[_Union[_replicationdata_pb2.Status, _Mapping]] = ...) -> None: ...

class PrimaryStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PrimaryStatusResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _replicationdata_pb2.PrimaryStatus
    def __init__(self, status: _Optional[_Union[_replicationdata_pb2.PrimaryStatus, _Mapping]] = ...) -> None: ...

class PrimaryPositionRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PrimaryPositionResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: str
    def __init__(self, position: _Optional[str] = ...) -> None: ...

class WaitForPositionRequest(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: str
    def __init__(self, position: _Optional[str] = ...) -> None: ...

class WaitForPositionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StopReplicationRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StopReplicationResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StopReplicationMinimumRequest(_message.Message):
    __slots__ = ("position", "wait_timeout")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    position: str
    wait_timeout: int
    def __init__(self, position: _Optional[str] = ..., wait_timeout: _Optional[int] = ...) -> None: ...

class StopReplicationMinimumResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: str
    def __init__(self, position: _Optional[str] = ...) -> None: ...

class StartReplicationRequest(_message.Message):
    __slots__ = ("semiSync",)
    SEMISYNC_FIELD_NUMBER: _ClassVar[int]
    semiSync: bool
    def __init__(self, semiSync: _Optional[bool] = ...) -> None: ...

class StartReplicationResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StartReplicationUntilAfterRequest(_message.Message):
    __slots__ = ("position", "wait_timeout")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    position: str
    wait_timeout: int
    def __init__(self, position: _Optional[str] = ..., wait_timeout: _Optional[int] = ...) -> None: ...

class StartReplicationUntilAfterResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetReplicasRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetReplicasResponse(_message.Message):
    __slots__ = ("addrs",)
    ADDRS_FIELD_NUMBER: _ClassVar[int]
    addrs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, addrs: _Optional[_Iterable[str]] = ...) -> None: ...

class ResetReplicationRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResetReplicationResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class InitPrimaryRequest(_message.Message):
    __slots__ = ("semiSync",)
    SEMISYNC_FIELD_NUMBER: _ClassVar[int]
    semiSync: bool
    def __init__(self, semiSync: _Optional[bool] = ...) -> None: ...

class InitPrimaryResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: str
    def __init__(self, position: _Optional[str] = ...) -> None: ...

class PopulateReparentJournalRequest(_message.Message):
    __slots__ = ("time_created_ns", "action_name", "primary_alias", "replication_position")
    TIME_CREATED_NS_FIELD_NUMBER: _ClassVar[int]
    ACTION_NAME_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_ALIAS_FIELD_NUMBER: _ClassVar[int]
    REPLICATION_POSITION_FIELD_NUMBER: _ClassVar[int]
    time_created_ns: int
    action_name: str
    primary_alias: _topodata_pb2.TabletAlias
    replication_position: str
    def __init__(self, time_created_ns: _Optional[int] = ..., action_name: _Optional[str] = ..., primary_alias: _Optional[_Union[_topodata_pb2.TabletAlias, _Mapping]] = ..., replication_position: _Optional[str] = ...) -> None: ...

class PopulateReparentJournalResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReadReparentJournalInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReadReparentJournalInfoResponse(_message.Message):
    __slots__ = ("length",)
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    length: int
    def __init__(self, length: _Optional[int] = ...) -> None: ...

class InitReplicaRequest(_message.Message):
    __slots__ = ("parent", "replication_position", "time_created_ns", "semiSync")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    REPLICATION_POSITION_FIELD_NUMBER: _ClassVar[int]
    TIME_CREATED_NS_FIELD_NUMBER: _ClassVar[int]
    SEMISYNC_FIELD_NUMBER: _ClassVar[int]
    parent: _topodata_pb2.TabletAlias
    replication_position: str
    time_created_ns: int
    semiSync: bool
    def __init__(self, parent: _Optional[_Union[_topodata_pb2.TabletAlias, _Mapping]] = ..., replication_position: _Optional[str] = ..., time_created_ns: _Optional[int] = ..., semiSync: _Optional[bool] = ...) -> None: ...

class InitReplicaResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DemotePrimaryRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DemotePrimaryResponse(_message.Message):
    __slots__ = ("primary_status",)
    PRIMARY_STATUS_FIELD_NUMBER: _ClassVar[int]
    primary_status: _replicationdata_pb2.PrimaryStatus
    def __init__(self, primary_status: _Optional[_Union[_replicationdata_pb2.PrimaryStatus, _Mapping]] = ...) -> None: ...

class UndoDemotePrimaryRequest(_message.Message):
    __slots__ = ("semiSync",)
    SEMISYNC_FIELD_NUMBER: _ClassVar[int]
    semiSync: bool
    def __init__(self, semiSync: _Optional[bool] = ...) -> None: ...

class UndoDemotePrimaryResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReplicaWasPromotedRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReplicaWasPromotedResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResetReplicationParametersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResetReplicationParametersResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FullStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FullStatusResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _replicationdata_pb2.FullStatus
    def __init__(self, status: _Optional[_Union[_replicationdata_pb2.FullStatus, _Mapping]] = ...) -> None: ...

class SetReplicationSourceRequest(_message.Message):
    __slots__ = ("parent", "time_created_ns", "force_start_replication", "wait_position", "semiSync", "heartbeat_interval")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    TIME_CREATED_NS_FIELD_NUMBER: _ClassVar[int]
    FORCE_START_REPLICATION_FIELD_NUMBER: _ClassVar[int]
    WAIT_POSITION_FIELD_NUMBER: _ClassVar[int]
    SEMISYNC_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    parent: _topodata_pb2.TabletAlias
    time_created_ns: int
    force_start_replication: bool
    wait_position: str
    semiSync: bool
    heartbeat_interval: float
    def __init__(self, parent: _Optional[_Union[_topodata_pb2.TabletAlias, _Mapping]] = ..., time_created_ns: _Optional[int] = ..., force_start_replication: _Optional[bool] = ..., wait_position: _Optional[str] = ..., semiSync: _Optional[bool] = ..., heartbeat_interval: _Optional[float] = ...) -> None: ...

class SetReplicationSourceResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReplicaWasRestartedRequest(_message.Message):
    __slots__ = ("parent",)
    PARENT_FIELD_NUMBER: _ClassVar[int]
    parent: _topodata_pb2.TabletAlias
    def __init__(self, parent: _Optional[_Union[_topodata_pb2.TabletAlias, _Mapping]] = ...) -> None: ...

class ReplicaWasRestartedResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StopReplicationAndGetStatusRequest(_message.Message):
    __slots__ = ("stop_replication_mode",)
    STOP_REPLICATION_MODE_FIELD_NUMBER: _ClassVar[int]
    stop_replication_mode: _replicationdata_pb2.StopReplicationMode
    def __init__(self, stop_replication_mode: _Optional[_Union[_replicationdata_pb2.StopReplicationMode, str]] = ...) -> None: ...

class StopReplicationAndGetStatusResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _replicationdata_pb2.StopReplicationStatus
    def __init__(self, status: _Optional[_Union[_replicationdata_pb2.StopReplicationStatus, _Mapping]] = ...) -> None: ...

class PromoteReplicaRequest(_message.Message):
    __slots__ = ("semiSync",)
    SEMISYNC_FIELD_NUMBER: _ClassVar[int]
    semiSync: bool
    def __init__(self, semiSync: _Optional[bool] = ...) -> None: ...

class PromoteReplicaResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: str
    def __init__(self, position: _Optional[str] = ...) -> None: ...

class BackupRequest(_message.Message):
    __slots__ = ("concurrency", "allow_primary", "incremental_from_pos", "upgrade_safe", "backup_engine", "mysql_shutdown_timeout")
    CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_PRIMARY_FIELD_NUMBER: _ClassVar[int]
    INCREMENTAL_FROM_POS_FIELD_NUMBER: _ClassVar[int]
    UPGRADE_SAFE_FIELD_NUMBER: _ClassVar[int]
    BACKUP_ENGINE_FIELD_NUMBER: _ClassVar[int]
    MYSQL_SHUTDOWN_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    concurrency: int
    allow_primary: bool
    incremental_from_pos: str
    upgrade_safe: bool
    backup_engine: str
    mysql_shutdown_timeout: _vttime_pb2.Duration
    def __init__(self, concurrency: _Optional[int] = ..., allow_primary: _Optional[bool] = ..., incremental_from_pos: _Optional[str] = ..., upgrade_safe: _Optional[bool] = ..., backup_engine: _Optional[str] = ..., mysql_shutdown_timeout: _Optional[_Union[_vttime_pb2.Duration, _Mapping]] = ...) -> None: ...

class BackupResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: _logutil_pb2.Event
    def __init__(self, event: _Optional[_Union[_logutil_pb2.Event, _Mapping]] = ...) -> None: ...

class RestoreFromBackupRequest(_message.Message):
    __slots__ = ("backup_time", "restore_to_pos", "dry_run", "restore_to_timestamp", "allowed_backup_engines")
    BACKUP_TIME_FIELD_NUMBER: _ClassVar[int]
    RESTORE_TO_POS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    RESTORE_TO_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_BACKUP_ENGINES_FIELD_NUMBER: _ClassVar[int]
    backup_time: _vttime_pb2.Time
    restore_to_pos: str
    dry_run: bool
    restore_to_timestamp: _vttime_pb2.Time
    allowed_backup_engines: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, backup_time: _Optional[_Union[_vttime_pb2.Time, _Mapping]] = ..., restore_to_pos: _Optional[str] = ..., dry_run: _Optional[bool] = ..., restore_to_timestamp: _Optional[_Union[_vttime_pb2.Time, _Mapping]] = ..., allowed_backup_engines: _Optional[_Iterable[str]] = ...) -> None: ...

class RestoreFromBackupResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: _logutil_pb2.Event
    def __init__(self, event: _Optional[_Union[_logutil_pb2.Event, _Mapping]] = ...) -> None: ...

class ChangeTagsRequest(_message.Message):
    __slots__ = ("tags", "replace")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TAGS_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    tags: _containers.ScalarMap[str, str]
    replace: bool
    def __init__(self, tags: _Optional[_Mapping[str, str]] = ..., replace: _Optional[bool] = ...) -> None: ...

class ChangeTagsResponse(_message.Message):
    __slots__ = ("tags",)
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TAGS_FIELD_NUMBER: _ClassVar[int]
    tags: _containers.ScalarMap[str, str]
    def __init__(self, tags: _Optional[_Mapping[str, str]] = ...) -> None: ...
