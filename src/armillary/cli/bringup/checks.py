"""Refuse a manifest before anything is started for it. Pure.

The API server would refuse it as well, one mistake after another, and only once it runs.
"""

import copy
from collections.abc import Iterator, Sequence

from armillary.base.errors import InputError
from armillary.kube.kinds import KubeObject
from armillary.local.apiserver.schema.structural import apply_defaults, prune, validate
from armillary.operator.cluster.check_spec import check_spec
from armillary.operator.cluster.model import parse_cluster


def check_objects(
    objects: Sequence[KubeObject], crds: Sequence[KubeObject], *, source: str, fresh: bool
) -> None:
    """Raises InputError naming every mistake in the objects of our own kinds.

    Args:
        fresh: no cluster runs yet. What a running one may still have, cells that are about to
            leave, is for the operator to judge.
    """
    schemas = {
        (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]): version
        for crd in crds
        for version in crd["spec"]["versions"]
    }
    mistakes = []
    for obj in objects:
        version = schemas.get((obj["apiVersion"], obj["kind"]))
        if version is None:
            continue
        found = list(_schema_mistakes(obj, version["schema"]["openAPIV3Schema"]))
        if not found and fresh and obj["kind"] == "PlanetScaleCluster":
            found = list(_spec_mistakes(obj))
        mistakes += [f"{obj['kind']} {obj['metadata']['name']}: {line}" for line in found]
    if mistakes:
        raise InputError("\n  ".join([f"{source} has mistakes; nothing was changed", *mistakes]))


def _schema_mistakes(obj: KubeObject, schema: KubeObject) -> Iterator[str]:
    draft = copy.deepcopy(obj)
    for field in prune(draft, schema, is_resource=True):
        yield f"unknown field {field}"
    apply_defaults(draft, schema)
    for cause in validate(draft, schema):
        yield str(cause)


def _spec_mistakes(obj: KubeObject) -> Iterator[str]:
    # What the API server gives an object, and reading a cluster takes for granted.
    draft = {**obj, "metadata": {"uid": "", "generation": 1, **obj["metadata"]}}
    try:
        cluster = parse_cluster(draft)
    except InputError as error:
        yield str(error)
        return
    yield from check_spec(cluster, frozenset()).mistakes
