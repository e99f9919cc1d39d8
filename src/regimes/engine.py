"""The engine: draws replicates of a case in keyed blocks, folds them in order, and stops at a verdict.

The unit of sampling is the *block*, a number of consecutive replicates fixed by the subject's footprint and
the device type alone. Each block has its own keyed streams and is evaluated on its own; a *batch* is the
number of blocks evaluated together, by as many threads as there are workers. Observations are folded in
block order and the rule is asked after every block, so neither batch size nor workers can change a verdict,
an estimate or a replicate count.
"""

from __future__ import annotations

import gc
import os
import platform
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any

import numpy as np

from regimes.allocator import keep_freed_memory
from regimes.case import Case, MissingAxis
from regimes.claim import Claim
from regimes.decide.evidence import Evidence, Rule
from regimes.errors import RegimesError, SubjectError
from regimes.kinds import Dynamics, Identity, Inequality, Scaling
from regimes.randomness import Randomness
from regimes.samplers import choose, resolve_sampler
from regimes.threads import one_thread

BLOCK_FLOATS = {"cpu": 1 << 22, "cuda": 1 << 27}
LARGEST_BLOCK = 512
PROMISE_FINITENESS = (Identity, Inequality, Dynamics)


class EngineError(RegimesError, RuntimeError):
    """A case that could not be decided; the message is one sentence with the case, the seed and the mend."""


class NotOffered(EngineError):
    """A subject that needs an axis the claim lacks, or lacks what the claim observes; the claim does not apply to it."""


class ObservationError(EngineError):
    """Observations that cannot be folded: wrong shape, NaN or infinity."""


@dataclass(frozen=True)
class Settings:
    """Everything that a verdict depends on besides claim, case and subject.

    Attributes:
        seed: the run's seed.
        device: `auto`, `cpu`, `cuda` or `cuda:<index>`.
        dtype: `float32` or `float64`, the dtype of the networks.
        alpha: the run's false-alarm budget.
        replicates: replicates per case at most.
        seconds: seconds per case at most.
        workers: threads that evaluate blocks.
        batch: blocks evaluated together; by default twice the workers.
        sampler: `auto` for the cheapest sampler that is exact in law, `direct` for the subject itself.
    """

    seed: int = 0
    device: str = "auto"
    dtype: str = "float32"
    alpha: float = 1e-6
    replicates: int = 1_000_000
    seconds: float = 60.0
    workers: int = 1
    batch: int | None = None
    sampler: str = "auto"


def resolve_device(name: str) -> Any:
    """The torch device of a `--regimes-device` value; ValueError if it is not to be had."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"device {name!r} is unknown; use auto, cpu, cuda or cuda:<index>") from None
    if device.type not in BLOCK_FLOATS:
        raise ValueError(f"device {name!r} is not supported; use auto, cpu, cuda or cuda:<index>")
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise ValueError(
                f"device {name!r} was asked for, but this torch sees no CUDA device; use --device cpu or auto"
            )
        if device.index is not None and device.index >= torch.cuda.device_count():
            raise ValueError(
                f"device {name!r} does not exist; this machine has {torch.cuda.device_count()} CUDA device(s)"
            )
    return device


def resolve_dtype(name: str) -> Any:
    """The torch dtype of a `--regimes-dtype` value; ValueError if it is another."""
    import torch

    if name not in ("float32", "float64"):
        raise ValueError(f"dtype {name!r} is unknown; use float32 or float64")
    return getattr(torch, name)


def name_of(subject: Any) -> str:
    """How a subject is called in keys and reports: its `name`, else `module:qualified name`."""
    given = getattr(subject, "name", None)
    if isinstance(given, str):
        return given
    # A claim file's module is named after its path and content; keys must not depend on either.
    module = re.sub(r"^regimes_claims_(.+)_[0-9a-f]{12}$", r"\1", getattr(subject, "__module__", "?"))
    return f"{module}:{getattr(subject, '__qualname__', type(subject).__qualname__)}"


def block_size(subject: Any, case: Case, device_type: str) -> int:
    """Replicates in a block: a power of two whose floats fit the device type's allowance, at most 512."""
    footprint = getattr(subject, "footprint", None)
    floats = float(footprint(case)) if callable(footprint) else 4096.0  # type: ignore[arg-type]
    fitting = int(BLOCK_FLOATS[device_type] / max(floats, 1.0))
    return 1 << max(0, min(fitting, LARGEST_BLOCK).bit_length() - 1)


