"""The example package's CI, the page on gating and the action, run as a user runs them."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import pytest

from shell import ROOT, follow, run

PAGE = (ROOT / "docs" / "gating.md").read_text(encoding="utf-8")
ACTION = (ROOT / "action.yml").read_text(encoding="utf-8")
HE = "arpit2019benefits/he-norm-exact-law (Section 3, the law behind Theorem 1 (derived) of Devansh Arpit, Yoshua Bengio"
RAD = "dinh2019rad/rad-log-det-scaling (Section 3, log|det| in finite precision (derived) of Laurent Dinh"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the example package."""
    return Path(shutil.copytree(ROOT / "tests" / "example_package", tmp_path / "package"))


def drop_the_gain(package: Path) -> None:
    """The bug: variance 1/fan_out."""
    file = package / "src" / "examplenets" / "init.py"
    file.write_text(file.read_text().replace("gain = 2.0", "gain = 1.0"))


def turn_the_sign(package: Path) -> None:
    """The bug: log|det| of the inverse in the forward direction."""
    file = package / "src" / "examplenets" / "flow.py"
    file.write_text(file.read_text().replace("* s.exp() + t, s.sum(-1)", "* s.exp() + t, -s.sum(-1)"))


def test_the_example_package_passes_its_ci_and_bugs_make_it_fail(package: Path) -> None:
    status, said = run("./ci.sh", package)
    assert status == 0, said
    assert ("1 passed" in said, "2 passed" in said) == (True, True)
    assert said.count("the gate holds: no regression against baselines/") == 2
    drop_the_gain(package)
    turn_the_sign(package)
    status, said = run("./ci.sh", package)
    assert status == 1
    assert "arpit2019benefits/he-norm-exact-law (Devansh Arpit, Yoshua Bengio." in said
    assert "dinh2019rad/rad-log-det-scaling (Laurent Dinh, Jascha Sohl-Dickstein, Razvan Pascanu, Hugo Larochelle." in said
    # Where CI is set, pytest says the first line of each failure once more, whole, in its summary.
    assert len(set(re.findall(r"\w+/[\w-]+ \(.* is refuted\.$", said, flags=re.MULTILINE))) == 2
    # The inverse is still an inverse: only the theorem that is broken says so.
    assert "1 failed, 1 passed" in said
    assert f"REGRESSION: {HE}" in said
    assert f"REGRESSION: {RAD}" in said
    assert "the gate falls: 4 regressions against baselines/initialiser.json" in said
    assert "the gate falls: 1 regression against baselines/flow.json" in said
    for name, theorem in (("initialiser", HE), ("flow", RAD)):
        assert theorem.replace("|", r"\|") in (package / "build" / f"{name}.md").read_text()
    assert "Traceback" not in said


def test_the_commands_of_the_page_do_what_it_says(package: Path) -> None:
    assert follow("gating.md", package)["sh"] >= 6
    for name in ("known.json", "summary.md", "difference.json", "joined.sqlite", "cells.csv", "cells.json", "controls.csv", "thresholds.csv", "recovered.sqlite"):
        assert (package / name).stat().st_size > 0
    (entry,) = re.findall(r"entry: (.*)", PAGE)
    assert run(entry, package)[0] == 0
    drop_the_gain(package)
    assert run(entry, package)[0] == 1


def test_the_files_that_the_page_names_exist() -> None:
    for path in re.findall(r"\]\(((?:\.\.|[\w])[\w./-]*)\)", PAGE):
        if not path.startswith("http"):
            assert (ROOT / "docs" / path).exists(), path


def inputs() -> dict[str, str]:
    """Defaults of the action's inputs by the variable that carries each."""
    defaults = dict(re.findall(r'^  (\w+):\n    description: .*\n    default: "?(.*?)"?$', ACTION, flags=re.MULTILINE))
    carried = dict(re.findall(r"^        (\w+): \$\{\{ inputs\.(\w+) \}\}$", ACTION, flags=re.MULTILINE))
    assert set(carried.values()) == set(defaults)
    return {variable: defaults[name] for variable, name in carried.items()}


def test_the_action_s_script_gates_the_package(package: Path) -> None:
    *_, block = re.findall(r"^      run: \|\n((?:        .*\n|\n)+)", ACTION, flags=re.MULTILINE)
    # GitHub's `shell: bash` is `bash -eo pipefail`.
    script = "set -eo pipefail\n" + textwrap.dedent(block)
    given = inputs() | {
        "CLAIMS": "arpit2019benefits/he-norm-exact-law", "SUBJECT": "examplenets.init:he_normal_", "GRID": "width=4,16 depth=1,4",
        "BASELINE": "baselines/initialiser.json", "GITHUB_STEP_SUMMARY": str(package / "page.md"),
    }  # fmt: skip
    status, said = run(script, package, **{**given, "THRESHOLD": "width"})
    assert status == 0, said
    assert "new threshold: arpit2019benefits/he-norm-exact-law at " in said
    assert (package / "page.md").read_text().startswith("## regimes: the gate holds")
    drop_the_gain(package)
    status, said = run(script, package, **given)
    assert (status, "the gate falls: 4 regressions" in said) == (1, True)
    assert "## regimes: the gate falls" in (package / "page.md").read_text()
    status, said = run(script, package, **{**given, "SUBJECT": "examplenets.init:nothing"})
    assert status == 2
    assert "nothing" in said
