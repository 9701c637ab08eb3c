"""Which mounts make up a container's file system."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from armillary.local.kubelet.containers.sandbox import (
    LocalTree,
    Mount,
    find_sandbox,
    plan_root,
)


class FakeTree:
    """A host: path -> link target, or None for a directory or file."""

    def __init__(self, paths: dict[str, str | None]) -> None:
        self._paths = {"/": None, **paths}

    def exists(self, path: str) -> bool:
        return path in self._paths

    def realpath(self, path: str) -> str:
        parts, real = path.strip("/").split("/"), ""
        for part in parts:
            real = f"{real}/{part}"
            target = self._paths.get(real)
            if target is not None:
                real = target
        return real

    def entries(self, path: str) -> Sequence[str]:
        prefix = path.rstrip("/") + "/"
        return sorted(
            rest
            for p in self._paths
            if p.startswith(prefix) and (rest := p[len(prefix) :]) and "/" not in rest
        )

    def link_target(self, path: str) -> str | None:
        return self._paths.get(path)


HOST = FakeTree(
    {
        "/usr": None,
        "/bin": "/usr/bin",
        "/tmp": None,
        "/proc": None,
        "/dev": None,
        "/dev/null": None,
        "/dev/sda": None,
        "/etc": None,
        "/etc/hosts": None,
        "/var": None,
        "/var/lib": None,
        "/var/run": "/run",
        "/run": None,
    }
)


def root(*targets: str, read_only: bool = False) -> str:
    mounts = [Mount(source=Path("/s"), target=t, read_only=read_only) for t in targets]
    return " ".join(plan_root(mounts, HOST))


def test_the_host_is_bound_read_only_but_for_what_a_container_has_itself() -> None:
    words = root()
    assert "--ro-bind /usr /usr" in words and "--symlink /usr/bin /bin" in words
    for own in ("/tmp", "/proc", "/dev"):
        assert f"--ro-bind {own} {own}" not in words
    assert "--proc /proc" in words
    assert "--dir /dev" in words and "--dev-bind /dev/null /dev/null" in words
    assert "/dev/sda" not in words and "--dev-bind /dev /dev" not in words
    words = " ".join(plan_root([], HOST, makes_devices=True))
    assert words.endswith("--dev /dev")


def test_a_new_top_directory_needs_nothing_opened() -> None:
    words = root("/vt/socket")
    assert words.endswith("--bind /s /vt/socket") and "--dir /vt" not in words


def test_an_existing_mount_point_is_covered() -> None:
    words = root("/etc/hosts", read_only=True)
    assert words.endswith("--ro-bind /s /etc/hosts") and "--ro-bind /etc /etc" in words


def test_a_missing_mount_point_opens_the_way_to_it() -> None:
    words = root("/var/etcd")
    assert "--ro-bind /var /var " not in words
    assert "--dir /var --ro-bind /var/lib /var/lib --symlink /run /var/run" in words
    deep = root("/var/lib/new/deep")
    assert "--dir /var --dir /var/lib" in deep


def test_links_on_the_way_are_followed() -> None:
    words = root("/var/run/mysqld")
    assert words.endswith("--bind /s /run/mysqld")
    assert "--dir /run" in words and "--ro-bind /var /var" in words


def test_outer_mounts_come_first() -> None:
    words = root("/vt/a/b", "/vt/a", "/vt")
    assert words.index("/s /vt ") < words.index("/s /vt/a ") < words.index("/s /vt/a/b")


def test_the_clusters_own_directory_is_empty_but_for_what_is_mounted_from_it() -> None:
    home = FakeTree({"/usr": None, "/home": None, "/home/c": None, "/home/c/pki": None})
    mounts = [
        Mount(source=Path("/home/c/backups"), target="/home/c/backups"),
        Mount(source=Path("/home/c/volumes/x"), target="/vt/data"),
    ]
    words = " ".join(plan_root(mounts, home, emptied="/home/c"))
    assert words.index("--tmpfs /home/c ") < words.index("--bind /home/c/backups /home/c/backups")
    assert words.rindex("/home/c/pki") < words.index("--tmpfs")  # so it is covered
    # Below a directory that containers do not see anyway there is nothing to do.
    assert "--tmpfs" not in plan_root(mounts, HOST, emptied="/tmp/c")


def test_a_real_sandbox_does_not_show_the_clusters_directory() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        home = Path(name)
        (home / "key").write_text("secret")
        (home / "try").mkdir()
        sandbox, why_not = find_sandbox([], temporary=home / "try", secret=home)
        if sandbox is None:
            pytest.skip(f"no sandbox here: {why_not}")
        mount = Mount(source=home / "try", target="/vt/x")
        words = sandbox.command(
            ["/bin/sh", "-c", f"ls -A {home}; touch /vt/x/written"],
            mounts=[mount],
            hostname="h",
            working_dir=None,
            tree=LocalTree(),
        )
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        assert done.stdout == ""
        assert (home / "try" / "written").exists()
