from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from regimes.case import Case
from regimes.errors import MissingPackage, SubjectError
from regimes.randomness import Randomness
from regimes.subjects import dae_modes, dae_spectra, linear_dae, nonlinear_dae
from regimes.theory import dae_dynamics, dae_stability

MODE = {"eigenvalue": 1.5, "noise": 0.5, "decay": 0.2, "rate": 0.1, "initial": 0.1, "imbalance": 2.0, "training": 4.0}
MATRIX = {"input_dim": 4, "width": 6, "noise": 0.5, "decay": 0.1, "rate": 0.1, "initial": 0.1, "training": 4.0, "spectrum": "linear"}


def randomness(key: str = "test") -> Randomness:
    return Randomness(key, torch.device("cpu"), torch.float32)


def loss_of(clean: np.ndarray, noise: np.ndarray, encoder: np.ndarray, decoder: np.ndarray) -> float:
    """Mean loss by explicit loops."""
    total = 0.0
    for x in clean:
        for n in noise:
            total += 0.5 * np.sum((x - decoder @ (encoder @ (x + n))) ** 2)
    return total / (len(clean) * len(noise))


def test_the_averaged_loss_is_the_mean_over_sampled_noise() -> None:
    network = linear_dae.random_point(Case({**MATRIX, "decay": 0.0}), 2, randomness())
    generator = np.random.default_rng(0)
    noise = math.sqrt(network.noise) * generator.uniform(-math.sqrt(3), math.sqrt(3), (4000, 4))
    assert network.inputs is not None
    found = loss_of(network.inputs[1].numpy(), noise, network.encoder[1].numpy(), network.decoder[1].numpy())
    assert float(network.loss(network.encoder, network.decoder)[1]) == pytest.approx(found, rel=0.05)


@pytest.mark.parametrize("law", linear_dae.NOISE_LAWS)
def test_noise_nodes_have_unit_covariance(law: str) -> None:
    points, weights = linear_dae.noise_corners(3, law)
    assert float(weights.sum()) == pytest.approx(1)
    assert torch.allclose(weights @ points, torch.zeros(3, dtype=torch.float64), atol=1e-15)
    assert torch.allclose((points.mT * weights) @ points, torch.eye(3, dtype=torch.float64), atol=1e-14)


def test_a_step_is_torchs_own_sgd() -> None:
    network = linear_dae.random_point(Case(MATRIX), 3, randomness())
    encoder, decoder = (torch.nn.Parameter(x.clone()) for x in (network.encoder, network.decoder))
    optimiser = torch.optim.SGD([encoder, decoder], lr=network.rate, weight_decay=network.decay)
    bare = linear_dae.random_point(Case({**MATRIX, "decay": 0.0}), 3, randomness())
    bare.loss(encoder, decoder).sum().backward()
    optimiser.step()
    one, two = network.step(network.encoder, network.decoder)
    assert torch.allclose(one, encoder.detach(), rtol=0, atol=1e-14)
    assert torch.allclose(two, decoder.detach(), rtol=0, atol=1e-14)
    up, down = network.flow(network.encoder, network.decoder)
    assert torch.allclose(network.encoder + network.rate * up, one, rtol=0, atol=1e-14)
    assert torch.allclose(network.decoder + network.rate * down, two, rtol=0, atol=1e-14)


def test_modes_descend_as_a_plain_loop() -> None:
    modes = dae_modes.scattered(Case(MODE), 5, randomness())
    path = modes.path(8).numpy()
    for r in range(5):
        value, noise, decay, rate = (float(x[r]) for x in (modes.eigenvalue, modes.noise, modes.decay, modes.rate))
        a, b = float(modes.encoder[r]), float(modes.decoder[r])
        for _ in range(modes.steps):
            residual = value - (value + noise) * a * b
            a, b = a + rate * (residual * b - decay * a), b + rate * (residual * a - decay * b)
        assert path[r, -1] == pytest.approx([a, b], rel=1e-13)


def test_aligned_matrices_follow_their_modes() -> None:
    network = linear_dae.aligned(Case({**MATRIX, "decay": 0.0}), 2, randomness())
    found = torch.diagonal(network.products(4), dim1=-2, dim2=-1)[0, -1]
    start = 0.1 / 1.5
    low, high = dae_stability.envelope(network.steps, start, network.rate, network.spectrum.numpy(), network.noise, 0.0)
    assert ((found.numpy() >= low - 1e-12) & (found.numpy() <= high + 1e-12)).all()


def test_problems_depend_on_the_key_alone() -> None:
    first, again, other = (dae_modes.scattered(Case(MODE), 4, randomness(key)) for key in ("a", "a", "b"))
    assert torch.equal(first.eigenvalue, again.eigenvalue)
    assert not torch.equal(first.eigenvalue, other.eigenvalue)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    linear_dae.random_start(Case({**MATRIX, "scale": 0.1}), 2, randomness())
    assert torch.equal(state, torch.get_rng_state())


def test_scattered_problems_stay_within_half_of_the_case() -> None:
    modes = dae_modes.scattered(Case(MODE), 512, randomness())
    assert float(modes.eigenvalue.max()) <= 1.5 and float(modes.eigenvalue.min()) >= 0.75
    top = dae_dynamics.fixed_point(*(x.numpy() for x in (modes.eigenvalue, modes.noise, modes.decay)))
    assert ((modes.encoder * modes.decoder).numpy() <= 0.1 * top * (1 + 1e-12)).all()
    assert torch.allclose(modes.decoder / modes.encoder, torch.tensor(2.0, dtype=torch.float64))


