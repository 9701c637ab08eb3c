"""`armillary doctor`: which prerequisites were found, which versions, what is missing."""

import os
import platform
import sys
import tempfile
from pathlib import Path

import click

from armillary.cli.components import wanted_sandbox
from armillary.cli.options import output_option, print_json
from armillary.cli.prerequisites import Finding, inspect_machine, missing_packages
from armillary.local.kubelet.containers.sandbox import find_sandbox
from armillary.local.supervise.network import explain_taken, ports_taken_everywhere

_OPEN_FILES_WANTED = 4096


@click.command("doctor")
@output_option
def command(output: str) -> int:
    """Tell which prerequisites and versions this machine has, and how to get what is missing.

    \b
    Exit codes: 0 a cluster can run here; 1 something required is missing, or ports are taken.
    """
    findings = inspect_machine()
    notes = machine_notes()
    can_run = not any(f.is_fatal for f in findings) and "ports" not in notes
    packages = missing_packages(findings)
    if output == "json":
        print_json(
            {
                "ok": can_run,
                "programs": [_as_json(finding) for finding in findings],
                "machine": notes,
                "missingPackages": list(packages),
            }
        )
    else:
        for finding in findings:
            print(_as_line(finding))
        for name, value in notes.items():
            print(f"   {name:<20} {value}")
        if packages:
            print(f"\nTo get what is missing:\n  sudo apt-get install {' '.join(packages)}")
        elif can_run:
            print("\nA cluster can run here.")
    return 0 if can_run else 1


def machine_notes() -> dict[str, str]:
    """Return facts of this machine that explain how a cluster runs on it."""
    import resource  # noqa: PLC0415

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = f"{soft} (hard {hard})"
    if hard < _OPEN_FILES_WANTED:
        files += f"; wanted {_OPEN_FILES_WANTED} or more"
    notes = {
        "user": f"uid {os.geteuid()}{' (root)' if os.geteuid() == 0 else ''}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": str(os.cpu_count()),
        "memory": f"{_memory_bytes() / 2**30:.1f} GiB",
        "open files": files,
        "pods": sandbox_note(),
    }
    if taken := ports_taken_everywhere():
        notes["ports"] = explain_taken(taken)
    return notes


def sandbox_note() -> str:
    """Tell how pods will run here."""
    if wanted_sandbox() == "none":
        return "without mounts of their own, as ARMILLARY_SANDBOX asks"
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "try").mkdir()
        bin_dir = Path(sys.executable).parent
        found, why_not = find_sandbox([bin_dir.parent], temporary=home / "try", secret=home / "d")
    if found is not None:
        return "each with mounts and processes of its own, by bubblewrap"
    return f"without mounts of their own, paths are rewritten: {why_not.partition('. ')[0]}"


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _as_line(finding: Finding) -> str:
    name = finding.prerequisite.program
    if finding.found and not finding.problem:
        return f"✔  {name:<20} {finding.found.version:<14} {finding.found.path}"
    mark = "✘" if finding.prerequisite.required else "–"
    return f"{mark}  {name:<20} {finding.problem} ({finding.prerequisite.purpose})"


def _as_json(finding: Finding) -> dict[str, object]:
    return {
        "program": finding.prerequisite.program,
        "purpose": finding.prerequisite.purpose,
        "required": finding.prerequisite.required,
        "path": str(finding.found.path) if finding.found else None,
        "version": finding.found.version if finding.found else None,
        "problem": finding.problem or None,
    }
