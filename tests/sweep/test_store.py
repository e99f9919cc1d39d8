from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from regimes.sweep.store import CellKey, Store, StoreError, plain, settings_key

SETTINGS = settings_key("float32", "cpu", 1e-6)
KEY = CellKey("a/b", "f1", "ours", '{"depth":1,"width":4}', 0, SETTINGS)
EVIDENCE = {"verdict": "holds", "estimate": 0.97, "interval": [0.9, 1.0], "details": {"block": 512}}


def put(store: Store, key: CellKey = KEY, run: str = "r", **changes) -> bool:
    given = {"evidence": EVIDENCE, "inside": True, "premise_boundary": 4.0, "exact_boundary": None, "seconds": 0.1}
    return store.put_cell(key, run=run, **(given | changes))


def control(store: Store, name: str = "bent", fingerprint: str = "f1", verdict: str = "killed") -> bool:
    return store.put_control(
        claim="a/b", fingerprint=fingerprint, control=name, seed=0, settings=SETTINGS, verdict=verdict,
        case={"width": 4}, evidence=EVIDENCE, cases=1, seconds=0.1, run="r",
    )  # fmt: skip


def document(fingerprint: str = "f1", name: str = "a/b") -> dict:
    return {"id": name, "fingerprint": fingerprint, "title": "Coins"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a store with ? and #.sqlite"


def test_a_cell_comes_back_as_it_was_put(path: Path) -> None:
    with Store.open(path, create=True) as store:
        run = store.start_run({"seed": 0, "versions": {"torch": "2"}})
        store.put_claim(document())
        assert not store.has_cell(KEY)
        assert put(store, run=run)
        store.finish_run(run)
    with Store.open(path) as store:
        assert store.has_cell(KEY)
        (cell,) = store.cells("a/b")
        assert cell == {
            "claim": "a/b", "fingerprint": "f1", "subject": "ours", "case": {"depth": 1, "width": 4}, "seed": 0,
            "settings": {"alpha": 1e-6, "device": "cpu", "dtype": "float32"}, "verdict": "holds", "inside": True,
            "premise_boundary": 4.0, "exact_boundary": None, "evidence": EVIDENCE, "seconds": 0.1, "run": run,
        }  # fmt: skip
        assert store.claims() == [document()]
        (one,) = store.runs()
        assert one["provenance"]["versions"] == {"torch": "2"}
        assert one["started"] <= one["finished"]
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_the_first_verdict_of_a_cell_stays(path: Path) -> None:
    with Store.open(path, create=True) as store:
        store.put_claim(document())
        assert put(store)
        assert not put(store, evidence={"verdict": "refuted"})
        assert [cell["verdict"] for cell in store.cells("a/b")] == ["holds"]


def test_only_more_replicates_replace_an_undecided_cell(path: Path) -> None:
    def evidence(verdict: str, replicates: int) -> dict:
        return {"verdict": verdict, "replicates": replicates}

    with Store.open(path, create=True) as store:
        store.put_claim(document())
        assert put(store, evidence=evidence("undecided", 100))
        assert not put(store, evidence=evidence("undecided", 50))
        assert put(store, evidence=evidence("holds", 200), run="later", seconds=0.3)
        assert not put(store, evidence=evidence("undecided", 400))
        (cell,) = store.cells("a/b")
        assert (cell["verdict"], cell["evidence"]["replicates"], cell["run"], cell["seconds"]) == ("holds", 200, "later", 0.3)
        control(store, verdict="undecided")
        assert control(store, verdict="killed")
        assert not control(store, verdict="undecided")
        assert [one["verdict"] for one in store.controls("a/b")] == ["killed"]


def test_every_part_of_the_key_tells_cells_apart(path: Path) -> None:
    others = {"subject": "theirs", "case": '{"depth":1,"width":8}', "seed": 2**70, "settings": SETTINGS + " "}
    with Store.open(path, create=True) as store:
        store.put_claim(document())
        put(store)
        for name, value in others.items():
            other = CellKey(**{**vars(KEY), name: value})
            assert not store.has_cell(other)
            assert put(store, other)
        assert len(store.cells("a/b")) == 5
        assert {cell["seed"] for cell in store.cells("a/b")} == {0, 2**70}
        assert store.case_verdicts("a/b", "f1", "ours", 0, SETTINGS) == {KEY.case: "holds", others["case"]: "holds"}


def test_cells_of_a_changed_claim_are_stale_and_never_mixed(path: Path) -> None:
    with Store.open(path, create=True) as store:
        store.put_claim(document("f1"))
        put(store)
        control(store)
        store.put_claim(document("f2"))
        assert store.cells("a/b") == store.controls("a/b") == []
        assert store.stale("a/b") == 1
        put(store, CellKey(**{**vars(KEY), "fingerprint": "f2"}), evidence={"verdict": "refuted"})
        assert [cell["verdict"] for cell in store.cells("a/b")] == ["refuted"]
        store.put_claim(document("f1"))
        assert [cell["verdict"] for cell in store.cells("a/b")] == ["holds"]
        assert store.stale("a/b") == 1
        assert [one["control"] for one in store.controls("a/b")] == ["bent"]


def test_controls(path: Path) -> None:
    with Store.open(path, create=True) as store:
        store.put_claim(document())
        assert control(store, "edge", verdict="undecided")
        assert control(store, "bent")
        assert not control(store, "bent", verdict="survived")
        found = store.controls("a/b")
        assert [(one["control"], one["verdict"], one["case"]) for one in found] == [
            ("edge", "undecided", {"width": 4}), ("bent", "killed", {"width": 4}),
        ]  # fmt: skip


def test_export_is_standard_json(path: Path) -> None:
    with Store.open(path, create=True) as store:
        store.put_claim(document())
        put(store, premise_boundary=math.inf, evidence={"verdict": "holds", "interval": (-math.inf, np.float32(1))})
        assert store.cells("a/b")[0]["premise_boundary"] == math.inf
        data = store.export()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["schema"] == 2
    assert data["claims"][0]["cells"][0]["evidence"]["interval"] == [None, 1]
    assert data["claims"][0]["stale"] == 0


def test_plain_data() -> None:
    given = {"a": np.arange(2), "b": (np.float64("nan"), np.int64(3), np.bool_(True)), 4: {"x"}, "p": Path("p")}
    assert plain(given) == {"a": [0, 1], "b": [None, 3, True], "4": ["x"], "p": "p"}


def test_shards_are_joined(tmp_path: Path) -> None:
    with Store.open(tmp_path / "1", create=True) as one, Store.open(tmp_path / "2", create=True) as two:
        for store, width in ((one, 4), (two, 8)):
            run = store.start_run({})
            store.put_claim(document())
            put(store, run=run)
            put(store, CellKey(**{**vars(KEY), "case": f'{{"width":{width}}}'}), run=run)
        control(two)
        with Store.open(tmp_path / "all", create=True) as joined:
            assert joined.absorb([one, two]) == 3
            assert joined.absorb([one, two]) == 0
            assert len(joined.cells("a/b")) == 3
            assert len(joined.runs()) == 2
            assert len(joined.controls("a/b")) == 1
            two.put_claim(document("f2"))
            with pytest.raises(StoreError, match="another version of a/b"):
                joined.absorb([two])
            assert len(joined.cells("a/b")) == 3


def test_a_closed_store_says_so(path: Path) -> None:
    store = Store.open(path, create=True)
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.claims()


def test_the_sampler_is_part_of_the_settings_and_older_cells_are_those_of_direct() -> None:
    assert settings_key("float32", "cpu", 1e-6, "auto") == '{"alpha":1e-06,"device":"cpu","dtype":"float32","sampler":"auto"}'
    assert settings_key("float32", "cpu", 1e-6, "direct") == '{"alpha":1e-06,"device":"cpu","dtype":"float32"}' == SETTINGS
