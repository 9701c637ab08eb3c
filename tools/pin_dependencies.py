"""Pin every dependency, names, versions and hashes but no addresses, into tools/setup/*.txt.

Run it after a change of pyproject.toml's dependencies:  python3 tools/pin_dependencies.py
It makes a throw-away environment with pip-tools; `--upgrade` also takes newer versions.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "tools" / "setup"
FLAGS = (
    "--generate-hashes",
    "--allow-unsafe",  # setuptools too: our own build needs it
    "--strip-extras",
    "--no-emit-index-url",
    "--no-emit-trusted-host",
    "--no-emit-find-links",
    "--no-header",
    "--no-annotate",
    "--quiet",
)
# The whole list twice: what runs a cluster, and that plus what the tests need.
PIN_FILES = {"run.txt": ("--all-build-deps",), "test.txt": ("--all-build-deps", "--extra=test")}


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        environment = Path(scratch) / "venv"
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        pip = environment / "bin" / "pip"
        subprocess.run([pip, "install", "--quiet", "pip-tools"], check=True)
        for name, extras in PIN_FILES.items():
            command = [environment / "bin" / "pip-compile", *FLAGS, *extras, *sys.argv[1:]]
            subprocess.run(
                [*command, f"--output-file={PINS / name}", "pyproject.toml"], check=True, cwd=ROOT
            )
            print(f"wrote {PINS / name}")


if __name__ == "__main__":
    main()
