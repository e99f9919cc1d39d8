from __future__ import annotations

import json
from pathlib import Path

import pytest
from coins import NAME, cell, control, record, snapshot
from hypothesis import given
from hypothesis import strategies as st

from regimes.gate import baseline, data, show
from regimes.gate.compare import compare
from regimes.gate.decide import GateError, decide
from regimes.gate.pairs import separated

LOW, HIGH = (0.1, 0.4), (0.9, 1.0)


def judged(before: list, after: list, **options):
    return decide(compare(snapshot(record(*before), source="b.json"), snapshot(record(*after))), **options)


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (cell(8, "holds"), cell(8, "refuted"), ["refuted"]),
        (cell(8, "undecided"), cell(8, "refuted"), ["refuted"]),
        (cell(8, "holds"), cell(8, "undecided"), []),
        (cell(8, "refuted"), cell(8, "refuted"), []),
        (cell(8, "refuted"), cell(8, "holds"), []),
        (cell(2, "holds"), cell(2, "refuted"), []),
        (cell(2, "holds", HIGH), cell(2, "refuted", LOW), ["threshold"]),
        (cell(2, "holds", HIGH), cell(2, "refuted", LOW, target=0.8), []),
        (cell(2, "holds", HIGH), cell(2, "refuted", None), []),
        (cell(2, "refuted", LOW), cell(2, "holds", HIGH), []),
        (control("bent", "killed"), control("bent", "survived"), ["control"]),
        (control("bent", "undecided"), control("bent", "survived"), []),
        (control("bent", "killed", cases=3), control("bent", "survived"), []),
        (control("bent", "killed", seed=1), control("bent", "survived"), []),
        (control("bent", "killed", seed=1, interval=LOW), control("bent", "survived", interval=HIGH), ["control"]),
        (control("bent", "killed", seed=1, interval=LOW, case={"width": 9}), control("bent", "survived", interval=HIGH), []),
        (control("bent", "killed"), control("bent", "undecided"), []),
        (control("bent", "survived"), control("bent", "survived"), []),
    ],
)
def test_what_makes_the_gate_fall(before: dict, after: dict, kinds: list[str]) -> None:
    decision = judged([before, cell(16, "holds")], [after, cell(16, "holds")])
    assert [one.kind for one in decision.regressions] == kinds
    assert decision.status == bool(kinds)
    text = "\n".join(show.decision_lines(decision))
    assert text.count("REGRESSION") == len(kinds)
    if kinds:
        assert f"{NAME} (Theorem 1 of J. Doe. Coins (2020))" in text
        assert "the gate falls: 1 regression against b.json; accept what is meant with --update" in text


def test_sentences_say_what_happened_and_where() -> None:
    decision = judged(
        [cell(2, "holds", HIGH), cell(8, "holds"), control("bent", "killed")],
        [cell(2, "refuted", LOW), cell(8, "refuted"), control("bent", "survived")],
    )
    cells, threshold, kept = (one.sentence for one in decision.regressions)
    assert cells.endswith("held at depth=1, width=8 on coin and is now refuted where it is promised: made up")
    assert threshold.endswith(
        "held from width 2 at depth=1 on coin and now holds nowhere: at width 2 the interval [0.9, 1] became [0.1, 0.4]"
    )
    assert kept.startswith("the control 'bent' of doe2020coins/heads-are-likely (Theorem 1")
    assert kept.endswith("was killed and now survives at depth=1, width=4")


def test_thresholds_are_compared_on_the_coordinates_that_both_maps_have() -> None:
    coarse = [cell(width, "refuted" if width < 4 else "holds") for width in (2, 4, 8)]
    fine = [cell(width, "refuted" if width < 4 else "holds") for width in (2, 3, 4, 5, 6, 7, 8)]
    found = compare(snapshot(record(*coarse)), snapshot(record(*fine)))
    assert found.thresholds == []
    assert sum(pair.before is None for pair in found.cells) == 4
    late = [cell(width, "refuted" if width < 8 else "holds") for width in (2, 4, 8)]
    (moved,) = compare(snapshot(record(*fine)), snapshot(record(*late))).thresholds
    assert (moved.before.threshold, moved.after.threshold, moved.worse, moved.witness) == (4, 8, True, None)


