from __future__ import annotations

import numpy as np
import pytest
import torch

from regimes import axes
from regimes.case import Case
from regimes.claim import Claim, Paper, always, claim
from regimes.engine import EngineError, ObservationError, Settings, block_size, decide, provenance, resolve_device
from regimes.kinds import Dynamics, Expectation, Identity, Kind, Law, Probability, Scaling

paper = Paper(key="doe2020coins", title="Coins", authors=("J. Doe",), year=2020, arxiv="2001.00001")
CASE = Case({"width": 4})


class Coins:
    """A subject that records the calls made of it."""

    name = "coins"

    def __init__(self, probability: float = 0.97, floats: float = 4096) -> None:
        self.probability, self.floats, self.calls = probability, floats, 0

    def footprint(self, case: Case) -> float:
        return self.floats

    def __call__(self, case, replicates, randomness):
        self.calls += 1
        return (
            torch.rand(replicates, generator=randomness.generator("coin"), device=randomness.device) < self.probability
        )


def declare(subject, kind: Kind | None = None, observe=lambda networks, case: networks) -> Claim:
    def observable(networks, case):
        """What was seen."""
        return observe(networks, case)

    return claim(
        paper, "Theorem 1", id="heads", kind=kind or Probability(at_least=0.9, margin=0.05), statement="p",
        axes=(axes.width(1, 64),), premise=always("all"), subject=subject, controls={"one": Coins(0.5), "two": Coins(0.1)},
    )(observable)  # fmt: skip


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("batch", [None, 1, 5])
def test_evidence_is_bit_identical_for_every_batch_size_and_worker_count(workers: int, batch: int | None) -> None:
    one = declare(Coins(floats=1 << 17))
    reference = decide(one, CASE, error=1e-8, settings=Settings())
    again = decide(one, CASE, error=1e-8, settings=Settings(workers=workers, batch=batch))
    assert again == reference
    assert reference.verdict == "holds"


def test_seed_claim_case_and_subject_key_the_replicates() -> None:
    def tallies(seed: int = 0, case: Case = CASE, subject: Coins | None = None) -> float:
        evidence = decide(
            declare(subject or Coins(0.9)), case, error=1e-8, settings=Settings(seed=seed, replicates=512)
        )
        assert evidence.estimate is not None
        return evidence.estimate

    other = Coins(0.9)
    other.name = "other coins"
    assert tallies() == tallies()
    assert len({tallies(), tallies(seed=1), tallies(case=Case({"width": 5})), tallies(subject=other)}) > 2


def test_global_generators_are_neither_read_nor_moved() -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    before = torch.get_rng_state().clone(), np.random.get_state()[1].copy()
    first = decide(declare(Coins()), CASE, error=1e-8, settings=Settings())
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])
    torch.manual_seed(2)
    assert decide(declare(Coins()), CASE, error=1e-8, settings=Settings()) == first


def test_blocks_follow_the_footprint_and_the_device_type_alone() -> None:
    assert block_size(Coins(floats=1 << 22), CASE, "cpu") == 1
    assert block_size(Coins(floats=1 << 20), CASE, "cpu") == 4
    assert block_size(Coins(floats=1), CASE, "cpu") == 512
    assert block_size(Coins(floats=1 << 40), CASE, "cpu") == 1


class Hungry(Coins):
    """Runs out of memory while more than one block is under way."""

    def __init__(self, fits: int) -> None:
        super().__init__(floats=1 << 17)
        self.fits, self.active, self.failures = fits, 0, 0

    def __call__(self, case, replicates, randomness):
        import time

        self.active += 1
        try:
            time.sleep(0.005)
            if self.active > self.fits:
                self.failures += 1
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().__call__(case, replicates, randomness)
        finally:
            self.active -= 1


def test_a_batch_that_does_not_fit_is_split_and_goes_on_with_the_same_result() -> None:
    roomy, tight = Hungry(fits=100), Hungry(fits=1)
    reference = decide(declare(roomy), CASE, error=1e-8, settings=Settings(workers=4, batch=8))
    split = decide(declare(tight), CASE, error=1e-8, settings=Settings(workers=4, batch=8))
    assert tight.failures > 0
    assert split == reference


def test_one_block_that_does_not_fit_is_one_sentence() -> None:
    with pytest.raises(EngineError, match=r"one block of replicates does not fit in memory .*use a smaller case"):
        decide(declare(Hungry(fits=0)), CASE, error=1e-8, settings=Settings())


def test_budgets_end_in_undecided_and_say_so() -> None:
    fair = declare(Coins(0.87))
    few = decide(fair, CASE, error=1e-8, settings=Settings(replicates=100))
    assert few.verdict == "undecided"
    assert "the budget of 100 replicates ran out" in few.reason
    slow = decide(fair, CASE, error=1e-8, settings=Settings(seconds=1e-9))
    assert "the budget of 1e-09 s ran out" in slow.reason


