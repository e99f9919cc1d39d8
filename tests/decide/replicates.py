"""Replicates that sequential rules take to a verdict, at truths given in margins, beside fixed designs of the same errors.

`python tests/decide/replicates.py` prints the table. A truth of k > 0 margins lies k margins on the safe side of the claimed
bound, -k as far beyond the value at which `holds` is an error; 0 is half-way between both, where nothing is promised. An
equality has one safe truth, the claimed value: 1 margin from where `holds` is an error.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np
from fixed_designs import clopper_pearson, dkwm_cdf, dkwm_mean, dkwm_two_sample

from regimes.decide import BernoulliAtLeast, BernoulliAtMost, BernoulliEquals, BoundedMean, LawAgainstCDF, TwoSample

ERROR, LIMIT, BLOCK = 1e-6, 2_000_000, 4096
Draw = Callable[[np.random.Generator, int], np.ndarray]


def to_verdict(make: Callable[[], object], draw: Draw, runs: int = 9) -> tuple[float, set[str]]:
    """The median of the replicates to a verdict over some runs with fixed seeds, and the verdicts."""
    counts, verdicts = [], set()
    for seed in range(runs):
        rule, generator = make(), np.random.default_rng(seed)
        while rule.verdict == "undecided" and rule.replicates < LIMIT:
            rule.fold(draw(generator, BLOCK))
        verdicts.add(rule.verdict)
        counts.append(rule.decided_at or rule.replicates)
    return statistics.median(counts), verdicts


def bernoulli(p: float) -> Draw:
    return lambda generator, size: (generator.random(size) < p).astype(float)


def beta(mean: float, size: float = 20.0) -> Draw:
    return lambda generator, count: generator.beta(mean * size, (1 - mean) * size, count)


def uniform_mixture(distance: float) -> Draw:
    """The uniform law with the share `distance` moved to 0: sup|G - F| = distance."""
    return lambda generator, size: generator.random(size) * (generator.random(size) >= distance)


def pairs(distance: float) -> Draw:
    draw = uniform_mixture(distance)
    return lambda generator, size: np.stack([draw(generator, size), generator.random(size)], axis=1)


DISTANCES = (1e-9, 0.5, 1.0, 2.0, 4.0)
Q, M = 0.9, 0.02
MEAN, WIDTH = 0.5, 0.05
FAR = 0.1

# Rule, fixed design, its size, how the rule is made, and the draws at k margins on the safe side and on the wrong one.
Row = tuple[str, str, int, Callable[[], object], Callable[[float], Draw | None]]


def at_least(k: float) -> Draw:
    return bernoulli(Q + k * M if k > 0 else Q - M + k * M if k < 0 else Q - M / 2)


def at_most(k: float) -> Draw:
    return bernoulli(1 - Q - k * M if k > 0 else 1 - Q + M - k * M if k < 0 else 1 - Q + M / 2)


def equals(k: float) -> Draw | None:
    return bernoulli(Q) if k == 1 else bernoulli(Q - M + k * M) if k < 0 else bernoulli(Q - M / 2) if k == 0 else None


def mean_at_least(k: float) -> Draw:
    return beta(MEAN + k * WIDTH if k > 0 else MEAN - WIDTH + k * WIDTH if k < 0 else MEAN - WIDTH / 2)


def law(k: float) -> Draw | None:
    return uniform_mixture(0.0) if k == 1 else uniform_mixture(FAR - k * FAR) if k < 0 else uniform_mixture(FAR / 2) if k == 0 else None


def two(k: float) -> Draw | None:
    return pairs(0.0) if k == 1 else pairs(FAR - k * FAR) if k < 0 else pairs(FAR / 2) if k == 0 else None


HALF = ERROR / 2
ROWS: tuple[Row, ...] = (
    (f"P >= {Q} (margin {M})", "Clopper-Pearson", clopper_pearson(Q, M, ERROR), lambda: BernoulliAtLeast(Q, M, ERROR), at_least),
    (f"P <= {1 - Q:.1f} (margin {M})", "Clopper-Pearson", clopper_pearson(Q, M, ERROR), lambda: BernoulliAtMost(1 - Q, M, ERROR), at_most),
    (f"P = {Q} (margin {M})", "Clopper-Pearson, either side at half the error",
     max(clopper_pearson(Q, M, HALF), clopper_pearson(1 - Q, M, HALF)), lambda: BernoulliEquals(Q, M, ERROR), equals),
    (f"mean >= {MEAN} (margin {WIDTH}), Beta on [0, 1]", "DKWM mean", dkwm_mean(WIDTH, 0, 1, HALF, HALF),
     lambda: BoundedMean(MEAN, WIDTH, 0.0, 1.0, ERROR, "at_least"), mean_at_least),
    (f"uniform law (margin {FAR})", "DKWM", dkwm_cdf(FAR, HALF, HALF), lambda: LawAgainstCDF(lambda x: np.clip(x, 0, 1), FAR, ERROR, lambda x: np.where(x > 0, np.clip(x, 0, 1), 0.0)), law),
    (f"one law of two (margin {FAR})", "DKWM two-sample", dkwm_two_sample(FAR, HALF, HALF), lambda: TwoSample(FAR, ERROR), two),
)  # fmt: skip


def main() -> None:
    for name, design, fixed, make, truth in ROWS:
        print(f"{name}: {design} takes {fixed:,}")
        for k in (*DISTANCES[::-1], 0.0, *(-k for k in DISTANCES)):
            draw = truth(k)
            if draw is not None:
                count, verdicts = to_verdict(make, draw)
                print(f"  {k:+4.1f} margins: {count:>9,.0f}  {fixed / count:6.2f}x fewer  {', '.join(sorted(verdicts))}")


if __name__ == "__main__":
    main()
