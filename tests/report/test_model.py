from __future__ import annotations

import pytest
from shelf import Shelf, document

from regimes.report.model import ReportError, views
from regimes.report.pages import commands


def test_views_hold_maps_counts_and_controls(store: Shelf) -> None:
    band, *_ = (view for view in views(store) if view.claim["id"].endswith("/band"))
    assert (len(band.maps), len(band.maps[0].cells)) == (1, 81)
    assert band.maps[0].fixed == {"epsilon": 0.5}
    assert sum(band.count(verdict, inside) for verdict in ("holds", "refuted", "undecided") for inside in (True, False)) == 81
    assert [control["verdict"] for control in band.controls] == ["survived", "killed"]
    assert band.witness is not None and band.witness["witness"] == {"width": 64, "depth": 8, "epsilon": 0.5}
    assert band.summary == "holds in all 28 promised cells"
    assert band.exact_slacks == pytest.approx([16 / 5] * 9)


def test_a_map_without_promised_cells_says_so(store: Shelf) -> None:
    far = next(view for view in views(store) if view.claim["id"].endswith("/far"))
    assert (far.verdict, far.summary) == ("unpromised", "nothing promised on this map")
    assert far.vacuous == 9


def test_one_refuted_promise_refutes_and_partial_coverage_is_counted(store: Shelf) -> None:
    cells = store._cells["doe2019band/band"]
    promised = [cell for cell in cells if cell["inside"]]
    promised[0]["verdict"] = "undecided"
    view = views(store, ["doe2019band/band"])[0]
    assert view.summary == "holds in 27 of 28 promised cells"
    promised[1]["verdict"] = "refuted"
    assert views(store, ["doe2019band/band"])[0].summary == "refuted in 1 of 28 promised cells"


def test_a_control_that_was_not_tried_is_no_kill(store: Shelf) -> None:
    plain = next(view for view in views(store) if view.claim["id"].endswith("/plain"))
    assert (plain.killed, plain.untried) == (0, 2)


def test_witness_may_be_called_case_as_in_the_store(store: Shelf) -> None:
    for control in store._controls["doe2019band/band"]:
        control["case"] = control.pop("witness")
    assert views(store, ["doe2019band/band"])[0].witness is not None


def test_subjects_and_seeds_are_never_mixed_in_one_map(store: Shelf) -> None:
    store._cells["doe2019band/band"] += [cell | {"subject": "another"} for cell in store._cells["doe2019band/band"][:5]]
    assert [len(one.cells) for one in views(store, ["doe2019band/band"])[0].maps] == [81, 5]


def test_errors_are_sentences() -> None:
    with pytest.raises(ReportError, match=r"no cell to report; run `regimes map`"):
        views(Shelf([document("band")], {}, {}))
    with pytest.raises(ReportError, match="no claim 'doe2019band/other'"):
        views(Shelf([document("band")], {}, {}), ["doe2019band/other"])


def test_other_peoples_code_does_not_count_against_the_claim(store: Shelf) -> None:
    claim = {**document("band"), "subject": "ours"}
    cells = []
    for subject, verdict in (("ours", "holds"), ("theirs:init", "refuted"), ("theirs:other", "undecided")):
        for one in store.cells("doe2019band/band")[-3:]:
            cells.append({**one, "subject": subject, "verdict": verdict, "inside": True})
    (view,) = views(Shelf([claim], {claim["id"]: cells}, {}))
    assert (view.verdict, view.promised, len(view.cells), len(view.others)) == ("holds", 3, 3, 6)
    assert view.subjects == {
        "theirs:init": {"holds": 0, "refuted": 3, "undecided": 0},
        "theirs:other": {"holds": 0, "refuted": 0, "undecided": 3},
    }
    assert [one.subject for one in view.maps[-2:]] == ["theirs:init", "theirs:other"]
    # A store of nothing but another subject shows that one.
    (alone,) = views(Shelf([claim], {claim["id"]: cells[-6:-3]}, {}))
    assert (alone.verdict, alone.others) == ("refuted", [])
    from regimes.report.build import contents

    index = contents([view])["index.html"]
    assert "theirs:init" in index
    assert "0 / 3 / 0" in index


def test_commands_force_the_plain_sampler_where_it_drew_the_cell(store: Shelf) -> None:
    view = views(store, ["doe2019band/band"])[0]
    cell = view.cells[0]
    assert "sampler" not in cell["settings"]
    assert all(" --sampler direct" in command for command in commands(view, cell))
    chosen = {**cell, "settings": {**cell["settings"], "sampler": "auto"}}
    assert not any("--sampler" in command for command in commands(view, chosen))
