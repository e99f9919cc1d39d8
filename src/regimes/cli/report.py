"""Commands that write pages and tables of results: report, calibrate."""

from __future__ import annotations

from pathlib import Path

import click

from regimes.cli.options import PROMISED, REFUTED, json_option, print_json


@click.command()
@click.option("--store", required=True, metavar="FILE", help="Store that `regimes map` wrote.")
@click.option("--out", required=True, metavar="DIR", help="Folder of the report.")
@click.option("--calibration", default=None, metavar="FILE", help="What `regimes calibrate --json` printed, for its page.")
@json_option
def report(store: str, out: str, calibration: str | None, as_json: bool) -> int:
    """Write the report: an index, a page per claim, calibration, figures, tables and JSON."""
    from regimes.report.build import build
    from regimes.report.calibration import read
    from regimes.sweep.store import Store

    calibrated = None if calibration is None else read(Path(calibration))
    with Store.open(Path(store), read_only=True) as opened:
        files = build(opened, Path(out), calibrated=calibrated)
    if as_json:
        print_json({"files": [str(path) for path in files]})
    else:
        total = sum(path.stat().st_size for path in files)
        click.echo(f"{len(files)} files, {total / 1e6:.2f} MB: open {Path(out) / 'index.html'}")
    return PROMISED


@click.command()
@click.option("--replications", default=10_000, show_default=True, type=click.IntRange(100), help="Per scenario.")
@click.option("--seed", default=0, show_default=True, help="Seed of the replications.")
@json_option
def calibrate(replications: int, seed: int, as_json: bool) -> int:
    """Measured error rates of every decision rule, and of four bad rules that must be rejected."""
    from dataclasses import asdict

    from regimes.decide.calibration import calibrate as measure
    from regimes.decide.calibration import table

    rows = measure(replications=replications, seed=seed)
    if as_json:
        print_json({"replications": replications, "rows": [asdict(row) for row in rows]})
    else:
        click.echo(table(rows))
    return PROMISED if all(row.passed for row in rows) else REFUTED


COMMANDS = (report, calibrate)
