"""The pytest plugin: collects claim files, runs each claim's property and controls, prints a closing table."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from regimes.claim import Claim
    from regimes.engine import Settings
    from regimes.profiles import Profile

KINDS = ("probability", "expectation", "law", "identity", "inequality", "scaling", "dynamics", "empirical")
PROPERTY = "regimes_result"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of `pytest claims/`."""
    group = parser.getgroup("regimes", "theorems about neural networks as claims")
    add = group.addoption
    add("--regimes-profile", default="default", metavar="NAME", help="quick, default or thorough")
    add("--regimes-device", default="auto", metavar="DEVICE", help="auto, cpu, cuda or cuda:<index>")
    add("--regimes-dtype", default="float32", metavar="DTYPE", help="float32 or float64")
    add("--regimes-sampler", default="auto", metavar="NAME", help="auto, the cheapest that is exact in law, or direct")
    add("--regimes-alpha", default=1e-6, type=float, metavar="P", help="false-alarm budget of the whole run")
    add("--regimes-seed", default=0, type=int, metavar="N", help="the run's seed (fixed by default)")
    add("--regimes-vary-seed", action="store_true", help="draw a fresh seed, printed in the header")
    add(
        "--regimes-subject", default=None, metavar="MOD:OBJ", help="check this code instead of each claim's own subject"
    )
    add("--regimes-report", default=None, metavar="DIR", help="write the run's results into this folder")
    add("--regimes-known", default=None, metavar="FILE", help="known failures (TOML)")
    parser.addini(
        "regimes_claims", "names of folders that hold claim files", type="args", default=["claims", "shipped_claims"]
    )


def pytest_configure(config: pytest.Config) -> None:
    """Check the options, draw the seed if it varies, register the marks."""
    option = config.option
    if option.regimes_vary_seed and not hasattr(config, "workerinput"):
        option.regimes_seed = secrets.randbits(31)
        # xdist hands the options to its workers: they must use this seed, not draw their own.
        option.regimes_vary_seed = False
    for mark in ("property", "control"):
        config.addinivalue_line("markers", f"{mark}: the {mark} items of claims")
    for kind in KINDS:
        config.addinivalue_line("markers", f"{kind}: claims of the kind {kind}")
    config.stash[RUN] = Run(config)
    config.pluginmanager.register(config.stash[RUN], "regimes-run")


