"""Make the passwords and certificates of a cluster's own processes, once. I/O."""

import secrets
from base64 import b64decode

from armillary.base.certificates import Certified
from armillary.base.errors import AlreadyExistsError
from armillary.kube import kinds
from armillary.kube.objects import owner_reference
from armillary.operator.cluster.credentials import (
    auth_secret_names,
    build_authority,
    build_credentials,
    build_secret,
    gateway_credentials,
    parse_authority,
)
from armillary.operator.cluster.model import Cluster
from armillary.operator.objects.writer import refuse_former_owner
from armillary.operator.render import names
from armillary.operator.world import World


async def ensure_auth_secrets(world: World, cluster: Cluster) -> None:
    """Make the auth secrets once. A restored or running mysqld knows the passwords already.

    Raises:
        FormerOwnerError: what an earlier cluster of the name had is not gone yet.
    """
    full_name, gateway_name = auth_secret_names(cluster.name)
    contents = await _contents(world, cluster, full_name)
    if contents is None:
        authority = await _ensure_authority(world, cluster)
        contents = build_credentials(lambda: secrets.token_urlsafe(24), authority, now=world.now())
        contents = await _create(world, cluster, full_name, contents)
    if await _contents(world, cluster, gateway_name) is None:
        await _create(world, cluster, gateway_name, gateway_credentials(contents))


async def _ensure_authority(world: World, cluster: Cluster) -> Certified:
    name = names.authority_secret(cluster.name)
    contents = await _contents(world, cluster, name)
    if contents is None:
        made = build_authority(now=world.now())
        contents = await _create(world, cluster, name, made)
    return parse_authority(contents)


async def _contents(world: World, cluster: Cluster, name: str) -> dict[str, str] | None:
    secret = await world.client.get(kinds.SECRET, name, cluster.namespace)
    if secret is None:
        return None
    refuse_former_owner(cluster.object, secret)
    return {key: b64decode(text).decode() for key, text in (secret.get("data") or {}).items()}


async def _create(
    world: World, cluster: Cluster, name: str, contents: dict[str, str]
) -> dict[str, str]:
    secret = build_secret(cluster.name, cluster.namespace, name, contents)
    secret["metadata"]["ownerReferences"] = [owner_reference(cluster.object)]
    try:
        await world.client.create(secret)
    except AlreadyExistsError:  # another pass was faster; its passwords are the ones
        return await _contents(world, cluster, name) or contents
    world.recorder.record(cluster.object, "Created", f"created Secret {name}")
    return contents
