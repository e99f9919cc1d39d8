"""What a report shows, gathered from a store into one object per claim; plain data, no drawing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from regimes.errors import RegimesError
from regimes.sweep import slack

VERDICTS = ("holds", "refuted", "undecided")
Cell = dict[str, Any]


class ReportError(RegimesError):
    """A report that cannot be written; the message is one sentence with the mend."""


class Source(Protocol):
    """What a report reads from a store."""

    def claims(self) -> list[dict[str, Any]]: ...  # noqa: D102
    def cells(self, claim_id: str) -> list[Cell]: ...  # noqa: D102
    def controls(self, claim_id: str) -> list[dict[str, Any]]: ...  # noqa: D102
    def thresholds(self, claim_id: str) -> list[dict[str, Any]]: ...  # noqa: D102
    def stale(self, claim_id: str) -> Any: ...  # noqa: D102
    def runs(self) -> list[dict[str, Any]]: ...  # noqa: D102


@dataclass(frozen=True)
class Map:
    """One map of a claim: the cells of one subject, seed and settings over two axes.

    Attributes:
        x, y: names of the axes; y is empty for a map of one row.
        xs, ys: coordinates on them, in order; a map of one row has the y coordinate "".
        cells: cells by (x, y).
        fixed: coordinates on the other axes.
        subject, seed, settings: what the cells have in common.
        labels: labels of the axes by name.
        rows: slack, row by row; empty if the premise draws no line on x.
        side: `least` if the premise asks for a large x, `most` for a small one.
        thresholds: the measured thresholds along x or y in its rows or columns, as `Store.thresholds` gives them.
    """

    x: str
    y: str
    xs: tuple[Any, ...]
    ys: tuple[Any, ...]
    cells: Mapping[tuple[Any, Any], Cell]
    fixed: Mapping[str, Any]
    subject: str
    seed: int
    settings: Mapping[str, Any]
    labels: Mapping[str, str]
    rows: tuple[slack.Row, ...]
    side: str
    thresholds: tuple[Mapping[str, Any], ...] = ()

    def bounds(self, name: str) -> list[tuple[Any, float]]:
        """`premise_boundary` or `exact_boundary` at every y that has one, from the first row up."""
        found = []
        for y in self.ys:
            value = next((cell[name] for x in self.xs if (cell := self.cells.get((x, y))) and cell[name] is not None), None)
            if value is not None:
                found.append((y, float(value)))
        return found

    @property
    def inside(self) -> int:
        """Number of cells at which the theorem promises its conclusion."""
        return sum(cell["inside"] for cell in self.cells.values())

    def slack_of(self, cell: Cell) -> float | None:
        """The x that the theorem asks for over the cell's own (turned round for upper bounds)."""
        asked, own = cell["premise_boundary"], cell["case"].get(self.x)
        if asked is None or isinstance(own, (str, bool)) or not own or own <= 0 or asked <= 0:
            return None
        return asked / own if self.side == "least" else own / asked


def is_vacuous(cell: Cell) -> bool:
    """Whether the claim says that its bound is vacuous at a cell."""
    return bool((cell["evidence"].get("details") or {}).get("vacuous"))


