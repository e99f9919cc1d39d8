"""A toy paper whose truth is known, as the text of a claim file."""

TOY = '''
"""A toy paper about coins, whose truth is known; regimes' own tests run on it."""

import numpy as np

from regimes import axes
from regimes.claim import Control, Erratum, Grid, Paper, always, at_least, claim
from regimes.kinds import Expectation, Probability

paper = Paper(key="doe2020coins", title="Coins", authors=("J. Doe",), year=2020, arxiv="2001.00001")


def coin(case, replicates, randomness):
    """Heads with probability 1 - 1/width^2."""
    return randomness.numpy("coin").random(replicates) < 1 - 1 / case.width**2


def bent(case, replicates, randomness):
    """Heads half the time."""
    return randomness.numpy("coin").random(replicates) < 0.5


def edge(case, replicates, randomness):
    """Always tails."""
    return np.zeros(replicates, dtype=bool)


def tilted(case, replicates, randomness):
    """Heads with probability 0.6 from width 8 on."""
    return randomness.numpy("coin").random(replicates) < (0.6 if case.width >= 8 else 0.99)


@claim(
    paper, "Theorem 1", id="heads-are-likely",
    kind=Probability(at_least=0.9, margin=0.05),
    statement=r"\\Pr[\\text{heads}] \\ge 0.9",
    axes=(axes.width(2, 64), axes.depth(1, 4)),
    premise=at_least("width", lambda case: 4, "width at least 4"),
    subject=coin,
    controls={"bent": bent, "edge": edge,
              "promises too much": Control(premise=always("any width"), at={"width": 2}, why="width 2 is too small")},
    grid=Grid(x="width", y="depth", values={"width": (2, 4, 8), "depth": (1, 2)}),
)
def heads_are_likely(networks, case):
    """A coin of width at least 4 shows heads with probability at least 0.9."""
    return networks


@claim(
    paper, "Lemma 2", id="mean-of-heads",
    kind=Expectation(equals=lambda case: 1 - 1 / case.width**2, margin=0.05, support=(0, 1)),
    statement=r"E[X] = 1 - 1/w^2",
    axes=(axes.width(2, 64),),
    premise=always("any width"),
    subject=coin,
    controls={"bent": bent, "edge": edge},
)
def mean_of_heads(networks, case):
    """The mean of heads is 1 - 1/width^2."""
    return networks.astype(float)
'''
