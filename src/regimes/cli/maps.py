"""The command `map`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regimes.cli.options import (
    PROMISED,
    claims_of,
    claims_option,
    json_option,
    print_json,
    settings_of,
    settings_options,
    usage,
)

if TYPE_CHECKING:
    from regimes.mapping import Mapped
    from regimes.thresholding import Thresholds


@click.command("map")
@click.argument("identifiers", metavar="[ID ...]", nargs=-1)
@click.option("--store", required=True, metavar="FILE", help="SQLite store; finished cells are never computed twice.")
@click.option("--grid", "grids", multiple=True, metavar="AXIS=RANGE", help="width=4:4096, width=4,8,16 or epsilon=.1:.9:5.")
@click.option("--subject", default=None, metavar="MOD:OBJ", help="Map this code instead of the claims' subjects.")
@click.option("--shard", default=None, metavar="K/N", help="Only the K-th of N parts of the cells.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Worker processes, or Slurm jobs.")
@click.option("--executor", default="local", show_default=True, metavar="WHERE", help="local, dask, dask:ADDRESS or slurm.")
@click.option("--slurm", multiple=True, metavar="KEY=VALUE", help="Asked of Slurm: partition, time (minutes), mem, setup ...")
@click.option("--dry-run", is_flag=True, help="Print the batch script of --executor slurm, and submit nothing.")
@click.option("--budget", default=None, metavar="TIME", help="Stop starting cells after this time: 90s, 15m, 2h.")
@click.option("--controls/--no-controls", "with_controls", default=True, help="Also refute the controls once.")
@click.option("--retry", is_flag=True, help="Decide undecided cells and controls again, with this run's budgets.")
@click.option("--threshold", "axis", default=None, metavar="AXIS", help="Find where along AXIS each row turns, not its cells.")
@click.option("--resolution", default=None, metavar="R", help="Of --threshold: ratio of neighbours (1.005), a step, or grid.")
@settings_options
@claims_option
@json_option
def map_claims(
    identifiers: Sequence[str],
    store: str,
    grids: Sequence[str],
    subject: str | None,
    shard: str | None,
    workers: int,
    executor: str,
    slurm: Sequence[str],
    dry_run: bool,
    budget: str | None,
    with_controls: bool,
    retry: bool,
    axis: str | None,
    resolution: str | None,
    folder: str | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Decide the cells of the claims' maps, or find their thresholds, and keep them in a store."""
    if executor == "local" and workers > 1 and not dry_run:
        from regimes.sweep.executors.fork_server import begin

        begin()  # here, so that the workers' imports are done beside this process's own
    settings, profile = settings_of(given)
    claims = claims_of(folder, identifiers)
    from dataclasses import replace

    from regimes import mapping

    seconds = None if budget is None else usage(lambda: mapping.seconds_of(budget))
    from regimes.sweep.executors.choose import executor_named
    from regimes.sweep.grid import parse_shard
    from regimes.sweep.schedule import Schedule

    if axis is None and resolution is not None:
        raise click.UsageError("--resolution is of --threshold AXIS; a map takes its coordinates from --grid")
    part = None if shard is None else parse_shard(shard)
    schedule = Schedule(workers, seconds, part, retry)
    common: dict[str, Any] = {"settings": settings, "grids": grids, "subject": subject}
    if axis is None:
        run = partial(mapping.map_claims, claims, profile=profile, with_controls=with_controls, **common)
    else:
        from regimes.thresholding import find_thresholds

        run = partial(find_thresholds, claims, axis=axis, resolution=resolution, **common)
    if dry_run:
        from regimes.sweep.executors.dry_run import dry_run as without_submitting

        with without_submitting(executor, workers, Path(store), slurm, click.echo) as (start, copy):
            run(path=copy, quiet=True, schedule=replace(schedule, start=start))
        return PROMISED
    with executor_named(executor, workers, Path(store), slurm) as start:
        outcome = run(path=Path(store), quiet=as_json, schedule=replace(schedule, start=start))
    return _print_outcome(outcome, as_json)


def _alike(sentences: Sequence[str]) -> list[str]:
    """One sentence of those that differ in case and numbers only, with how many more there are; --json has them all."""
    groups: dict[str, list[str]] = {}
    for sentence in sentences:
        groups.setdefault(re.sub(r"\{[^}]*\}|\d+", "", sentence), []).append(sentence)
    return [first + (f" (and {len(more)} more like it)" if more else "") for first, *more in groups.values()]


def _print_outcome(outcome: Mapped | Thresholds, as_json: bool) -> int:
    """Print what a run into a store did, and give its exit status."""
    if as_json:
        print_json(outcome.as_dict())
    else:
        click.echo(outcome.text())
    for sentence in _alike(outcome.errors):
        click.echo(f"regimes: {sentence}", err=True)
    return outcome.status


COMMANDS = (map_claims,)
