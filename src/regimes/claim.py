"""The vocabulary of a claim: Paper, claim, Control, Grid, Erratum, and the checks that let a claim load."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from regimes.axes import Axis
from regimes.case import Case, Value
from regimes.errors import ClaimError
from regimes.kinds import Empirical, Kind, Scaling
from regimes.normal_form import text_of
from regimes.picture import Picture
from regimes.premise import Premise, Threshold, always, at_least, at_most, where

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = [
    "Claim", "ClaimError", "Control", "Erratum", "Grid", "Paper", "Picture",
    "always", "at_least", "at_most", "claim", "where",
]  # fmt: skip

# Since 2007, as in 1901.03611v2, and before, as in math.PR/0601001.
ARXIV = re.compile(r"(\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7})(v\d+)?")

Subject = Callable[..., Any]
Observable = Callable[[Any, Case], Any]


@dataclass(frozen=True, kw_only=True)
class Paper:
    """The source of claims.

    Attributes:
        key: `<firstauthor><year><word>`, the first half of a claim's id.
        title, authors, year: the citation.
        venue: where it was published, if known.
        arxiv: arXiv identifier, as in `1901.03611`.
        doi: digital object identifier, from `10.` on.
        link: where it can be read if it has neither, from `https://` on.

    Raises:
        ClaimError: authors that are one text, an arXiv id or DOI with its address before it, a link that is no address.
    """

    key: str
    title: str
    authors: tuple[str, ...]
    year: int
    venue: str = ""
    arxiv: str = ""
    doi: str = ""
    link: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.authors, str):
            raise ClaimError(f"the authors of {self.key} are one text; write a tuple, as in authors=({self.authors!r},)")
        if self.arxiv and not ARXIV.fullmatch(self.arxiv):
            raise ClaimError(f"the arXiv id of {self.key} is {self.arxiv!r}; write it bare, as in arxiv='1901.03611'")
        if self.doi and not self.doi.startswith("10."):
            raise ClaimError(f"the doi of {self.key} is {self.doi!r}; write it bare, as in doi='10.1109/TIT.2010.2094817'")
        if self.link and not self.link.startswith(("https://", "http://")):
            raise ClaimError(f"the link of {self.key} is {self.link!r}; write the whole address, from https:// on")

    @property
    def url(self) -> str:
        """Where the paper can be read."""
        return (
            f"https://doi.org/{self.doi}" if self.doi else f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else self.link
        )

    @property
    def citation(self) -> str:
        """Authors, title, year and identifier on one line."""
        tail = f"arXiv {self.arxiv}" if self.arxiv else self.doi or self.link
        parts = [", ".join(self.authors), self.title, self.venue, tail]
        return ". ".join(part for part in parts if part) + f" ({self.year})."

    def bibtex(self) -> str:
        """The paper as a BibTeX entry."""
        rows = {"title": "{" + self.title + "}", "author": " and ".join(self.authors), "year": str(self.year)}
        if self.venue:
            rows["journal"] = self.venue
        if self.arxiv:
            rows |= {"eprint": self.arxiv, "archivePrefix": "arXiv"}
        if self.doi:
            rows["doi"] = self.doi
        if self.link:
            rows["url"] = self.link
        body = ",\n".join(f"  {name} = {{{value}}}" for name, value in rows.items())
        return f"@article{{{self.key},\n{body}\n}}\n"


@dataclass(frozen=True, kw_only=True)
class Control:
    """A way to be wrong on purpose: the claim with one part replaced, which must be refuted.

    Attributes:
        subject: a wrong subject.
        premise: a wrong premise (a bound with a wrong constant promises too much).
        kind: a wrong statement about the observable (a wrong oracle).
        observable: a wrong observable.
        at: coordinates at which the control is drawn, where it differs visibly; other axes stay random.
        why: what is wrong, in a few words.
    """

    subject: Subject | None = None
    premise: Premise | None = None
    kind: Kind | None = None
    observable: Observable | None = None
    at: Mapping[str, Value] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The default map of a claim: two axes on a grid, the others fixed.

    Attributes:
        x, y: the axes of the map.
        values: coordinates on those axes; an axis left out takes its own grid.
        fixed: coordinates on every other axis.
    """

    x: str
    y: str
    values: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    fixed: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Erratum:
    """What is wrong with a published statement.

    Attributes:
        published: the statement as published.
        finding: what is true instead.
        control: name of the control that encodes the published statement; its witness is the erratum's.
        status: `refuted`, or `vacuous` for a bound that no case can meet.
    """

    published: str
    finding: str
    control: str = ""
    status: str = "refuted"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One theorem of one paper, as data and one function. Made by the `claim` decorator."""

    paper: Paper
    reference: str
    slug: str
    title: str
    kind: Kind
    statement: str
    symbols: Mapping[str, str]
    axes: tuple[Axis, ...]
    premise: Premise
    subject: Subject
    controls: Mapping[str, Control]
    observable: Observable
    exact: Premise | None = None
    grid: Grid | None = None
    erratum: Erratum | None = None
    curves: Mapping[str, Callable[[Case], float]] = field(default_factory=dict)
    vacuous: Callable[[Case], bool] | None = None
    picture: Callable[[], Picture] | None = None
    measures: str = ""
    sampler: Literal["auto", "direct"] = "auto"
    source: str = ""
    file: str = field(default="", repr=False)

    @property
    def id(self) -> str:
        """`<paper key>/<claim id>`."""
        return f"{self.paper.key}/{self.slug}"

    @property
    def description(self) -> str:
        """The observable's docstring."""
        return inspect.getdoc(self.observable) or ""

    def axis(self, name: str) -> Axis:
        """The axis of that name; ValueError lists the claim's axes."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise ValueError(f"{self.id} has no axis {name!r}; its axes are {', '.join(a.name for a in self.axes)}")

    def case(self, values: Mapping[str, Value]) -> Case:
        """The case with these coordinates, in the order of the axes; ValueError if one is missing or off its axis."""
        for name in values:
            self.axis(name)
        missing = [axis.name for axis in self.axes if axis.name not in values]
        if missing:
            raise ValueError(f"a case of {self.id} needs every axis; {', '.join(missing)} is missing")
        for axis in self.axes:
            if not axis.contains(values[axis.name]):
                raise ValueError(f"{values[axis.name]!r} is off the axis {axis.name}: it takes {axis.describe()}")
        return Case({axis.name: values[axis.name] for axis in self.axes})

    def cases(self, profile: str = "default", at: Mapping[str, Value] | None = None) -> SearchStrategy[Case]:
        """Hypothesis strategy of cases inside the premise.

        Thresholds of the premise are met by construction: the other axes are drawn first, the bounded axis
        then starts at its bound. What remains of the premise filters.

        Arguments:
            profile: `quick`, `default` or `thorough`.
            at: coordinates held fixed.
        """
        from hypothesis import assume
        from hypothesis import strategies as st

        fixed = dict(at or {})
        bounded = {threshold.axis for threshold in self.premise.thresholds}

        def build(draw: Callable[..., Any]) -> Case:
            values: dict[str, Value] = {}
            for axis in self.axes:
                if axis.name in fixed:
                    values[axis.name] = fixed[axis.name]
                elif axis.name not in bounded:
                    values[axis.name] = draw(axis.strategy(profile))
            for axis in self.axes:
                if axis.name in values:
                    continue
                low, high = self._ends(axis.name, Case(values))
                assume((low is None or low <= axis.high) and (high is None or high >= axis.low))
                values[axis.name] = draw(axis.strategy(profile, at_least=low, at_most=high))
            case = self.case(values)
            assume(self.premise.holds(case))
            return case

        return st.composite(build)()

    def _ends(self, axis: str, case: Case) -> tuple[float | None, float | None]:
        """The interval that the premise leaves on an axis."""
        of_axis: list[Threshold] = [t for t in self.premise.thresholds if t.axis == axis]
        lows = [t.at(case) for t in of_axis if t.side == "least"]
        highs = [t.at(case) for t in of_axis if t.side == "most"]
        return (max(lows) if lows else None, min(highs) if highs else None)

    def under(self, control: str) -> Claim:
        """The claim with a control's part put in; ValueError lists the controls."""
        if control not in self.controls:
            raise ValueError(f"{self.id} has no control {control!r}; its controls are {', '.join(self.controls)}")
        wrong = self.controls[control]
        return replace(
            self,
            subject=wrong.subject or self.subject,
            premise=wrong.premise or self.premise,
            kind=wrong.kind or self.kind,
            observable=wrong.observable or self.observable,
        )

    def __call__(self, networks: Any, case: Case) -> Any:
        """The observable."""
        return self.observable(networks, case)


