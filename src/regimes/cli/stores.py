"""Commands on finished stores: merge, diff, gate, export, recover."""

from __future__ import annotations

from pathlib import Path

import click

from regimes.cli.options import json_option, print_json


@click.command()
@click.argument("out", metavar="OUT")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@json_option
def merge(out: str, files: tuple[str, ...], as_json: bool) -> int:
    """Join the stores of shards into OUT, in any order; refuses different versions of a claim."""
    from regimes.sweep.merge import merge as join

    added = join(Path(out), [Path(name) for name in files])
    if as_json:
        print_json({"store": out, "added": added})
    else:
        click.echo(f"{added} cells and thresholds joined into {out}")
    return 0


@click.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@json_option
def diff(before: str, after: str, as_json: bool) -> int:
    """What changed from A to B, stores or baselines: verdicts, thresholds, controls, claims."""
    from regimes.gate import baseline, data, show
    from regimes.gate.compare import compare

    found = compare(baseline.load(Path(before)), baseline.load(Path(after)))
    if as_json:
        print_json({"before": before, "after": after, **data.difference_data(found)})
    else:
        click.echo("\n".join(show.difference_lines(found)) or "no verdict, threshold, control or claim differs")
    return 0


@click.command()
@click.option("--store", required=True, metavar="FILE", help="Store that `regimes map` wrote.")
@click.option("--baseline", "known", required=True, metavar="FILE", help="Baseline (JSON) or another store.")
@click.option("--update", is_flag=True, help="Write the store's verdicts as the new baseline; exits 0.")
@click.option("--complete", is_flag=True, help="Fall also if a cell or control of the baseline is gone.")
@click.option("--summary", default=None, metavar="FILE", help="Write a Markdown page for the CI job; not with --update.")
@json_option
def gate(store: str, known: str, update: bool, complete: bool, summary: str | None, as_json: bool) -> int:
    """Fall (exit 1) on a real regression against a baseline: not on noise, not on what is undecided."""
    from regimes.files import write_whole
    from regimes.gate import baseline, data, show
    from regimes.gate.compare import compare
    from regimes.gate.decide import GateError, decide
    from regimes.gate.snapshot import of_store
    from regimes.sweep.store import Store

    with Store.open(Path(store), read_only=True) as opened:
        present = of_store(opened)
    if update and not any(claim.cells or claim.controls or claim.thresholds for claim in present.claims.values()):
        raise GateError(f"the store {store} has nothing to hold code to; run `regimes map` into it first")
    if update and not Path(known).exists():
        baseline.write(present, Path(known))
        click.echo(f"baseline {known} written") if not as_json else print_json({"baseline": known, "store": store})
        return 0
    found = compare(baseline.load(Path(known)), present)
    if update:
        baseline.write(present, Path(known))
        if as_json:
            print_json({"baseline": known, "store": store, **data.difference_data(found)})
        else:
            click.echo("\n".join([*show.difference_lines(found), f"baseline {known} written"]))
        return 0
    decision = decide(found, complete)
    if summary is not None:
        write_whole(Path(summary), show.markdown(decision), "summary")
    if as_json:
        print_json(data.decision_data(decision))
    else:
        click.echo("\n".join(show.decision_lines(decision)))
    return decision.status


@click.command()
@click.option("--store", required=True, metavar="FILE", help="Store that `regimes map` wrote.")
@click.option("--format", "form", default="csv", show_default=True, type=click.Choice(["csv", "json", "parquet"]))
@click.option("--table", default=None, type=click.Choice(["cells", "controls", "thresholds"]),
              help="What the rows are, by default cells; JSON has all three.")  # fmt: skip
@click.option("--out", required=True, metavar="PATH", help="File to write; replaced whole or not at all.")
def export(store: str, form: str, table: str | None, out: str) -> int:
    """Write every cell, control or measured threshold of a store as one table."""
    from regimes.files import write_whole
    from regimes.report.table import to_csv, to_parquet, to_table_json
    from regimes.sweep.store import Store

    if form == "json" and table is not None:
        raise click.UsageError(f"--format json has all tables in one file; leave out --table {table}, or take csv or parquet")
    with Store.open(Path(store), read_only=True) as opened:
        if form == "json":
            content = to_table_json(opened)
        else:
            content = (to_csv if form == "csv" else to_parquet)(opened, table or "cells")
    write_whole(Path(out), content, "table")
    click.echo(f"{out} written")
    return 0


@click.command()
@click.argument("damaged", metavar="DAMAGED")
@click.option("--out", required=True, metavar="FILE", help="The new store; there must be no such file.")
@json_option
def recover(damaged: str, out: str, as_json: bool) -> int:
    """Save what is intact of a damaged store into a new one; the damaged file is only read."""
    from regimes.sweep.salvage import salvage

    found = salvage(Path(damaged), Path(out))
    if as_json:
        print_json({"store": out, "damaged": damaged, "recovered": dict(found.kept), "dropped": found.dropped})
        return 0
    names = ("cells", "controls", "thresholds", "claims", "runs")
    *first, last = (f"{found.kept[name]} {name[:-1] if found.kept[name] == 1 else name}" for name in names)
    dropped = f", {found.dropped} row{'s' * (found.dropped != 1)} left out that cannot be trusted" if found.dropped else ""
    click.echo(f"{', '.join(first)} and {last} of {damaged} recovered into {out}{dropped}; "
               "what is lost, the next `regimes map` computes again")  # fmt: skip
    return 0


COMMANDS = (merge, diff, gate, export, recover)
