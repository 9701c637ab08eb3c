"""Files that vtctld reads for a person: only plain ones, and it never waits for one."""

import os
from pathlib import Path

import pytest

from armillary.base.errors import InputError
from armillary.vtctld.server_file import read_server_file


def test_a_plain_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "change.sql").write_text("create table größe (a int)")
    text = read_server_file(str(tmp_path / "change.sql"), flag="sql")
    assert text == "create table größe (a int)"


@pytest.mark.parametrize("kind", ["pipe", "device", "directory"])
def test_what_is_no_plain_file_is_not_opened(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    paths = {"pipe": tmp_path / "pipe", "device": Path("/dev/zero"), "directory": tmp_path}
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(InputError, match="no plain file"):
        read_server_file(str(paths[kind]), flag="sql")


def test_a_missing_file_says_how_to_send_the_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='-sql="'):
        read_server_file(str(tmp_path / "missing"), flag="sql")
