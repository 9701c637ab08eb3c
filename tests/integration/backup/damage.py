"""What may happen to the files of a stored backup."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from armillary.backup.manifest import Manifest


def files_of(root: Path, manifest: Manifest) -> Path:
    return root / "backups" / "main" / "-80" / manifest.backup_name


def flip_a_bit(folder: Path) -> None:
    path = folder / "backup.xbstream.zst-003"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_a_stripe(folder: Path) -> None:
    path = folder / "backup.xbstream.zst-003"
    os.truncate(path, path.stat().st_size - 1)


def lengthen_a_stripe(folder: Path) -> None:
    with (folder / "backup.xbstream.zst-003").open("ab") as file:
        file.write(b"more")


def lose_a_stripe(folder: Path) -> None:
    (folder / "backup.xbstream.zst-003").unlink()


def swap_two_stripes(folder: Path) -> None:
    (folder / "backup.xbstream.zst-003").rename(folder / "x")
    (folder / "backup.xbstream.zst-004").rename(folder / "backup.xbstream.zst-003")
    (folder / "x").rename(folder / "backup.xbstream.zst-004")


def lose_the_table(folder: Path) -> None:
    (folder / "CHUNKS").unlink()


def change_the_table(folder: Path) -> None:
    lines = (folder / "CHUNKS").read_bytes().splitlines(keepends=True)
    (folder / "CHUNKS").write_bytes(b"".join(lines[:-1]))


def change_a_digit_of_the_position(folder: Path) -> None:
    """All of it is still good JSON, and a position like any other."""
    text = (folder / "MANIFEST").read_text()
    position = json.loads(text)["Position"]
    other = position[:-1] + ("1" if position[-1] != "1" else "2")
    (folder / "MANIFEST").write_text(
        text.replace(f'"Position": "{position}"', f'"Position": "{other}"')
    )


def lose_half_the_manifest(folder: Path) -> None:
    data = (folder / "MANIFEST").read_bytes()
    (folder / "MANIFEST").write_bytes(data[: len(data) // 2])


DAMAGES: tuple[Callable[[Path], None], ...] = (
    change_a_digit_of_the_position,
    lose_half_the_manifest,
    flip_a_bit,
    cut_a_stripe,
    lengthen_a_stripe,
    lose_a_stripe,
    swap_two_stripes,
    lose_the_table,
    change_the_table,
)