def test_a_rate_past_the_edge_is_refused_with_a_sentence() -> None:
    with pytest.raises(SubjectError, match=r"learning rate .* past the stability edge .* use a smaller rate"):
        dae_modes.copies(Case({**MODE, "rate": 1.5, "decay": 0.0}), 2, randomness()).path(1)
    with pytest.raises(SubjectError, match=r"past the stability edge 1 = 1/λ"):
        linear_dae.aligned(Case({**MATRIX, "rate": 1.2}), 1, randomness()).products(1)


def test_descent_past_the_edge_does_not_overflow() -> None:
    modes = dae_modes.copies(Case({**MODE, "rate": 1.9, "noise": 5.0}), 2, randomness()).training_of(4096)
    assert torch.isfinite(modes.path(4, guarded=False)).all()


def test_sampled_forces_average_to_the_force() -> None:
    modes = dae_modes.copies(Case(MODE), 200_000, randomness())
    u = torch.full_like(modes.eigenvalue, 0.6)
    forces = modes.sampled_forces(u).numpy()
    assert forces.mean() == pytest.approx(1.5 - 2.0 * 0.6, abs=5 * forces.std() / math.sqrt(len(forces)))
    assert forces.var() == pytest.approx(2 * 1.2**2 + 1.5 * 2 + 1.5**2 - 4 * 1.2 * 1.5, rel=0.05)


def test_two_modes_are_trained_to_their_fixed_points() -> None:
    pair = dae_modes.pairs(Case({"eigenvalue": 2.0, "noise": 0.5, "ratio": 0.3}), 64, randomness())
    both = torch.stack([pair.first, pair.second], 1).numpy()
    assert np.allclose(pair.trained(True).numpy(), dae_dynamics.fixed_point(both, 1.0), rtol=1e-14)
    assert np.allclose(pair.trained(False).numpy(), dae_dynamics.fixed_point(both, 0.0, pair.decay.numpy()), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", dae_modes.WRONG)
def test_wrong_descents_differ_from_the_right_one(name: str) -> None:
    right = dae_modes.copies(Case(MODE), 1, randomness()).products(1)
    assert not torch.allclose(dae_modes.wrong(name, scatter=0.0)(Case(MODE), 1, randomness()).products(1), right, rtol=1e-3)


@pytest.mark.parametrize("name", dae_spectra.SPECTRA)
def test_spectra_fall_from_one(name: str) -> None:
    values = dae_spectra.spectrum(name, 6)
    assert values[0] == 1 and (values > 0).all() and (values.diff() <= 0).all()


def test_an_unknown_spectrum_is_named() -> None:
    with pytest.raises(SubjectError, match="'blue' is unknown; use one of linear"):
        dae_spectra.spectrum("blue", 3)


def test_the_digits_have_a_second_moment() -> None:
    pytest.importorskip("sklearn.datasets")
    moment = dae_spectra.digits_second_moment()
    assert moment.shape == (64, 64)
    # Not centred: the first mode is the mean image, and it holds most of the second moment.
    values = torch.linalg.eigvalsh(moment)
    assert float(values[-1] / values.sum()) > 0.6
    # Three pixels are blank in every image.
    assert int((values > 64**2 * 2.0**-53 * values[-1]).sum()) == 61


def test_missing_digits_say_what_mends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    real = dae_spectra.import_module

    def without(name: str) -> object:
        if name.startswith("sklearn"):
            raise ModuleNotFoundError("No module named 'sklearn'")
        return real(name)

    dae_spectra._digits.cache_clear()
    monkeypatch.setattr(dae_spectra, "import_module", without)
    with pytest.raises(MissingPackage, match=r"scikit-learn.*pip install scikit-learn"):
        dae_spectra.digits_second_moment()


@pytest.mark.parametrize("activation", nonlinear_dae.ACTIVATIONS)
def test_nonlinear_steps_follow_the_gradient(activation: str) -> None:
    case = Case({"activation": activation, "noise": 0.5, "scale": 0.5, "width": 5, "input_dim": 3})
    network = nonlinear_dae.nonlinear(case, 2, randomness())
    noisy = network.inputs + 0.1
    with torch.enable_grad():
        one, two = (x.clone().requires_grad_() for x in (network.encoder, network.decoder))
        errors = network.inputs - network.activation[0](noisy @ one.mT) @ two.mT
        first, second = torch.autograd.grad(errors.square().sum(-1).mean(-1).sum() / 2, (one, two))
    got = network._step(network.encoder, network.decoder, noisy, 0.3)
    keep = 1 - network.rate * 0.3
    assert torch.allclose(got[0], keep * network.encoder - network.rate * first, atol=1e-14)
    assert torch.allclose(got[1], keep * network.decoder - network.rate * second, atol=1e-14)


def test_a_linear_network_learns_its_top_mode_by_the_theory() -> None:
    case = Case({"activation": "linear", "noise": 0.5, "scale": 0.01, "width": 32, "input_dim": 4})
    network = nonlinear_dae.nonlinear(case, 32, randomness())
    ratio = (network.times(0.0, network.decay) / network.times(network.noise, 0.0)).median()
    assert float(ratio) == pytest.approx(1.5, rel=0.15)
