"""Pages: what a template is given, and the environment that escapes everything that comes from data."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from regimes.kinds import OF_A_SHARE
from regimes.report import export, figure, formats, formulas
from regimes.report.calibration import Calibration
from regimes.report.model import VERDICTS, Cell, Map, View
from regimes.sweep import bracket

ASSETS = Path(__file__).parent / "assets"
SHARED = ("page.css", "page.js", "index.js", "map.js")
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
        environment.filters |= {
            "mathml": formulas.mathml,
            "inline_math": formulas.inline,
            "number": formats.number,
            "case": formats.case,
            "factor": formats.factor,
            "interval": formats.interval,
        }
        self._environment = environment

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
            views=views,
            papers=papers,
            thumbnails={view.page: Markup(figure.thumbnail(view.maps[0])) for view in views if view.maps},
            ranges={view.page: slack_range(view) for view in views},
            runs=provenance(list(runs.values())),
            totals={
                (verdict, inside): sum(view.count(verdict, inside) for view in views)
                for verdict in VERDICTS
                for inside in (True, False)
            },
            killed=sum(view.killed for view in views),
            controls=sum(len(view.controls) for view in views),
            subjects=sorted({name for view in views for name in view.subjects}),
            thresholds=any(view.thresholds for view in views),
            root="",
        )

    def claim(
        self,
        view: View,
        drawings: list[str],
        names: list[str],
        panels: list[dict[str, Any]],
        around: tuple[View | None, View | None],
        extras: list[Extra],
    ) -> str:
        """One claim's page.

        Arguments:
            view: the claim.
            drawings: SVG of its maps.
            names: paths of their figures without ending.
            panels: what the page's script knows of them.
            around: the claims before and after it.
            extras: further figures.
        """
        maps = [
            {
                "map": one,
                "svg": Markup(drawing),
                "data": Markup(export.for_script(data)),
                "place": place(one, first_cell(one)),
                "caption": caption(one),
                "figure": name,
                "layers": layers(one),
            }
            for one, drawing, name, data in zip(view.maps, drawings, names, panels, strict=True)
        ]
        return self._render(
            "claim.html.j2",
            view=view,
            claim=view.claim,
            maps=maps,
            extras=[(one, Markup(one.svg)) for one in extras],
            ranges=slack_range(view),
            thresholds=thresholds(view),
            marked=any(one.thresholds for one in view.maps),
            commands=commands(view, first_cell(view.maps[0]) if view.maps else None),
            runs=provenance(view.runs),
            before=around[0],
            after=around[1],
            root="../../",
        )

    def calibration(self, found: Calibration | None, drawing: str) -> str:
        """The page of the rules' measured error rates.

        Arguments:
            found: the measurements, None if none were given.
            drawing: their figure.
        """
        sections, shipped, bad = [], [], []
        if found:
            shipped, bad = [row for row in found.rows if row.expected == "sound"], found.of("wrong", "rejected")
            sections = [
                ("Wrong verdicts", "The measured rate must not exceed the declared one.", found.of("wrong"), "≤"),
                ("Kills of a stated effect", "The measured rate must reach the promised one.", found.of("kill"), "≥"),
                ("Rules that must be rejected", "Rules of well-known suites, whose declared rates are wrong. They judge no "
                 "claim; that the measurement rejects them shows that it has teeth.", bad, "≤"),
            ]  # fmt: skip
        return self._render(
            "calibration.html.j2",
            found=found,
            drawing=Markup(drawing),
            sections=sections,
            agreeing=sum(row.passed for row in [*shipped, *bad]),
            sound=sum(row.passed for row in shipped),
            total_sound=len(shipped),
            rejected=sum(row.passed for row in bad),
            total_bad=len(bad),
            root="",
        )

    def _render(self, template: str, **values: Any) -> str:
        page = self._environment.get_template(template).render(**values)
        return formats.printable(page.rstrip()) + "\n"


def shared() -> dict[str, str]:
    """Style and scripts of all pages, by their paths inside the report."""
    return {f"assets/{name}": (ASSETS / name).read_text(encoding="utf-8") for name in SHARED}


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


def evidence(one: Map, cell: Cell, kind: str) -> list[tuple[str, str]]:
    """What was measured at a cell, as labelled lines; `kind` is the claim's, which says what a margin is of."""
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
        *_margin(found, kind),
        ("Premise", _line(one, cell, "premise_boundary")),
        ("Exact boundary", _line(one, cell, "exact_boundary")),
        ("Drawn by", f"{cell['subject']}" + (f" ({drawn})" if drawn else "") + f", {formats.seconds(cell['seconds'])}"),
    ]  # fmt: skip
    return [(label, text) for label, text in rows if text]


def _margin(found: dict[str, Any], kind: str) -> list[tuple[str, str]]:
    """What may end either way, and what would have been seen."""
    if kind in OF_A_SHARE:
        label, text = "Share", ": violations in a smaller share of all networks may go unseen"
        departure = ": violations in this share would have been seen"
    else:
        label, text = "Margin", ": a truth this close to the claimed value may end either way"
        departure = ": a departure of this size would have been refuted"
    if kind == "empirical":
        text = " in probability: a median outside its range by less may end either way"
        departure = " in probability: a median this far outside would have been refuted"
    seen = found.get("detectable")
    detectable = "" if seen is None else f"{formats.number(seen, 3)}{departure} with probability 0.95"
    return [(label, f"{formats.number(found.get('margin'))}{text}"), ("Detectable", detectable)]


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


def provenance(runs: list[dict[str, Any]]) -> list[list[tuple[str, str]]]:
    """Provenance as labelled lines, once for all runs that share it; nested groups are on one line each."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault(repr(sorted((run.get("provenance") or {}).items())), []).append(run)
    found = []
    for alike in groups.values():
        rows = []
        for label, value in sorted((alike[0].get("provenance") or {}).items()):
            if isinstance(value, dict):
                value = ", ".join(f"{name} {one}" for name, one in sorted(value.items()))
            if value not in (None, ""):
                rows.append((label.replace("_", " "), formats.number(value)))
        ends = [(run["id"], run.get("started") or "start unknown", run.get("finished") or "interrupted") for run in alike]
        told = "; ".join(f"{name}, {start} to {end}" for name, start, end in ends)
        found.append([*rows, ("run" if len(alike) == 1 else "runs", told)])
    return found