class Run:
    """What one pytest session knows: its settings, and the results as they come in (from xdist workers too)."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.results: list[dict[str, Any]] = []
        self.collected: list[str] = []
        self._settings: Settings | None = None

    def settings(self) -> tuple[Settings, Profile]:
        """Settings and profile from the options; UsageError is one sentence for a bad one."""
        from regimes.engine import Settings, resolve_device, resolve_dtype
        from regimes.profiles import profile_named
        from regimes.samplers import resolve_sampler

        option = self.config.option
        try:
            profile = profile_named(option.regimes_profile)
            if self._settings is None:
                if not 0 < option.regimes_alpha < 1:
                    raise ValueError(f"--regimes-alpha lies between 0 and 1; got {option.regimes_alpha}")
                resolve_device(option.regimes_device)
                resolve_dtype(option.regimes_dtype)
                self._settings = Settings(
                    seed=option.regimes_seed,
                    device=option.regimes_device,
                    dtype=option.regimes_dtype,
                    sampler=resolve_sampler(option.regimes_sampler),
                    alpha=option.regimes_alpha,
                    replicates=profile.replicates,
                    seconds=profile.seconds,
                )
        except ValueError as wrong:
            raise pytest.UsageError(str(wrong)) from wrong
        return self._settings, profile

    def subject(self) -> Any:
        """The subject of `--regimes-subject`, None without the option."""
        if self.config.option.regimes_subject is None:
            return None
        from regimes.errors import SubjectError
        from regimes.subjects.foreign import load_subject

        try:
            return load_subject(self.config.option.regimes_subject)
        except SubjectError as wrong:
            raise pytest.UsageError(str(wrong)) from wrong

    @cached_property
    def known(self) -> dict[str, Any]:
        """The entries of `--regimes-known`, which is read once."""
        if self.config.option.regimes_known is None:
            return {}
        from regimes.known import KnownError, read_known

        try:
            return dict(read_known(Path(self.config.option.regimes_known)))
        except KnownError as wrong:
            raise pytest.UsageError(str(wrong)) from wrong

    def concerned(self) -> bool:
        """Whether the session's arguments reach a claims folder; another project's tests are left alone."""
        folders = self.config.getini("regimes_claims")
        paths = [Path(str(one).split("::")[0]).absolute() for one in self.config.args]
        return any(folder in path.parts or (path / folder).is_dir() for path in paths for folder in folders)

    def pytest_sessionstart(self) -> None:
        """Refuse bad options before anything is collected, in one sentence."""
        if self.concerned():
            self.settings()
            self.subject()
            _ = self.known

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Refuse known failures that match nothing among the collected claims."""
        if not self.known or not self.collected:
            return
        from regimes.known import unmatched

        stray = unmatched(self.known, self.collected)
        if stray:
            raise pytest.UsageError(f"--regimes-known lists {stray[0]}, which matches no collected claim")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather results, which travel in the report's user properties."""
        if report.when == "call":
            self.results += [json.loads(str(value)) for name, value in report.user_properties if name == PROPERTY]

    def pytest_report_header(self) -> list[str]:
        """Versions, device, dtype, threads, sampler, alpha, seed, subject, where there are claims."""
        if not self.concerned():
            return []
        from regimes.engine import provenance

        settings, profile = self.settings()
        about = provenance(settings)
        versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
        subject = self.config.option.regimes_subject or "each claim's own"
        return [
            f"regimes: {versions}",
            f"regimes: profile {profile.name}, device {about['device']}, {settings.dtype}, {about['threads']} thread, "
            f"sampler {settings.sampler}, alpha {settings.alpha:g}, seed {settings.seed}, subject {subject}",
        ]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The closing table, and the files of `--regimes-report`."""
        if not self.results:
            return
        from regimes.summary import closing_table, write_results

        terminalreporter.section("claims")
        terminalreporter.write_line(closing_table(self.results))
        folder = self.config.option.regimes_report
        if folder is not None:
            settings, profile = self.settings()
            try:
                written = write_results(Path(folder), self.results, settings, profile.name)
            except OSError as raised:
                terminalreporter.write_line(
                    f"the results could not be written into {folder!r}: {raised.strerror}; name another folder",
                    red=True,
                )
                return
            terminalreporter.write_line(f"results: {', '.join(map(str, written))}")


RUN = pytest.StashKey[Run]()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a claim file: a Python file in a claims folder that speaks of regimes."""
    folders = parent.config.getini("regimes_claims")
    if file_path.suffix != ".py" or file_path.parent.name not in folders:
        return None
    if file_path.name.startswith(("_", "test_", "conftest")) or b"regimes" not in file_path.read_bytes():
        return None
    return ClaimFile.from_parent(parent, path=file_path)


class ClaimFile(pytest.File):
    """A claim file: one item for each property and one for each control."""

    def collect(self) -> Iterator[pytest.Item]:
        """The items of every claim of the file."""
        from regimes.catalogue import claims_in
        from regimes.claim import ClaimError
        from regimes.decide import Budget

        run = self.config.stash[RUN]
        settings, _ = run.settings()
        try:
            claims = claims_in(self.path)
        except ClaimError as wrong:
            raise self.CollectError(str(wrong)) from wrong
        for claim in claims:
            run.collected.append(claim.id)
            Budget(settings.alpha).admit(len(set(run.collected)))
            yield PropertyItem.from_parent(self, name=claim.slug, claim=claim)
            if self.config.option.regimes_subject is None:
                for control in claim.controls:
                    yield ControlItem.from_parent(self, name=f"{claim.slug}[{control}]", claim=claim, control=control)


class ClaimRefuted(Exception):
    """A claim that did not come out as promised; the text is the whole message."""


