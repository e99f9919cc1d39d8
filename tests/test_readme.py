from __future__ import annotations

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")

PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_the_claim_of_the_readme_holds_and_its_controls_die(pytester: pytest.Pytester) -> None:
    code, _ = PYTHON
    pytester.mkdir("claims").joinpath("example2026typical.py").write_text(code, encoding="utf-8")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "claims/", "--regimes-profile", "quick")
    result.assert_outcomes(passed=3)


def test_the_counter_of_the_readme_runs(capsys: pytest.CaptureFixture) -> None:
    exec(compile(PYTHON[1], "README.md", "exec"), {})
    # Two layers of 64 units on a line: 129 regions in the mean at a symmetric law.
    counts = [int(word) for word in re.findall(r"\d+", capsys.readouterr().out)]
    assert len(counts) == 256
    assert 110 < sum(counts) / 256 < 150


def test_the_ids_and_files_that_the_readme_names_exist() -> None:
    from regimes.catalogue import load_claims

    root = Path(__file__).parents[1]
    known = {claim.id for claim in load_claims(root / "claims")}
    named = set(re.findall(r"arpit2019benefits/[a-z-]+", README))
    assert named <= known
    for path in re.findall(r"\]\(([\w./-]+)\)", README):
        assert (root / path).exists(), path
