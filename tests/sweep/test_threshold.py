from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.stats import beta, norm

from regimes.decide import Budget
from regimes.decide.evidence import Evidence
from regimes.kinds import Probability
from regimes.sweep.threshold import SCOUT_ERROR, Bracket, search
from regimes.sweep.thresholds import BRIEF

TARGET, MARGIN = 0.9, 0.05
KIND = Probability(at_least=TARGET, margin=MARGIN)


def evidence(verdict, replicates: int = 1) -> Evidence:
    return Evidence(verdict, replicates, 0, None, None, None, 0.1, 0.1, None, "made up")


def nowhere(*given: object) -> Evidence:
    raise AssertionError(f"asked at {given}")


def told(
    verdicts: Sequence[str], scouts: Sequence[str] | None = None, brief: bool = False
) -> tuple[Bracket, list[tuple[int, float, bool]]]:
    """The search among coordinates with these verdicts, and the questions to judges, who may decide briefly or not."""
    asked: list[tuple[int, float, bool]] = []

    def judge(index: int, error: float, briefly: bool) -> Evidence:
        asked.append((index, error, briefly))
        return evidence(verdicts[index] if brief or not briefly else "undecided", 100)

    found = search(len(verdicts), lambda index: evidence((scouts or verdicts)[index]), judge, 0.1)
    return found, asked


def row(refuted: int, undecided: int, holds: int) -> list[str]:
    return ["refuted"] * refuted + ["undecided"] * undecided + ["holds"] * holds


