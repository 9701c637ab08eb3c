"""Make the passwords and certificates of a cluster's own processes, once, and keep them. I/O.

Every running process has them already, so others in their place would shut the operator out of all
tablets, and each tablet that starts later out of its replication. A Secret that somebody deletes is
put back as it was; where nobody remembers it, new ones are made only when no process runs with the
old ones.
"""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from armillary.base.certificates import Certified
from armillary.base.errors import AlreadyExistsError
from armillary.kube import kinds
from armillary.kube.objects import labels_of, name_of, owner_reference, phase_of, uid_of
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
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.world import ObjectKey, World

_HOLDERS = (keys.VTTABLET, keys.VTCTLD, keys.VTGATE, keys.VTBACKUP)

Contents = Mapping[str, str]  # of a Secret: files by name


@dataclass(slots=True)
class _Remembered:
    cluster_uid: str
    secrets: dict[str, Contents] = field(default_factory=dict)


class AuthSecrets:
    def __init__(self, world: World) -> None:
        self._world = world
        self._remembered: dict[ObjectKey, _Remembered] = {}

    def forget(self, key: ObjectKey) -> None:
        """Drop what is remembered of a cluster that is gone: another of its name has others."""
        self._remembered.pop(key, None)

    async def ensure(self, key: ObjectKey, cluster: Cluster) -> tuple[str, ...]:
        """See that the Secrets are there; return what only a person can put back.

        Raises:
            FormerOwnerError: what an earlier cluster of the name had is not gone yet.
        """
        known = self._remembered.get(key)
        if known is None or known.cluster_uid != uid_of(cluster.object):
            known = self._remembered[key] = _Remembered(uid_of(cluster.object))
        full_name, gateway_name = auth_secret_names(cluster.name)
        authority_name = names.authority_secret(cluster.name)
        found = {
            name: await self._read_or_put_back(cluster, name, known.secrets.get(name))
            for name in (authority_name, full_name, gateway_name)
        }
        full, authority = found[full_name], found[authority_name]
        if full is None:
            holders = self._holders(cluster)
            if holders:
                return (_lost(full_name, holders),)
            authority = authority or await self._create(
                cluster, authority_name, build_authority(now=self._world.now())
            )
            full = await self._make_credentials(cluster, full_name, parse_authority(authority))
            found[gateway_name] = await self._renew_gateway(cluster, gateway_name, full)
        gateway = found[gateway_name] or await self._create(
            cluster, gateway_name, gateway_credentials(full)
        )
        known.secrets = {full_name: full, gateway_name: gateway}
        if authority is None:
            return (f"Secret {authority_name} is gone: no lockserver gets another certificate",)
        known.secrets[authority_name] = authority
        return ()

    async def _read_or_put_back(
        self, cluster: Cluster, name: str, remembered: Contents | None
    ) -> Contents | None:
        found = await self._read(cluster, name)
        if found is not None or remembered is None:
            return found
        message = f"Secret {name} was deleted while processes run with it, and is put back"
        self._world.recorder.record(cluster.object, "SecretPutBack", message, warning=True)
        return await self._create(cluster, name, remembered)

    async def _make_credentials(
        self, cluster: Cluster, name: str, authority: Certified
    ) -> Contents:
        now = self._world.now()
        made = build_credentials(lambda: secrets.token_urlsafe(24), authority, now=now)
        return await self._create(cluster, name, made)

    async def _renew_gateway(self, cluster: Cluster, name: str, full: Contents) -> Contents | None:
        """Bring a vtgates' Secret of earlier passwords up to date, if there is one."""
        if await self._read(cluster, name) is None:
            return None
        wanted = gateway_credentials(full)
        data = {file: b64encode(text.encode()).decode() for file, text in wanted.items()}
        await self._world.client.merge_patch(kinds.SECRET, name, cluster.namespace, {"data": data})
        return wanted

    def _holders(self, cluster: Cluster) -> list[str]:
        """Return the pods of the cluster that run with its passwords."""
        pods = self._world.of_cluster(kinds.POD, cluster.namespace, cluster.name)
        return sorted(
            name_of(pod)
            for pod in pods
            if phase_of(pod) == "Running" and labels_of(pod).get(keys.COMPONENT) in _HOLDERS
        )

    async def _read(self, cluster: Cluster, name: str) -> Contents | None:
        secret = await self._world.client.get(kinds.SECRET, name, cluster.namespace)
        if secret is None:
            return None
        refuse_former_owner(cluster.object, secret)
        return {key: b64decode(text).decode() for key, text in (secret.get("data") or {}).items()}

    async def _create(self, cluster: Cluster, name: str, contents: Contents) -> Contents:
        secret = build_secret(cluster.name, cluster.namespace, name, contents)
        secret["metadata"]["ownerReferences"] = [owner_reference(cluster.object)]
        try:
            await self._world.client.create(secret)
        except AlreadyExistsError:  # another pass was faster; its passwords are the ones
            return await self._read(cluster, name) or contents
        self._world.recorder.record(cluster.object, "Created", f"created Secret {name}")
        return contents


def _lost(name: str, holders: list[str]) -> str:
    return (
        f"Secret {name} is gone, and nobody remembers the passwords in it, with which "
        f"{len(holders)} pods run ({holders[0]}, ...): put it back, or delete the cluster's pods "
        "of vttablet, vtctld and vtgate, all at once, to have new passwords made, and then those "
        "of etcd if TopologyReachable stays False"
    )
