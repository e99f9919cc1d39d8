from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from regimes.catalogue import load_claims
from regimes.claim import Claim
from regimes.decide import Budget
from regimes.document import fingerprint
from regimes.engine import Settings, decide
from regimes.profiles import PROFILES
from regimes.sweep.grid import GridError, cells, parse_grids
from regimes.sweep.run import run_controls, run_map
from regimes.sweep.schedule import Schedule, Step
from regimes.sweep.store import Store
from regimes.sweep.work import CellTask, run_task

SETTINGS = Settings(device="cpu", replicates=20_000)
HEADS, MEAN = "doe2020coins/heads-are-likely", "doe2020coins/mean-of-heads"


def content(store: Store, claim: str = HEADS) -> list[dict]:
    """The cells of a claim without the run and its clock."""
    return [
        {name: value for name, value in cell.items() if name not in ("seconds", "run")} for cell in store.cells(claim)
    ]


def test_a_map_holds_what_decide_says(claims: list[Claim], store: Store) -> None:
    heads = claims[0]
    outcome = run_map(claims, store, SETTINGS)
    assert (outcome.computed, outcome.present, outcome.left, outcome.errors) == (12, 0, 0, [])
    assert outcome.verdicts == {"holds": 4 + 6}
    drawn = cells(heads)
    found = {tuple(sorted(cell["case"].items())): cell for cell in store.cells(HEADS)}
    assert len(found) == len(drawn) == 6
    for case in drawn:
        cell = found[tuple(sorted(case.items()))]
        evidence = decide(heads, case, error=Budget(SETTINGS.alpha).cell(6), settings=SETTINGS)
        assert cell["verdict"] == evidence.verdict == ("holds" if case.width >= 4 else "refuted")
        assert cell["evidence"] == evidence.as_dict()
        assert cell["inside"] == (case.width >= 4)
        assert (cell["premise_boundary"], cell["exact_boundary"]) == (4, None)
        assert cell["fingerprint"] == fingerprint(heads)
    (run,) = store.runs()
    assert run["finished"] is not None
    assert run["provenance"]["seed"] == 0


def test_what_is_there_is_not_done_again(claims: list[Claim], store: Store) -> None:
    run_map(claims[:1], store, SETTINGS)
    before = store.cells(HEADS)
    outcome = run_map(claims[:1], store, SETTINGS)
    assert (outcome.computed, outcome.present, outcome.verdicts) == (0, 6, {"holds": 4})
    assert store.cells(HEADS) == before
    assert len(store.runs()) == 1
    wider = parse_grids(claims[:1], ["width=2:16"])
    outcome = run_map(claims[:1], store, SETTINGS, wider)
    assert (outcome.computed, outcome.present) == (2, 6)
    assert run_map(claims[:1], store, Settings(device="cpu", seed=1)).computed == 6
    assert run_map(claims[:1], store, Settings(device="cpu", dtype="float64")).computed == 6


def test_undecided_cells_are_decided_again_only_on_request(claims: list[Claim], store: Store, tmp_path: Path) -> None:
    poor = replace(SETTINGS, replicates=20)
    assert run_map(claims[:1], store, poor).verdicts.get("undecided")
    assert run_map(claims[:1], store, SETTINGS).computed == 0
    again = run_map(claims[:1], store, SETTINGS, schedule=Schedule(retry=True))
    assert again.computed == sum(cell["run"] == store.runs()[-1]["id"] for cell in store.cells(HEADS))
    assert again.verdicts == {"holds": 4}
    with Store.open(tmp_path / "once", create=True) as once:
        run_map(claims[:1], once, SETTINGS)
        assert content(once) == content(store)
    assert run_map(claims[:1], store, SETTINGS, schedule=Schedule(retry=True)).computed == 0


def test_workers_and_shards_change_no_result(claims: list[Claim], store: Store, tmp_path: Path) -> None:
    run_map(claims, store, SETTINGS)
    with Store.open(tmp_path / "workers", create=True) as other:
        steps: list[Step] = []
        outcome = run_map(claims, other, SETTINGS, schedule=Schedule(workers=2, progress=steps.append))
        assert (outcome.computed, outcome.errors) == (12, [])
        assert [step.done for step in steps] == list(range(1, 13))
        assert content(other) == content(store)
        assert content(other, MEAN) == content(store, MEAN)
    with Store.open(tmp_path / "joined", create=True) as joined:
        for k in (1, 2, 3):
            with Store.open(tmp_path / str(k), create=True) as part:
                assert run_map(claims, part, SETTINGS, schedule=Schedule(shard=(k, 3))).computed < 12
                joined.absorb([part])
        assert content(joined) == content(store)


def test_cheap_cells_come_first(claims: list[Claim], store: Store) -> None:
    steps: list[Step] = []
    run_map(claims[:1], store, SETTINGS, schedule=Schedule(progress=steps.append))
    assert steps[0].name == '{"depth":1,"width":2}'
    assert steps[-1].name == '{"depth":2,"width":8}'
    assert {step.total for step in steps} == {6}


