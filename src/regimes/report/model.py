"""What a report shows of a claim, gathered from the store into one object per page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from regimes.errors import RegimesError
from regimes.sweep import slack

VERDICTS = ("holds", "refuted", "undecided")


class ReportError(RegimesError):
    """A report that cannot be written; the message is one sentence."""


class Source(Protocol):
    """What a report reads from a store; see `regimes.sweep.store.Store` for the rows."""

    def claims(self) -> list[dict[str, Any]]:
        """Documents of all claims."""
        ...

    def cells(self, claim_id: str) -> list[dict[str, Any]]:
        """Cells of a claim's present version."""
        ...

    def controls(self, claim_id: str) -> list[dict[str, Any]]:
        """What became of its controls."""
        ...

    def stale(self, claim_id: str) -> int:
        """Number of cells of its earlier versions."""
        ...

    def runs(self) -> list[dict[str, Any]]:
        """All runs with their provenance."""
        ...


@dataclass(frozen=True)
class Map:
    """One map of a claim: its cells for one subject, seed and settings, over two axes.

    Attributes:
        x, y: names of the axes.
        xs, ys: coordinates on them, in order.
        cells: cells by (x, y).
        fixed: coordinates on the other axes.
        subject: the subject.
        labels: labels of the axes.
    """

    x: str
    y: str
    xs: tuple[Any, ...]
    ys: tuple[Any, ...]
    cells: Mapping[tuple[Any, Any], dict[str, Any]]
    fixed: Mapping[str, Any]
    subject: str
    labels: Mapping[str, str]


@dataclass
class View:
    """One claim's page.

    Attributes:
        claim: the claim's document.
        maps: its maps, the one with most cells first.
        cells: all cells.
        controls: what became of the controls, in the claim's order; a control that was not tried has no verdict.
        slack: slack rows of the first map.
        stale: cells of another version of the claim.
        provenance: of the run that made the newest cell.
    """

    claim: dict[str, Any]
    maps: list[Map]
    cells: list[dict[str, Any]]
    controls: list[dict[str, Any]]
    slack: list[slack.Row]
    stale: int
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The claim's id within its paper."""
        return self.claim["id"].split("/")[1]

    @property
    def page(self) -> str:
        """The page's path inside the report."""
        return f"claims/{self.claim['id']}.html"

    def count(self, verdict: str, inside: bool) -> int:
        """Cells of a verdict inside, or outside, the premise."""
        return sum(cell["verdict"] == verdict and cell["inside"] == inside for cell in self.cells)

    @property
    def verdict(self) -> str:
        """The claim's verdict on its map: refuted if a cell inside the premise is, else holds if one is, else undecided."""
        for verdict in ("refuted", "holds"):
            if self.count(verdict, True):
                return verdict
        return "undecided"

    @property
    def summary(self) -> str:
        """The verdict in a few words, with the reason where no cell of the map is promised anything."""
        if self.cells and not any(cell["inside"] for cell in self.cells):
            return "nothing promised on this map"
        return self.verdict

    @property
    def killed(self) -> int:
        """Controls on which the claim was refuted."""
        return sum(control["verdict"] == "killed" for control in self.controls)

    @property
    def witness(self) -> dict[str, Any] | None:
        """The erratum's witness: that of the control which encodes the published statement."""
        name = (self.claim["erratum"] or {}).get("control")
        return next((one for one in self.controls if one["name"] == name and one["witness"]), None)

    @property
    def slack_range(self) -> str:
        """Smallest and largest slack, as text."""
        found = [row.slack_exact if row.slack_exact is not None else row.slack for row in self.slack]
        values = sorted(value for value in found if value is not None)
        if not values:
            return ""
        return f"{values[0]:.3g}" if values[0] == values[-1] else f"{values[0]:.3g} to {values[-1]:.3g}"


def views(source: Source) -> list[View]:
    """A view of every claim of a store; ReportError if it has no cell."""
    runs = {run["id"]: run for run in source.runs()}
    found = []
    for claim in source.claims():
        cells = source.cells(claim["id"])
        maps = _maps(claim, cells)
        tried = {one["control"]: one for one in source.controls(claim["id"])}
        nothing = {"verdict": "not tried", "witness": None, "evidence": None}
        controls = [{**control, **nothing, **tried.get(control["name"], {})} for control in claim["controls"]]
        rows = _slack(maps[0]) if maps else []
        last = runs.get(cells[-1]["run"], {}) if cells else {}
        found.append(View(claim, maps, cells, controls, rows, source.stale(claim["id"]), last.get("provenance", {})))
    if not any(view.cells for view in found):
        raise ReportError("the store has no cell to report; run `regimes map` into it first")
    return found


def _slack(one: Map) -> list[slack.Row]:
    """Slack of a map's rows in the order of its y axis, none if the premise has no boundary on the x axis."""
    cells = list(one.cells.values())
    if all(cell["premise_boundary"] is None for cell in cells):
        return []
    return sorted(slack.rows(cells, one.x), key=lambda row: one.ys.index(row.fixed[one.y]))


def _maps(claim: dict[str, Any], cells: list[dict[str, Any]]) -> list[Map]:
    """Cells grouped by subject and by the coordinates that a map holds fixed."""
    names = [axis["name"] for axis in claim["axes"]]
    grid = claim["grid"] or {"x": names[0], "y": names[-1]}
    labels = {axis["name"]: axis["label"] for axis in claim["axes"]}
    groups: dict[str, list[dict[str, Any]]] = {}
    for cell in cells:
        fixed = {name: value for name, value in cell["case"].items() if name not in (grid["x"], grid["y"])}
        groups.setdefault(repr((cell["subject"], cell["seed"], cell["settings"], sorted(fixed.items()))), []).append(cell)
    maps = []
    for group in groups.values():
        xs, ys = ({cell["case"][grid[side]] for cell in group} for side in "xy")
        first = group[0]["case"]
        maps.append(
            Map(
                grid["x"], grid["y"], _ordered(xs), _ordered(ys),
                {(cell["case"][grid["x"]], cell["case"][grid["y"]]): cell for cell in group},
                {name: value for name, value in first.items() if name not in (grid["x"], grid["y"])},
                group[0]["subject"], labels,
            )
        )
    return sorted(maps, key=lambda one: -len(one.cells))


def _ordered(values: set[Any]) -> tuple[Any, ...]:
    return tuple(sorted(values, key=lambda value: (isinstance(value, str), value)))
