"""Who may talk to a lockserver: what members demand, what pods show, what each pod gets to see."""

import importlib
from base64 import b64decode
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from armillary.base.certificates import VALID_FOR, Certified, issue_client, issue_server
from armillary.operator.cell.build import build_gateway_deployment
from armillary.operator.cluster.credentials import (
    build_authority,
    build_credentials,
    gateway_credentials,
    parse_authority,
)
from armillary.operator.cluster.model import Cluster, cell_topology, parse_cluster
from armillary.operator.cluster.vtctld import build_vtctld_deployment
from armillary.operator.crd.lockserver import EtcdLockserverSpec, LockserverSpec
from armillary.operator.lockserver.build import (
    PEER_NAME,
    Lockserver,
    build_certificate_secret,
    build_pod,
    certificate_names,
)
from armillary.operator.render import labels as keys
from armillary.operator.render.podparts import topology_flags
from armillary.operator.render.secrets import LOCKSERVER_TLS_NAME
from armillary.operator.shard.pod import build_pod as build_tablet_pod
from armillary.operator.shard.tablets import wanted_tablets
from armillary.settings.topo import TopoSettings
from tests.unit.operator.example import (
    example_cell,
    example_cluster,
    example_object,
    example_shard,
)
from tests.unit.operator.moments import NOW

AUTHORITY = parse_authority(build_authority(now=NOW))
EXTERNAL = {"implementation": "etcd2", "address": "e.example:1,f.example:2", "rootPath": "/r"}


def lockserver(**spec: Any) -> Lockserver:
    labels = {keys.CLUSTER: "example", keys.COMPONENT: keys.ETCD}
    return Lockserver("ls", "space", labels, msgspec.convert(spec, EtcdLockserverSpec))


def member_args(**spec: Any) -> dict[str, str]:
    container = build_pod(lockserver(**spec), 1)["spec"]["containers"][0]
    return dict(word.removeprefix("--").split("=", 1) for word in container["args"])


def loaded(made: Certified) -> x509.Certificate:
    return x509.load_pem_x509_certificate(made.cert)


def uses(made: Certified) -> set[x509.ObjectIdentifier]:
    extension = loaded(made).extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE)
    assert isinstance(extension.value, x509.ExtendedKeyUsage)
    return set(extension.value)


def member_certificate(*addresses: str) -> tuple[Certified, dict[str, Any]]:
    secret = build_certificate_secret(lockserver(), addresses, AUTHORITY, now=NOW)
    data = {name: b64decode(text) for name, text in secret["data"].items()}
    assert data["ca.crt"] == AUTHORITY.cert
    return Certified(data["tls.crt"], data["tls.key"]), secret


def test_certificates_last_ten_years_and_are_of_one_authority() -> None:
    member, _ = member_certificate()
    for made in (AUTHORITY, member, issue_client(AUTHORITY, "c", now=NOW)):
        certificate = loaded(made)
        assert certificate.not_valid_after_utc - NOW == VALID_FOR
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
        certificate.verify_directly_issued_by(loaded(AUTHORITY))


def test_a_clients_certificate_is_no_servers_and_no_members() -> None:
    client = issue_client(AUTHORITY, "armillary", now=NOW)
    assert uses(client) == {ExtendedKeyUsageOID.CLIENT_AUTH}
    server = issue_server(AUTHORITY, "s", ["localhost"], now=NOW)
    assert uses(server) == {ExtendedKeyUsageOID.SERVER_AUTH}
    member, _ = member_certificate()
    both = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert uses(member) == both
    assert loaded(member).subject.rfc4514_string() == f"CN={PEER_NAME}"
    assert member_args()["peer-cert-allowed-cn"] == PEER_NAME
    assert loaded(client).subject.rfc4514_string() != f"CN={PEER_NAME}"


def test_a_key_is_not_in_what_an_error_would_print() -> None:
    assert "PRIVATE" not in repr(AUTHORITY)


def test_a_members_certificate_has_every_name_that_leads_to_it() -> None:
    known_as = certificate_names(lockserver(), ["127.1.2.3"])
    for name in (
        "ls-client",
        "ls-client.space",
        "ls-client.space.svc",
        "ls-client.space.svc.cluster.local",
        "ls-1.ls-peer",
        "ls-3.ls-peer.space.svc.cluster.local",
        "localhost",
        "127.0.0.1",
        "127.1.2.3",
        LOCKSERVER_TLS_NAME,
    ):
        assert name in known_as
    member, secret = member_certificate("127.1.2.3")
    extension = loaded(member).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    addresses = {str(a) for a in extension.value.get_values_for_type(x509.IPAddress)}
    assert addresses == {"127.0.0.1", "::1", "127.1.2.3"}
    assert secret["metadata"]["annotations"][keys.CERTIFICATE_ADDRESSES] == "127.1.2.3"


