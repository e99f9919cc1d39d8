from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from toy_paper import TOY

REFUTED = TOY.replace(
    'subject=coin,\n    controls={"bent": bent, "edge": edge,',
    'subject=tilted,\n    controls={"bent": bent, "edge": edge,',
)


@pytest.fixture
def toy(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.mkdir("claims").joinpath("doe2020coins.py").write_text(TOY)
    return pytester


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "claims/", "--regimes-profile", "quick", *arguments)


def test_each_claim_has_one_item_for_its_property_and_one_for_each_control(toy: pytest.Pytester) -> None:
    result = run(toy, "-v")
    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines(
        [
            "regimes: *torch*",
            "regimes: profile quick, device *, float32, 1 thread, sampler auto, alpha 1e-06, seed 0, subject each claim's own",
            "*doe2020coins.py::heads-are-likely PASSED*",
            "*doe2020coins.py::heads-are-likely[[]bent[]] PASSED*",
            "*doe2020coins.py::heads-are-likely[[]promises too much[]] PASSED*",
            "claim *cases*replicates*verdict*tightest margin*controls killed*time",
            "doe2020coins/heads-are-likely *holds*3/3*",
        ]
    )


@pytest.mark.parametrize(
    ("selection", "passed"),
    [(("-k", "mean"), 3), (("-m", "control"), 5), (("-m", "probability and property"), 1), (("-k", "doe2020coins"), 7)],
)
def test_selection_works_as_users_expect(toy: pytest.Pytester, selection: tuple[str, ...], passed: int) -> None:
    run(toy, *selection).assert_outcomes(passed=passed, deselected=7 - passed)


def test_junit_and_xdist_and_report(toy: pytest.Pytester) -> None:
    result = toy.runpytest_subprocess(
        "claims/", "--regimes-profile", "quick", "-n", "2", "--junitxml", "junit.xml", "--regimes-report", "out",
        "--regimes-vary-seed",
    )  # fmt: skip
    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines(["doe2020coins/mean-of-heads *holds*2/2*"])
    items = ElementTree.parse(toy.path / "junit.xml").findall(".//testcase")
    assert len(items) == 7
    told = {one.get("name"): {p.get("name"): p.get("value") or "" for p in one.findall("properties/property")} for one in items}
    for name, words in told.items():
        slug, _, control = str(name).partition("[")
        assert words["claim"] == f"doe2020coins/{slug}"
        assert words["verdict"] == ("killed" if control else "holds")
        assert words.get("control", "") == control.removesuffix("]")
        whole = json.loads(words["regimes_result"])
        evidence = whole["evidence"] if control else whole["decided"][-1]["evidence"]
        assert words["evidence"].startswith(evidence["reason"] + " (error budget ")
        assert "=" in words["case"]
    written = json.loads((toy.path / "out" / "results.json").read_text())
    assert written["schema"] == 1
    assert len(written["results"]) == 7
    assert f"seed {written['provenance']['seed']}" in result.stdout.str()


def test_a_refuted_claim_prints_the_shrunk_case_and_a_command_that_reproduces_it(toy: pytest.Pytester) -> None:
    (toy.path / "claims" / "doe2020coins.py").write_text(REFUTED)
    result = run(toy, "-k", "heads-are-likely", "-m", "property")
    result.assert_outcomes(failed=1, deselected=6)
    result.stdout.fnmatch_lines(
        [
            "*doe2020coins/heads-are-likely*Theorem 1) is refuted.",
            "*shrunk case: width=8, depth=1",
            "*evidence: *",
            "*reproduce: *",
        ]
    )
    command = next(line for line in result.stdout.lines if "reproduce:" in line).split("reproduce:")[1].split()
    assert command[:3] == ["regimes", "check", "doe2020coins/heads-are-likely"]
    from click.testing import CliRunner

    from regimes.cli import commands

    check = CliRunner().invoke(commands, [*command[1:], "--claims", "claims", "--json"], standalone_mode=False)
    evidence = json.loads(check.output)["checks"][0]["cases"][0]["evidence"]
    assert check.return_value == 1
    assert f"({evidence['replicates']} replicates" in result.stdout.str()


def test_a_control_that_survives_fails_its_item(toy: pytest.Pytester) -> None:
    (toy.path / "claims" / "doe2020coins.py").write_text(
        TOY.replace('{"bent": bent, "edge": edge}', '{"bent": bent, "right": coin}')
    )
    result = run(toy, "-k", "mean-of-heads")
    result.assert_outcomes(passed=2, failed=1, deselected=4)
    result.stdout.fnmatch_lines(["control 'right' of doe2020coins/mean-of-heads survived: the claim holds on it in * cases", "*--control right*"])


def test_a_claim_file_with_a_syntax_error_is_one_sentence(toy: pytest.Pytester) -> None:
    (toy.path / "claims" / "broken.py").write_text("from regimes import (\n")
    result = run(toy)
    assert result.ret == 2
    result.stdout.fnmatch_lines(["claim file *broken.py has a syntax error on line 1: *"])


