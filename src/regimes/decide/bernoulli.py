"""A Bernoulli parameter against a threshold, by mixture e-processes.

For the hypothesis P >= q the process sum_j w_j prod_i LR(p_j, q; x_i), p_j < q, is a supermartingale under
every P >= q: one factor has mean P p_j/q + (1-P)(1-p_j)/(1-q), which is 1 at P = q and falls with P. By Ville's
inequality it ever reaches 1/a with probability at most a. It is monotone in the number of successes, so it is
kept as a boundary: the hypothesis is rejected at count n as soon as the successes are at most b(n).

Reference: H. Robbins, Statistical methods related to the law of the iterated logarithm (1970); A. Ramdas,
P. Grünwald, V. Vovk, G. Shafer, Game-theoretic statistics and safe anytime-valid inference (2023), arXiv 2210.01948.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import betaln, expit, logit, logsumexp

from regimes.decide.evidence import Evidence, Rule
from regimes.decide.looks import dense_looks

DISTANCES = np.geomspace(0.02, 14, 40)
TABLE = 1024


class Boundary:
    """The largest number of successes at which the hypothesis P >= q is rejected, for each count n.

    Arguments:
        q: the threshold, in (0, 1].
        error: probability with which a true hypothesis may ever be rejected.
    """

    def __init__(self, q: float, error: float) -> None:
        self.q, self.log_level = q, -math.log(error)
        if q < 1:
            # Alternatives spread over log-odds distances, and an atom at P = 0, where the cost is closed.
            alternatives = expit(logit(q) - DISTANCES)
            with np.errstate(divide="ignore"):
                self.up = np.append(np.log(alternatives / q), -np.inf)
                self.down = np.append(np.log1p(-alternatives) - math.log1p(-q), -math.log1p(-q))
            self.weights = np.append(np.full(40, math.log(0.5 / 40)), math.log(0.5))

    def log_e(self, successes: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Logarithm of the e-process against P >= q."""
        s, n = np.asarray(successes, float)[..., None], np.asarray(counts, float)[..., None]
        with np.errstate(invalid="ignore"):
            gain = np.where(s > 0, s * self.up, 0.0) + (n - s) * self.down
        return np.asarray(logsumexp(gain + self.weights, axis=-1))

    def at(self, counts: np.ndarray) -> np.ndarray:
        """b(n): reject when successes <= b(n); -1 where no number of successes rejects."""
        counts = np.asarray(counts, np.int64)
        if counts.size and counts.max() <= TABLE:
            return _table(self.q, self.log_level)[counts]
        return self._solve(counts)

    def rejects(self, successes: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Whether so many successes reject the hypothesis: by the table of b(n), or the e-process beyond it."""
        if self.q >= 1:
            return successes < counts
        if not counts.size or counts.max() <= TABLE:
            return successes <= _table(self.q, self.log_level)[counts]
        return self.log_e(successes, counts) >= self.log_level

    def _solve(self, counts: np.ndarray) -> np.ndarray:
        if self.q >= 1:
            return counts - 1
        low, high = np.full(counts.shape, -1, np.int64), counts.copy()
        while (high - low > 1).any():
            middle = (low + high) // 2
            rejects = self.log_e(middle, counts) >= self.log_level
            low, high = np.where(rejects, middle, low), np.where(rejects, high, middle)
        return low


@lru_cache(maxsize=256)
def _table(q: float, log_level: float) -> np.ndarray:
    """b(0), ..., b(TABLE) of the boundary at q, shared by all rules with this threshold and level."""
    return Boundary(q, math.exp(-log_level))._solve(np.arange(TABLE + 1))


def beta_interval(successes: int, count: int, error: float) -> tuple[float, float]:
    """Time-uniform interval for P from the Beta(1/2, 1/2) mixture martingale (Robbins)."""
    if count == 0:
        return (0.0, 1.0)
    s, f = float(successes), float(count - successes)
    ceiling = betaln(s + 0.5, f + 0.5) - betaln(0.5, 0.5) + math.log(error)

    def inside(p: float) -> bool:
        with np.errstate(divide="ignore"):
            log_p = s * math.log(p) if s else 0.0
            log_q = f * math.log1p(-p) if f else 0.0
        return log_p + log_q >= ceiling

    def root(inner: float, outer: float) -> float:
        for _ in range(60):
            middle = (inner + outer) / 2
            inner, outer = (middle, outer) if 0 < middle < 1 and inside(middle) else (inner, middle)
        return outer

    centre = min(max(s / count, 1e-12), 1 - 1e-12)
    return (0.0 if s == 0 else root(centre, 0.0), 1.0 if f == 0 else root(centre, 1.0))


class _Bernoulli(Rule):
    """Common part: counts, boundaries and evidence; subclasses say what is refuted and what is certified."""

    def __init__(self, target: float, margin: float, error: float, words: str) -> None:
        super().__init__(error)
        if not 0 <= target <= 1:
            raise ValueError(f"a probability lies in [0, 1]; got {target!r}")
        if not 0 < margin < 1:
            raise ValueError(f"the margin of a probability lies in (0, 1); got {margin!r}")
        self.target, self.margin, self.words = float(target), float(margin), words
        self.count = self.successes = 0
        # Each boundary is about successes (flip False) or failures (flip True).
        self.refuting: list[tuple[Boundary, bool]] = []
        self.certifying: list[tuple[Boundary, bool]] = []

    def decide_at(self, successes: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether the claim is refuted and whether it is certified at each look; arrays of booleans."""
        tallies = {False: successes, True: counts - successes}
        refuted = np.zeros(successes.shape, bool)
        for boundary, flip in self.refuting:
            refuted |= boundary.rejects(tallies[flip], counts)
        certified = np.ones(successes.shape, bool)
        for boundary, flip in self.certifying:
            certified &= boundary.rejects(tallies[flip], counts)
        return refuted, certified

    def _fold(self, values: np.ma.MaskedArray) -> None:
        kept = values.compressed()
        if kept.size and not np.isin(kept, (0, 1)).all():
            raise ValueError(f"a Bernoulli observation is 0 or 1; got {float(kept[~np.isin(kept, (0, 1))][0])!r}")
        before = self.count
        running = self.successes + np.cumsum(kept.astype(np.int64))
        self.count += int(kept.size)
        self.successes = int(running[-1]) if kept.size else self.successes
        if self.verdict != "undecided" or not kept.size:
            return
        looks = dense_looks(before, self.count)
        if not looks.size:
            return
        refuted, certified = self.decide_at(running[looks - before - 1], looks)
        either = np.flatnonzero(refuted | certified)
        if either.size:
            first = either[0]
            self.settle("refuted" if refuted[first] else "holds", int(looks[first]))

    def evidence(self) -> Evidence:
        """Counts, the beta-mixture interval, and what was certified or refuted."""
        estimate = self.successes / self.count if self.count else None
        said = {"holds": "certified", "refuted": "refuted", "undecided": "neither certified nor refuted"}[self.verdict]
        return Evidence(
            verdict=self.verdict,
            replicates=self.replicates,
            discarded=self.discarded,
            estimate=estimate,
            interval=beta_interval(self.successes, self.count, self.error),
            target=self.target,
            error=self.error,
            margin=self.margin,
            detectable=self._detectable(),
            reason=f"{self.words} {said}: {self.successes} of {self.count} replicates",
            details={"rule": type(self).__name__, "decided_at": self.decided_at},
        )

    def _detectable(self) -> float | None:
        from regimes.decide.power import bernoulli_detectable

        if not self.count or not self.refuting:
            return None
        return bernoulli_detectable(self.refuting[0][0], self.count)


class BernoulliAtLeast(_Bernoulli):
    """The claim P >= threshold, with an indifference margin.

    P(ever refuted) <= error/2 if P >= threshold; P(ever holds) <= error/2 if P <= threshold - margin.

    Arguments:
        threshold: the claimed lower bound of P.
        margin: how far below the threshold P may be when the claim is said to hold.
        error: error budget of the verdict.
    """

    def __init__(self, threshold: float, margin: float, error: float) -> None:
        super().__init__(threshold, margin, error, f"P >= {threshold:.6g} (margin {margin:.3g})")
        if threshold > 0:
            self.refuting = [(Boundary(self.target, error / 2), False)]
        if threshold - margin > 0:
            self.certifying = [(Boundary(1 - (self.target - self.margin), error / 2), True)]


class BernoulliAtMost(_Bernoulli):
    """The claim P <= threshold: `BernoulliAtLeast` for the failures.

    Arguments:
        threshold: the claimed upper bound of P.
        margin: how far above the threshold P may be when the claim is said to hold.
        error: error budget of the verdict.
    """

    def __init__(self, threshold: float, margin: float, error: float) -> None:
        super().__init__(threshold, margin, error, f"P <= {threshold:.6g} (margin {margin:.3g})")
        if threshold < 1:
            self.refuting = [(Boundary(1 - self.target, error / 2), True)]
        if threshold + margin < 1:
            self.certifying = [(Boundary(self.target + self.margin, error / 2), False)]


class BernoulliEquals(_Bernoulli):
    """The claim P = probability: refuted from either side, certified within the margin.

    P(ever refuted) <= error/2 if P = probability; P(ever holds) <= error/2 if |P - probability| >= margin.

    Arguments:
        probability: the claimed value of P.
        margin: how far P may be from it when the claim is said to hold.
        error: error budget of the verdict.
    """

    def __init__(self, probability: float, margin: float, error: float) -> None:
        super().__init__(probability, margin, error, f"P = {probability:.6g} (margin {margin:.3g})")
        p, m = self.target, self.margin
        if p > 0:
            self.refuting.append((Boundary(p, error / 4), False))
        if p < 1:
            self.refuting.append((Boundary(1 - p, error / 4), True))
        if p - m > 0:
            self.certifying.append((Boundary(1 - (p - m), error / 2), True))
        if p + m < 1:
            self.certifying.append((Boundary(p + m, error / 2), False))