def test_members_want_certificates_on_both_ports() -> None:
    args = member_args()
    assert args["client-cert-auth"] == args["peer-client-cert-auth"] == "true"
    for name, value in args.items():
        if name.endswith("-urls") or name == "initial-cluster":
            plain = name == "listen-metrics-urls"
            assert ("http://" in value) == plain and ("https://" in value) != plain
    pod = build_pod(lockserver(), 1)["spec"]
    (volume,) = (v for v in pod["volumes"] if "secret" in v)
    assert volume["secret"] == {"secretName": "ls-tls", "defaultMode": 0o400}
    (mount,) = (m for m in pod["containers"][0]["volumeMounts"] if m["name"] == volume["name"])
    assert args["key-file"] == args["peer-key-file"] == f"{mount['mountPath']}/tls.key"


def test_peer_urls_that_the_user_gives_say_what_peers_speak() -> None:
    given = [f"http://m{index}.example:2380" for index in (1, 2, 3)]
    args = member_args(advertisePeerURLs=given)
    assert args["listen-peer-urls"] == "http://$(POD_IP):2380"
    assert args["listen-client-urls"] == "https://$(POD_IP):2379"
    known_as = certificate_names(lockserver(advertisePeerURLs=given), [])
    assert "m2.example" in known_as


def test_vtgate_gets_the_clients_certificate_and_no_other_key() -> None:
    contents = build_credentials(lambda: "p", AUTHORITY, now=NOW)
    gateway = gateway_credentials(contents)
    for key in ("etcd-ca.crt", "etcd-client.crt", "etcd-client.key"):
        assert gateway[key] == contents[key]
    everything = "".join([*contents.values(), *gateway.values()])
    assert AUTHORITY.key.decode() not in everything
    assert set(gateway) == {
        "grpc-client.json",
        "db-credentials.json",
        "etcd-ca.crt",
        "etcd-client.crt",
        "etcd-client.key",
    }


def pods_with_topology() -> dict[str, dict[str, Any]]:
    cluster, shard = example_cluster(), example_shard()
    vtctld = build_vtctld_deployment(cluster, cluster.spec.cells[0])
    vtgate = build_gateway_deployment(example_cell(cluster))
    return {
        "vtctld": vtctld["spec"]["template"]["spec"],
        "vtgate": vtgate["spec"]["template"]["spec"],
        "vttablet": build_tablet_pod(shard, wanted_tablets(shard)[0])["spec"],
    }


@pytest.mark.parametrize("program", ["vtctld", "vtgate", "vttablet"])
def test_every_pod_shows_the_certificate_that_it_mounts(program: str) -> None:
    pod = pods_with_topology()[program]
    container = next(c for c in pod["containers"] if c["name"] == program)
    args = dict(word.removeprefix("--").split("=", 1) for word in container["args"])
    (auth,) = (v["secret"] for v in pod["volumes"] if v["name"] == "auth-secret")
    assert auth["defaultMode"] == 0o400
    (mount,) = (m for m in container["volumeMounts"] if m["name"] == "auth-secret")
    assert args["topo_etcd_tls_ca"] == f"{mount['mountPath']}/etcd-ca.crt"
    assert args["topo_etcd_tls_cert"] == f"{mount['mountPath']}/etcd-client.crt"
    assert args["topo_etcd_tls_key"] == f"{mount['mountPath']}/etcd-client.key"
    assert args["topo_etcd_tls_server_name"] == LOCKSERVER_TLS_NAME


@pytest.mark.parametrize("program", ["Vtctld", "Vtgate", "Vttablet", "Vtbackup"])
def test_every_program_acts_on_the_flags(program: str) -> None:
    module = importlib.import_module(f"armillary.settings.{program.lower()}")
    assert issubclass(getattr(module, f"{program}Settings"), TopoSettings)


def cluster_with(*, cell_has_etcd: bool = False, flags: dict[str, str] | None = None) -> Cluster:
    obj = example_object()
    obj["spec"]["globalLockserver"] = {"external": EXTERNAL}
    obj["spec"]["extraVitessFlags"] = flags or {}
    if cell_has_etcd:
        obj["spec"]["cells"][0]["lockserver"] = {"etcd": {}}
    return parse_cluster(obj)


def test_an_external_lockserver_is_asked_as_the_user_says() -> None:
    topology = cluster_with().topology
    assert topology.address == EXTERNAL["address"]
    assert not [name for name in topology_flags(topology, "example") if "tls" in name]


def test_an_external_lockserver_beside_a_cells_own_is_asked_without_tls() -> None:
    topology = cluster_with(cell_has_etcd=True).topology
    assert topology.address == "http://e.example:1,http://f.example:2"
    assert "topo_etcd_tls_key" in topology_flags(topology, "example")


def test_a_cells_external_lockserver_beside_our_own_is_asked_without_tls() -> None:
    external = msgspec.convert({"external": EXTERNAL}, LockserverSpec)
    ours = example_cluster().topology
    params = cell_topology("example", ours, "a", external)
    assert params.address == "http://e.example:1,http://f.example:2"
    theirs = cluster_with().topology
    assert cell_topology("example", theirs, "a", external).address == EXTERNAL["address"]
