"""Volumes on disk: private files, swapped all at once."""

import base64
from pathlib import Path
from typing import Any

import pytest

from armillary.local.kubelet.containers.environment import KeySources, PodFacts
from armillary.local.kubelet.containers.volumes import (
    MountError,
    VolumeContext,
    decode_secret,
    ensure_volumes,
    mounts_of,
)
from armillary.local.kubelet.pod.spec import PodSpec, parse_pod


def make_pod(volume: dict[str, Any], **mount: Any) -> PodSpec:
    container = {"name": "main", "volumeMounts": [{"name": "v", "mountPath": "/m", **mount}]}
    metadata = {"uid": "u", "name": "p", "namespace": "n", "annotations": {"conf": "x=1"}}
    spec = {"containers": [container], "volumes": [{"name": "v", **volume}]}
    return parse_pod({"metadata": metadata, "spec": spec})


def context(directory: Path, keys: dict[str, bytes] | None = None) -> VolumeContext:
    found = {"s": keys} if keys is not None else {}
    return VolumeContext(
        pod_dir=directory,
        facts=PodFacts(pod_ip="127.1.0.1", host_ip="127.0.0.1", node_name="n"),
        sources=KeySources(secret=found.get, config_map=found.get),
        claim_dirs={"c": directory / "claim"},
    )


SECRET = {"secret": {"secretName": "s", "defaultMode": 0o644}}


def test_secrets_are_private_and_follow_their_object(tmp_path: Path) -> None:
    pod = make_pod(SECRET)
    path = ensure_volumes(pod, context(tmp_path, {"a": b"1", "b": b"2"}))["v"]
    assert (path / "a").read_bytes() == b"1"
    assert (path / "a").stat().st_mode & 0o777 == 0o600
    assert path.stat().st_mode & 0o777 == 0o700
    ensure_volumes(pod, context(tmp_path, {"a": b"new", "c": b"3"}))
    visible = {entry.name: entry.read_bytes() for entry in path.iterdir() if entry.name[0] != "."}
    assert visible == {"a": b"new", "c": b"3"}
    assert len([entry for entry in path.iterdir() if entry.name.startswith("..")]) == 2


def test_items_choose_and_rename_keys(tmp_path: Path) -> None:
    volume = {"secret": {"secretName": "s", "items": [{"key": "a", "path": "d/x", "mode": 0o400}]}}
    path = ensure_volumes(make_pod(volume), context(tmp_path, {"a": b"1", "b": b"2"}))["v"]
    assert (path / "d" / "x").read_bytes() == b"1" and not (path / "b").exists()
    with pytest.raises(MountError, match="non-existent key: a"):
        ensure_volumes(make_pod(volume), context(tmp_path, {}))


def test_a_missing_secret_is_named_unless_optional(tmp_path: Path) -> None:
    with pytest.raises(MountError, match='volume "v" : secret "s" not found'):
        ensure_volumes(make_pod(SECRET), context(tmp_path))
    optional = {"secret": {"secretName": "s", "optional": True}}
    assert list(ensure_volumes(make_pod(optional), context(tmp_path)))


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "..data"])
def test_file_paths_stay_inside_their_volume(tmp_path: Path, path: str) -> None:
    volume = {"secret": {"secretName": "s", "items": [{"key": "a", "path": path}]}}
    with pytest.raises(MountError, match="invalid path"):
        ensure_volumes(make_pod(volume), context(tmp_path, {"a": b""}))


def test_a_file_can_hold_an_annotation_of_its_pod(tmp_path: Path) -> None:
    field = {"fieldPath": "metadata.annotations['conf']"}
    volume = {"downwardAPI": {"items": [{"path": "overrides", "fieldRef": field}]}}
    path = ensure_volumes(make_pod(volume), context(tmp_path))["v"]
    assert (path / "overrides").read_text() == "x=1"


def test_a_mount_may_show_a_folder_of_a_claim(tmp_path: Path) -> None:
    pod = make_pod({"persistentVolumeClaim": {"claimName": "c"}}, subPath="a/b", readOnly=True)
    volumes = ensure_volumes(pod, context(tmp_path))
    (mount,) = mounts_of(pod, pod.containers[0], volumes, {})
    assert mount.source == tmp_path / "claim" / "a" / "b" and mount.source.is_dir()
    assert mount.read_only and mount.target == "/m"
    unbound = make_pod({"persistentVolumeClaim": {"claimName": "other"}})
    with pytest.raises(MountError, match="not found or not bound"):
        ensure_volumes(unbound, context(tmp_path))


@pytest.mark.parametrize("sub_path", ["../x", "/etc", "a/../.."])
def test_sub_paths_stay_inside_their_volume(tmp_path: Path, sub_path: str) -> None:
    pod = make_pod({"emptyDir": {}}, subPath=sub_path)
    with pytest.raises(MountError, match="must stay inside"):
        mounts_of(pod, pod.containers[0], ensure_volumes(pod, context(tmp_path)), {})


def test_a_sub_path_may_be_made_of_variables(tmp_path: Path) -> None:
    pod = make_pod({"emptyDir": {}}, subPathExpr="of-$(WHO)")
    volumes = ensure_volumes(pod, context(tmp_path))
    (mount,) = mounts_of(pod, pod.containers[0], volumes, {"WHO": "me"})
    assert mount.source == volumes["v"] / "of-me"
    with pytest.raises(MountError, match="must stay inside"):
        mounts_of(pod, pod.containers[0], volumes, {"WHO": "x/../../.."})
    with pytest.raises(MountError, match="names a variable that is not set"):
        mounts_of(pod, pod.containers[0], volumes, {})


@pytest.mark.parametrize(
    ("volume", "read_only"),
    [
        (SECRET, True),
        ({"configMap": {"name": "c", "optional": True}}, True),
        ({"persistentVolumeClaim": {"claimName": "c", "readOnly": True}}, True),
        ({"persistentVolumeClaim": {"claimName": "c"}}, False),
        ({"emptyDir": {}}, False),
    ],
)
def test_what_the_kubelet_writes_cannot_be_changed_in_the_container(
    tmp_path: Path, volume: dict[str, Any], read_only: bool
) -> None:
    pod = make_pod(volume)
    volumes = ensure_volumes(pod, context(tmp_path, {"a": b""}))
    (mount,) = mounts_of(pod, pod.containers[0], volumes, {})
    assert mount.read_only is read_only


def test_unknown_volumes_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(MountError, match="nfs"):
        ensure_volumes(make_pod({"nfs": {}}), context(tmp_path))


def test_secret_keys_are_decoded() -> None:
    assert decode_secret({"data": {"k": base64.b64encode(b"\x00v").decode()}}) == {"k": b"\x00v"}
