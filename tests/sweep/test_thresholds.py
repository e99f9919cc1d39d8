from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from test_run import HEADS, MEAN

from regimes.catalogue import claims_in, load_claims
from regimes.claim import Claim
from regimes.decide import Budget
from regimes.document import fingerprint
from regimes.engine import Settings, decide
from regimes.sweep.grid import GridError, parse_grids
from regimes.sweep.ladder import ladder, rows
from regimes.sweep.run import run_map
from regimes.sweep.schedule import Schedule, Step
from regimes.sweep.store import Store, StoreError
from regimes.sweep.thresholds import run_thresholds, search_row
from regimes.theory.first_passage import exact_width

SETTINGS = Settings(device="cpu", replicates=200_000)
CLAIMS = Path(__file__).parents[2] / "claims"


def content(store: Store, claim: str = HEADS) -> list[dict]:
    """The thresholds of a claim without the run and its clock."""
    return [{name: value for name, value in one.items() if name not in ("seconds", "run")} for one in store.thresholds(claim)]


def test_the_threshold_of_the_coin_is_found_and_its_ends_are_what_decide_says(claims: list[Claim], store: Store) -> None:
    overrides = parse_grids(claims[:1], ["width=2:64"])
    outcome = run_thresholds(claims[:1], "width", store, SETTINGS, overrides)
    assert (outcome.computed, outcome.present, outcome.left, outcome.errors) == (2, 0, 0, [])
    assert outcome.verdicts == {"found": 2}
    assert [one["row"] for one in outcome.rows] == [{"depth": 1}, {"depth": 2}]
    for one in store.thresholds(HEADS):
        # P = 1 - 1/w^2: 0.75 at 2, 0.889 at 3, within the margin of 0.9, and 0.9375 at 4.
        assert one["refuted"] in (2, 3) and one["holds"] == one["refuted"] + 1
        assert (one["side"], one["undecided"], one["premise_boundary"], one["exact_boundary"]) == ("least", 0, 4, None)
        assert one["error"] == Budget(SETTINGS.alpha).cell(2)
        assert one["evidence"]["against"] == []
        judged = {int(judge["at"]): judge for judge in one["evidence"]["judged"]}
        assert {2, 64} <= judged.keys()
        assert sum(judge["evidence"]["error"] for judge in judged.values()) < one["error"]
        assert sum(judge["evidence"]["replicates"] for judge in judged.values()) < one["replicates"]
        for at, judge in judged.items():
            assert judge["inside"] == (at >= 4)
            case = claims[0].case({**one["row"], "width": at})
            again = decide(claims[0], case, error=judge["evidence"]["error"], settings=SETTINGS)
            assert judge["evidence"] == again.as_dict()


def test_a_finished_row_is_never_searched_again(claims: list[Claim], store: Store) -> None:
    run_thresholds(claims[:1], "width", store, SETTINGS)
    before = content(store)
    again = run_thresholds(claims[:1], "width", store, SETTINGS)
    assert (again.computed, again.present, len(again.rows)) == (0, 2, 2)
    assert len(store.runs()) == 1
    assert run_thresholds(claims[:1], "width", store, replace(SETTINGS, seed=1)).computed == 2
    assert run_thresholds(claims[:1], "width", store, SETTINGS, resolution="grid").computed == 2
    deeper = parse_grids(claims[:1], ["depth=1,2,4"])
    outcome = run_thresholds(claims[:1], "width", store, SETTINGS, deeper)
    assert (outcome.computed, outcome.present) == (1, 2)
    assert [one for one in content(store) if one in before] == before