def test_a_premise_that_draws_no_line_has_no_thresholds() -> None:
    decision = judged([cell(2, "holds", HIGH, premise_boundary=None)], [cell(2, "refuted", LOW, premise_boundary=None)])
    assert (decision.comparison.thresholds, decision.regressions, decision.false_alarm) == ([], (), 0)


def test_a_promise_below_its_boundary_turns_round() -> None:
    def most(width: int, verdict: str, interval):
        return cell(width, verdict, interval, inside=width <= 4)

    before = [most(2, "holds", HIGH), most(4, "holds", HIGH), most(8, "holds", HIGH), most(16, "refuted", LOW)]
    after = [most(2, "holds", HIGH), most(4, "holds", HIGH), most(8, "refuted", LOW), most(16, "refuted", LOW)]
    (found,) = judged(before, after).regressions
    assert (found.kind, found.where["case"]["width"]) == ("threshold", 8)
    assert judged(after, before).regressions == ()


def test_a_new_cell_is_judged_only_where_it_is_promised() -> None:
    known = [cell(16, "holds")]
    assert judged(known, [*known, cell(2, "refuted")]).regressions == ()
    (found,) = judged(known, [*known, cell(8, "refuted")]).regressions
    assert "was not in the baseline" in found.sentence


def test_what_is_gone_falls_only_on_request() -> None:
    before, after = [cell(8, "holds"), cell(16, "holds"), control("bent", "killed")], [cell(16, "holds")]
    assert judged(before, after).status == 0
    assert [one.kind for one in judged(before, after, complete=True).regressions] == ["missing", "missing"]
    with pytest.raises(GateError, match=r"no cell, no control and no measured threshold in common, .* --update"):
        judged(before, [cell(4, "holds")])
    with pytest.raises(GateError, match="in common"):
        judged(before, [])


def test_a_changed_claim_is_compared_and_said_to_be_changed() -> None:
    found = compare(snapshot(record(cell(8, "holds"))), snapshot(record(cell(8, "refuted"), fingerprint="f2", stale=3)))
    assert (found.changed, found.stale) == ([NAME], {NAME: 3})
    assert decide(found).status == 1
    lines = show.difference_lines(found)
    assert f"claim changed: {NAME}" in lines
    assert f"stale: 3 cells of other versions of {NAME}, not compared" in lines


def test_new_and_gone_claims_are_one_line_each() -> None:
    other = record(*(cell(width, "holds") for width in (4, 8, 16)), name="doe2020coins/other")
    same = record(cell(8, "holds"))
    assert show.difference_lines(compare(snapshot(same), snapshot(same, other))) == ["claim new: doe2020coins/other"]
    assert show.difference_lines(compare(snapshot(same, other), snapshot(same))) == ["claim gone: doe2020coins/other"]


def test_of_several_seeds_and_settings_the_most_alike_are_compared() -> None:
    double = {"alpha": 1e-6, "device": "cpu", "dtype": "float64"}
    before = [cell(8, "refuted", settings=double), cell(8, "undecided", seed=1), cell(8, "holds")]
    for row, word in ((cell(8, "holds", seed=1), "undecided"), (cell(8, "holds", seed=1, settings=double), "refuted"),
                      (cell(8, "holds", seed=7, settings=double), "refuted"), (cell(8, "holds"), "holds")):  # fmt: skip
        (pair,) = compare(snapshot(record(*before)), snapshot(record(row))).cells
        assert pair.words[0] == word


def test_the_declared_rate_is_the_sum_of_the_budgets_that_could_make_the_gate_fall() -> None:
    rows = [cell(8, "holds"), control("bent", "killed")]
    assert judged(rows, rows).false_alarm == pytest.approx(0.01 + 0.001)
    assert judged(rows, [*rows, cell(16, "holds")]).false_alarm == pytest.approx(2 * 0.01 + 0.001)
    assert judged(rows, [*rows, cell(2, "holds")]).false_alarm == pytest.approx(0.01 + 0.001)
    outside = [*rows, cell(2, "holds")]
    assert judged(outside, outside).false_alarm == pytest.approx(3 * 0.01 + 0.001)
    other = [cell(8, "holds"), control("bent", "killed", seed=1)]
    assert judged(rows, other).false_alarm == pytest.approx(0.01 + 2 * 0.001)
    loose = [cell(width, "holds", error=0.9) for width in (8, 16)]
    assert judged(loose, loose).false_alarm == 1


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [((0.1, 0.4), (0.5, 1), True), ((0.1, 0.5), (0.5, 1), False), ((None, 0.4), (0.5, None), True),
     ((0.1, None), (0.5, 1), False), (None, (0.5, 1), False)],
)  # fmt: skip
def test_intervals_are_separated_if_they_are_disjoint(one, other, expected: bool) -> None:
    first, second = cell(8, "holds", one), cell(8, "holds", other)
    assert separated(first, second) is separated(second, first) is expected


