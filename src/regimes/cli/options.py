"""Options that several commands share, and how what they name is read."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from regimes.claim import Claim
    from regimes.engine import Settings
    from regimes.profiles import Profile

SCHEMA = 1
PROMISED, REFUTED, USAGE, UNDECIDED, INTERRUPTED = 0, 1, 2, 3, 130  # exit statuses
STDOUT = "regimes.stdout"


def usage(call: Callable[[], Any]) -> Any:
    """What a call returns, its ValueError turned into wrong usage."""
    try:
        return call()
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from wrong


claims_option = click.option("--claims", "folder", default=None, metavar="DIR", help="Folder of claim files.")


def _alone(context: click.Context, parameter: click.Parameter, as_json: bool) -> bool:
    """With --json, what claim files and subjects print goes to stderr, so that stdout is JSON and nothing else."""
    if as_json:
        context.meta[STDOUT] = sys.stdout
        context.with_resource(redirect_stdout(sys.stderr))
    return as_json


json_option = click.option(
    "--json", "as_json", is_flag=True, callback=_alone, help="Print JSON with a schema version."
)


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options on which a verdict depends."""
    for option in reversed(
        [
            click.option("--seed", default=0, show_default=True, help="The run's seed."),
            click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:<index>."),
            click.option("--dtype", default="float32", show_default=True, help="float32 or float64."),
            click.option("--sampler", default="auto", show_default=True,
                         help="auto, the cheapest that is exact in law, or direct."),
            click.option("--alpha", default=1e-6, show_default=True, help="False-alarm budget of the whole run."),
            click.option("--profile", default="default", show_default=True, help="quick, default or thorough."),
            click.option("--replicates", default=None, type=click.IntRange(1), help="Replicates per case at most."),
            click.option("--seconds", default=None, type=click.FloatRange(0, min_open=True), help="Seconds per case."),
        ]
    ):
        command = option(command)
    return command


def settings_of(given: dict[str, Any], workers: int = 1) -> tuple[Settings, Profile]:
    """The settings and the profile that `settings_options` name; click.UsageError for values that make no sense."""
    from regimes.engine import Settings, resolve_device, resolve_dtype
    from regimes.profiles import profile_named
    from regimes.samplers import resolve_sampler

    profile = usage(lambda: profile_named(given["profile"]))
    if given["seconds"] is not None and math.isnan(given["seconds"]):
        raise click.UsageError("--seconds is a time in seconds; got nan")
    if not 0 < given["alpha"] < 1:
        raise click.UsageError(f"--alpha lies between 0 and 1; got {given['alpha']}")
    usage(lambda: resolve_device(given["device"]))
    usage(lambda: resolve_dtype(given["dtype"]))
    settings = Settings(
        seed=given["seed"],
        device=given["device"],
        dtype=given["dtype"],
        sampler=usage(lambda: resolve_sampler(given["sampler"])),
        alpha=given["alpha"],
        replicates=given["replicates"] or profile.replicates,
        seconds=given["seconds"] or profile.seconds,
        workers=workers,
    )
    return settings, profile


def claims_of(folder: str | None, identifiers: Sequence[str] = ()) -> list[Claim]:
    """The claims of a folder that the identifiers name, all by default."""
    from regimes.catalogue import load_claims, select

    return select(load_claims(folder), identifiers)


def print_json(data: dict[str, Any]) -> None:
    """Print the data with the schema's version, numbers that JSON lacks as in `regimes.finite`."""
    import json

    from regimes.finite import finite

    text = json.dumps(finite({"schema": SCHEMA, **data}), indent=1, allow_nan=False)
    click.echo(text, file=click.get_current_context().meta[STDOUT])