@pytest.mark.parametrize("brief", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 1000])
def test_every_threshold_is_found_between_neighbours(count: int, brief: bool) -> None:
    for refuted in {0, 1, count // 3, count // 2, count - 1, count}:
        found, asked = told(row(refuted, 0, count - refuted), brief=brief)
        assert (found.refuted, found.holds) == (refuted - 1 if refuted else None, refuted if refuted < count else None)
        assert (found.against, found.undecided) == ((), ())
        assert found.scouts <= (0 if brief else np.log2(count) + 1)
        assert len(asked) <= (np.log2(count) + 4 if brief else 7)
        assert found.replicates == found.scouts + 100 * len(asked)


@pytest.mark.parametrize("brief", [False, True])
def test_the_errors_stay_within_the_row_s_and_an_index_has_one(brief: bool) -> None:
    _, asked = told(row(300, 0, 700), scouts=row(900, 0, 100), brief=brief)
    shares: dict[int, float] = {}
    halves: dict[bool, list[float]] = {True: [], False: []}
    for index, error, briefly in asked:
        if index not in shares:
            halves[briefly].append(error)
        assert shares.setdefault(index, error) == error
    for half in halves.values():
        assert half == pytest.approx([0.05 * Budget.series(j + 1) for j in range(len(half))])
    assert sum(shares.values()) < 0.1
    assert len(set(asked)) == len(asked) > 6
    assert all(not briefly for _, _, briefly in asked[1:]) or brief


@pytest.mark.parametrize("wrong", [0, 90, 440, 460, 700, 1000])
def test_scouts_that_are_wrong_cost_replicates_and_nothing_else(wrong: int) -> None:
    found, asked = told(row(450, 0, 550), scouts=row(wrong, 0, 1000 - wrong))
    assert (found.refuted, found.holds) == (449, 450)
    assert len(asked) < 27


@pytest.mark.parametrize("scouts", [row(450, 100, 450), row(500, 0, 500), row(470, 1, 529)])
def test_what_is_undecided_widens_the_bracket_and_is_never_decided_by_force(scouts: list[str]) -> None:
    found, asked = told(row(480, 40, 480), scouts)
    assert found.refuted is not None and found.holds is not None
    assert 350 < found.refuted < 480 and 520 <= found.holds < 650
    assert found.undecided
    assert all(found.refuted < index < found.holds for index in found.undecided)
    assert len(asked) < 24


def test_a_row_that_is_undecided_throughout_has_no_end() -> None:
    found, asked = told(row(0, 40, 0))
    assert (found.refuted, found.holds, found.against) == (None, None, ())
    assert set(found.undecided) == {index for index, _, briefly in asked if not briefly}
    assert {0, 39} <= set(found.undecided)


def test_a_claim_that_is_not_monotone_is_reported() -> None:
    # Holds from 200 to 699 only: the scouts' middle lies there, and the last coordinate speaks against a single threshold.
    found, _ = told(row(200, 0, 500) + ["refuted"] * 300)
    assert (found.refuted, found.holds) == (199, 200)
    assert found.against == (999,)
    # Refuted from 400 to 599 only: the first coordinate does, and the middle of the lower flank.
    found, _ = told(row(0, 0, 400) + row(200, 0, 400))
    assert (found.refuted, found.holds) == (599, 600)
    assert found.against == (0, 299)


@pytest.mark.parametrize(("count", "error", "says"), [(0, 0.1, "at least one coordinate"), (3, 0.0, "lies in"), (3, 1.0, "lies in")])
def test_bad_input(count: int, error: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        search(count, nowhere, nowhere, error)


# --- error rates, with the real rule at a large error so that the measurement has power ---------------------------

ERROR, SEEDS = 0.2, 250
COUNT = 200


def sharp(index: np.ndarray) -> np.ndarray:
    """Below the threshold at 120 nearly nothing, above it nearly all."""
    return np.where(index < 120, 0.5, 0.995)


def flat(index: np.ndarray) -> np.ndarray:
    """Crosses the target at 120, and the target less its margin at 120 (1.282 - 1.036) 80 = 20 before."""
    return norm.cdf(norm.ppf(TARGET) + (index - 120) / 80)


def resting(index: np.ndarray) -> np.ndarray:
    """The hardest truth: exactly at the target from 120 on, exactly at the margin below."""
    return np.where(index < 120, TARGET - MARGIN, TARGET)


def bumpy(index: np.ndarray) -> np.ndarray:
    """Holds between 60 and 140 only."""
    return np.where((index >= 60) & (index < 140), 0.97, 0.7)


def everywhere(index: np.ndarray) -> np.ndarray:
    """True throughout."""
    return np.full(index.shape, 0.95)


def never(index: np.ndarray) -> np.ndarray:
    """False throughout."""
    return np.full(index.shape, 0.8)


CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    one.__name__: one for one in (sharp, flat, resting, bumpy, everywhere, never)
}


def measured(truth: np.ndarray, seed: int, error: float, replicates: int = 20_000) -> Bracket:
    """A search by the real rule on coins with these probabilities."""
    random = np.random.default_rng(seed)

    def decided(index: int, at: float, most: int) -> Evidence:
        rule = KIND.rule(None, at)  # type: ignore[arg-type]
        while rule.verdict == "undecided" and rule.replicates < most:
            rule.fold((random.random(64) < truth[index]).astype(float))
        return rule.evidence()

    return search(
        len(truth), lambda index: decided(index, SCOUT_ERROR, replicates // 4),
        lambda index, at, brief: decided(index, at, BRIEF if brief else replicates), error,
    )  # fmt: skip


def wrong(found: Bracket, truth: np.ndarray) -> bool:
    """Whether any judge was wrong: refuted a true claim, or let hold one that is false by its margin."""
    return any(
        (one.verdict == "refuted" and truth[index] >= TARGET) or (one.verdict == "holds" and truth[index] <= TARGET - MARGIN)
        for index, one in found.judged.items()
    )


def upper(failures: int, repeats: int) -> float:
    """Clopper-Pearson upper bound at 99.9 %."""
    return float(beta.ppf(0.999, failures + 1, repeats - failures))


@pytest.fixture(scope="module")
def searches() -> dict[str, tuple[np.ndarray, list[Bracket]]]:
    truths = {name: curve(np.arange(COUNT)) for name, curve in CURVES.items()}
    return {name: (truth, [measured(truth, seed, ERROR) for seed in range(SEEDS)]) for name, truth in truths.items()}


@pytest.mark.parametrize("name", CURVES)
def test_the_declared_error_is_kept_on_every_curve(searches, name: str) -> None:
    truth, brackets = searches[name]
    failures = sum(wrong(found, truth) for found in brackets)
    print(f"{name}: declared {ERROR}, measured {failures}/{SEEDS}, at most {upper(failures, SEEDS):.3g}")
    assert upper(failures, SEEDS) <= ERROR


def test_the_measurement_comes_near_enough_to_the_bound_to_mean_something(searches) -> None:
    truth, brackets = searches["resting"]
    assert sum(wrong(found, truth) for found in brackets) >= SEEDS * ERROR / 20


def test_judges_that_spend_the_whole_budget_each_would_not_keep_it() -> None:
    truth, failures = CURVES["resting"](np.arange(COUNT)), 0
    for seed in range(SEEDS):
        random = np.random.default_rng(seed)

        def decided(index: int, random=random) -> Evidence:
            rule = KIND.rule(None, ERROR)  # type: ignore[arg-type]
            while rule.verdict == "undecided":
                rule.fold((random.random(64) < truth[index]).astype(float))
            return rule.evidence()

        failures += wrong(search(COUNT, decided, lambda index, at, brief: decided(index), ERROR), truth)
    assert failures / SEEDS > ERROR


@pytest.mark.parametrize("name", ["sharp", "flat", "resting"])
def test_the_bracket_meets_the_band_between_the_threshold_and_that_of_the_margin(searches, name: str) -> None:
    truth, brackets = searches[name]
    true_from, margin_from = int(np.argmax(truth >= TARGET)), int(np.argmax(truth > TARGET - MARGIN))
    missed = sum(
        not ((found.refuted is None or found.refuted < true_from) and (found.holds is None or found.holds >= margin_from))
        for found in brackets
    )
    assert upper(missed, SEEDS) <= ERROR
    if name == "sharp":
        exact = sum((found.refuted, found.holds) == (119, 120) for found in brackets)
        assert exact >= SEEDS * (1 - ERROR)


def test_brackets_without_a_threshold_in_range_are_one_sided(searches) -> None:
    for name, ends in (("everywhere", (None, 0)), ("never", (COUNT - 1, None))):
        _, brackets = searches[name]
        assert sum((found.refuted, found.holds) == ends for found in brackets) >= SEEDS * (1 - ERROR)


def test_a_second_change_is_seen(searches) -> None:
    _, brackets = searches["bumpy"]
    seen = sum(bool(found.against) for found in brackets)
    assert seen >= SEEDS * (1 - ERROR)


def test_the_search_takes_a_tenth_of_the_replicates_of_the_grid() -> None:
    fine = 2000
    for name in ("sharp", "flat"):
        truth = CURVES[name](np.arange(fine) * COUNT / fine)
        row_error = 1e-6
        spent = np.mean([measured(truth, seed, row_error, 10**6).replicates for seed in range(6)])
        random = np.random.default_rng(0)
        grid = 0
        for probability in truth[::20]:
            rule = KIND.rule(None, row_error / fine)  # type: ignore[arg-type]
            while rule.verdict == "undecided":
                rule.fold((random.random(64) < probability).astype(float))
            grid += 20 * rule.replicates
        print(f"{name}: {grid} replicates on the grid, {spent:.0f} by the search, ratio {grid / spent:.1f}")
        assert grid >= 10 * spent
