"""Services. Pure."""

from collections.abc import Mapping, Sequence

from armillary.kube.kinds import KubeObject
from armillary.operator.crd.parts import Json, ServiceOverrides
from armillary.operator.render.podparts import without_empty


def port(name: str, number: int) -> Json:
    return {"name": name, "port": number, "targetPort": name, "protocol": "TCP"}


def build_service(
    name: str,
    namespace: str,
    labels: Mapping[str, str],
    *,
    ports: Sequence[Json],
    selector: Mapping[str, str] | None = None,
    overrides: ServiceOverrides | None = None,
    headless: bool = False,
    publish_not_ready: bool = False,
) -> KubeObject:
    """Return a Service that selects pods by `selector`, or by its own labels."""
    cluster_ip = "None" if headless else (overrides.cluster_ip if overrides else "")
    spec = without_empty(
        {
            "clusterIP": cluster_ip,
            "type": "ClusterIP",
            "selector": dict(selector if selector is not None else labels),
            "ports": list(ports),
            "publishNotReadyAddresses": publish_not_ready or None,
        }
    )
    metadata = without_empty(
        {
            "name": name,
            "namespace": namespace,
            "labels": dict(labels),
            "annotations": dict(overrides.annotations) if overrides else {},
        }
    )
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