def test_a_claim_with_one_control_does_not_load(toy: pytest.Pytester) -> None:
    (toy.path / "claims" / "doe2020coins.py").write_text(TOY.replace('{"bent": bent, "edge": edge}', '{"bent": bent}'))
    result = run(toy)
    assert result.ret == 2
    result.stdout.fnmatch_lines(["claim doe2020coins/mean-of-heads does not load: it has 1 control;*"])


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--regimes-profile", "slow", "there is no profile 'slow'; use one of quick, default, thorough"),
        ("--regimes-device", "cuda", "device 'cuda' was asked for, but this torch sees no CUDA device*"),
        ("--regimes-dtype", "float16", "dtype 'float16' is unknown*"),
        ("--regimes-sampler", "fast", "sampler 'fast' is unknown; use auto or direct"),
        ("--regimes-alpha", "2", "--regimes-alpha lies between 0 and 1; got 2.0"),
        ("--regimes-known", "none.toml", "known-failures file none.toml cannot be read*"),
        ("--regimes-subject", "no.such:thing", "*no.such*"),
    ],
)
def test_wrong_options_are_one_sentence(toy: pytest.Pytester, option: str, value: str, sentence: str) -> None:
    import torch

    if value == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    result = run(toy, option, value)
    assert result.ret != 0
    text = result.stdout.str() + result.stderr.str()
    import fnmatch

    assert any(fnmatch.fnmatch(line, f"*{sentence}*") for line in text.splitlines())
    assert "Traceback" not in text


def test_known_failures(toy: pytest.Pytester) -> None:
    (toy.path / "claims" / "doe2020coins.py").write_text(REFUTED)
    entry = '[[known]]\nid = "doe2020coins/{}"\nverdict = "refuted"\nreason = "tilted"\nlink = "issue 1"\n'
    known = toy.path / "known.toml"
    known.write_text(entry.format("heads-are-likely"))
    run(toy, "-m", "property", "--regimes-known", "known.toml").assert_outcomes(xfailed=1, passed=1, deselected=5)
    known.write_text(entry.format("mean-of-heads"))
    result = run(toy, "-m", "property", "--regimes-known", "known.toml", "-k", "mean")
    result.stdout.fnmatch_lines(["*is listed as known to be refuted, but it holds; update the known-failures file"])
    known.write_text(entry.format("no-such-claim"))
    result = run(toy, "--regimes-known", "known.toml")
    assert result.ret == 4
    assert "matches no collected claim" in result.stdout.str() + result.stderr.str()


def test_a_foreign_subject_is_checked_and_claims_that_do_not_apply_are_skipped(toy: pytest.Pytester) -> None:
    claims = Path(__file__).parents[1] / "claims" / "arpit2019benefits.py"
    (toy.path / "claims" / "doe2020coins.py").unlink()
    (toy.path / "claims" / "arpit2019benefits.py").write_text(claims.read_text())
    chosen = ("-k", "he-norm-exact-law or relu-all-inputs-lower", "-rs")
    result = run(toy, "--regimes-subject", "regimes.subjects.foreign:kaiming_fan_out", *chosen)
    result.assert_outcomes(passed=1, skipped=1, deselected=15)
    result.stdout.fnmatch_lines(["*does not apply to subject*no axis 'depth'*"])
    result = run(toy, "--regimes-subject", "torch.nn.init:xavier_normal_", *chosen)
    result.assert_outcomes(failed=1, skipped=1, deselected=15)
    result.stdout.fnmatch_lines(["*he-norm-exact-law*is refuted.", "*--subject torch.nn.init:xavier_normal_*"])


def test_hypothesis_seed_draws_other_cases(toy: pytest.Pytester) -> None:
    def drawn(*arguments: str) -> list:
        run(toy, "-k", "heads-are-likely", "-m", "property", "--regimes-report", "out", *arguments)
        (record,) = json.loads((toy.path / "out" / "results.json").read_text())["results"]
        return [one["case"] for one in record["decided"]]

    # In this order: Hypothesis keeps the seed of the option in its module, past the end of an in-process run.
    plain = [drawn(), drawn()]
    assert plain[0] == plain[1] != drawn("--hypothesis-seed", "5")


def test_files_outside_a_claims_folder_are_left_alone(pytester: pytest.Pytester) -> None:
    Path(pytester.path / "doe2020coins.py").write_text(TOY)
    pytester.mkdir("claims").joinpath("other.py").write_text("raise SystemExit")
    result = pytester.runpytest_inprocess()
    assert result.ret == 5


def test_a_claim_whose_optional_package_is_missing_is_skipped_with_a_sentence(toy: pytest.Pytester) -> None:
    lacking = """
from regimes.errors import MissingPackage


def coin(case, replicates, randomness):
    raise MissingPackage("the coins come with numismatics, which is not installed; pip install numismatics")


"""
    head, marker, tail = TOY.partition("@claim(")
    (toy.path / "claims" / "doe2020coins.py").write_text(head + lacking + marker + tail)
    result = run(toy, "-k", "heads-are-likely", "-rs")
    outcomes = result.parseoutcomes()
    assert outcomes["skipped"] >= 1 and "failed" not in outcomes
    result.stdout.fnmatch_lines(["*the coins come with numismatics, which is not installed; pip install numismatics"])


def test_the_claims_shipped_in_an_installed_package_are_collected(pytester: pytest.Pytester) -> None:
    pytester.mkdir("shipped_claims").joinpath("doe2020coins.py").write_text(TOY)
    result = pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "shipped_claims", "--regimes-profile", "quick", "-k", "mean-of-heads"
    )
    result.assert_outcomes(passed=3, deselected=4)
