from armillary.pb import vttime_pb2 as _vttime_pb2
from google.protobuf.internal import containers as _containers
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
