"""Claims as JSON-able documents, and the fingerprint that makes the cells of a changed claim stale."""

from __future__ import annotations

import hashlib
import inspect
import json
from typing import Any

from regimes.claim import Claim, Control
from regimes.engine import name_of
from regimes.normal_form import definition, reached, text_of

SCHEMA = 1


def document(claim: Claim, picture: bool = False) -> dict[str, Any]:
    """Everything about a claim that lists, pages and exports show, with schema version and fingerprint.

    Arguments:
        claim: the claim.
        picture: draw the claim's picture as well, which takes time and torch.
    """
    paper, grid, erratum = claim.paper, claim.grid, claim.erratum
    return {
        "schema": SCHEMA,
        "id": claim.id,
        "title": claim.title,
        "paper": {
            "key": paper.key,
            "title": paper.title,
            "authors": list(paper.authors),
            "year": paper.year,
            "venue": paper.venue,
            "arxiv": paper.arxiv,
            "doi": paper.doi,
            "url": paper.url,
            "citation": paper.citation,
            "bibtex": paper.bibtex(),
        },
        "reference": claim.reference,
        "kind": claim.kind.name,
        "statement": claim.statement,
        "symbols": dict(claim.symbols),
        "axes": [
            {
                "name": axis.name,
                "label": axis.label,
                "description": axis.describe(),
                "integer": axis.integer,
                "logarithmic": axis.logarithmic,
                "low": None if axis.choices else axis.low,
                "high": None if axis.choices else axis.high,
                "choices": list(axis.choices),
            }
            for axis in claim.axes
        ],
        "premise": claim.premise.text,
        "exact": None if claim.exact is None else claim.exact.text,
        "description": claim.description,
        "controls": [
            {"name": name, "why": control.why or _what_is_wrong(control), "at": dict(control.at)}
            for name, control in claim.controls.items()
        ],
        "grid": None
        if grid is None
        else {
            "x": grid.x,
            "y": grid.y,
            "values": {axis: list(values) for axis, values in grid.values.items()},
            "fixed": dict(grid.fixed),
        },
        "erratum": None
        if erratum is None
        else {
            "published": erratum.published,
            "finding": erratum.finding,
            "control": erratum.control,
            "status": erratum.status,
        },
        "curves": list(claim.curves),
        "measures": claim.measures,
        "picture": claim.picture().as_dict() if picture and claim.picture is not None else None,
        "subject": name_of(claim.subject),
        "source": claim.source,
        "fingerprint": fingerprint(claim),
    }


def _what_is_wrong(control: Control) -> str:
    """The parts that a control replaces, for a control that does not say it in its own words."""
    if control.subject is not None:
        described = getattr(control.subject, "description", "")
        return described or f"subject {name_of(control.subject)}"
    parts = [part for part in ("premise", "kind", "observable") if getattr(control, part) is not None]
    return "another " + " and ".join(parts)


def fingerprint(claim: Claim) -> str:
    """Sixteen hex digits of SHA-256 over the claim's code and constants.

    Covers the statement, axes and numbers, the decorated function without what is for readers, and all of the claim file that
    it reaches by name (`regimes.normal_form`): the same under another layout and another Python. Not the code of regimes
    and other packages, whose versions are in the provenance.
    """
    parts: dict[str, Any] = {
        "id": claim.id,
        "statement": claim.statement,
        "code": reached(claim.observable, claim.file),
        "kind": [type(claim.kind).__name__, {name: _code(value, claim) for name, value in vars(claim.kind).items()}],
        "axes": [[axis.name, axis.low, axis.high, list(axis.choices)] for axis in claim.axes],
        "thresholds": [[t.axis, t.side, _code(t.bound, claim)] for t in claim.premise.thresholds],
        "predicates": [_code(predicate, claim) for predicate in claim.premise.predicates],
        "subject": name_of(claim.subject),
    }
    if claim.curves or claim.vacuous:
        curves = [[name, _code(curve, claim)] for name, curve in claim.curves.items()]
        parts["curves"] = [*curves, _code(claim.vacuous, claim)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _code(value: Any, claim: Claim) -> str:
    """A constant as text, a function as its definition and the values that it captured."""
    if inspect.isfunction(value):
        try:
            # The claim's own file may have been edited since it was imported.
            text = claim.file if value.__globals__ is claim.observable.__globals__ else text_of(value)
        except OSError:
            text = ""
        captured = [_code(cell.cell_contents, claim) for cell in value.__closure__ or ()]
        return repr((definition(value, text), captured))
    if isinstance(value, tuple):
        return repr([_code(item, claim) for item in value])
    return repr(value)
