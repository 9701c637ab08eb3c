from armillary.pb import tabletmanagerdata_pb2 as _tabletmanagerdata_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
