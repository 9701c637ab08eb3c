"""Pieces that many resources share: secrets, services, resources, pod overrides. Pure.

A field's `doc(...)` text is what `kubectl explain` shows. `not_acted_on=True` marks a field that we
accept and do not use yet: its use is told in the cluster's condition `FieldsNotActedOn`.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Json = dict[str, Any]  # a Kubernetes type that we pass through as it is
# An amount as Kubernetes writes it: what is none makes a pod that no API server takes.
QUANTITY = r"^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"
Quantity = Annotated[int, Meta(ge=0)] | Annotated[str, Meta(pattern=QUANTITY)]
PullPolicy = Literal["Always", "IfNotPresent", "Never"]
Count = Annotated[int, Meta(ge=0)]
MemberIndex = Annotated[int, Meta(ge=1, le=3)]

CELL_NAME = r"^[A-Za-z0-9]([_.A-Za-z0-9]*[A-Za-z0-9])?$"
KEYSPACE_NAME = r"^[A-Za-z0-9]([A-Za-z0-9-_.]*[A-Za-z0-9])?$"
LOCATION_NAME = r"^([A-Za-z0-9]([A-Za-z0-9-_.]*[A-Za-z0-9])?)?$"
HEX_BOUND = r"^([0-9a-f][0-9a-f])*$"
KEY_PREFIX = r"^[^\r\n]*$"


def doc(
    text: str,
    *,
    not_acted_on: bool = False,
    map_keys: tuple[str, ...] = (),
    nullable: bool = False,
    schema_default: Any = None,
    **limits: Any,
) -> Meta:
    """Describe one field.

    Args:
        map_keys: of a list of objects: the fields that identify an element.
        schema_default: filled in by the API server; list-map keys that are not required need one.
        limits: msgspec's `pattern`, `ge`, `le`, `min_length`, `max_length`.
    """
    if not_acted_on:
        text += " Accepted, and not acted on in this version."
    extra = {
        "not_acted_on": not_acted_on,
        "map_keys": map_keys,
        "nullable": nullable,
        "schema_default": schema_default,
    }
    return Meta(description=text, extra=extra, **limits)


# Kubernetes keeps acronyms whole, which no rule of camel case tells.
_WIRE_NAMES = {
    "cluster_ip": "clusterIP",
    "create_pdb": "createPDB",
    "advertise_peer_urls": "advertisePeerURLs",
    "client_ca_cert_secret": "clientCACertSecret",
    "server_ca_cert_secret": "serverCACertSecret",
    "lockserver_tls": "lockserverTLS",
}


def _wire_name(name: str) -> str:
    first, *rest = name.split("_")
    return _WIRE_NAMES.get(name, first + "".join(word.capitalize() for word in rest))


class Model(Struct, frozen=True, kw_only=True, omit_defaults=True, rename=_wire_name):
    """Base of all models: camelCase outside, defaults left out when written."""


class StatusModel(Model, frozen=True, kw_only=True, omit_defaults=False):
    """Base of what is told: zero and Unknown are answers, so they are written."""


class ResourceRequirements(Model, frozen=True, kw_only=True):
    requests: Annotated[
        dict[str, Quantity], doc("Amounts the scheduler reserves, such as `cpu: 100m`.")
    ] = {}
    limits: Annotated[
        dict[str, Quantity], doc("Amounts that may not be exceeded, such as `memory: 1Gi`.")
    ] = {}


class ServiceOverrides(Model, frozen=True, kw_only=True):
    annotations: Annotated[
        dict[str, str], doc("Annotations added to the Service; those of others stay.")
    ] = {}
    cluster_ip: Annotated[
        str,
        doc("ClusterIP to ask for when the Service is created; Kubernetes allows no change later."),
    ] = ""


class SecretSource(Model, frozen=True, kw_only=True):
    name: Annotated[str, doc("Name of a Secret in the cluster's namespace.")] = ""
    volume_name: Annotated[
        str,
        doc("Name of a pod volume that exists already, used instead of a Secret; `key` is a file."),
    ] = ""
    key: Annotated[str, doc("Key in the Secret, or name of the file in the volume.", min_length=1)]
    init_container: Annotated[
        Json | None,
        doc("Init container that writes the file into /output.", not_acted_on=True),
    ] = None


class PodOverrides(Model, frozen=True, kw_only=True):
    """What a user may add to the pods of one component."""

    extra_flags: Annotated[
        dict[str, str],
        doc("Flags for the process, without leading dashes; they win over the operator's own."),
    ] = {}
    extra_env: Annotated[list[Json], doc("Environment variables added to the containers.")] = []
    extra_volumes: Annotated[list[Json], doc("Volumes added to the pod.")] = []
    extra_volume_mounts: Annotated[list[Json], doc("Mounts added to the main containers.")] = []
    init_containers: Annotated[list[Json], doc("Init containers added to the pod.")] = []
    sidecar_containers: Annotated[list[Json], doc("Containers that run beside the main ones.")] = []
    affinity: Annotated[
        Json | None, doc("Pod affinity; replaces the spreading that the operator would choose.")
    ] = None
    annotations: Annotated[dict[str, str], doc("Annotations added to the pods.")] = {}
    extra_labels: Annotated[dict[str, str], doc("Labels added to the pods.")] = {}
    tolerations: Annotated[list[Json], doc("Taints of nodes that the pods tolerate.")] = []


class Condition(StatusModel, frozen=True, kw_only=True):
    type: Annotated[str, doc("What the condition tells.")]
    status: Annotated[Literal["True", "False", "Unknown"], doc("Whether it holds.")]
    reason: Annotated[str, doc("Why, as one CamelCase word.")] = ""
    message: Annotated[str, doc("Why, as a sentence for a person.")] = ""
    last_transition_time: Annotated[str, doc("When the status last changed (RFC 3339).")] = ""


class ShardCondition(StatusModel, frozen=True, kw_only=True):
    status: Annotated[Literal["True", "False", "Unknown"], doc("Whether it holds.")]
    reason: Annotated[str, doc("Why, as one CamelCase word.")] = ""
    message: Annotated[str, doc("Why, as a sentence for a person.")] = ""
    last_transition_time: Annotated[str, doc("When the status last changed (RFC 3339).")] = ""


class Orphan(StatusModel, frozen=True, kw_only=True):
    reason: Annotated[str, doc("Why it may not be turned down yet, as one CamelCase word.")]
    message: Annotated[str, doc("The same as a sentence for a person.")] = ""
