"""How many different affine maps a list holds, when equality is known only within rounding."""

from __future__ import annotations

import numpy as np


def count_distinct(vectors: np.ndarray, within: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Distinct vectors per network, (R,), equal vectors being those whose entries all agree within the sum of tolerances.

    Arguments:
        vectors: (R, K, q).
        within: (R, K), absolute tolerance of the entries of each vector.
        valid: (R, K), False in the padding.
    """
    labels = label_distinct(vectors, within, valid)
    return labels.max(1) + 1


def label_distinct(vectors: np.ndarray, within: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Number from 0 the distinct vectors of each network, (R, K); the padding gets -1.

    Vectors are sorted by one random projection, and neighbours compared in full: equal vectors are neighbours unless another
    projection falls within rounding of theirs, an event of probability about K^2 times the tolerance.
    """
    direction = np.random.default_rng(1).uniform(0.5, 1.5, vectors.shape[2])
    key = np.where(valid, vectors @ direction, np.inf)
    order = np.argsort(key, axis=1, kind="stable")
    ordered = np.take_along_axis(vectors, order[..., None], 1)
    slack = np.take_along_axis(within, order, 1)
    apart = np.abs(np.diff(ordered, axis=1)).max(2) > slack[:, 1:] + slack[:, :-1]
    label = np.concatenate([np.zeros((len(vectors), 1), int), np.cumsum(apart, axis=1)], 1)
    result = np.empty_like(label)
    np.put_along_axis(result, order, label, 1)
    return np.where(valid, result, -1)
