"""The programs of a cluster's bin folder, when that folder is on PATH already."""

from pathlib import Path

from armillary.cli.bringup.prepare import link_programs


def test_a_program_found_through_its_own_link_keeps_the_link(tmp_path: Path) -> None:
    program, folder = tmp_path / "kubectl", tmp_path / "bin"
    program.write_text("")
    folder.mkdir()
    link_programs(folder, {"kubectl": program})
    link_programs(folder, {"kubectl": folder / "kubectl"})
    assert (folder / "kubectl").readlink() == program
