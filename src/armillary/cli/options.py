"""Options that several verbs share, and how they print results."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

DEFAULT_NAMESPACE = "planetscale"

_F = TypeVar("_F", bound=Callable[..., Any])


def _absolute(ctx: click.Context, param: click.Parameter, value: str | None) -> Path:
    text = value or os.environ.get("ARMILLARY_DIR") or "~/.armillary"
    path = Path(text).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise click.BadParameter(f"{path} is no directory: wanted one for the cluster")
    return path


def directory_option(function: _F) -> _F:
    return click.option(
        "--dir",
        "directory",
        callback=_absolute,
        metavar="DIR",
        help="The cluster's directory. [default: $ARMILLARY_DIR, else ~/.armillary]",
    )(function)


def output_option(function: _F) -> _F:
    return click.option(
        "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True
    )(function)


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))
