"""The command line: list, show, check, map, merge, report, export, diff, gate, calibrate.

Exit status: 0 as promised; 1 a claim refuted where promised, a control that survived, or a gate that fell; 2 wrong usage;
3 undecided only; 130 interrupted. Errors are one sentence on stderr.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from regimes.cli_stores import COMMANDS
from regimes.errors import RegimesError

if TYPE_CHECKING:
    from regimes.case import Value
    from regimes.claim import Claim
    from regimes.decide.evidence import Evidence
    from regimes.engine import Settings
    from regimes.mapping import Mapped
    from regimes.profiles import Profile
    from regimes.thresholding import Thresholds

SCHEMA = 1
PROMISED, REFUTED, USAGE, UNDECIDED, INTERRUPTED = 0, 1, 2, 3, 130


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


def _usage(call: Callable[[], Any]) -> Any:
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


STDOUT = "regimes.stdout"
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


def _settings(given: dict[str, Any], workers: int = 1) -> tuple[Settings, Profile]:
    from regimes.engine import Settings, resolve_device, resolve_dtype
    from regimes.profiles import profile_named
    from regimes.samplers import resolve_sampler

    profile = _usage(lambda: profile_named(given["profile"]))
    if given["seconds"] is not None and math.isnan(given["seconds"]):
        raise click.UsageError("--seconds is a time in seconds; got nan")
    if not 0 < given["alpha"] < 1:
        raise click.UsageError(f"--alpha lies between 0 and 1; got {given['alpha']}")
    _usage(lambda: resolve_device(given["device"]))
    _usage(lambda: resolve_dtype(given["dtype"]))
    settings = Settings(
        seed=given["seed"],
        device=given["device"],
        dtype=given["dtype"],
        sampler=_usage(lambda: resolve_sampler(given["sampler"])),
        alpha=given["alpha"],
        replicates=given["replicates"] or profile.replicates,
        seconds=given["seconds"] or profile.seconds,
        workers=workers,
    )
    return settings, profile


def _claims(folder: str | None, identifiers: Sequence[str] = ()) -> list[Claim]:
    from regimes.catalogue import load_claims, select

    return select(load_claims(folder), identifiers)


def _print_json(data: dict[str, Any]) -> None:
    import json

    click.echo(json.dumps({"schema": SCHEMA, **data}, indent=1), file=click.get_current_context().meta[STDOUT])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="regimes")
def commands() -> None:
    """Verify theorems about neural networks: claims, controls, regime maps."""


@commands.command("list")
@claims_option
@json_option
def list_claims(folder: str | None, as_json: bool) -> int:
    """Every claim: id, kind, paper, axes, controls."""
    from regimes.index import documents

    claims = documents(folder)
    if as_json:
        _print_json({"claims": claims})
        return PROMISED
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    table = Table(box=None, pad_edge=False)
    # An id is there to be copied, and is whole at any width; on a terminal the rest of a claim's line is cut to fit.
    table.add_column("claim", no_wrap=True, overflow="ignore")
    cut = partial(Text, no_wrap=terminal, overflow="ellipsis")
    for heading in ("kind", "reference", "axes", "controls"):
        table.add_column(cut(heading))
    for claim in claims:
        axes = ", ".join(axis["name"] for axis in claim["axes"])
        rest = (claim["kind"], claim["reference"], axes, str(len(claim["controls"])))
        table.add_row(claim["id"], *map(cut, rest))
    Console(width=None if terminal else 160).print(table)
    return PROMISED


@commands.command()
@click.argument("identifier", metavar="ID")
@claims_option
@json_option
def show(identifier: str, folder: str | None, as_json: bool) -> int:
    """Statement, premise, reference, controls and default grid of a claim."""
    from regimes.claim_files import named_ids
    from regimes.index import documents

    known = {claim["id"]: claim for claim in documents(folder)}
    named = [known[name] for name in named_ids(list(known), [identifier])]
    if as_json:
        _print_json({"claim": named[0]} if len(named) == 1 else {"claims": named})
    else:
        click.echo("\n\n".join(map(_described, named)))
    return PROMISED


def _described(claim: dict[str, Any]) -> str:
    """A claim's document for a person."""
    lines = [
        f"{claim['id']}: {claim['title']} ({claim['kind']})",
        f"  {claim['paper']['citation']} {claim['reference']}",
        "",
        f"  {claim['statement']}",
        *(f"    {symbol}: {meaning}" for symbol, meaning in claim["symbols"].items()),
        "",
        f"  premise: {claim['premise']}",
        *(f"  axis {axis['name']}: {axis['description']}" for axis in claim["axes"]),
        *(f"  control {control['name']}: {control['why']}" for control in claim["controls"]),
    ]
    if claim["grid"] is not None:
        fixed = ", ".join(f"{name}={value}" for name, value in claim["grid"]["fixed"].items())
        lines.append(f"  map: {claim['grid']['x']} x {claim['grid']['y']}" + (f" at {fixed}" if fixed else ""))
    if claim["erratum"] is not None:
        lines += [
            f"  erratum ({claim['erratum']['status']}): {claim['erratum']['published']}",
            f"    {claim['erratum']['finding']}",
        ]
    return "\n".join([*lines, "", *("  " + line for line in claim["description"].splitlines())])