def test_no_cell_is_started_when_the_time_is_up(claims: list[Claim], store: Store) -> None:
    outcome = run_map(claims[:1], store, SETTINGS, schedule=Schedule(seconds=0))
    assert (outcome.computed, outcome.left) == (0, 6)
    assert run_map(claims[:1], store, SETTINGS).computed == 6


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cell_that_fails_is_reported_and_not_stored(claim_folder: Path, store: Store, workers: int) -> None:
    file = claim_folder / "doe2020coins.py"
    text = file.read_text().replace(
        '"""Heads with probability 1 - 1/width^2."""', 'if case.width == 4: raise RuntimeError("no four")'
    )
    file.write_text(text)
    outcome = run_map(load_claims(claim_folder)[:1], store, SETTINGS, schedule=Schedule(workers=workers))
    assert (outcome.computed, len(outcome.errors)) == (4, 2)
    first = min(outcome.errors)
    assert HEADS in first
    assert '{"depth":1,"width":4}' in first
    assert "seed 0" in first
    assert "no four" in first
    assert "\n" not in first
    assert len(store.cells(HEADS)) == 4


def test_a_premise_that_raises_is_reported(claim_folder: Path, store: Store) -> None:
    file = claim_folder / "doe2020coins.py"
    file.write_text(file.read_text().replace("lambda case: 4,", "lambda case: 8 / (case.width - 2),"))
    outcome = run_map(load_claims(claim_folder)[:1], store, SETTINGS)
    assert (outcome.computed, len(outcome.errors)) == (4, 2)
    assert "ZeroDivisionError" in outcome.errors[0]


def test_a_claim_that_changes_during_the_run_is_not_mixed(claim_folder: Path) -> None:
    claims = load_claims(claim_folder)[:1]
    file = claim_folder / "doe2020coins.py"
    file.write_text(file.read_text().replace("at_least=0.9,", "at_least=0.8,"))
    task = CellTask(str(file), HEADS, fingerprint(claims[0]), cells(claims[0])[0], 1e-9, SETTINGS)
    assert "was changed in" in run_task(task).problem
    assert "is no longer in" in run_task(replace(task, claim="doe2020coins/gone")).problem
    assert run_task(replace(task, fingerprint=fingerprint(load_claims(claim_folder)[0]))).problem == ""


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_keeps_what_is_done(claims: list[Claim], store: Store, workers: int) -> None:
    def interrupt(step: Step) -> None:
        if step.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_map(claims[:1], store, SETTINGS, schedule=Schedule(workers=workers, progress=interrupt))
    kept = len(store.cells(HEADS))
    assert 3 <= kept <= 4
    assert store.runs()[0]["finished"] is None
    assert run_map(claims[:1], store, SETTINGS).present == kept


def test_cells_of_two_samplers_are_kept_apart(claims: list[Claim], store: Store) -> None:
    first = run_map(claims, store, SETTINGS)
    forced = run_map(claims, store, replace(SETTINGS, sampler="direct"))
    assert (first.computed, forced.computed, forced.present) == (12, 12, 0)
    assert forced.verdicts == first.verdicts
    assert sorted(cell["settings"].get("sampler", "direct") for cell in store.cells(HEADS)) == ["auto"] * 6 + ["direct"] * 6
    assert run_map(claims, store, SETTINGS).present == 12


def test_overrides_must_fit(claims: list[Claim], store: Store) -> None:
    with pytest.raises(GridError):
        run_map(claims[:1], store, SETTINGS, {HEADS: {"width": (1000,)}})


def test_controls_are_kept_with_their_witness(claims: list[Claim], store: Store) -> None:
    outcome = run_controls(claims[:1], store, SETTINGS, PROFILES["quick"])
    assert (outcome.computed, outcome.verdicts, outcome.errors, outcome.survived) == (3, {"killed": 3}, [], [])
    found = {one["control"]: one for one in store.controls(HEADS)}
    assert found["promises too much"]["case"]["width"] == 2
    assert found["bent"]["evidence"]["verdict"] == "refuted"
    again = run_controls(claims[:1], store, SETTINGS, PROFILES["quick"])
    assert (again.computed, again.present, again.verdicts) == (0, 3, {"killed": 3})


def test_a_control_that_is_right_survives(claim_folder: Path, store: Store) -> None:
    file = claim_folder / "doe2020coins.py"
    file.write_text(
        file.read_text().replace(
            'randomness.numpy("coin").random(replicates) < 0.5', "coin(case, replicates, randomness)"
        )
    )
    outcome = run_controls(load_claims(claim_folder)[:1], store, SETTINGS, PROFILES["quick"])
    assert outcome.survived == [f"{HEADS}: bent"]
    assert outcome.verdicts == {"survived": 1, "killed": 2}