@dataclass
class View:
    """One claim's page.

    Attributes:
        claim: the claim's document.
        maps: its maps, the one with most cells first.
        cells: the cells of its own subjects; all cells if it has none of those.
        others: the cells of other people's code.
        thresholds: where along an axis the claim turns, as `Store.thresholds` gives them.
        controls: what became of the controls, in the claim's order; one that was not tried has no witness.
        stale: number of cells of another version of the claim.
        runs: the runs that its cells and controls come from.
    """

    claim: dict[str, Any]
    maps: list[Map]
    cells: list[Cell]
    controls: list[dict[str, Any]]
    stale: int
    runs: list[dict[str, Any]] = field(default_factory=list)
    others: list[Cell] = field(default_factory=list)
    thresholds: list[dict[str, Any]] = field(default_factory=list)

    @property
    def page(self) -> str:
        """The page's path inside the report."""
        return f"claims/{self.claim['id']}.html"

    @property
    def erratum(self) -> dict[str, Any] | None:
        """What is wrong with the published statement."""
        return self.claim.get("erratum") or None

    def count(self, verdict: str, inside: bool) -> int:
        """Cells of a verdict inside, or outside, the premise."""
        return sum(cell["verdict"] == verdict and cell["inside"] == inside for cell in self.cells)

    @property
    def subjects(self) -> dict[str, dict[str, int]]:
        """Promised cells by verdict for every subject that is not the claim's own, in order of names."""
        found: dict[str, dict[str, int]] = {}
        for cell in sorted(self.others, key=lambda one: one["subject"]):
            if cell["inside"]:
                counts = found.setdefault(cell["subject"], dict.fromkeys(VERDICTS, 0))
                counts[cell["verdict"]] += 1
        return found

    @property
    def promised(self) -> int:
        """Cells at which the theorem promises its conclusion."""
        return sum(cell["inside"] for cell in self.cells)

    @property
    def verdict(self) -> str:
        """`refuted` if one promised cell is, `holds` if others hold, `undecided` if none does, else `unpromised`."""
        if not self.promised:
            return "unpromised"
        return next((verdict for verdict in ("refuted", "holds") if self.count(verdict, True)), "undecided")

    @property
    def summary(self) -> str:
        """The verdict in a few words."""
        if not self.cells:
            return "not mapped yet"
        if not self.promised:
            return "nothing promised on this map"
        count = self.count(self.verdict, True)
        return f"{self.verdict} in {'all ' if count == self.promised else f'{count} of '}{self.promised} promised cells"

    @property
    def killed(self) -> int:
        """Controls on which the claim was refuted."""
        return sum(control["verdict"] == "killed" for control in self.controls)

    @property
    def survived(self) -> int:
        """Controls on which the claim was not refuted."""
        return sum(control["verdict"] == "survived" for control in self.controls)

    @property
    def untried(self) -> int:
        """Controls that the store knows nothing of."""
        return sum(control["verdict"] == "not tried" for control in self.controls)

    @property
    def witness(self) -> dict[str, Any] | None:
        """The erratum's witness: what became of the control that encodes the published statement."""
        name = (self.erratum or {}).get("control")
        return next((one for one in self.controls if one["name"] == name and one["witness"]), None)

    @property
    def slacks(self) -> list[float]:
        """Measured slack of the first map's rows."""
        return [row.slack for row in self.maps[0].rows if row.slack is not None] if self.maps else []

    @property
    def exact_slacks(self) -> list[float]:
        """Slack against the exact boundary of the first map's rows."""
        return [row.slack_exact for row in self.maps[0].rows if row.slack_exact is not None] if self.maps else []

    @property
    def vacuous(self) -> int:
        """Rows of the first map in which no cell meets the premise."""
        return sum(row.vacuous for row in self.maps[0].rows) if self.maps else 0


def views(source: Source, claims: Iterable[str] | None = None) -> list[View]:
    """A view of every claim of a store, or of those named, in order of their papers and ids.

    Raises:
        ReportError: the store has no such claim, or none of them has a cell.
    """
    documents = sorted(source.claims(), key=lambda one: one["id"])
    if claims is not None:
        wanted = set(claims)
        missing = sorted(wanted - {one["id"] for one in documents})
        if missing:
            raise ReportError(f"the store has no claim {missing[0]!r}; run `regimes map {missing[0]}` into it first")
        documents = [one for one in documents if one["id"] in wanted]
    runs = {run["id"]: run for run in source.runs()}
    found = [_view(source, document, runs) for document in documents]
    if not any(view.cells or view.thresholds for view in found):
        raise ReportError("the store has no cell to report; run `regimes map` into it first")
    return found