def decide(
    claim: Claim,
    case: Case,
    *,
    error: float,
    settings: Settings,
    subject: Any = None,
    subject_name: str | None = None,
) -> Evidence:
    """Decide one case of a claim: sample blocks, fold them in order, stop at the rule's verdict or at the budget.

    Arguments:
        claim: the claim, or a claim under a control.
        case: a case on the claim's axes.
        error: the verdict's error budget.
        settings: seed, device, dtype and budgets.
        subject: another subject than the claim's.
        subject_name: its name in keys and reports.

    Returns:
        The evidence. `undecided` says which budget ran out.

    Raises:
        EngineError: the subject, the observable or a number of the claim raised, or one block does not fit in memory.
        NotOffered: the claim does not apply to the subject.
        ObservationError: observations of a wrong shape, that the kind cannot judge, or not finite where nothing promises it.
    """
    tested = claim.subject if subject is None else subject
    name = subject_name or name_of(tested)
    device, dtype = resolve_device(settings.device), resolve_dtype(settings.dtype)
    kind = claim.kind
    cases = kind.cases(case) if isinstance(kind, Scaling) else (case,)
    sampler = resolve_sampler(settings.sampler)

    def streams(at: Case, block: int | str) -> Randomness:
        return Randomness(f"{settings.seed}|{claim.id}|{at.key}|{name}|{block}", device, dtype)

    try:
        drawn = [choose(claim, at, tested, streams(at, "choice"), sampler) for at in cases]
        size = min(block_size(one, at, device.type) for one, at in zip(drawn, cases, strict=True))
    except MissingAxis as missing:
        raise NotOffered(f"{claim.id} does not apply to subject {name}: {missing}") from missing
    try:
        rule = kind.rule(case, error)
    except Exception as raised:
        raise EngineError(f"what {claim.id} states is no {kind.name} at {case.key}: {_fault(raised)}") from raised
    blocks = -(-settings.replicates // size)
    samplers: set[str] = set()

    def observe(block: int) -> np.ndarray:
        columns = [
            _observe(claim, at, one, name, size, streams(at, block), samplers, settings.seed)
            for one, at in zip(drawn, cases, strict=True)
        ]
        return columns[0] if len(columns) == 1 else np.ma.stack(columns, axis=1)

    def with_details(evidence: Evidence) -> Evidence:
        about = {
            "subject": name,
            "sampler": "+".join(sorted(samplers)) or "direct",
            "block": size,
            "seed": settings.seed,
            "device": device.type,
            "dtype": settings.dtype,
        }
        return replace(evidence, details={**evidence.details, **about})

    started = time.monotonic()
    stopped = ""
    keep_freed_memory()
    with one_thread():
        for values in _in_order(observe, blocks, settings):
            fault = _not_finite(values)
            if fault:
                return with_details(_broken(claim, case, rule, name, fault, error, settings))
            try:
                rule.fold(values)
            except Exception as raised:
                raise ObservationError(
                    f"what {claim.id} observed cannot be judged as its {kind.name}: {_fault(raised)}, on subject {name} "
                    f"at {case.key} with seed {settings.seed}"
                ) from raised
            if rule.verdict != "undecided":
                break
            if time.monotonic() - started > settings.seconds:
                stopped = f"the budget of {settings.seconds:g} s ran out"
                break
        else:
            stopped = f"the budget of {settings.replicates} replicates ran out"
    evidence = rule.evidence()
    if evidence.verdict == "undecided" and stopped:
        evidence = replace(evidence, reason=f"{evidence.reason.rstrip('.')}; {stopped}")
    return with_details(evidence)


def _observe(
    claim: Claim, case: Case, subject: Any, name: str, size: int, randomness: Randomness, samplers: set[str], seed: int
) -> np.ndarray:
    """One block's observations as a masked float array of shape (size,) or (size, k)."""
    import torch

    where = f"at {case.key} with seed {seed}"
    try:
        with torch.no_grad():
            networks = subject(case, size, randomness)
    except (Exception, SystemExit) as raised:  # code that exits must not end the run as if all were well
        if _out_of_memory(raised):
            raise
        if isinstance(raised, SubjectError):
            raise EngineError(f"{raised} ({where})") from raised
        if isinstance(raised, MissingAxis):
            raise NotOffered(f"{claim.id} does not apply to subject {name}: {raised}") from raised
        raise EngineError(f"subject {name} raised {type(raised).__name__} ({_first_line(raised)}) {where}") from raised
    try:
        with torch.no_grad():
            observed = claim.observable(networks, case)
    except (Exception, SystemExit) as raised:
        if _out_of_memory(raised):
            raise
        if isinstance(raised, SubjectError):
            raise EngineError(f"{raised} ({where})") from raised
        if isinstance(raised, AttributeError) and _part_of(networks, raised.obj):
            raise NotOffered(
                f"{claim.id} does not apply to subject {name}: it observes {raised.name!r}, which its networks do not offer"
            ) from raised
        raise EngineError(
            f"the observable of {claim.id} raised {type(raised).__name__} ({_first_line(raised)}) on subject {name} {where}"
        ) from raised
    # Networks may know only now how they were drawn and run.
    samplers.add(str(getattr(networks, "sampler", "direct")))
    try:
        values = _numbers(observed)
    except (TypeError, ValueError, np.ma.MaskError) as raised:
        raise ObservationError(
            f"{claim.id} observed no array of numbers on subject {name} {where} ({_first_line(raised)}); return booleans or "
            "real numbers, or a pair (values, discarded) of one shape"
        ) from raised
    if values.ndim not in (1, 2) or values.shape[0] != size:
        raise ObservationError(
            f"{claim.id} observed shape {tuple(values.shape)} on subject {name} {where}; "
            f"return one row per replicate, ({size},) or ({size}, k)"
        )
    return values


def _numbers(observed: Any) -> np.ndarray:
    """What an observable returned as a masked array of floats; TypeError, ValueError or MaskError if it is none."""
    if isinstance(observed, tuple):
        values, discarded = (_array(part) for part in observed)
        observed = np.ma.masked_array(values, mask=discarded.astype(bool))
    values = np.ma.asarray(observed if isinstance(observed, np.ndarray) else _array(observed))
    if np.iscomplexobj(values):
        raise TypeError("they are complex")
    return np.ma.masked_array(values.astype(np.float64))


def _part_of(networks: Any, asked: Any) -> bool:
    """Whether what was asked is the networks that a subject built, or one of their attributes, such as a draw's flow."""
    return any(asked is part for part in (networks, *getattr(networks, "__dict__", {}).values()))


def _array(part: Any) -> np.ndarray:
    return part.detach().cpu().numpy() if hasattr(part, "detach") else np.asarray(part)


def _not_finite(values: np.ndarray) -> str:
    """What kind of non-finite number an unmasked observation is, empty if all are finite."""
    kept = np.ma.compressed(values)
    if np.isnan(kept).any():
        return "NaN"
    return "infinity" if np.isinf(kept).any() else ""


def _broken(claim: Claim, case: Case, rule: Rule, name: str, fault: str, error: float, settings: Settings) -> Evidence:
    """A non-finite observation: a refutation where the claim promises finiteness, else an error."""
    if not isinstance(claim.kind, PROMISE_FINITENESS):
        raise ObservationError(
            f"{claim.id} observed {fault} on subject {name} at {case.key} with seed {settings.seed}; "
            "mask draws that cannot be tested, they are then counted"
        )
    return replace(
        rule.evidence(),
        verdict="refuted",
        error=error,
        reason=f"subject {name} gave {fault} where the claim promises a finite number",
    )


def _in_order(observe: Callable[[int], np.ndarray], blocks: int, settings: Settings) -> Iterator[np.ndarray]:
    """Observations of blocks 0, 1, ... in that order, a batch at a time; a batch that does not fit is halved."""
    workers = max(1, settings.workers)
    batch = settings.batch or 2 * workers
    done = 0
    while done < blocks:
        wanted = range(done, min(blocks, done + batch))
        try:
            if workers == 1 or len(wanted) == 1:
                results: list[np.ndarray] = []
                for block in wanted:
                    # A single worker holds one block at a time, and the rule may stop between two of them.
                    yield observe(block)
                    done += 1
                continue
            with ThreadPoolExecutor(workers) as pool:
                results = list(pool.map(observe, wanted))
        except Exception as raised:
            if not _out_of_memory(raised):
                raise
            _free_memory()
            if workers == 1 and batch == 1:
                raise EngineError(
                    "one block of replicates does not fit in memory on this device "
                    f"({_first_line(raised)}); use a smaller case or a device with more memory"
                ) from raised
            workers, batch = max(1, workers // 2), max(1, batch // 2)
            continue
        yield from results
        done += len(results)


def _fault(raised: Exception) -> str:
    """What a rule found wrong: its own sentence, or what somebody's function in it raised."""
    return _first_line(raised) if isinstance(raised, ValueError) else f"{type(raised).__name__} ({_first_line(raised)})"


def _first_line(raised: BaseException) -> str:
    text = str(raised).strip().splitlines()
    return text[0] if text else type(raised).__name__


def _out_of_memory(raised: BaseException) -> bool:
    """Whether an exception says that memory ran out, on any device."""
    if isinstance(raised, MemoryError) or type(raised).__name__ == "OutOfMemoryError":
        return True
    text = str(raised).lower()
    return isinstance(raised, RuntimeError) and ("not enough memory" in text or "out of memory" in text)


def _free_memory() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def provenance(settings: Settings) -> dict[str, Any]:
    """Where numbers come from: versions, device, dtype, threads, seed, alpha, platform and git revision."""
    import torch

    device = resolve_device(settings.device)
    versions = {name: _version(name) for name in ("regimes", "torch", "numpy", "scipy", "hypothesis")}
    return {
        "versions": {**versions, "python": platform.python_version()},
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "device_type": device.type,
        "dtype": settings.dtype,
        "threads": 1,
        "cores": os.cpu_count(),
        "seed": settings.seed,
        "sampler": settings.sampler,
        "alpha": settings.alpha,
        "replicates": settings.replicates,
        "seconds": settings.seconds,
        "platform": f"{platform.system()} {platform.machine()}",
        "git": _git_revision(),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _git_revision() -> str:
    """The working tree's revision, with `+` if it has uncommitted changes; empty outside a repository."""
    try:
        head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, timeout=5)
        if head.returncode != 0:
            return ""
        status = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, timeout=5)
        return head.stdout.strip() + ("+" if status.stdout.strip() else "")
    except (OSError, subprocess.TimeoutExpired):
        return ""
