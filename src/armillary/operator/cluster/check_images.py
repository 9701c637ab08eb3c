"""Which entries of a spec's maps of images name nothing that we run. Pure."""

from collections.abc import Iterator, Mapping

from armillary.operator.crd.cluster import ClusterSpec
from armillary.operator.render.images import FLAVORS

# vtbackup runs in mysqld's image, and is pulled like it.
_PULLED = ("vtctld", "vtgate", "vttablet", "mysqld", "mysqldExporter")


def images_without_effect(spec: ClusterSpec) -> list[str]:
    """Return the paths of images and pull policies that no container has."""
    found = [
        f"spec.imagePullPolicies.{name}"
        for name in sorted(spec.image_pull_policies)
        if name not in _PULLED
    ]
    found += _passed_over("spec.images.mysqld", spec.images.mysqld)
    for keyspace in spec.keyspaces:
        path = f"spec.keyspaces[{keyspace.name}].images.mysqld"
        found += _passed_over(path, keyspace.images.mysqld)
    return found


def _passed_over(path: str, mysqld: Mapping[str, str]) -> Iterator[str]:
    """Yield all flavors but the one that is taken."""
    taken = next((flavor for flavor in FLAVORS if mysqld.get(flavor)), None)
    for flavor in sorted(mysqld):
        if flavor != taken:
            yield f"{path}.{flavor}"