@commands.command()
@click.argument("identifier", metavar="ID")
@click.option("--case", "pairs", multiple=True, metavar="AXIS=VALUE", help="Coordinates; axes left out are drawn.")
@click.option("--subject", default=None, metavar="MOD:OBJ", help="Check this code instead of the claim's subject.")
@click.option("--control", default=None, metavar="NAME", help="Check a control; it is promised to be refuted.")
@click.option("--controls", "all_controls", is_flag=True, help="Check the claim and then every control.")
@click.option("--error", default=None, type=float, help="Error budget of the verdict, to reproduce one exactly.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Threads; they change no result.")
@settings_options
@claims_option
@json_option
def check(
    identifier: str,
    pairs: Sequence[str],
    subject: str | None,
    control: str | None,
    all_controls: bool,
    error: float | None,
    workers: int,
    folder: str | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Decide one case of a claim, or random ones inside its premise."""
    claims = _claims(folder, [identifier])
    if len(claims) != 1:
        raise click.UsageError(
            f"{identifier!r} names {len(claims)} claims; check takes one of {', '.join(c.id for c in claims)}"
        )
    settings, profile = _settings(given, workers)
    if error is not None and not 0 < error < 1:
        raise click.UsageError(f"--error lies between 0 and 1; got {error}")
    if control is not None and subject is not None:
        raise click.UsageError("--control brings its own subject; leave out --subject")
    claim = claims[0]
    at = _usage(lambda: _coordinates(claim, pairs))
    tested = None
    if subject is not None:
        from regimes.subjects.foreign import load_subject

        tested = load_subject(subject)
    from regimes import checking

    rows = []
    if control is not None:
        rows.append(_usage(lambda: checking.check_control(claim, control, at, error, settings, profile)))
    else:
        rows.append(checking.check_claim(claim, at, error, settings, profile, tested))
        if all_controls:
            rows += [checking.check_control(claim, name, {}, error, settings, profile) for name in claim.controls]
    if as_json:
        _print_json({"claim": claim.id, "checks": [row.as_dict() for row in rows]})
    else:
        for row in rows:
            click.echo(row.text())
    return max((row.status for row in rows), key=(PROMISED, UNDECIDED, REFUTED).index)


def _coordinates(claim: Claim, pairs: Sequence[str]) -> dict[str, Value]:
    """`axis=value` texts as coordinates; ValueError for an unknown axis or a value off its axis."""
    coordinates: dict[str, Value] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"--case takes AXIS=VALUE, as in --case width=64; got {pair!r}")
        coordinates[name] = claim.axis(name).parse(text)
    return coordinates


@commands.command("map")
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
    settings, profile = _settings(given)
    claims = _claims(folder, identifiers)
    from dataclasses import replace

    from regimes import mapping

    seconds = None if budget is None else _usage(lambda: mapping.seconds_of(budget))
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
        _print_json(outcome.as_dict())
    else:
        click.echo(outcome.text())
    for sentence in _alike(outcome.errors):
        click.echo(f"regimes: {sentence}", err=True)
    return outcome.status


@commands.command()
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
        _print_json({"files": [str(path) for path in files]})
    else:
        total = sum(path.stat().st_size for path in files)
        click.echo(f"{len(files)} files, {total / 1e6:.2f} MB: open {Path(out) / 'index.html'}")
    return PROMISED


@commands.command()
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
        _print_json({"replications": replications, "rows": [asdict(row) for row in rows]})
    else:
        click.echo(table(rows))
    return PROMISED if all(row.passed for row in rows) else REFUTED


for one in COMMANDS:
    commands.add_command(one)


def evidence_lines(evidence: Evidence, kind: str) -> list[str]:
    """Evidence as indented lines for a person; the claim's kind says what its margin is of."""
    from regimes.kinds import OF_A_SHARE

    interval = "-" if evidence.interval is None else f"[{evidence.interval[0]:.6g}, {evidence.interval[1]:.6g}]"
    estimate = "-" if evidence.estimate is None else f"{evidence.estimate:.6g}"
    target = "" if evidence.target is None else f" against {evidence.target:.6g}"
    margin, departure = ("share", "violations in a share") if kind in OF_A_SHARE else ("margin", "a departure")
    detectable = "" if evidence.detectable is None else f", would have seen {departure} of {evidence.detectable:.3g}"
    drawn = f" (sampler {evidence.details['sampler']})" if "sampler" in evidence.details else ""
    return [
        f"    {evidence.reason}",
        f"    estimate {estimate}{target}, interval {interval}",
        f"    {evidence.replicates} replicates{drawn}, error budget {evidence.error:.2g}, "
        f"{margin} {evidence.margin:.3g}{detectable}",
    ]


if __name__ == "__main__":
    main()
