"""The command `armillary`: runs a verb or a component, and turns errors into exit codes."""

# ruff: noqa: PLC0415 - a component lives for weeks: it must not carry the verbs' machinery along

import os
import sys
from typing import NoReturn

from armillary.base.errors import (
    ArmillaryError,
    InputError,
    PreconditionError,
    UnavailableError,
    leaves_of,
)
from armillary.cli.start import INTERRUPTED, raise_interrupts


def main() -> NoReturn:
    if sys.argv[1:2] == ["run"]:
        from armillary.cli.component_process import run_component

        sys.exit(run_component(sys.argv[2:]))
    sys.exit(_run_verb())


def _run_verb() -> int:
    import click

    from armillary.cli.app import app

    try:
        raise_interrupts()
        code = app.main(standalone_mode=False)
    except click.exceptions.Abort:
        print("armillary: interrupted", file=sys.stderr)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ArmillaryError as error:
        return report(error)
    except BaseExceptionGroup as group:  # of things that were done at the same time
        return report_group(group)
    except BrokenPipeError:  # the reader of our output has gone, as in `| head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except OSError as error:  # a disk that is full or read-only, a directory without permission
        print(f"armillary: {describe_os_error(error)}", file=sys.stderr)
        return 1
    return code if isinstance(code, int) else 0


def report(error: ArmillaryError) -> int:
    print(f"armillary: {error}", file=sys.stderr)
    return exit_code_of(error)


def report_group(group: BaseExceptionGroup[BaseException]) -> int:
    """Tell each error of ours; a group that holds another one is a bug and is raised again."""
    code = 1
    for error in leaves_of(group):
        if not isinstance(error, ArmillaryError):
            raise group
        code = report(error)
    return code


def describe_os_error(error: OSError) -> str:
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    return f"{error.filename}: {reason}" if error.filename else reason


def exit_code_of(error: ArmillaryError) -> int:
    """Map the tree of errors to the exit codes that `--help` promises."""
    match error:
        case PreconditionError():
            return 4
        case InputError():
            return 2
        case UnavailableError():
            return 5
        case _:
            return 1


if __name__ == "__main__":
    main()