def raises(case, replicates, randomness):
    raise KeyError("gain")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Probability(at_least=1.5, margin=0.05), r"a probability lies in \[0, 1\]; got 1.5"),
        (Probability(at_least=lambda case: 1 - case.delta, margin=0.05), r"MissingAxis \(the case has no axis 'delta'; its axes are width\)"),
        (Dynamics(solution=lambda case: np.zeros(1 // (case.width - 4)), band=1), r"ZeroDivisionError \(.*zero\)"),
    ],
)  # fmt: skip
def test_a_statement_that_makes_no_sense_at_a_case_is_one_sentence(kind: Kind, words: str) -> None:
    with pytest.raises(EngineError, match=rf'^what doe2020coins/heads states is no {kind.name} at {{"width":4}}: {words}$'):
        decide(declare(Coins(), kind), CASE, error=1e-8, settings=Settings())


@pytest.mark.parametrize(
    ("kind", "observe", "words"),
    [
        (Probability(at_least=0.5, margin=0.1), lambda coins, case: 0.3 + 0 * coins.double(), r"probability: a Bernoulli observation is 0 or 1; got 0.3,"),
        (Expectation(equals=0.5, margin=0.1, support=(0, 1)), lambda coins, case: 2 + 0 * coins.double(), r"expectation: an observation lies outside its support \[0.0, 1.0\]: 2.0,"),
        (Law(margin=0.1), lambda coins, case: coins, "law: two samples arrive as two columns"),
        (Law(cdf=lambda case: lambda x: 2 * x, margin=0.1), lambda coins, case: 1 + 0 * coins.double(), r"law: .* got 2 and 2 at 1.0,"),
        (Law(cdf=lambda case: lambda x: x[:-1], margin=0.1), lambda coins, case: coins, r"law: a distribution function has one value at each of 512 points; got shape \(511,\),"),
        (Law(cdf=lambda case: 3, margin=0.1), lambda coins, case: coins, r"law: TypeError \('int' object is not callable\),"),
    ],
)  # fmt: skip
def test_observations_that_a_kind_cannot_judge_are_one_sentence(kind: Kind, observe, words: str) -> None:
    with pytest.raises(ObservationError, match=rf"^what doe2020coins/heads observed cannot be judged as its {words}.* with seed 0$"):
        decide(declare(Coins(), kind, observe), CASE, error=1e-8, settings=Settings())


@pytest.mark.parametrize(
    "observe",
    [
        lambda coins, case: ["heads"] * len(coins), lambda coins, case: coins.to(torch.complex64), lambda coins, case: (coins, coins, coins),
        lambda coins, case: (coins, coins[:3]), lambda coins, case: {"heads": coins},
    ],
)  # fmt: skip
def test_observations_that_are_no_numbers_are_one_sentence(observe) -> None:
    with pytest.raises(ObservationError, match=r"heads observed no array of numbers on subject coins at .* with seed 0 \(.*\); return booleans"):
        decide(declare(Coins(), observe=observe), CASE, error=1e-8, settings=Settings())


def leaves(*_):
    raise SystemExit(0)


def test_code_that_exits_does_not_end_the_run_as_if_all_were_well() -> None:
    with pytest.raises(EngineError, match=r"subject test_engine:leaves raised SystemExit \(0\) at"):
        decide(declare(leaves), CASE, error=1e-8, settings=Settings())
    with pytest.raises(EngineError, match=r"the observable of .* raised SystemExit \(0\) on subject"):
        decide(declare(Coins(), observe=leaves), CASE, error=1e-8, settings=Settings())


def test_a_subject_that_raises_is_named_with_case_and_seed() -> None:
    with pytest.raises(EngineError, match=r"raised KeyError \('gain'\) at \{\"width\":4\} with seed 7") as failure:
        decide(declare(raises), CASE, error=1e-8, settings=Settings(seed=7))
    assert "raises" in str(failure.value)


def test_a_wrong_shape_names_the_right_one() -> None:
    with pytest.raises(ObservationError, match=r"return one row per replicate, \(512,\) or \(512, k\)"):
        decide(declare(Coins(), observe=lambda networks, case: networks[:3]), CASE, error=1e-8, settings=Settings())


@pytest.mark.parametrize(("number", "word"), [(float("nan"), "NaN"), (float("inf"), "infinity")])
def test_nan_and_infinity_are_never_folded_silently(number: float, word: str) -> None:
    def broken(networks, case):
        values = networks.double()
        values[3] = number
        return values

    with pytest.raises(ObservationError, match=f"observed {word} on subject coins"):
        decide(declare(Coins(), observe=broken), CASE, error=1e-8, settings=Settings())
    promised = decide(declare(Coins(), Identity(), broken), CASE, error=1e-8, settings=Settings())
    assert promised.verdict == "refuted"
    assert word in promised.reason


def test_discarded_draws_are_counted() -> None:
    evidence = decide(
        declare(Coins(), observe=lambda networks, case: (networks, torch.arange(512) % 4 == 0)),
        CASE, error=1e-8, settings=Settings(replicates=512),
    )  # fmt: skip
    assert evidence.discarded == 128


def test_scaling_observes_every_size() -> None:
    kind = Scaling(
        axis="size", sizes=(8, 16, 32, 64, 128, 256), exponent=-1, margin=0.1, variance=lambda case: 0.01 / case.size**2
    )

    def observe(networks, case):
        return (1 + 0.1 * (networks.double() - 0.5)) / case.size

    evidence = decide(declare(Coins(0.5), kind, observe), CASE, error=1e-6, settings=Settings())
    assert evidence.verdict == "holds"
    assert evidence.estimate == pytest.approx(-1, abs=0.1)


def test_devices_and_dtypes() -> None:
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="this torch sees no CUDA device"):
            resolve_device("cuda")
    with pytest.raises(ValueError, match="use auto, cpu, cuda"):
        resolve_device("tpu")
    with pytest.raises(ValueError, match="use float32 or float64"):
        decide(declare(Coins()), CASE, error=1e-8, settings=Settings(dtype="bfloat16"))


def test_provenance_names_what_numbers_depend_on() -> None:
    about = provenance(Settings(seed=3, alpha=1e-4))
    assert about["seed"] == 3
    assert about["alpha"] == 1e-4
    assert about["versions"]["torch"] == torch.__version__ or about["versions"]["torch"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_the_engine_decides_on_cuda() -> None:
    evidence = decide(declare(Coins()), CASE, error=1e-8, settings=Settings(device="cuda"))
    assert evidence.verdict == "holds"
    assert evidence.details["device"] == "cuda"
