"""What `DIR/my.cnf` says is what the real client reads."""

import shutil
import string
import subprocess
from pathlib import Path

import pytest

from armillary.cli.bringup.endpoints import quote_option_value

PASSWORDS = [
    r"a\tb",
    "a\tb",
    "a\nuser=root",
    "a\r\b",
    "\\",
    "\\\\s",
    'a"b',
    '"',
    "it's",
    "'quoted'",
    " spaces ",
    "#no comment",
    "a # b ; c",
    "",
    "=",
    "p\u00e4ss",
    string.punctuation,
]


@pytest.mark.parametrize("password", PASSWORDS, ids=ascii)
def test_the_client_reads_the_password_that_was_written(tmp_path: Path, password: str) -> None:
    found = shutil.which("my_print_defaults")
    assert found, "my_print_defaults comes with MariaDB's client"
    file = tmp_path / "my.cnf"
    file.write_text(f"[client]\npassword={quote_option_value(password)}\nport=1\n")
    done = subprocess.run(
        [found, f"--defaults-file={file}", "client"],
        check=True,
        capture_output=True,
    )
    assert done.stdout.decode() == f"--password={password}\n--port=1\n"
