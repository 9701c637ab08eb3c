"""Flags by which every process finds the topology. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from armillary.settings.flags import flag


@dataclass(frozen=True, kw_only=True)  # no slots: a class may inherit other flags beside these
class TopoSettings:
    """Inherit it into a process's settings class; the names and defaults are Vitess's."""

    topo_implementation: str = flag("etcd2", help="topology server; etcd2 (which is etcd v3) only")
    topo_global_server_address: str = flag(help="etcd of the global topology: host:port,...")
    topo_global_root: str = flag(help="path of the global topology in it, as /vitess/global")
    topo_etcd_tls_cert: str = flag("", help="client certificate for etcd (PEM)")
    topo_etcd_tls_key: str = flag("", help="key of that certificate (PEM)")
    topo_etcd_tls_ca: str = flag("", help="authority that signed etcd's certificate (PEM)")
    topo_etcd_tls_server_name: str = flag("", help="name in etcd's certificate, when not its host")
    topo_etcd_lease_ttl: int = flag(30, help="seconds after which a dead process's locks go")
    lock_timeout: timedelta = flag(timedelta(seconds=45), help="how long to wait for a lock")
    remote_operation_timeout: timedelta = flag(
        timedelta(seconds=15), help="how long one call to a topology server or tablet may take"
    )
