"""Forward and backpropagated norms of (leaky) ReLU networks at one input, drawn from their exact law without weights.

With slope a below 0, weights N(0, v_l) and k_l active units, |h^l|^2 = v_l |h^(l-1)|^2 C_l, C_l = chi2_k + a^2 chi2_(n-k).
Given the forward pass W^(l+1) is a fixed part along h^l and a fresh Gaussian on its complement. The products
Y_l = |delta^l|^2 |h^l|^2 then obey, with s = <a^l, delta^l> the same in all layers (Euler), f the share of |h^l|^2 in the
active units, m^2 = Y_(l+1)/C_(l+1) and w standard normal (0 where no unit or every unit is active),

    Y_l = (s sqrt f + m w sqrt(1-f))^2 + a^2 (s sqrt(1-f) - m w sqrt f)^2 + m^2 (chi2_(k-1) + a^2 chi2_(n-k-1)),

which for ReLU is s^2 + m^2 chi2_(k-1), as in `regimes.theory.gradient_norm_law`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from regimes.case import Case
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.architecture import Architecture, architecture
from regimes.subjects.signal_norms import GradientNorms, layer_ratios
from regimes.subjects.subject import Subject
from regimes.theory import binomial_half

CHUNK = 1 << 13  # numbers of one kind drawn together: 64 KiB, below the size that malloc maps and unmaps each time
NARROW = 48  # replicates in a chunk below which a Python loop over layers costs more than what it adds up
RESCALE = 8  # layers between two rescalings: eight factors below 1e35 stay finite


class GradientChain:
    """Norms of R networks at one input of unit norm, exact in law: a few scalars per layer at any width.

    Arguments:
        widths: n_0, n_1, ..., n_L.
        replicates: R.
        randomness: keyed streams.
        slope: a, the activation's slope below 0: 0 for ReLU, 1 for a linear network, -1 for |x|.
        variance: `(rows, columns) -> variance` of a layer's weights.
    """

    sampler = "law"

    def __init__(
        self,
        widths: tuple[int, ...],
        replicates: int,
        randomness: Randomness,
        *,
        slope: float = 0.0,
        variance: Callable[[int, int], float] = lambda rows, columns: 2 / rows,
    ) -> None:
        self.widths, self.replicates, self.randomness, self.slope = widths, replicates, randomness, slope
        scales = [variance(rows, columns) for columns, rows in pairwise(widths)]
        # Gamma variables are half a chi-square.
        self.log_scales = np.log(2 * np.array(scales))[:, None]

    @property
    def architecture(self) -> Architecture:
        """Widths and the one input."""
        return Architecture(self.widths)

    def log_norms(self) -> Tensor:
        """log|h^l|^2, shape (R, L + 1, 1), -inf after death."""
        log_hidden = np.zeros((len(self.widths), self.replicates))
        for part, _, factors, _ in self._forward():
            log_hidden[1:, part] = self._logs(factors)
        return torch.from_numpy(log_hidden.T)[:, :, None]

    def layer_ratios(self) -> Tensor:
        """r_l = |h^l|^2/|h^(l-1)|^2, shape (R, L); 0 where layer l dies, NaN after that."""
        return layer_ratios(self.log_norms())

    def gradients(self, error: float | str) -> GradientNorms:
        """Backpropagate a unit output error.

        Arguments:
            error: cos^2 of its angle with the last hidden layer. Where that layer has one active unit alone, an error
                at an angle to it does not exist, and only the part along the layer is left.

        Raises:
            SubjectError: a loss's name, which the scalars do not determine, or a squared cosine outside [0, 1].
        """
        if isinstance(error, str) or not 0 <= error <= 1:
            raise SubjectError(f"the norms' exact law takes the error's squared cosine in [0, 1]; got {error!r}")
        depth = len(self.widths) - 1
        log_hidden = np.zeros((depth + 1, self.replicates))
        log_delta, active = np.empty((2, depth, self.replicates))
        fresh, top = self._stream("backward"), self._stream("error")
        with np.errstate(divide="ignore", invalid="ignore"):
            for part, units, factors, share in self._forward():
                # Chunks are worked on in arrays of their own: columns of wide ones would share cache lines' sets.
                logs = self._logs(factors)
                back = self._backward(units, factors, share, float(error), fresh, top)
                back -= logs
                back += logs[-1]
                if factors.min() == 0:
                    alive = np.logical_and.accumulate(factors > 0)
                    units = units * alive
                    back[:, ~alive[-1]] = -np.inf
                log_hidden[1:, part], log_delta[:, part], active[:, part] = logs, back, units
            log_kappa = log_hidden[-1] + np.log(error)
        return GradientNorms(*(torch.from_numpy(found.T) for found in (log_delta, log_hidden, active, log_kappa)))

    def _stream(self, name: str) -> np.random.Generator:
        return self.randomness.numpy(name)

    def _logs(self, factors: np.ndarray) -> np.ndarray:
        """log|h^l|^2 for l = 1..L, shape (L, chunk)."""
        with np.errstate(divide="ignore"):
            logs = np.log(factors)
        logs += self.log_scales
        if logs.shape[1] < NARROW:
            return np.cumsum(logs, axis=0, out=logs)
        # Of wide rows np.cumsum along the first axis is ten times slower than adding them one by one.
        for below, above in pairwise(logs):
            above += below
        return logs

    def _forward(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray, np.ndarray | None]]:
        """Chunks of replicates: where they go, k_l, half of C_l, and f (None for ReLU), each of shape (L, chunk)."""
        coins, norms = self._stream("active"), self._stream("forward")
        hidden = np.array(self.widths[1:])
        alike = [(int(width), np.flatnonzero(hidden == width)) for width in np.unique(hidden)]
        step = max(128, CHUNK // hidden.size)
        for start in range(0, self.replicates, step):
            part = slice(start, min(start + step, self.replicates))
            count = part.stop - part.start
            units = np.empty((hidden.size, count))
            for width, rows in alike:
                drawn = binomial_half.sample(width, (rows.size, count), coins)
                if rows.size == hidden.size:
                    units = drawn
                else:
                    units[rows] = drawn
            factors, share = norms.standard_gamma(units / 2), None
            if self.slope:
                below = self.slope**2 * norms.standard_gamma((hidden[:, None] - units) / 2)
                total = factors + below
                factors, share = total, factors / total
            yield part, units, factors, share

    def _rest(self, units: np.ndarray, hidden: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Half of chi2_(k-1) + a^2 chi2_(n-k-1): what is left of the fresh part without h's two directions."""
        rest = generator.standard_gamma(np.maximum((units - 1) / 2, 0))
        if self.slope:
            rest += self.slope**2 * generator.standard_gamma(np.maximum((hidden[:, None] - units - 1) / 2, 0))
        return rest

    def _backward(
        self, units: np.ndarray, factors: np.ndarray, share: np.ndarray | None, error: float,
        fresh: np.random.Generator, top: np.random.Generator,
    ) -> np.ndarray:  # fmt: skip
        """The logarithms log Y_l in units of |h^L|^2, shape (L, chunk)."""
        hidden = np.array(self.widths[1:])
        y, s = self._error(units[-1], None if share is None else share[-1], error, top)
        found = np.empty_like(factors)
        found[-1] = y
        ratio = self._rest(units[:-1], hidden[:-1], fresh)
        ratio /= factors[1:]
        turn = None if share is None else self._turn(units[:-1], hidden[:-1, None], factors[1:], share[:-1], fresh)
        square, signed, total, exponents = s * s, s, np.zeros(y.shape, np.int32), None
        for layer in range(hidden.size - 2, -1, -1):
            above, y = y, np.multiply(y, ratio[layer], out=found[layer])
            if turn is None:
                y += square
            else:
                w, inside, outside = turn
                m = np.sqrt(above) * w[layer]
                y += (signed * inside[layer] + m * outside[layer]) ** 2
                y += self.slope**2 * (signed * outside[layer] - m * inside[layer]) ** 2
            if exponents is not None:
                exponents[layer] = total
            if layer % RESCALE == 0 and layer:
                shift = np.frexp(y)[1] // 2 * 2
                if np.abs(shift).max() > 32:
                    # Powers of four, so that s keeps its digits; s is scaled afresh, so that it is never lost.
                    exponents = np.zeros(found.shape, np.int32) if exponents is None else exponents
                    total = total + shift
                    y = np.ldexp(y, -shift)
                    square, signed = np.ldexp(s * s, -total), np.ldexp(s, -total // 2)
        log_y = np.log(found)
        return log_y if exponents is None else log_y + math.log(2) * exponents

    @staticmethod
    def _turn(
        units: np.ndarray, hidden: np.ndarray, factors: np.ndarray, share: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The turn w over the root of C_(l+1), sqrt f and sqrt(1 - f) of the lower layers."""
        w = generator.standard_normal(units.shape)
        # With no unit or every unit active one of the two directions that w turns into does not exist.
        w[(units == 0) | (units == hidden)] = 0
        # `factors` are halves of C.
        w /= np.sqrt(2 * factors)
        return w, np.sqrt(share), np.sqrt(1 - share)

    def _error(
        self, units: np.ndarray, share: np.ndarray | None, error: float, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """|delta^L|^2 and s/|h^L| of a unit error at cos^2 = error with h^L, else Gaussian before the slopes: (chunk,)."""
        a, n = self.slope, self.widths[-1]
        if share is None:
            # A second active unit is needed for an error at an angle.
            return np.where(units > 1, 1.0, error), np.full(units.shape, math.sqrt(error))
        g = generator.standard_normal((2, units.size)) * np.stack([units > 0, units < n])
        rest = 2 * self._rest(units[None], np.array([n]), generator)[0]
        inside, outside = np.sqrt(share), np.sqrt(1 - share)
        across = outside * g[0] - a * inside * g[1]
        length = np.sqrt(across**2 + rest)
        unit = np.divide(across, length, out=np.zeros_like(across), where=length > 0)
        along = share + (1 - share) / a
        s = math.sqrt(error) * along + math.sqrt(1 - error) * unit * inside * outside * (1 - 1 / a)
        return np.where(length > 0, 1.0, error), s


def in_law(name: str, variance: Callable[[int, int], float], description: str, slope: float = 0.0) -> Subject:
    """A subject of gradient chains; arguments as of `GradientChain`."""

    def build(case: Case, replicates: int, randomness: Randomness) -> GradientChain:
        shape = architecture(case)
        if shape.inputs != 1:
            raise SubjectError(f"the chain of norms is exact for one input; the case has {shape.inputs}")
        return GradientChain(shape.widths, replicates, randomness, slope=slope, variance=variance)

    return Subject(name, build, description, chain_footprint, chain_work)


def chain_footprint(case: Case) -> float:
    """Floats of a chain's pass up and down: sixteen float64 a layer at most, less where a block is several chunks."""
    return 32.0 * float(case["depth"])


def chain_work(case: Case) -> float:
    """Time of a chain in units of one weight drawn: two to four gamma variables and some arithmetic a layer."""
    return 15.0 * float(case["depth"])


he_gradients_in_law = in_law(
    "He normal, fan-out, gradients in law", lambda rows, columns: 2 / rows, "forward and backward norms from their exact law"
)
he_fan_in_gradients_in_law = in_law(
    "He normal, fan-in, gradients in law", lambda rows, columns: 2 / columns, "forward and backward norms from their exact law"
)
leaky_gradients_in_law = in_law(
    "leaky ReLU, gradients in law", lambda rows, columns: 2 / rows, "slope 0.2, norms from their exact law", slope=0.2
)