def test_workers_shards_and_an_interrupt_change_no_result(claims: list[Claim], store: Store, tmp_path: Path) -> None:
    deeper = parse_grids(claims[:1], ["depth=1,2,3,4"])
    run_thresholds(claims[:1], "width", store, SETTINGS, deeper)
    with Store.open(tmp_path / "workers", create=True) as other:
        steps: list[Step] = []
        assert run_thresholds(claims[:1], "width", other, SETTINGS, deeper, schedule=Schedule(workers=2, progress=steps.append)).errors == []
        assert [(step.done, step.total) for step in steps] == [(k, 4) for k in (1, 2, 3, 4)]
        assert content(other) == content(store)
    with Store.open(tmp_path / "joined", create=True) as joined:
        for k in (1, 2, 3):
            with Store.open(tmp_path / str(k), create=True) as part:
                found = run_thresholds(claims[:1], "width", part, SETTINGS, deeper, schedule=Schedule(shard=(k, 3))).computed
                assert joined.absorb([part]) == found
        assert content(joined) == content(store)
    with Store.open(tmp_path / "interrupted", create=True) as other:

        def interrupt(step: Step) -> None:
            if step.done == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_thresholds(claims[:1], "width", other, SETTINGS, deeper, schedule=Schedule(progress=interrupt))
        assert len(other.thresholds(HEADS)) == 2
        assert other.runs()[0]["finished"] is None
        outcome = run_thresholds(claims[:1], "width", other, SETTINGS, deeper)
        assert (outcome.computed, outcome.present) == (2, 2)
        assert content(other) == content(store)
    with Store.open(tmp_path / "late", create=True) as other:
        assert run_thresholds(claims[:1], "width", other, SETTINGS, deeper, schedule=Schedule(seconds=-1)).left == 4


def test_wide_brackets_are_searched_again_on_request_only(claims: list[Claim], store: Store) -> None:
    poor = replace(SETTINGS, replicates=200)
    assert run_thresholds(claims[:1], "width", store, poor).verdicts.get("wide") == 2
    assert run_thresholds(claims[:1], "width", store, SETTINGS).computed == 0
    again = run_thresholds(claims[:1], "width", store, SETTINGS, schedule=Schedule(retry=True))
    assert (again.computed, again.verdicts) == (2, {"found": 2})
    assert run_thresholds(claims[:1], "width", store, SETTINGS, schedule=Schedule(retry=True)).computed == 0


def test_the_side_is_looked_for_where_no_premise_names_it(claim_folder: Path, store: Store) -> None:
    file = claim_folder / "doe2020coins.py"
    text = file.read_text().replace('premise=at_least("width", lambda case: 4, "width at least 4")', 'premise=always("all")')
    file.write_text(text.replace("1 - 1 / case.width**2\n\n\ndef bent", "1 - case.width / 100\n\n\ndef bent"))
    heads = load_claims(claim_folder)[0]
    run_thresholds([heads], "width", store, SETTINGS, parse_grids([heads], ["width=2:64"]))
    for one in store.thresholds(HEADS):
        assert one["side"] == "most"
        # P = 1 - w/100: true up to 10, within the margin up to 15.
        assert 9 < one["holds"] + 1 == one["refuted"] <= 16


def test_claims_without_a_threshold_on_the_axis_are_skipped_or_refused(claims: list[Claim], store: Store) -> None:
    outcome = run_thresholds(claims, "depth", store, SETTINGS)
    assert outcome.skipped == [f"skipped: {MEAN} has no axis 'depth'; its axes are width"]
    assert len(outcome.rows) == 3
    with pytest.raises(GridError, match="no claim here has a threshold; their axes of numbers are width"):
        run_thresholds(claims[1:], "depth", store, SETTINGS)
    with pytest.raises(GridError, match="--resolution on the axis width"):
        run_thresholds(claims, "width", store, SETTINGS, resolution="0.5")


def test_a_row_that_fails_is_one_sentence_and_the_others_go_on(claim_folder: Path, store: Store) -> None:
    file = claim_folder / "doe2020coins.py"
    file.write_text(file.read_text().replace('''"""Heads with probability 1 - 1/width^2."""''',
                                             '''"""Heads."""\n    assert case.width < 8 or case.depth < 2, "too deep"'''))  # fmt: skip
    claims = load_claims(claim_folder)[:1]
    outcome = run_thresholds(claims, "width", store, SETTINGS)
    assert (outcome.computed, len(outcome.errors)) == (1, 1)
    assert 'in row {"depth":2}' in outcome.errors[0]
    assert "too deep" in outcome.errors[0] and "give --grid width=LOW:HIGH" in outcome.errors[0]
    assert [one["row"] for one in store.thresholds(HEADS)] == [{"depth": 1}]