def claim(
    paper: Paper,
    reference: str,
    *,
    id: str,
    kind: Kind,
    statement: str,
    axes: tuple[Axis, ...],
    premise: Premise | Callable[[Case], bool] | None = None,
    subject: Subject,
    controls: Mapping[str, Control | Subject],
    title: str = "",
    symbols: Mapping[str, str] | None = None,
    exact: Premise | None = None,
    grid: Grid | None = None,
    erratum: Erratum | None = None,
    curves: Mapping[str, Callable[[Case], float]] | None = None,
    vacuous: Callable[[Case], bool] | None = None,
    picture: Callable[[], Picture] | None = None,
    measures: str = "",
    sampler: Literal["auto", "direct"] = "auto",
) -> Callable[[Observable], Claim]:
    """Declare a theorem as a claim; the decorated function is its observable `(networks, case) -> observations`.

    Arguments:
        paper: the source.
        reference: which theorem, lemma, equation or figure of it.
        id: lower-case words joined by hyphens, unique within the paper.
        kind: what is said of the observable.
        statement: LaTeX.
        axes: the coordinates of a case.
        premise: where the conclusion is promised; only an `Empirical` claim may leave it out.
        subject: the code under test.
        controls: at least two, by name: a wrong subject, or a `Control`.
        title: a heading for people; by default the function's name in words.
        symbols: what each symbol of the statement means.
        exact: the true boundary where it is known, drawn on the map beside the premise's.
        grid: the default map.
        erratum: what is wrong with the published statement, if anything.
        curves: numbers drawn beside the estimates on the page, such as exact values and bounds, by their names.
        vacuous: whether the bound says nothing at a case; the map hatches such cells.
        picture: an example to look at, drawn on the page.
        measures: what the estimate is an estimate of, in a few words, for the axis of those curves.
        sampler: `direct` for a claim that samplers in law rest on, which must never be drawn by one of them.

    Raises:
        ClaimError: the declaration lacks something; the sentence says what.
    """
    name = f"{getattr(paper, 'key', '?')}/{id}"

    def fail(reason: str) -> ClaimError:
        return ClaimError(f"claim {name} does not load: {reason}")

    if not isinstance(paper, Paper) or not paper.url or not reference.strip():
        raise fail("it has no reference; give a Paper with an arXiv id, a DOI or a link, and the theorem's number or name")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id):
        raise fail(f"its id {id!r} is not lower-case words joined by hyphens")
    if not isinstance(kind, Kind):
        raise fail(f"its kind is {kind!r}; use one of the kinds in regimes.kinds")
    if not statement.strip():
        raise fail("its statement is empty; write the theorem in LaTeX")
    if isinstance(axes, Axis) or not all(isinstance(axis, Axis) for axis in axes):
        raise fail("its axes are no tuple of axes; write axes=(axes.width(4, 256),), with a comma after a single one")
    if not axes:
        raise fail("it has no axes; a claim is a property over cases")
    repeated = sorted({axis.name for axis in axes if sum(other.name == axis.name for other in axes) > 1})
    if repeated:
        raise fail(f"the axis {repeated[0]!r} appears twice")
    if premise is None and not isinstance(kind, Empirical):
        raise fail("it has no premise; say where the conclusion is promised, or premise=always('why everywhere')")
    if premise is not None and not isinstance(premise, Premise) and not callable(premise):
        raise fail(f"its premise is {premise!r}; give a Premise or a function of the case, as in always('why everywhere')")
    if not callable(subject):
        raise fail(f"its subject {subject!r} cannot be called")
    if not isinstance(controls, Mapping):
        raise fail("its controls have no names; write controls={'what is wrong': subject, ...}")
    if len(controls) < 2:
        count = "1 control" if controls else "no controls"
        raise fail(f"it has {count}; give at least two subjects that are wrong on purpose")
    wrongs = {
        label: wrong if isinstance(wrong, Control) else Control(subject=wrong) for label, wrong in controls.items()
    }
    names = {axis.name for axis in axes}
    for label, wrong in wrongs.items():
        if not (wrong.subject or wrong.premise or wrong.kind or wrong.observable):
            raise fail(f"its control {label!r} changes nothing; give it a subject, premise, kind or observable")
        off = [axis for axis in wrong.at if axis not in names]
        if off:
            raise fail(f"its control {label!r} is pinned at {off[0]!r}, which is not an axis")
    if grid is not None and not {grid.x, grid.y, *grid.values, *grid.fixed} <= names:
        raise fail("its grid names an axis that the claim does not have")
    if grid is not None and names - {grid.x, grid.y} - set(grid.fixed):
        loose = ", ".join(sorted(names - {grid.x, grid.y} - set(grid.fixed)))
        raise fail(f"its grid leaves {loose} open; fix every axis that the map does not draw")
    if isinstance(kind, Scaling) and kind.axis in names:
        raise fail(f"it scales along {kind.axis!r}, which must not be an axis of the case as well")
    if erratum is not None and erratum.control and erratum.control not in wrongs:
        raise fail(f"its erratum names the control {erratum.control!r}, which it does not have")
    if premise is None:
        promised = Premise("")
    else:
        promised = premise if isinstance(premise, Premise) else where(premise, "a condition on the case")

    def decorate(observable: Observable) -> Claim:
        if not (inspect.getdoc(observable) or "").strip():
            raise fail("its function has no docstring; give statement, symbols, shapes and source")
        return Claim(
            paper=paper,
            reference=reference,
            slug=id,
            title=title or observable.__name__.replace("_", " ").capitalize(),
            kind=kind,
            statement=statement,
            symbols=dict(symbols or {}),
            axes=tuple(axes),
            premise=promised,
            subject=subject,
            controls=wrongs,
            observable=observable,
            exact=exact,
            grid=grid,
            erratum=erratum,
            curves=dict(curves or {}),
            vacuous=vacuous,
            picture=picture,
            measures=measures,
            sampler=sampler,
            source=inspect.getsource(observable),
            file=sys.intern(text_of(observable)),
        )

    return decorate