class ClaimItem(pytest.Item):
    """One check of one claim."""

    def __init__(self, *, claim: Claim, marks: Iterable[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.claim = claim
        for mark in (*marks, claim.kind.name):
            self.add_marker(mark)
        self.extra_keyword_matches.update({claim.id, claim.paper.key})

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the claim is written."""
        line = self.claim.observable.__code__.co_firstlineno - 1 if hasattr(self.claim.observable, "__code__") else 0
        return self.path, line, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Messages of the claim and of the engine as they are, without a traceback into regimes."""
        from regimes.errors import RegimesError

        if isinstance(excinfo.value, (ClaimRefuted, RegimesError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def record(self, **result: Any) -> None:
        """Attach a result to the item's report, whole for this plugin and in a few words for who reads the JUnit file."""
        from regimes.summary import in_words

        self.user_properties += in_words(self.claim.id, result).items()
        self.user_properties.append((PROPERTY, json.dumps({"claim": self.claim.id, **result})))

    def hypothesis_seed(self) -> int | None:
        """The seed of `--hypothesis-seed`, if one was given."""
        from hypothesis import core

        forced = core.global_force_seed
        return None if forced is None else int(forced)


class PropertyItem(ClaimItem):
    """The property of a claim over random cases inside its premise."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(marks=("property",), **kwargs)

    def runtest(self) -> None:
        """Decide random cases; a refuted one fails the item."""
        from regimes.engine import NotOffered
        from regimes.summary import property_record
        from regimes.verify import check_property, reproduce

        run = self.config.stash[RUN]
        settings, profile = run.settings()
        try:
            with _skipped_without_package():
                result = check_property(
                    self.claim, settings, profile, hypothesis_seed=self.hypothesis_seed(), subject=run.subject()
                )
        except NotOffered as reason:
            if run.subject() is None:
                raise
            pytest.skip(str(reason))
        self.record(**property_record(self.claim, result))
        known = run.known.get(self.claim.id)
        if known is not None and known.verdict == result.verdict:
            pytest.xfail(f"known: {known.reason} ({known.link})")
        if known is not None:
            raise ClaimRefuted(
                f"{self.claim.id} is listed as known to be {known.verdict}, but it {_came_out(result.verdict)}; "
                "update the known-failures file"
            )
        if result.refuted is not None:
            case, evidence = result.refuted.case, result.refuted.evidence
            command = reproduce(self.claim, case, evidence, settings, subject=self.config.option.regimes_subject or "")
            raise ClaimRefuted(
                f"{self.claim.id} ({self.claim.paper.citation} {self.claim.reference}) is refuted.\n"
                f"  shrunk case: {', '.join(f'{name}={value}' for name, value in case.items())}\n"
                f"  evidence:    {evidence.reason} ({evidence.replicates} replicates, error budget {evidence.error:.2g})\n"
                f"  estimate:    {evidence.estimate} against {evidence.target}, interval {evidence.interval}\n"
                f"  reproduce:   {command}"
            )
        if result.verdict == "undecided":
            pytest.skip(f"undecided in the {profile.name} profile: {result.decided[-1].evidence.reason}")


class ControlItem(ClaimItem):
    """One control of a claim, which must be refuted."""

    def __init__(self, *, control: str, **kwargs: Any) -> None:
        super().__init__(marks=("control",), **kwargs)
        self.control = control

    def runtest(self) -> None:
        """Refute the claim on the control; a control that survives fails the item."""
        from regimes.summary import control_record
        from regimes.verify import refute_control, reproduce

        settings, profile = self.config.stash[RUN].settings()
        with _skipped_without_package():
            result = refute_control(self.claim, self.control, settings, profile, hypothesis_seed=self.hypothesis_seed())
        self.record(**control_record(result))
        if not result.killed:
            cases = "1 case" if result.cases == 1 else f"{result.cases} cases"
            message = f"control {self.control!r} of {self.claim.id} {_survival(result.verdict)} in {cases}"
            if result.case is not None and result.evidence is not None:
                command = reproduce(self.claim, result.case, result.evidence, settings, control=self.control)
                message += f"\n  last case: {result.evidence.reason}\n  reproduce: {command}"
            raise ClaimRefuted(message)


@contextmanager
def _skipped_without_package() -> Iterator[None]:
    """Skip an item whose subject needs an optional package that is not installed."""
    from regimes.errors import MissingPackage, RegimesError

    try:
        yield
    except RegimesError as raised:
        if isinstance(raised.__cause__, MissingPackage):
            pytest.skip(str(raised.__cause__))
        raise


def _came_out(verdict: str) -> str:
    return {"holds": "holds", "refuted": "is refuted"}.get(verdict, "is undecided")


def _survival(verdict: str) -> str:
    return "survived: the claim holds on it" if verdict == "survived" else "was not refuted within the budget"
