from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from regimes.case import Case
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects import foreign
from regimes.subjects.architecture import architecture
from regimes.subjects.foreign import load_subject, subject_from
from regimes.subjects.initialisers import he_normal
from regimes.subjects.module_networks import ModuleNetworks

CASE = Case({"width": 6, "depth": 3, "input_dim": 4, "inputs": 2})
RANDOM = Randomness("test", torch.device("cpu"), torch.float32)


def perceptron(case):
    """A stack of linear layers and ReLUs with He's fan-out initialisation."""
    sizes = [case.input_dim, *[case.width] * case.depth]
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        linear = nn.Linear(fan_in, fan_out, bias=False)
        nn.init.kaiming_normal_(linear.weight, mode="fan_out", nonlinearity="relu")
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers)


@pytest.mark.parametrize(
    "subject",
    [foreign.kaiming_fan_out, foreign.torch_linear, subject_from(perceptron, "perceptron"), subject_from(nn.Linear, "nn.Linear"),
     subject_from(nn.init.orthogonal_, "orthogonal_"), subject_from(he_normal.build, "builder"), load_subject("torch.nn.init:xavier_normal_")],
)  # fmt: skip
def test_foreign_subjects_are_reproducible_and_leave_the_global_generator_alone(subject) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = subject(CASE, 5, RANDOM).log_norms()
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert torch.equal(first, subject(CASE, 5, RANDOM).log_norms())
    assert first.shape == (5, 4, 2)
    assert not torch.equal(first[0], first[1])


def test_a_module_and_its_initialiser_agree_in_law() -> None:
    case = Case({"width": 16, "depth": 2})
    one = subject_from(perceptron, "perceptron")
    shape = Case({**case, "input_dim": 16})
    modules = one(shape, 1500, RANDOM).log_norms()[:, -1, 0]
    ours = he_normal(shape, 1500, RANDOM).log_norms()[:, -1, 0]
    assert abs(modules.exp().mean() - ours.exp().mean()) < 0.15


def raises(weight):
    raise RuntimeError("no such gain")


def shrinks(weight):
    return weight[:1]


def not_a_number(weight):
    return weight.fill_(float("nan"))


def infinite(weight):
    return weight.fill_(float("inf"))


def draws_anew(weight):
    """A function of the weight's shape, as in NumPy: what it returns goes nowhere."""
    return torch.randn_like(weight)


def of_another_type(weight):
    return torch.randn(weight.shape, dtype=torch.float16)


def nothing(weight):
    """Forgot to do anything."""


def leaves(weight):
    raise SystemExit(0)


def number(case):
    return 3


def bare(case):
    return nn.Sequential(nn.Linear(case.input_dim, case.width))


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (raises, r"subject thing raised RuntimeError \(no such gain\) on shape \(6, 4\)"),
        (shrinks, r"subject thing returned shape \(1, 4\) for a weight of shape \(6, 4\)"),
        (not_a_number, r"left a weight of shape \(6, 4\) unfilled, or filled it with NaN"),
        (draws_anew, "an initialiser fills its argument in place, as torch.nn.init.xavier_normal_ does"),
        (of_another_type, r"left a weight of shape \(6, 4\) unfilled"),
        (nothing, r"left a weight of shape \(6, 4\) unfilled"),
        (leaves, r"subject thing raised SystemExit \(0\) on shape \(6, 4\)"),
        (infinite, "subject thing gave infinity"),
        (number, "subject thing returned int; called with a case it returns a torch.nn.Module"),
        (bare, "has 0 activations where the case has 3 hidden layers"),
    ],
)
def test_bad_subjects_are_one_sentence(function, sentence: str) -> None:
    with pytest.raises(SubjectError, match=sentence) as refused:
        subject_from(function, "thing")(CASE, 2, RANDOM).log_norms()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("torch.nn.init", "named package.module:object"),
        ("no.such.module:f", "does not import: ModuleNotFoundError"),
        ("torch.nn.init:nothing", "has no 'nothing'"),
        ("torch:__version__", "give an initialiser"),
        ("foreign_script:he_normal_", "does not import: SystemExit: 2"),
        ("foreign_layer:trained", r"is one Linear and not a law of networks; give a callable case -> torch.nn.Module"),
    ],
)
def test_subjects_that_do_not_load_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, sentence: str) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "foreign_script.py").write_text("import argparse\nargparse.ArgumentParser().parse_args(['--unknown'])\n")
    (tmp_path / "foreign_layer.py").write_text("import torch\ntrained = torch.nn.Linear(3, 3)\n")
    with pytest.raises(SubjectError, match=sentence):
        load_subject(text)


