"""The command line: list, show, check, map, merge, report, export, diff, gate, recover, calibrate.

Exit status: 0 as promised; 1 a claim refuted where promised, a control that survived, or a gate that fell; 2 wrong usage;
3 undecided only; 130 interrupted. Errors are one sentence on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from regimes.cli import claims, maps, report, stores
from regimes.cli.options import INTERRUPTED, PROMISED, USAGE
from regimes.errors import RegimesError


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; the entry point `regimes`."""
    try:
        status = commands.main(args=arguments, prog_name="regimes", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else PROMISED)
    except click.ClickException as wrong:
        fail(wrong.format_message(), wrong.exit_code or USAGE)
    except (click.Abort, KeyboardInterrupt):
        fail("interrupted; what was finished is kept", INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(PROMISED)
    except RegimesError as wrong:
        fail(" ".join(str(wrong).split()), USAGE)


def fail(sentence: str, status: int) -> NoReturn:
    """Print one sentence on stderr and exit."""
    click.echo(f"regimes: {sentence}", err=True)
    sys.exit(status)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="regimes")
def commands() -> None:
    """Verify theorems about neural networks: claims, controls, regime maps."""


for command in (*claims.COMMANDS, *maps.COMMANDS, *report.COMMANDS, *stores.COMMANDS):
    commands.add_command(command)
