"""Commands on claims: list, show, check."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from regimes.cli.options import (
    PROMISED,
    REFUTED,
    UNDECIDED,
    claims_of,
    claims_option,
    json_option,
    print_json,
    settings_of,
    settings_options,
    usage,
)  # fmt: skip

if TYPE_CHECKING:
    from regimes.case import Value
    from regimes.claim import Claim


@click.command("list")
@claims_option
@json_option
def list_claims(folder: str | None, as_json: bool) -> int:
    """Every claim: id, kind, paper, axes, controls."""
    from regimes.index import documents

    claims = documents(folder)
    if as_json:
        print_json({"claims": claims})
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


@click.command()
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
        print_json({"claim": named[0]} if len(named) == 1 else {"claims": named})
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


@click.command()
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
    claims = claims_of(folder, [identifier])
    if len(claims) != 1:
        raise click.UsageError(
            f"{identifier!r} names {len(claims)} claims; check takes one of {', '.join(c.id for c in claims)}"
        )
    settings, profile = settings_of(given, workers)
    if error is not None and not 0 < error < 1:
        raise click.UsageError(f"--error lies between 0 and 1; got {error}")
    if control is not None and subject is not None:
        raise click.UsageError("--control brings its own subject; leave out --subject")
    claim = claims[0]
    at = usage(lambda: _coordinates(claim, pairs))
    tested = None
    if subject is not None:
        from regimes.subjects.foreign import load_subject

        tested = load_subject(subject)
    from regimes import checking

    rows = []
    if control is not None:
        rows.append(usage(lambda: checking.check_control(claim, control, at, error, settings, profile)))
    else:
        rows.append(checking.check_claim(claim, at, error, settings, profile, tested))
        if all_controls:
            rows += [checking.check_control(claim, name, {}, error, settings, profile) for name in claim.controls]
    if as_json:
        print_json({"claim": claim.id, "checks": [row.as_dict() for row in rows]})
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


COMMANDS = (list_claims, show, check)