def test_a_module_has_no_gradients_to_offer() -> None:
    with pytest.raises(SubjectError, match="give an initialiser"):
        subject_from(perceptron, "perceptron")(CASE, 2, RANDOM).gradients(0.0)


def normalised(case):
    """The perceptron with BatchNorm, whose running statistics are written by a forward pass, each network its own."""
    layers = [part for part in perceptron(case) for part in ([nn.BatchNorm1d(case.width), part] if isinstance(part, nn.ReLU) else [part])]
    return nn.Sequential(*layers)


class Branching(nn.Module):
    """Goes one way or another by what it sees."""

    def __init__(self, case) -> None:
        super().__init__()
        self.layers = perceptron(case)

    def forward(self, x):
        return self.layers(x) if x.sum() > 0 else self.layers(2 * x)


class Scaled(Branching):
    """Holds a number of its own, which is no parameter."""

    def __init__(self, case) -> None:
        super().__init__(case)
        self.scale = float(torch.rand(()))

    def forward(self, x):
        return self.layers(self.scale * x)


class Tensored(Scaled):
    """Holds a tensor of its own, which is no parameter and no buffer."""

    def __init__(self, case) -> None:
        super().__init__(case)
        self.scale = torch.rand(())


class Noisy(Branching):
    """Draws numbers as it runs."""

    def forward(self, x):
        return self.layers(x + 0 * torch.randn_like(x))


class Shifted(Branching):
    """Has a buffer of its own, of integers."""

    def __init__(self, case) -> None:
        super().__init__(case)
        self.register_buffer("shift", torch.randint(1, 5, ()))

    def forward(self, x):
        return self.layers(x * self.shift)


def networks(make, batched: bool, dtype: torch.dtype = torch.float32) -> ModuleNetworks:
    return ModuleNetworks("thing", make, CASE, architecture(CASE), 6, Randomness("test", torch.device("cpu"), dtype), batched)


@pytest.mark.parametrize(("make", "gain"), [(perceptron, 1), (Shifted, 1), (normalised, 1e-5**-0.5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_modules_of_one_build_run_as_one_batch_and_agree_with_the_loop(make, gain: float, dtype: torch.dtype) -> None:
    batch, loop = networks(make, True, dtype), networks(make, False, dtype)
    # BatchNorm enlarges rounding errors by 1/sqrt(variance + 1e-5) at most.
    torch.testing.assert_close(batch.log_norms(), loop.log_norms(), rtol=0, atol=40 * gain * torch.finfo(dtype).eps)
    assert (batch.sampler, loop.sampler) == ("modules, vmap", "modules, loop")


@pytest.mark.parametrize("make", [Branching, Scaled, Tensored, Noisy])
def test_modules_that_vmap_refuses_or_that_differ_run_one_by_one(make) -> None:
    batch, loop = networks(make, True), networks(make, False)
    torch.manual_seed(0)
    found = batch.log_norms()
    torch.manual_seed(0)
    assert torch.equal(found, loop.log_norms())
    assert batch.sampler == "modules, loop"


def test_large_modules_run_one_by_one() -> None:
    case = CASE.replace(width=256, depth=2)
    large = ModuleNetworks("thing", perceptron, case, architecture(case), 2, RANDOM)
    large.log_norms()
    assert large.sampler == "modules, loop"
