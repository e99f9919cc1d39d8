"""Writes a report: an index, a page per claim, figures, tables and JSON; the former report stays until all is written."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from regimes.report import calibration, chart, export, figure, plane
from regimes.report.calibration import Calibration
from regimes.report.model import ReportError, Source, View, views
from regimes.report.pages import Extra, Pages, shared, subtitle
from regimes.report.panel import panel
from regimes.report.pdf import to_pdf
from regimes.report.raster import to_png

__all__ = ["ReportError", "build", "contents"]

Content = str | bytes
SAFE_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def build(
    store: Source, out: Path, claims: Iterable[str] | None = None, calibrated: Calibration | None = None
) -> list[Path]:
    """Write the report of a store into a folder.

    The same store gives the same bytes. Everything is written into a hidden folder beside its place and then moved
    file by file, so a failure leaves the former report as it was. Files that are not part of this report are left alone.

    Arguments:
        store: where claims, cells, controls and runs are read from.
        out: the folder; it is made if missing.
        claims: ids of the claims to report; all by default.
        calibrated: measured error rates of the decision rules; without them their page says how they are measured.

    Returns:
        The files, the index first.

    Raises:
        ReportError: the store has no cell or no such claim, or the folder cannot be written.
    """
    files = contents(views(store, claims), calibrated)
    out = Path(out)
    try:
        _write(out, files)
    except OSError as raised:
        raise ReportError(
            f"the report cannot be written into {str(out)!r} ({raised.strerror or raised}); "
            "give --out a folder that can be written"
        ) from raised
    return [out / name for name in files]


def contents(found: list[View], calibrated: Calibration | None = None) -> dict[str, Content]:
    """Every file of a report with its content, by its path inside the report."""
    for view in found:
        if not SAFE_ID.fullmatch(view.claim["id"]):
            raise ReportError(f"the claim id {view.claim['id']!r} cannot name a file; write it as <paper>/<slug>")
    pages = Pages()
    files: dict[str, Content] = {"index.html": pages.index(found), **shared()}
    for index, view in enumerate(found):
        names, drawings = [], []
        for count, one in enumerate(view.maps, 1):
            name = f"figures/{view.claim['id']}" + (f"-{count}" if count > 1 else "")
            drawings.append(figure.draw(one, label=f"Regime map of {view.claim['title']}"))
            names.append(name)
            files |= _figure(name, figure.draw(one, view.claim["title"], subtitle(view, one)), view.claim["title"])
        extras = _extras(view, files)
        around = (found[index - 1] if index else None, found[index + 1] if index + 1 < len(found) else None)
        panels = [panel(view, one) for one in view.maps]
        files[view.page] = pages.claim(view, drawings, names, panels, around, extras)
        files[f"data/{view.claim['id']}.csv"] = export.to_csv(view)
    drawn = calibration.draw(calibrated) if calibrated else ""
    if drawn:
        files |= _figure("figures/calibration", drawn, calibration.TITLE)
    files["calibration.html"] = pages.calibration(calibrated, drawn)
    files["references.bib"] = export.to_bibtex(found)
    tables = {"cells": export.to_cells(found), "controls": export.to_controls(found), "thresholds": export.to_thresholds(found)}
    files |= {f"{name}.json": table for name, table in tables.items() if table}
    files["report.json"] = export.to_json(export.to_summary(found))
    return files


def _figure(name: str, drawing: str, title: str) -> dict[str, Content]:
    """A drawing in its three forms."""
    return {f"{name}.svg": drawing, f"{name}.png": to_png(drawing), f"{name}.pdf": to_pdf(drawing, title)}


def _extras(view: View, files: dict[str, Content]) -> list[Extra]:
    """The claim's curves and picture as figures of the report: figures with what is said below them."""
    found, title = [], view.claim["title"]
    if view.maps:
        one = view.maps[0]
        measured = view.claim.get("measures") or "estimate"
        for_page = chart.draw(one, measured)
        if for_page:
            name = f"figures/{view.claim['id']}-curves"
            files |= _figure(name, chart.draw(one, measured, title, subtitle(view, one)), title)
            found.append(Extra("Measured against the bounds", for_page, name, chart.ratios(one)))
    picture = view.claim.get("picture")
    if picture:
        name = f"figures/{view.claim['id']}-picture"
        files |= _figure(name, plane.draw(picture, title), title)
        found.append(Extra(picture["caption"], "", name, []))
    return found


def _write(out: Path, files: dict[str, Content]) -> None:
    """Write all files into a folder inside `out`, then move each into place, the index last."""
    out.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=out, prefix=".report-"))
    try:
        for name, content in files.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        for name in files:
            # What would stop a move is looked for before the first one.
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            if (out / name).is_dir():
                raise IsADirectoryError(21, f"{out / name} is a folder")
            if not os.access((out / name).parent, os.W_OK | os.X_OK):
                raise PermissionError(13, f"{(out / name).parent} is read-only")
        for name in reversed(files):
            os.replace(fresh / name, out / name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
