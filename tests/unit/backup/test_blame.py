"""A failed tool blames the data only where nothing else can be the reason."""

import pytest

from armillary.backup.engines.blame import blame_data, is_telling

NOISE = "2026-11-23  2:00:59 0 [Note] InnoDB: Completed initialization of buffer pool"
ABORT, KILL, TERM = -6, -9, -15


@pytest.mark.parametrize(
    "line",
    [
        "mariadb-backup: srv_start() returned 37 (Data structure corruption).",
        "0 [ERROR] InnoDB: Missing FILE_CHECKPOINT(44894) at 44894",
        "0 [ERROR] InnoDB: Invalid log header checksum",
        "0 [ERROR] InnoDB: File ./ib_logfile0 was not found",
        "Error: failed to read metadata from './xtrabackup_checkpoints'",
        "mariadb-backup: InnoDB files do not exist",
        "FATAL ERROR: Can't open backup-my.cnf for reading",
        "xb_stream_read_chunk(): wrong chunk magic at offset 0x10.",
        "The Auto-extending data file './ibdata1' is of a different size 6 pages than specified",
    ],
)
def test_the_tools_own_words_on_the_data_are_enough(line: str) -> None:
    assert is_telling(line)
    assert blame_data([NOISE, line], 1) == line


@pytest.mark.parametrize(
    "line",
    [
        "my_write: No space left on device",
        "Error writing file './ibdata1' (Errcode: 28 \"No space left on device\")",
        "InnoDB: Cannot allocate memory for the buffer pool",
        "InnoDB: Operating system error number 13 in a file operation.",
        "mariadb-backup: unknown variable 'no_such_option=1'",
        "error while loading shared libraries: libaio.so.1: cannot open shared object file",
    ],
)
def test_a_machine_that_could_be_the_reason_clears_the_data(line: str) -> None:
    corrupt = "InnoDB: Database page corruption on disk or a failed read of file"
    assert is_telling(line)
    assert blame_data([line], 1) == ""
    assert blame_data([corrupt, line], 1) == "" == blame_data([line, corrupt], 1)


def test_a_tool_killed_from_outside_says_nothing_of_the_data() -> None:
    corrupt = "InnoDB: Database page corruption on disk"
    assert blame_data([corrupt], KILL) == "" == blame_data([corrupt], TERM)
    assert blame_data([corrupt], ABORT) == corrupt


def test_silence_and_noise_are_no_proof() -> None:
    assert blame_data([], 1) == "" == blame_data([NOISE], 1) == blame_data([NOISE], ABORT)
    assert not is_telling(NOISE)
