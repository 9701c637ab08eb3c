"""A pod's volumes as directories of the host. I/O.

Keys of Secrets and ConfigMaps are written the way the real kubelet does: a new directory beside the
old one, then one symbolic link is swapped, so a reader sees all old keys or all new ones.
"""

import base64
import contextlib
import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from armillary.base.errors import InputError
from armillary.local.kubelet.containers.environment import (
    ConfigError,
    KeySources,
    PodFacts,
    expand,
    read_field,
    read_resource,
)
from armillary.local.kubelet.containers.sandbox import Mount
from armillary.local.kubelet.pod.spec import ContainerSpec, Json, PodSpec, VolumeMount

_DATA = "..data"
_SECRET_MODE = 0o400  # our processes and the files' owner are one user
_CONFIG_MODE = 0o644
_SHARED_MODE = 0o777  # of a volume whose pod has other users; nobody else comes to its directory


class MountError(InputError):
    """A volume cannot be made; the message goes into the FailedMount event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeContext:
    """What volumes are made from."""

    pod_dir: Path
    facts: PodFacts
    sources: KeySources
    claim_dirs: Mapping[str, Path]  # claim name -> its data, for claims that are bound


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    path: str
    data: bytes
    mode: int


def ensure_volumes(pod: PodSpec, context: VolumeContext) -> dict[str, Path]:
    """Make every volume of the pod; return where each one is.

    Raises:
        MountError: a Secret, ConfigMap, claim or host path that is not there (yet).
    Again: files of Secrets, ConfigMaps and the downward API follow their objects.
    """
    paths = {}
    for volume in pod.volumes:
        try:
            paths[volume["name"]] = _ensure_volume(volume, pod, context)
        except (ConfigError, OSError, KeyError) as error:
            raise MountError(
                f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}'
            ) from error
    return paths


def _ensure_volume(volume: Json, pod: PodSpec, context: VolumeContext) -> Path:
    own = Path(context.pod_dir, "v", volume["name"])
    if "persistentVolumeClaim" in volume:
        name = volume["persistentVolumeClaim"]["claimName"]
        if name not in context.claim_dirs:
            raise ConfigError(f'persistentvolumeclaim "{name}" not found or not bound')
        path = Path(context.claim_dirs[name])
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if pod.is_of_several_users:
            path.chmod(_SHARED_MODE)
        return path
    if "hostPath" in volume:
        return _ensure_host_path(volume["hostPath"])
    if "emptyDir" in volume:
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        if pod.is_of_several_users:
            own.chmod(_SHARED_MODE)
        return own
    files = _files_of(volume, pod, context)
    if files is None:
        raise ConfigError(f"volume type {sorted(set(volume) - {'name'})} is not offered here")
    write_files(own, files, folder_mode=0o755 if pod.is_of_several_users else 0o700)
    return own


def _ensure_host_path(source: Json) -> Path:
    path = Path(source["path"])
    kind = source.get("type") or ""
    if kind == "DirectoryOrCreate":
        path.mkdir(parents=True, exist_ok=True)
    elif kind == "FileOrCreate":
        path.touch(exist_ok=True)
    elif not path.exists():
        raise ConfigError(f"hostPath {path} does not exist")
    elif kind == "Directory" and not path.is_dir():
        raise ConfigError(f"hostPath type check failed: {path} is not a directory")
    elif kind == "File" and not path.is_file():
        raise ConfigError(f"hostPath type check failed: {path} is not a file")
    return path


def _files_of(volume: Json, pod: PodSpec, context: VolumeContext) -> list[_File] | None:
    if "secret" in volume:
        source = volume["secret"]
        mode = source.get("defaultMode")
        named = source | {"name": source["secretName"]}
        return _secret_files(named, context, mode, is_private=not pod.is_of_several_users)
    if "configMap" in volume:
        return _config_map_files(
            volume["configMap"], context, volume["configMap"].get("defaultMode")
        )
    if "downwardAPI" in volume:
        return _downward_files(volume["downwardAPI"], pod, context)
    if "projected" in volume:
        return _projected_files(volume["projected"], pod, context)
    return None


def _projected_files(projected: Json, pod: PodSpec, context: VolumeContext) -> list[_File]:
    files: list[_File] = []
    mode = projected.get("defaultMode")
    for source in projected.get("sources") or ():
        if "secret" in source:
            is_private = not pod.is_of_several_users
            files += _secret_files(source["secret"], context, mode, is_private=is_private)
        elif "configMap" in source:
            files += _config_map_files(source["configMap"], context, mode)
        elif "downwardAPI" in source:
            files += _downward_files(source["downwardAPI"], pod, context)
    return files


def _secret_files(
    source: Json, context: VolumeContext, mode: int | None, *, is_private: bool
) -> list[_File]:
    keys = context.sources.secret(source["name"])
    chosen = _CONFIG_MODE if mode is None else mode
    if is_private:
        # A mode that lets group or others read is meant for another user in the container; here
        # both are the same user, so the files stay private.
        chosen = _SECRET_MODE if mode is None else (mode & 0o700) or _SECRET_MODE
    return _key_files(source, keys, chosen, f'secret "{source["name"]}" not found')


def _config_map_files(source: Json, context: VolumeContext, mode: int | None) -> list[_File]:
    keys = context.sources.config_map(source["name"])
    return _key_files(source, keys, mode or _CONFIG_MODE, f'configmap "{source["name"]}" not found')


def _key_files(
    source: Json, keys: Mapping[str, bytes] | None, mode: int, missing: str
) -> list[_File]:
    if keys is None:
        if source.get("optional"):
            return []
        raise ConfigError(missing)
    items = source.get("items")
    if not items:
        return [_File(path=key, data=data, mode=mode) for key, data in sorted(keys.items())]
    files = []
    for item in items:
        if item["key"] not in keys:
            if source.get("optional"):
                continue
            raise ConfigError(f"references non-existent key: {item['key']}")
        files.append(
            _File(path=item["path"], data=keys[item["key"]], mode=item.get("mode") or mode)
        )
    return files


def _downward_files(source: Json, pod: PodSpec, context: VolumeContext) -> list[_File]:
    files = []
    for item in source.get("items") or ():
        if "fieldRef" in item:
            text = read_field(item["fieldRef"]["fieldPath"], pod, context.facts)
        else:
            container = pod.container(item["resourceFieldRef"]["containerName"])
            reference = item["resourceFieldRef"]
            text = read_resource(reference, container, context.facts) if container else "0"
        mode = item.get("mode") or source.get("defaultMode") or _CONFIG_MODE
        files.append(_File(path=item["path"], data=text.encode(), mode=mode))
    return files


def write_files(directory: Path, files: Sequence[_File], *, folder_mode: int = 0o700) -> None:
    """Make `directory` show exactly these files, all at once. Again: nothing when unchanged."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(repr((_checked(file.path), file.mode, file.data)).encode())
    version = f"..{digest.hexdigest()[:16]}"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(folder_mode)
    link = directory / _DATA
    if link.is_symlink() and os.readlink(link) == version:
        return
    fresh = directory / version
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    fresh.chmod(folder_mode)
    for file in files:
        path = fresh / file.path
        path.parent.mkdir(mode=folder_mode, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(file.data)
            os.fchmod(descriptor, file.mode)
    swap = directory / "..data_tmp"
    swap.unlink(missing_ok=True)
    swap.symlink_to(version)
    swap.replace(link)
    _link_names(directory, {PurePosixPath(file.path).parts[0] for file in files}, keep=version)


def _link_names(directory: Path, names: set[str], *, keep: str) -> None:
    for name in names:
        visible = directory / name
        if not visible.is_symlink():
            visible.symlink_to(f"{_DATA}/{name}")
    for entry in directory.iterdir():
        if entry.name in (_DATA, keep) or entry.name in names:
            continue
        if entry.is_symlink():
            entry.unlink()
        else:
            shutil.rmtree(entry, ignore_errors=True)


def _checked(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or parts[0].startswith(".."):
        raise ConfigError(f"invalid path {path!r} for a file of a volume")
    return path


def mounts_of(
    pod: PodSpec, container: ContainerSpec, volumes: Mapping[str, Path], env: Mapping[str, str]
) -> list[Mount]:
    """Return the container's mounts; directories that a `subPath` names are made.

    Raises:
        MountError: a mount of a volume that the pod does not have, or a path out of it.
    """
    kept = {volume["name"] for volume in pod.volumes if _is_kept(volume)}
    mode = _SHARED_MODE if pod.is_of_several_users else 0o700
    mounts = []
    for mount in container.mounts:
        if mount.volume not in volumes:
            raise MountError(
                f'volume "{mount.volume}" of container {container.name} is not defined'
            )
        source = _source_of(mount, volumes[mount.volume], env, mode)
        read_only = mount.read_only or mount.volume in kept
        mounts.append(Mount(source=source, target=mount.path, read_only=read_only))
    return mounts


def _is_kept(volume: Json) -> bool:
    """What the kubelet itself writes is not the container's to change."""
    if "persistentVolumeClaim" in volume:
        return bool(volume["persistentVolumeClaim"].get("readOnly"))
    return any(kind in volume for kind in ("secret", "configMap", "projected", "downwardAPI"))


def _source_of(mount: VolumeMount, volume: Path, env: Mapping[str, str], mode: int) -> Path:
    inner = mount.sub_path or expand(mount.sub_path_expr, env)
    if not inner:
        return volume
    if inner.startswith("/") or ".." in PurePosixPath(inner).parts:
        raise MountError(f"subPath {inner!r} must stay inside its volume")
    if mount.sub_path_expr and "$(" in inner:
        raise MountError(f"subPathExpr {mount.sub_path_expr!r} names a variable that is not set")
    source = volume / inner
    if not source.exists():
        source.mkdir(mode=0o700, parents=True, exist_ok=True)
        source.chmod(mode)
    # The link to ..data would be followed at mount time; name the file it leads to now.
    return Path(os.path.realpath(source))


def decode_secret(secret: Json) -> dict[str, bytes]:
    return {key: base64.b64decode(text) for key, text in (secret.get("data") or {}).items()}


def decode_config_map(config_map: Json) -> dict[str, bytes]:
    keys = {key: text.encode() for key, text in (config_map.get("data") or {}).items()}
    for key, text in (config_map.get("binaryData") or {}).items():
        keys[key] = base64.b64decode(text)
    return keys


def remove_tree(path: Path) -> None:
    """Remove a directory whose files may be read-only; a missing one is fine."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)
