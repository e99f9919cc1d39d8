"""Pages: what a template is given, and the environment that escapes everything that comes from data."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from regimes.report import export, figure, formats, formulas
from regimes.report.model import Cell, Map, View
from regimes.sweep import bracket

ASSETS = Path(__file__).parent / "assets"
PROMISED, UNPROMISED = " where it is promised", ", outside the premise: nothing is promised here"
MODULE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class Extra:
    """A further figure of a claim's page.

    Attributes:
        heading: what it shows.
        svg: the drawing.
        name: path of its files without ending.
        ratios: names of bounds, with their ratios to what was measured.
    """

    heading: str
    svg: str
    name: str
    ratios: list[tuple[str, str]]


class Pages:
    """Renders the index and the claims' pages."""

    def __init__(self) -> None:
        environment = Environment(
            loader=PackageLoader("regimes.report"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals["style"] = Markup((ASSETS / "page.css").read_text(encoding="utf-8"))
        environment.filters |= {
            "mathml": formulas.mathml,
            "inline_math": formulas.inline,
            "number": formats.number,
            "case": formats.case,
            "factor": formats.factor,
            "interval": formats.interval,
        }
        self._environment = environment
        self._scripts = {name: (ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in ("map", "filter")}

    def index(self, views: list[View]) -> str:
        """The index of all claims.

        Arguments:
            views: the claims, in order.
        """
        papers: dict[str, list[View]] = {}
        for view in views:
            papers.setdefault(view.claim["paper"]["key"], []).append(view)
        runs = {run["id"]: run for view in views for run in view.runs}
        return self._render(
            "index.html.j2",
            "filter",
            views=views,
            papers=papers,
            thumbnails={view.page: Markup(figure.thumbnail(view.maps[0])) for view in views if view.maps},
            ranges={view.page: slack_range(view) for view in views},
            runs=[(run, provenance(run)) for run in runs.values()],
            subjects=sorted({name for view in views for name in view.subjects}),
            root="",
        )

    def claim(
        self,
        view: View,
        drawings: list[str],
        names: list[str],
        around: tuple[View | None, View | None],
        extras: list[Extra],
    ) -> str:
        """One claim's page.

        Arguments:
            view: the claim.
            drawings: SVG of its maps.
            names: paths of their figures without ending.
            around: the claims before and after it.
            extras: further figures.
        """
        maps = [
            {
                "map": one,
                "svg": Markup(drawing),
                "data": Markup(export.for_script(panel(view, one))),
                "evidence": evidence(one, first_cell(one)),
                "chosen": first_cell(one),
                "place": place(one, first_cell(one)),
                "caption": caption(one),
                "figure": name,
                "layers": layers(one),
            }
            for one, drawing, name in zip(view.maps, drawings, names, strict=True)
        ]
        return self._render(
            "claim.html.j2",
            "map",
            view=view,
            claim=view.claim,
            maps=maps,
            extras=[(one, Markup(one.svg)) for one in extras],
            ranges=slack_range(view),
            thresholds=thresholds(view),
            commands=commands(view, first_cell(view.maps[0]) if view.maps else None),
            runs=[(run, provenance(run)) for run in view.runs],
            before=around[0],
            after=around[1],
            root="../../",
        )

    def _render(self, template: str, script: str, **values: Any) -> str:
        code = self._scripts[script]
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        page = self._environment.get_template(template).render(script=Markup(code), script_hash=digest, **values)
        return page.rstrip() + "\n"


def slack_range(view: View) -> str:
    """The slack of a claim in a few words."""
    against = view.exact_slacks or view.slacks
    text = formats.ratio_range(against)
    if view.vacuous and view.maps:
        rows = len(view.maps[0].rows)
        text += ("; " if text else "") + (f"vacuous in {view.vacuous} of {rows} rows" if view.vacuous < rows else "vacuous")
    return text


def caption(one: Map) -> str:
    """Subject, fixed coordinates, seed and settings of a map, on one line."""
    settings = ", ".join(f"{name} {formats.number(value)}" for name, value in sorted(one.settings.items()))
    parts = [one.subject, formats.case(one.fixed), f"seed {one.seed}", settings]
    return "; ".join(part for part in parts if part)


def subtitle(view: View, one: Map) -> str:
    """Paper, reference, fixed coordinates and subject, for a figure that stands alone."""
    authors = [author.split()[-1] for author in view.claim["paper"]["authors"] if author.split()]
    who = " & ".join(authors) if len(authors) < 3 else f"{authors[0]} et al."
    parts = [f"{who} ({view.claim['paper']['year']})", view.claim["reference"], formats.case(one.fixed), one.subject]
    return "; ".join(part for part in parts if part)


def first_cell(one: Map) -> Cell:
    """The cell whose evidence is shown at first: a refuted promise, else an undecided one, else the tightest that holds."""
    cells = [one.cells[(x, y)] for y in one.ys for x in one.xs if (x, y) in one.cells]
    for verdict, inside in (("refuted", True), ("undecided", True)):
        for cell in cells:
            if cell["verdict"] == verdict and cell["inside"] == inside:
                return cell
    promised = [cell for cell in cells if cell["inside"]] or cells
    return max(promised, key=lambda cell: cell["evidence"]["replicates"] or 0)


def place(one: Map, cell: Cell) -> tuple[int, int]:
    """Column and row of a cell, rows counted from the bottom."""
    return one.xs.index(cell["case"][one.x]), one.ys.index(cell["case"][one.y] if one.y else "")


def evidence(one: Map, cell: Cell) -> list[tuple[str, str]]:
    """What was measured at a cell, as labelled lines."""
    found = cell["evidence"]
    details = found.get("details") or {}
    number, discarded = formats.number, found.get("discarded") or 0
    drawn = ", ".join(f"{name} {details[name]}" for name in ("sampler", "device", "dtype", "block") if details.get(name))
    target = "" if found.get("target") is None else f", claimed {number(found['target'])}"
    lost = f", {number(discarded)} observations that could not be tested left out" if discarded else ""
    rows = [
        ("Case", formats.case(cell["case"])),
        ("Verdict", cell["verdict"] + (PROMISED if cell["inside"] else UNPROMISED)),
        ("Reason", found.get("reason") or ""),
        ("Estimate", number(found.get("estimate"), 6) + target),
        ("Interval", formats.interval(found.get("interval"))),
        ("Replicates", number(found["replicates"]) + lost),
        ("Error budget", f"{number(found.get('error'), 2)}: either wrong verdict is at most this likely"),
        ("Margin", f"{number(found.get('margin'))}: a truth this close to the claimed value may end either way"),
        ("Detectable", "" if found.get("detectable") is None
            else f"{number(found['detectable'], 3)}: a departure of this size would have been refuted with probability 0.95"),
        ("Premise", _line(one, cell, "premise_boundary")),
        ("Exact boundary", _line(one, cell, "exact_boundary")),
        ("Drawn by", f"{cell['subject']}" + (f" ({drawn})" if drawn else "") + f", {formats.seconds(cell['seconds'])}"),
    ]  # fmt: skip
    return [(label, text) for label, text in rows if text]


def _line(one: Map, cell: Cell, name: str) -> str:
    value = cell[name]
    if value is None:
        return ""
    return f"{one.x} {'≥' if one.side == 'least' else '≤'} {formats.number(float(value), 5)} here"


def layers(one: Map) -> list[str]:
    """What the cells of a map can show."""
    cells = list(one.cells.values())
    found = ["verdict"]
    if any(cell["evidence"].get("estimate") is not None for cell in cells):
        found.append("estimate")
    found.append("replicates")
    if any(one.slack_of(cell) is not None for cell in cells):
        found.append("slack")
    return found


def panel(view: View, one: Map) -> dict[str, Any]:
    """What the page's script knows of a map: texts made here, and the numbers of the layers."""
    cells = {}
    for (x, y), cell in one.cells.items():
        found = cell["evidence"]
        reach = f" {formats.interval(found.get('interval'))}" if found.get("interval") else ""
        ratio = one.slack_of(cell)
        cells["{},{}".format(*place(one, cell))] = {
            "name": figure.name(one, x, y),
            "verdict": cell["verdict"],
            "tip": [f"{formats.number(found.get('estimate'))}{reach}", f"{formats.number(found['replicates'])} replicates"],
            "rows": evidence(one, cell),
            "estimate": found.get("estimate"),
            "replicates": found["replicates"],
            "slack": ratio,
            "check": commands(view, cell)[1],
        }
    return {"columns": len(one.xs), "rows": len(one.ys), "cells": cells}


def thresholds(view: View) -> list[dict[str, Any]]:
    """The claim's measured thresholds as tables: axis, what their rows have in common, and one row of text each."""
    found = []
    for group in bracket.groups(view.thresholds):
        first, common, number = group[0], bracket.shared(group), formats.number
        rows = [
            {
                "row": formats.case(bracket.own(one, common)),
                "numbers": [number(one[name], 6) for name in ("refuted", "holds", "premise_boundary", "exact_boundary")],
                "ratio": formats.factor(bracket.ratio(one)),
                "replicates": number(one["replicates"]),
                "error": number(one["error"], 2),
                "remark": bracket.remark(one),
            }
            for one in group
        ]
        settings = ", ".join(f"{name} {number(value)}" for name, value in sorted(first["settings"].items()))
        about = [first["subject"], formats.case(common), f"{first['axis']} in {first['coordinates']}",
                 f"seed {first['seed']}", settings]  # fmt: skip
        found.append({"axis": first["axis"], "least": first["side"] == "least", "rows": rows,
                      "about": "; ".join(part for part in about if part)})  # fmt: skip
    return found


def commands(view: View, cell: Cell | None) -> tuple[str, str]:
    """The command lines that make the map, and one cell, again.

    Arguments:
        view: the claim.
        cell: the cell, None if there is none.
    """
    name = shlex.quote(view.claim["id"])
    if cell is None:
        return f"regimes map {name} --store maps.sqlite", f"regimes check {name}"
    options = [f"--seed {cell['seed']}"] if cell["seed"] else []
    settings, known = cell["settings"], {"dtype": "float32", "alpha": 1e-6, "device": None}
    options += [f"--{key} {shlex.quote(str(settings[key]))}" for key in known if settings.get(key) not in (None, known[key])]
    options += ["--sampler direct"] if "sampler" not in settings else []  # as `settings_key` has it
    case = [f"--case {shlex.quote(f'{axis}={value}')}" for axis, value in cell["case"].items()]
    other = cell["subject"] != view.claim.get("subject") and MODULE.fullmatch(cell["subject"])
    subject = [f"--subject {shlex.quote(cell['subject'])}"] if other else []
    tail = [*options, f"--error {cell['evidence']['error']!r}"] if cell["evidence"].get("error") else options
    return (
        " ".join([f"regimes map {name} --store maps.sqlite", *options]),
        " ".join([f"regimes check {name}", *case, *subject, *tail]),
    )


def provenance(run: dict[str, Any]) -> list[tuple[str, str]]:
    """A run's provenance as labelled lines, nested groups on one line each."""
    rows = []
    for label, value in sorted((run.get("provenance") or {}).items()):
        if isinstance(value, dict):
            value = ", ".join(f"{name} {one}" for name, one in sorted(value.items()))
        if value not in (None, ""):
            rows.append((label.replace("_", " "), formats.number(value)))
    ended = run.get("finished") or "interrupted"
    return [*rows, ("run", f"{run['id']}, {run.get('started') or 'start unknown'} to {ended}")]