verdicts = st.sampled_from(["holds", "refuted", "undecided"])
intervals = st.none() | st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda pair: tuple(sorted(pair)))


@st.composite
def snapshots(draw: st.DrawFn):
    """Snapshots with some of four claims, each with some cells on two rows and some controls."""
    claims = []
    for name in draw(st.sets(st.sampled_from("abcd"))):
        places = draw(st.sets(st.tuples(st.sampled_from([1, 2, 4, 8, 16]), st.sampled_from([1, 2]))))
        cells = [
            cell(width, draw(verdicts), draw(intervals), case={"depth": depth, "width": width}) for width, depth in sorted(places)
        ]
        kept = [control(word, draw(st.sampled_from(["killed", "survived", "undecided"]))) for word in draw(st.sets(st.sampled_from("xyz")))]
        claims.append(record(*cells, *kept, name=f"p/{name}", fingerprint=draw(st.sampled_from(["f1", "f2"]))))
    return snapshot(*claims)


@given(snapshots())
def test_nothing_differs_from_itself(one) -> None:
    found = compare(one, one)
    assert show.difference_lines(found) == []
    assert found.thresholds == found.new == found.gone == found.changed == []
    if found.cells or found.controls:
        assert decide(found, complete=True).regressions == ()


@given(snapshots(), snapshots())
def test_the_two_directions_mirror_each_other(one, other) -> None:
    there, back = compare(one, other), compare(other, one)
    assert (there.new, there.gone, there.changed) == (back.gone, back.new, back.changed)
    for name in ("cells", "controls"):
        mirrored = sorted((b.replace("gone", "new"), a.replace("new", "gone")) for a, b in (pair.words for pair in getattr(back, name)))
        assert sorted(pair.words for pair in getattr(there, name)) == mirrored
    moves = [sorted((str(row.before.threshold), str(row.after.threshold)) for row in one.thresholds) for one in (there, back)]
    assert moves[0] == sorted((after, before) for before, after in moves[1])
    assert [row.worse for row in there.thresholds].count(True) == [row.worse for row in back.thresholds].count(False)


@given(snapshots(), snapshots())
def test_every_regression_has_its_reason_and_every_page_can_be_written(one, other) -> None:
    found = compare(one, other)
    if not any(pair.before and pair.after for pair in (*found.cells, *found.controls)):
        return
    decision = decide(found)
    for reason in decision.regressions:
        before, after = reason.pair.words
        assert (after == "survived" and before in ("killed", "new")) if reason.kind == "control" else (after == "refuted" and before != after)
        assert reason.kind != "threshold" or (before == "holds" and reason.pair.separated and not reason.pair.promised)
        assert reason.claim in reason.sentence
    assert len(show.decision_lines(decision)) < 200
    assert show.markdown(decision).endswith("\n")
    assert json.loads(json.dumps(data.decision_data(decision)))["status"] == decision.status


@given(snapshots())
def test_a_baseline_says_the_same_as_what_it_was_made_from(one) -> None:
    again = baseline._parsed(Path("b.json"), baseline.text(one).encode())
    assert show.difference_lines(compare(one, again)) == []
    assert baseline.text(again) == baseline.text(one)
    for name, claim in again.claims.items():
        key = lambda row: json.dumps(row["case"], sort_keys=True)  # noqa: E731
        whole = [{**row, "reason": None, "interval": None if row["interval"] is None else list(row["interval"])} for row in one.claims[name].cells]
        assert sorted(claim.cells, key=key) == sorted(whole, key=key)
