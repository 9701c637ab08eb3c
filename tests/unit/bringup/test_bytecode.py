"""The programs are compiled once, whatever the environment says about bytecode."""

import os
from importlib.util import cache_from_source
from pathlib import Path

from armillary.cli.bringup.bytecode import ensure_bytecode


def test_only_what_is_stale_is_compiled(tmp_path: Path) -> None:
    source = tmp_path / "part" / "a.py"
    source.parent.mkdir()
    source.write_text("A = 1\n")
    compiled = Path(cache_from_source(str(source)))
    assert ensure_bytecode(tmp_path)
    assert compiled.exists()
    assert not ensure_bytecode(tmp_path)
    os.utime(compiled, (1, 1))
    assert ensure_bytecode(tmp_path)


def test_a_file_that_is_no_python_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def (\n")
    ensure_bytecode(tmp_path)
