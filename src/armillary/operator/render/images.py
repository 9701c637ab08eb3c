"""Which image each component runs. Pure."""

from armillary.operator.crd.cluster import ClusterImages, ClusterSpec, PlanetScaleClusterSpec

DEFAULT_IMAGE = "armillary/armillary:0.1.0"  # has every program at /vt/bin
DEFAULT_ETCD_IMAGE = "quay.io/coreos/etcd:v3.4.23"
DEFAULT_FLAVOR = "mariadbCompatible"

# In order of precedence; the value is what MYSQL_FLAVOR says.
FLAVORS = {
    "mysql56Compatible": "MySQL56",
    "mysql80Compatible": "MySQL80",
    "mariadbCompatible": "MariaDB",
    "mariadb103Compatible": "MariaDB103",
}


def cluster_images(spec: ClusterSpec) -> ClusterImages:
    """Return the images of all components: what is named, else built from `spec.image`."""
    default = _default_image(spec)
    given = spec.images
    return ClusterImages(
        vtctld=given.vtctld or default,
        vtgate=given.vtgate or default,
        vttablet=given.vttablet or default,
        vtbackup=given.vtbackup or default,
        mysqld=given.mysqld or {DEFAULT_FLAVOR: default},
        mysqld_exporter=given.mysqld_exporter or default,
    )


def mysqld_image(mysqld: dict[str, str]) -> tuple[str, str]:
    """Return the image and the flavor's name of the first flavor that is given."""
    for key, flavor in FLAVORS.items():
        if mysqld.get(key):
            return mysqld[key], flavor
    return DEFAULT_IMAGE, FLAVORS[DEFAULT_FLAVOR]


def _default_image(spec: ClusterSpec) -> str:
    params = spec.image if isinstance(spec, PlanetScaleClusterSpec) else None
    if params is None or not (params.repository and params.version):
        return DEFAULT_IMAGE
    registry = f"{params.registry}/" if params.registry else ""
    flavor = f"{params.mysql_flavor}-" if params.mysql_flavor else ""
    return f"{registry}{params.repository}:{flavor}{params.version}"
