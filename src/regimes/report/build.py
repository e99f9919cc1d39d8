"""Writes a report: an index, a page per claim, figures, CSV and JSON; the former report stays until all is written."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from regimes.report import chart, export, figure, plane
from regimes.report.model import ReportError, Source, View, views
from regimes.report.pages import Extra, Pages, subtitle

__all__ = ["ReportError", "build", "contents"]

Content = str | bytes
SAFE_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def build(store: Source, out: Path, claims: Iterable[str] | None = None) -> list[Path]:
    """Write the report of a store into a folder.

    The same store gives the same bytes. Everything is written into a hidden folder beside its place and then moved
    file by file, so a failure leaves the former report as it was. Files that are not part of this report are left alone.

    Arguments:
        store: where claims, cells, controls and runs are read from.
        out: the folder; it is made if missing.
        claims: ids of the claims to report; all by default.

    Returns:
        The files, the index first.

    Raises:
        ReportError: the store has no cell or no such claim, or the folder cannot be written.
    """
    files = contents(views(store, claims))
    out = Path(out)
    try:
        _write(out, files)
    except OSError as raised:
        raise ReportError(
            f"the report cannot be written into {str(out)!r} ({raised.strerror or raised}); "
            "give --out a folder that can be written"
        ) from raised
    return [out / name for name in files]


def contents(found: list[View]) -> dict[str, Content]:
    """Every file of a report with its content, by its path inside the report."""
    for view in found:
        if not SAFE_ID.fullmatch(view.claim["id"]):
            raise ReportError(f"the claim id {view.claim['id']!r} cannot name a file; write it as <paper>/<slug>")
    pages = Pages()
    files: dict[str, Content] = {"index.html": pages.index(found)}
    for index, view in enumerate(found):
        names, drawings = [], []
        for count, one in enumerate(view.maps, 1):
            name = f"figures/{view.claim['id']}" + (f"-{count}" if count > 1 else "")
            drawings.append(figure.draw(one, label=f"Regime map of {view.claim['title']}"))
            names.append(name)
            files[f"{name}.svg"] = drawn = figure.draw(one, view.claim["title"], subtitle(view, one))
            files[f"{name}.png"] = figure.to_png(drawn)
        extras = _extras(view, files)
        around = (found[index - 1] if index else None, found[index + 1] if index + 1 < len(found) else None)
        files[view.page] = pages.claim(view, drawings, names, around, extras)
        files[f"data/{view.claim['id']}.csv"] = export.to_csv(view)
        files[f"data/{view.claim['id']}.json"] = export.to_json(export.to_data(view))
    files["report.json"] = export.to_json(export.to_summary(found, list(files)))
    return files


def _extras(view: View, files: dict[str, Content]) -> list[Extra]:
    """The claim's curves and picture as figures of the report: figures with what is said below them."""
    found = []
    if view.maps:
        one = view.maps[0]
        measured = view.claim.get("measures") or "estimate"
        for_page = chart.draw(one, measured)
        if for_page:
            name = f"figures/{view.claim['id']}-curves"
            files[f"{name}.svg"] = alone = chart.draw(one, measured, view.claim["title"], subtitle(view, one))
            files[f"{name}.png"] = figure.to_png(alone)
            found.append(Extra("Measured against the bounds", for_page, name, chart.ratios(one)))
    picture = view.claim.get("picture")
    if picture:
        name = f"figures/{view.claim['id']}-picture"
        files[f"{name}.svg"] = alone = plane.draw(picture, view.claim["title"])
        files[f"{name}.png"] = figure.to_png(alone)
        found.append(Extra(picture["caption"], plane.draw(picture), name, []))
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
