from armillary.pb import topodata_pb2 as _topodata_pb2
from armillary.pb import vtrpc_pb2 as _vtrpc_pb2
from armillary.pb import vttime_pb2 as _vttime_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StartRequest(_message.Message):
    __slots__ = ("mysqld_args",)
    MYSQLD_ARGS_FIELD_NUMBER: _ClassVar[int]
    mysqld_args: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, mysqld_args: _Optional[_Iterable[str]] = ...) -> None: ...

class StartResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ShutdownRequest(_message.Message):
    __slots__ = ("wait_for_mysqld", "mysql_shutdown_timeout")
    WAIT_FOR_MYSQLD_FIELD_NUMBER: _ClassVar[int]
    MYSQL_SHUTDOWN_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    wait_for_mysqld: bool
    mysql_shutdown_timeout: _vttime_pb2.Duration
    def __init__(self, wait_for_mysqld: _Optional[bool] = ..., mysql_shutdown_timeout: _Optional[_Union[_vttime_pb2.Duration, _Mapping]] = ...) -> None: ...

class ShutdownResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RunMysqlUpgradeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RunMysqlUpgradeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ApplyBinlogFileRequest(_message.Message):
    __slots__ = ("binlog_file_name", "binlog_restore_position", "binlog_restore_datetime")
    BINLOG_FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    BINLOG_RESTORE_POSITION_FIELD_NUMBER: _ClassVar[int]
    BINLOG_RESTORE_DATETIME_FIELD_NUMBER: _ClassVar[int]
    binlog_file_name: str
    binlog_restore_position: str
    binlog_restore_datetime: _vttime_pb2.Time
    def __init__(self, binlog_file_name: _Optional[str] = ..., binlog_restore_position: _Optional[str] = ..., binlog_restore_datetime: _Optional[_Union[_vttime_pb2.Time, _Mapping]] = ...) -> None: ...

class ApplyBinlogFileResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReadBinlogFilesTimestampsRequest(_message.Message):
    __slots__ = ("binlog_file_names",)
    BINLOG_FILE_NAMES_FIELD_NUMBER: _ClassVar[int]
    binlog_file_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, binlog_file_names: _Optional[_Iterable[str]] = ...) -> None: ...

class ReadBinlogFilesTimestampsResponse(_message.Message):
    __slots__ = ("first_timestamp", "first_timestamp_binlog", "last_timestamp", "last_timestamp_binlog")
    FIRST_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    FIRST_TIMESTAMP_BINLOG_FIELD_NUMBER: _ClassVar[int]
    LAST_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    LAST_TIMESTAMP_BINLOG_FIELD_NUMBER: _ClassVar[int]
    first_timestamp: _vttime_pb2.Time
    first_timestamp_binlog: str
    last_timestamp: _vttime_pb2.Time
    last_timestamp_binlog: str
    def __init__(self, first_timestamp: _Optional[_Union[_vttime_pb2.Time, _Mapping]] = ..., first_timestamp_binlog: _Optional[str] = ..., last_timestamp: _Optional[_Union[_vttime_pb2.Time, _Mapping]] = ..., last_timestamp_binlog: _Optional[str] = ...) -> None: ...

class ReinitConfigRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReinitConfigResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RefreshConfigRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RefreshConfigResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class VersionStringRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class VersionStringResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class HostMetricsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HostMetricsResponse(_message.Message):
    __slots__ = ("metrics",)
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: HostMetricsResponse.Metric
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[HostMetricsResponse.Metric, _Mapping]] = ...) -> None: ...
    class Metric(_message.Message):
        __slots__ = ("name", "value", "error")
        NAME_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        ERROR_FIELD_NUMBER: _ClassVar[int]
        name: str
        value: float
        error: _vtrpc_pb2.RPCError
        def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ..., error: _Optional[_Union[_vtrpc_pb2.RPCError, _Mapping]] = ...) -> None: ...
    METRICS_FIELD_NUMBER: _ClassVar[int]
    metrics: _containers.MessageMap[str, HostMetricsResponse.Metric]
    def __init__(self, metrics: _Optional[_Mapping[str, HostMetricsResponse.Metric]] = ...) -> None: ...

class BackupInfo(_message.Message):
    __slots__ = ("name", "directory", "keyspace", "shard", "tablet_alias", "time", "engine", "status")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN: _ClassVar[BackupInfo.Status]
        INCOMPLETE: _ClassVar[BackupInfo.Status]
        COMPLETE: _ClassVar[BackupInfo.Status]
        INVALID: _ClassVar[BackupInfo.Status]
        VALID: _ClassVar[BackupInfo.Status]
    UNKNOWN: BackupInfo.Status
    INCOMPLETE: BackupInfo.Status
    COMPLETE: BackupInfo.Status
    INVALID: BackupInfo.Status
    VALID: BackupInfo.Status
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    KEYSPACE_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    TABLET_ALIAS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    name: str
    directory: str
    keyspace: str
    shard: str
    tablet_alias: _topodata_pb2.TabletAlias
    time: _vttime_pb2.Time
    engine: str
    status: BackupInfo.Status
    def __init__(self, name: _Optional[str] = ..., directory: _Optional[str] = ..., keyspace: _Optional[str] = ..., shard: _Optional[str] = ..., tablet_alias: _Optional[_Union[_topodata_pb2.TabletAlias, _Mapping]] = ..., time: _Optional[_Union[_vttime_pb2.Time, _Mapping]] = ..., engine: _Optional[str] = ..., status: _Optional[_Union[BackupInfo.Status, str]] = ...) -> None: ...