def _view(source: Source, claim: dict[str, Any], runs: Mapping[str, dict[str, Any]]) -> View:
    """One claim's view."""
    cells = [{"seed": 0, "settings": {}, **cell, "inside": bool(cell["inside"])} for cell in source.cells(claim["id"])]
    own = [cell for cell in cells if _is_own(claim, cell)]
    others = [cell for cell in cells if not _is_own(claim, cell)] if own else []
    outcomes = source.controls(claim["id"])
    tried = {one["control"]: one for one in outcomes}
    controls = []
    for control in claim.get("controls") or []:
        outcome = tried.get(control["name"], {})
        known = {name: outcome.get(name) for name in ("evidence", "seconds", "run", "cases")}
        witness = outcome.get("witness", outcome.get("case"))
        verdict = outcome.get("verdict", "not tried")
        controls.append({**control, **known, "verdict": verdict, "witness": witness})
    stale = source.stale(claim["id"])
    thresholds = source.thresholds(claim["id"])
    used = {one.get("run") for one in [*cells, *outcomes, *thresholds]}
    made = [run for name, run in runs.items() if name in used]
    maps = [*_maps(claim, own or cells, thresholds), *_maps(claim, others, thresholds)]
    return View(claim, maps, own or cells, controls, stale if isinstance(stale, int) else len(stale), made, others, thresholds)


def _is_own(claim: dict[str, Any], cell: Cell) -> bool:
    """Whether a cell was decided on the claim's own subject."""
    return "subject" not in claim or cell["subject"] == claim["subject"]


def _maps(claim: dict[str, Any], cells: list[Cell], thresholds: list[dict[str, Any]]) -> list[Map]:
    """Cells grouped by subject, seed, settings and the coordinates that a map holds fixed."""
    names = [axis["name"] for axis in claim["axes"]]
    grid = claim.get("grid") or {"x": names[0], "y": names[1] if len(names) > 1 else ""}
    x, y = grid["x"], grid["y"] or ""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        fixed = sorted((name, value) for name, value in cell["case"].items() if name not in (x, y))
        key = repr((cell["subject"], cell["seed"], sorted(cell["settings"].items()), fixed))
        groups.setdefault(key, []).append(cell)
    maps = [_map(claim, group, x, y, thresholds) for _, group in sorted(groups.items())]
    return sorted(maps, key=lambda one: -len(one.cells))


def _map(claim: dict[str, Any], group: list[Cell], x: str, y: str, thresholds: list[dict[str, Any]]) -> Map:
    """The map of one group of cells, with the thresholds that were measured under the same conditions."""
    placed = {(cell["case"][x], cell["case"][y] if y else ""): cell for cell in group}
    ordered = [placed[key] for key in sorted(placed, key=lambda key: (_rank(key[1]), _rank(key[0])))]
    lined = any(cell["premise_boundary"] is not None for cell in group)
    first = group[0]
    xs, ys = (tuple(sorted({key[k] for key in placed}, key=_rank)) for k in (0, 1))
    fixed = {name: value for name, value in first["case"].items() if name not in (x, y)}
    # What a threshold's row says of the other axis is in the map, and nothing else differs.
    rows = [{**fixed, y: at} for at in ys] if y else [fixed]
    wanted = {x: rows, y: [{**fixed, x: at} for at in xs]}
    alike = [one for one in thresholds if all(one[name] == first[name] for name in ("subject", "seed", "settings"))]
    return Map(
        x=x,
        y=y,
        xs=xs,
        ys=ys,
        cells=placed,
        fixed=fixed,
        subject=first["subject"],
        seed=first["seed"],
        settings=first["settings"],
        labels={axis["name"]: axis.get("label") or axis["name"] for axis in claim["axes"]},
        rows=tuple(slack.rows(ordered, x)) if lined else (),
        side=slack.side_of(ordered, x),
        thresholds=tuple(one for one in alike if one["row"] in wanted.get(one["axis"], [])),
    )


def _rank(value: Any) -> tuple[bool, Any]:
    return (isinstance(value, str), value)
