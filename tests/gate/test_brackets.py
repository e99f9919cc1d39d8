"""Measured thresholds of two snapshots: what is a move, what the gate says of it, and how often it is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from coins import SETTINGS, cell, record, searched, snapshot, threshold
from scipy.stats import beta, norm

from regimes.files import FileError
from regimes.gate import baseline, brackets, data, show
from regimes.gate.brackets import Move
from regimes.gate.compare import compare
from regimes.gate.decide import Decision, GateError, decide
from regimes.gate.pairs import Pair

LOW, MIDDLE, HIGH = (0.4, 0.6), (0.86, 0.92), (0.95, 1.0)


def moved(before: dict, after: dict) -> Move | None:
    return brackets.move(Pair(record(), before, after))


def judged(before: list[dict], after: list[dict], **options) -> Decision:
    return decide(compare(snapshot(record(*before), source="b.json"), snapshot(record(*after))), **options)


def turned_at(at: int, step: int = 1, **more) -> dict:
    """A clear threshold: far below the target before it, far above from it on."""
    return threshold((1, "refuted", LOW), (at - step, "refuted", LOW), (at, "holds", HIGH), (399, "holds", HIGH), **more)


@pytest.mark.parametrize(("before", "after", "worse"), [(50, 100, True), (100, 50, False), (50, 51, True), (51, 50, False)])
def test_a_clear_threshold_that_moves_has_moved(before: int, after: int, worse: bool) -> None:
    move = moved(turned_at(before), turned_at(after))
    assert move is not None
    assert move.worse == worse
    held, refuted = (move.before, move.after) if worse else (move.after, move.before)
    assert (held["verdict"], refuted["verdict"]) == ("holds", "refuted")
    assert held["at"] <= refuted["at"]


def test_brackets_that_are_disjoint_have_not_moved_if_one_quantity_fits_them() -> None:
    first = threshold((50, "refuted", MIDDLE), (51, "holds", MIDDLE))
    other = threshold((70, "refuted", MIDDLE), (71, "holds", MIDDLE))
    assert moved(first, other) is moved(other, first) is None
    found = compare(snapshot(record(first)), snapshot(record(other)))
    (line,) = show.difference_lines(found)
    assert line.endswith("width refuted up to 50, holds from 51 -> refuted up to 70, holds from 71 (within its intervals)")


def test_one_coordinate_judged_twice_needs_no_assumption() -> None:
    bumpy = [(10, "refuted", LOW), (20, "holds", HIGH), (40, "refuted", LOW), (60, "holds", HIGH)]
    later = [(10, "refuted", LOW), (39, "refuted", LOW), (41, "holds", HIGH), (60, "holds", HIGH)]
    # At 20 it held and at 39 it is refuted: beyond a monotone quantity, but this one was not monotone before.
    assert moved(threshold(*bumpy), threshold(*later)) is None
    move = moved(threshold(*bumpy), threshold((10, "refuted", LOW), (20, "refuted", LOW), (60, "holds", HIGH)))
    assert move is not None
    assert (move.worse, move.before["at"], move.after["at"]) == (True, 20, 20)


def test_a_claim_that_begins_to_hold_as_its_quantity_falls() -> None:
    """A deviation that is to be small: the order of the intervals turns round, the answer does not."""
    def deviation(at: int) -> dict:
        return threshold((1, "refuted", HIGH), (at - 1, "refuted", HIGH), (at, "holds", LOW), (399, "holds", LOW))

    assert moved(deviation(50), deviation(50)) is None
    for before, after in ((50, 100), (100, 50)):
        move = moved(deviation(before), deviation(after))
        assert move is not None
        assert move.worse == (after > before)


def test_a_claim_that_holds_below_its_threshold() -> None:
    def most(at: int) -> dict:
        return threshold((1, "holds", HIGH), (at, "holds", HIGH), (at + 1, "refuted", LOW), (399, "refuted", LOW),
                         side="most", refuted=at + 1, holds=at)  # fmt: skip

    for before, after in ((50, 100), (100, 50)):
        move = moved(most(before), most(after))
        assert move is not None
        assert move.worse == (after < before)
    assert brackets.span(most(50)) == "refuted from 51, holds up to 50"
    # Two searches that took different sides are compared at the coordinates that they share.
    assert moved(most(50), turned_at(80)) is not None
    assert moved(threshold((2, "holds", HIGH), (50, "refuted", LOW), side="most"), turned_at(80)) is None


def test_a_search_in_which_the_claim_turned_nowhere() -> None:
    throughout, nowhere = threshold((1, "holds", HIGH), (399, "holds", HIGH)), threshold((1, "refuted", LOW), (399, "refuted", LOW))
    assert (brackets.span(throughout), brackets.span(nowhere)) == ("holds from 1", "refuted up to 399")
    for before, after, worse in (
        (throughout, nowhere, True), (throughout, turned_at(50), True), (turned_at(50), nowhere, True),
        (nowhere, throughout, False), (turned_at(50), throughout, False), (nowhere, turned_at(50), False),
    ):  # fmt: skip
        move = moved(before, after)
        assert move is not None and move.worse == worse
    # A range that begins later, past the threshold, says nothing else; one that ends before it does not either.
    assert moved(turned_at(50), threshold((60, "holds", HIGH), (399, "holds", HIGH))) is None
    assert moved(turned_at(50), threshold((1, "refuted", LOW), (40, "refuted", LOW))) is None
    assert moved(turned_at(50), threshold((60, "refuted", LOW), (399, "holds", HIGH))) is not None


def test_what_is_undecided_or_has_no_interval_moves_nothing() -> None:
    undecided = threshold((1, "undecided", MIDDLE), (399, "undecided", MIDDLE), undecided=2)
    assert moved(turned_at(50), undecided) is moved(undecided, turned_at(50)) is None
    assert brackets.span(undecided) == "decided nowhere (2 undecided)"
    certain = threshold((1, "refuted", None), (50, "refuted", None), (51, "holds", None))
    assert moved(turned_at(10), certain) is None


def test_targets_that_vary_along_the_axis_are_compared_coordinate_by_coordinate() -> None:
    def varying(at: int) -> dict:
        row = turned_at(at)
        return {**row, "judged": [{**one, "target": one["at"] / 1000} for one in row["judged"]]}

    assert moved(varying(50), varying(100)) is None
    assert moved(varying(50), {**varying(100), "judged": [*varying(100)["judged"], {**varying(51)["judged"][1]}]}) is not None


def test_another_resolution_is_the_same_threshold_if_the_numbers_agree() -> None:
    fine, coarse = turned_at(50), turned_at(64, step=32, coordinates="1 to 500, step 32")
    found = compare(snapshot(record(fine)), snapshot(record(coarse)))
    assert [brackets.move(pair) for pair in found.brackets] == [None]
    assert moved(turned_at(50), turned_at(128, step=32)) is not None
    # Of two searches of one row the one among the same coordinates is compared.
    both = compare(snapshot(record(coarse, fine)), snapshot(record(turned_at(50))))
    assert [pair.before for pair in both.brackets] == [fine]


def test_the_gate_falls_on_a_move_for_the_worse_and_says_where() -> None:
    same = cell(16, "holds")
    decision = judged([turned_at(50), same], [turned_at(100), same])
    (one,) = decision.regressions
    assert (one.kind, one.where) == ("threshold", {"axis": "width", "row": {"depth": 1}, "subject": "coin"})
    assert one.sentence == (
        "doe2020coins/heads-are-likely (Theorem 1 of J. Doe. Coins (2020)) at depth=1 on coin: along width it was refuted up to 49, "
        "holds from 50, and is now refuted up to 99, holds from 100; it held at 50 with the interval [0.95, 1] and is refuted at 99 "
        "with [0.4, 0.6]"
    )
    text = show.decision_lines(decision)
    assert text[-2] == "compared 1 cell, 0 controls and 1 threshold of 1 claim; a false alarm has probability at most 0.05"
    assert "| threshold |" in show.markdown(decision)
    better = judged([turned_at(100), same], [turned_at(50), same])
    assert better.status == 0
    assert any(line.endswith("(better, beyond its intervals)") for line in show.decision_lines(better))
    (told,) = data.decision_data(better)["brackets"]
    assert (told["before"], told["after"], told["moved"]) == (
        {"refuted": 99, "holds": 100, "undecided": 0}, {"refuted": 49, "holds": 50, "undecided": 0}, "better"
    )  # fmt: skip
    assert judged([turned_at(50)], [turned_at(50)]).status == 0
    assert data.decision_data(judged([turned_at(50)], [turned_at(50)]))["brackets"] == []


def test_a_promised_coordinate_that_a_search_refutes_makes_the_gate_fall_once() -> None:
    wrong = threshold((1, "refuted", LOW), (450, "refuted", LOW), (499, "holds", HIGH))
    for before in ([turned_at(50)], [cell(16, "holds")]):
        (one,) = judged(before, [wrong, cell(16, "holds")]).regressions
        assert one.kind == "refuted"
        assert "is refuted at depth=1, width=450 on coin where it is promised" in one.sentence
    assert judged([wrong], [wrong]).status == 0


def test_new_and_gone_thresholds() -> None:
    same = cell(16, "holds")
    new, gone = judged([same], [same, turned_at(50)]), judged([same, turned_at(50)], [same])
    assert (new.status, gone.status) == (0, 0)
    assert "new threshold: doe2020coins/heads-are-likely at depth=1 on coin: width refuted up to 49, holds from 50" in show.decision_lines(new)
    assert any(line.startswith("gone threshold: ") for line in show.decision_lines(gone))
    (missing,) = judged([same, turned_at(50)], [same], complete=True).regressions
    assert missing.sentence.startswith("the threshold on width at depth=1 on coin of doe2020coins")
    assert new.false_alarm == pytest.approx(0.01)
    with pytest.raises(GateError, match="no measured threshold in common"):
        judged([turned_at(50)], [same])


def test_the_declared_rate_adds_up_the_errors_of_both_searches() -> None:
    outside, inside = turned_at(50), threshold((1, "refuted", LOW), (50, "holds", HIGH), (499, "holds", HIGH))
    assert judged([outside], [outside]).false_alarm == pytest.approx(2 * 0.02)
    assert judged([outside], [inside]).false_alarm == pytest.approx(3 * 0.02)
    assert judged([cell(2, "holds")], [cell(2, "holds"), inside]).false_alarm == pytest.approx(2 * 0.01 + 0.02)


def test_thresholds_of_several_subjects_and_seeds_meet_their_like() -> None:
    rows = [turned_at(50), turned_at(80, subject="bent"), turned_at(60, seed=1), turned_at(90, axis="depth", row={"width": 4})]
    assert [pair.before for pair in compare(snapshot(record(*rows)), snapshot(record(*rows))).brackets] == rows
    double = {**SETTINGS, "dtype": "float64"}
    (pair,) = compare(snapshot(record(turned_at(70, settings=double), rows[0])), snapshot(record(turned_at(52)))).brackets
    assert pair.before == rows[0]


def test_a_baseline_keeps_thresholds_and_one_without_them_reads_as_before(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    infinite = threshold((1, "refuted", [None, 0.5]), (50, "holds", [0.9, 1.0]), refuted=None)
    one = snapshot(record(cell(16, "holds"), infinite, turned_at(70, seed=3)))
    baseline.write(one, file)
    again = baseline.load(file)
    assert show.difference_lines(compare(one, again)) == []
    assert baseline.text(again) == baseline.text(one) == file.read_text()
    (known,) = again.claims.values()
    assert [row["holds"] for row in known.thresholds] == [50, 70]
    assert known.thresholds[0]["judged"][0] == {**infinite["judged"][0], "reason": None}
    assert "thresholds" not in baseline.text(snapshot(record(cell(16, "holds"))))
    for wrong in ('"verdict": "holds"', '"at": 50, '):
        with pytest.raises(FileError, match="damaged"):
            baseline._parsed(file, file.read_bytes().replace(wrong.encode(), b'"verdict": "fits"' if "verdict" in wrong else b""))


# --- error rates, with the real search and rule -----------------------------------------------------------------

ERROR, REPEATS, WIDTHS = 0.2, 80, np.arange(1, 501)


def sloping(at: float) -> np.ndarray:
    """The probability rises slowly and is 0.9, the target, at this width."""
    return norm.cdf(norm.ppf(0.9) + 2 * np.log(WIDTHS / at))


def middle(at: float) -> np.ndarray:
    """In the middle of the margin everywhere, where any width may be judged either way."""
    return np.full(WIDTHS.size, 0.875)


def edge(at: float) -> np.ndarray:
    """The hardest truth: exactly at the margin below this width, exactly on the target from it on, as where it is promised."""
    return np.where(at > WIDTHS, 0.85, 0.9)


def upper(failures: int, repeats: int) -> float:
    """Clopper-Pearson upper bound at 99.9 %."""
    return float(beta.ppf(0.999, failures + 1, repeats - failures))


@pytest.mark.parametrize("curve", [sloping, middle, edge])
def test_the_gate_keeps_the_rate_that_it_declares_of_thresholds(curve) -> None:
    rows = [searched(curve(120), seed, ERROR) for seed in range(2 * REPEATS)]
    # Promised widths have been judged, and where the truth is not promised to be right they are taken for unpromised.
    if curve is not edge:
        rows = [{**row, "judged": [{**one, "inside": False} for one in row["judged"]]} for row in rows]
    decisions = [judged([before], [after]) for before, after in zip(rows[::2], rows[1::2], strict=True)]
    (declared,) = {round(one.false_alarm, 9) for one in decisions}
    assert declared == pytest.approx(3 * ERROR if curve is edge else 2 * ERROR)
    moves = sum(moved(before, after) is not None for before, after in zip(rows[::2], rows[1::2], strict=True))
    falls = sum(one.status for one in decisions)
    apart = sum(_apart(before, after) for before, after in zip(rows[::2], rows[1::2], strict=True))
    print(f"{curve.__name__}: declared {declared:.2g}, fell {falls}/{REPEATS}, moved {moves}/{REPEATS} (at most "
          f"{upper(moves, REPEATS):.2g}); brackets apart in {apart}")  # fmt: skip
    assert upper(falls, REPEATS) <= declared
    assert upper(moves, REPEATS) <= 2 * ERROR
    if curve is not edge:
        assert apart > REPEATS / 5, "comparing brackets alone is to be seen to be wrong"


def _apart(before: dict, after: dict) -> bool:
    ends = [(row["refuted"] or 0, row["holds"] or np.inf) for row in (before, after)]
    return ends[0][1] < ends[1][0] or ends[1][1] < ends[0][0]


def test_intervals_that_are_too_narrow_would_not_keep_it() -> None:
    def narrowed(row: dict) -> dict:
        for one in row["judged"]:
            middle_of, half = sum(one["interval"]) / 2, (one["interval"][1] - one["interval"][0]) / 2
            one["interval"] = (middle_of - half / 8, middle_of + half / 8)
        return row

    rows = [narrowed(searched(middle(0), seed, ERROR)) for seed in range(60)]
    moves = sum(moved(before, after) is not None for before, after in zip(rows[::2], rows[1::2], strict=True))
    assert moves / 30 > 2 * ERROR


@pytest.mark.parametrize(("error", "times"), [(ERROR, 2), (1e-6, 2.5)])
def test_a_threshold_that_moves_far_is_found(error: float, times: float) -> None:
    repeats = 30
    rows = [(searched(sloping(80), seed, error), searched(sloping(80 * times), 1000 + seed, error)) for seed in range(repeats)]
    worse = [moved(before, after) for before, after in rows]
    better = [moved(after, before) for before, after in rows]
    print(f"error {error:g}, {times} times: {sum(one is not None for one in worse)} of {repeats} found")
    assert sum(one is not None and one.worse for one in worse) >= 0.9 * repeats
    assert sum(one is not None and not one.worse for one in better) >= 0.9 * repeats