def test_thresholds_of_a_changed_claim_are_stale(claims: list[Claim], store: Store) -> None:
    run_thresholds(claims[:1], "width", store, SETTINGS)
    store.put_claim({"id": HEADS, "fingerprint": "another"})
    assert store.thresholds(HEADS) == []
    store.put_claim({"id": HEADS, "fingerprint": fingerprint(claims[0])})
    assert len(store.thresholds(HEADS)) == 2


def test_a_store_of_schema_1_opens_and_gets_the_table_when_it_is_written(claims: list[Claim], tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with Store.open(path, create=True) as store:
        run_map(claims[:1], store, SETTINGS)
        cells = store.cells(HEADS)
    old = sqlite3.connect(path)
    old.executescript("DROP TABLE thresholds; PRAGMA user_version=1;")
    old.close()
    with Store.open(path, read_only=True) as store:
        assert (store.thresholds(HEADS), store.cells(HEADS)) == ([], cells)
        assert store.export()["claims"][0]["thresholds"] == []
        with Store.open(tmp_path / "joined", create=True) as joined:
            assert joined.absorb([store]) == len(cells)
    with Store.open(path) as store:
        assert run_thresholds(claims[:1], "width", store, SETTINGS).computed == 2
        assert (len(store.thresholds(HEADS)), store.cells(HEADS)) == (2, cells)
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (2,)


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.thresholds(HEADS)


def test_the_flat_band_s_brackets_meet_theory_with_a_tenth_of_the_grid_s_replicates() -> None:
    (band,) = (one for one in claims_in(CLAIMS / "arpit2019benefits.py") if one.slug == "he-norm-flat-band")
    rungs, settings, budget = ladder(band, "width"), Settings(device="cpu"), Budget(1e-6)
    searched = 0
    for row in rows(band, "width")[:4]:
        found = search_row(band, row, rungs, budget.cell(8), settings)
        searched += found["replicates"]
        # Refuted means P < 0.95 and holds means P > 0.93: the bracket meets what lies between the two exact thresholds.
        exact, relaxed = (exact_width(0.5, row.depth, delta) for delta in (0.05, 0.07))
        assert found["refuted"] < exact == found["exact_boundary"]
        assert found["holds"] > relaxed
        assert found["holds"] <= 1.006 * found["refuted"] + 1
    # Every eighth coordinate of the grid of the row of depth 4, decided with the same error for the row, stands for eight.
    widths = rungs.coordinates[::8]
    grid = 8 * sum(
        decide(band, rows(band, "width")[2].replace(width=width), error=budget.cell(8 * len(rungs.coordinates)),
               settings=settings, subject=band.subject).replicates
        for width in widths
    )  # fmt: skip
    print(f"{4 * grid} replicates on the grid of four rows, {searched} by the search, ratio {4 * grid / searched:.1f}")
    assert 4 * grid >= 10 * searched


@pytest.mark.parametrize(("executor", "package"), [("slurm", "submitit"), ("dask", "distributed")])
def test_rows_are_searched_on_other_executors(
    claims: list[Claim], store: Store, tmp_path: Path, executor: str, package: str
) -> None:
    pytest.importorskip(package, reason=f"needs the extra {executor}")
    from regimes.sweep.executors.choose import executor_named

    overrides = parse_grids(claims[:1], ["width=2:64"])
    run_thresholds(claims[:1], "width", store, SETTINGS, overrides)
    there = tmp_path / "there.sqlite"
    options = ["cluster=local"] if executor == "slurm" else []
    with executor_named(executor, 2, there, options) as start, Store.open(there, create=True) as other:
        outcome = run_thresholds(claims[:1], "width", other, SETTINGS, overrides, schedule=Schedule(start=start))
        assert (outcome.computed, outcome.errors) == (2, [])
        assert content(other) == content(store)
