"""Writes a report: an index, a page per claim, figures, CSV and JSON, each file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from regimes.report import export, figure
from regimes.report.model import Map, ReportError, Source, View, views

Content = str | bytes


def build(source: Source, out: Path) -> list[Path]:
    """Write the report of a store into a folder.

    The same store gives the same bytes. Files of an earlier report that are not part of this one are left alone.

    Arguments:
        source: the store.
        out: the folder; it is made if missing.

    Returns:
        The files, the index first.

    Raises:
        ReportError: the store has no cell, or the folder cannot be written.
    """
    files = dict(contents(views(source)))
    try:
        for name, content in files.items():
            _write(out / name, content)
    except OSError as raised:
        raise ReportError(
            f"the report cannot be written into {str(out)!r} ({raised.strerror}); give --out a folder that can be written"
        ) from raised
    return [out / name for name in files]


def contents(found: list[View]) -> Iterator[tuple[str, Content]]:
    """Every file of the report with its content."""
    pages = _environment()
    runs = [view.provenance for view in found if view.provenance]
    yield "index.html", pages.get_template("index.html.j2").render(views=found, provenance=runs[-1] if runs else {}, root="")
    for view in found:
        drawings = [figure.draw(one, view.claim["title"], subtitle(view, one)) for one in view.maps]
        yield view.page, pages.get_template("claim.html.j2").render(
            view=view,
            claim=view.claim,
            drawings=[Markup(drawing) for drawing in drawings],
            cells=[Markup(export.for_script(panel(one))) for one in view.maps],
            provenance=view.provenance,
            root="../../",
        )
        if drawings:
            yield f"figures/{view.claim['id']}.svg", drawings[0]
            yield f"figures/{view.claim['id']}.png", figure.to_png(drawings[0])
        yield f"data/{view.claim['id']}.csv", export.to_csv(view)
        yield f"data/{view.claim['id']}.json", export.to_json(export.to_data(view))
    summary = [
        {
            "id": view.claim["id"],
            "kind": view.claim["kind"],
            "verdict": view.verdict,
            "inside": {verdict: view.count(verdict, True) for verdict in figure.COLOURS},
            "outside": {verdict: view.count(verdict, False) for verdict in figure.COLOURS},
            "controls": len(view.controls),
            "killed": view.killed,
            "slack": view.slack_range,
            "erratum": view.claim["erratum"],
        }
        for view in found
    ]
    yield "report.json", export.to_json({"schema": export.SCHEMA, "claims": summary})


def subtitle(view: View, one: Map) -> str:
    """Paper, fixed coordinates and subject of a map, on one line."""
    paper = view.claim["paper"]
    surname = paper["authors"][0].split()[-1] + (" et al." if len(paper["authors"]) > 2 else "")
    if len(paper["authors"]) == 2:
        surname += f" & {paper['authors'][1].split()[-1]}"
    fixed = ", ".join(f"{name} = {figure.number(value)}" for name, value in one.fixed.items())
    return "; ".join(part for part in (f"{surname} ({paper['year']})", fixed, one.subject) if part)


def panel(one: Map) -> dict[str, Any]:
    """What the page's script knows of a map: the cells by column and row."""
    rows = {}
    for (x, y), cell in one.cells.items():
        rows[f"{one.xs.index(x)},{one.ys.index(y)}"] = {
            "case": cell["case"],
            "verdict": cell["verdict"],
            "inside": cell["inside"],
            "evidence": {key: value for key, value in cell["evidence"].items() if key != "details"},
            "sampler": cell["evidence"]["details"].get("sampler", ""),
            "seconds": round(cell["seconds"], 3),
        }
    return {"columns": len(one.xs), "rows": len(one.ys), "cells": rows}


def mathml(latex: str) -> Markup:
    """A formula as MathML, or as escaped LaTeX in a code element where the converter cannot read it."""
    from latex2mathml.converter import convert

    try:
        return Markup(convert(latex, display="block"))
    except Exception:
        return Markup("<code>{}</code>").format(latex)


def inline_math(latex: str) -> Markup:
    """A symbol as inline MathML."""
    from latex2mathml.converter import convert

    try:
        return Markup(convert(latex))
    except Exception:
        return Markup("<code>{}</code>").format(latex)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("regimes.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    assets = Path(__file__).parent / "assets"
    environment.globals["style"] = Markup((assets / "page.css").read_text(encoding="utf-8"))
    environment.globals["scripts"] = {
        name: Markup((assets / f"{name}.js").read_text(encoding="utf-8")) for name in ("map", "filter")
    }
    environment.filters |= {"mathml": mathml, "inline_math": inline_math, "number": _number}
    return environment


def _number(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, (bool, str)):
        return str(value)
    return f"{value:.4g}" if isinstance(value, float) and value != int(value) else f"{int(value):,}".replace(",", "\u2009")


def _write(path: Path, content: Content) -> None:
    """Write beside the target and move into place, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode("utf-8") if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
