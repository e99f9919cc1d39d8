"""What a claim's fingerprint covers: the code that it reaches in its file, whatever the layout and the interpreter's options."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from regimes.catalogue import load_claims
from regimes.document import fingerprint
from regimes.normal_form import definition, text_of

FIRST, SECOND = "doe2020coins/heads-are-likely", "doe2020coins/mean-of-heads"


def marks(folder: Path) -> dict[str, str]:
    """Fingerprints by claim."""
    return {claim.id: fingerprint(claim) for claim in load_claims(folder)}


def edited(folder: Path, old: str, new: str) -> set[str]:
    """The claims whose fingerprints an edit of the toy paper changes; the edit is undone."""
    file = folder / "doe2020coins.py"
    text, before = file.read_text(), marks(folder)
    assert text.count(old) == 1, old
    file.write_text(text.replace(old, new))
    after = marks(folder)
    file.write_text(text)
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(("old", "new", "stale"), [
    # A helper, a subject and a control that are only named in the decorator.
    ("1 - 1 / case.width**2\n\n\ndef bent", "1 - 1 / case.width**3\n\n\ndef bent", {FIRST, SECOND}),
    ("random(replicates) < 0.5\n", "random(replicates) < 0.4\n", {FIRST, SECOND}),
    ("return networks\n", "return ~networks\n", {FIRST}),
    ("equals=lambda case: 1 - 1 / case.width**2", "equals=lambda case: 1 - 1 / case.width", {SECOND}),
    ("at_least=0.9, margin=0.05", "at_least=0.8, margin=0.05", {FIRST}),
    ('{"width": 2}', '{"width": 3}', {FIRST}),
    ('"depth": (1, 2)}', '"depth": (1, 2, 3)}', {FIRST}),
    # Layout, comments, docstrings, the bibliography and functions that no claim uses.
    ("    return networks\n", "    # as they are\n\n    return (\n        networks\n    )\n", set()),
    ("A coin of width at least 4 shows", "A coin of width 4 or more shows", set()),
    ('title="Coins"', 'title="Coins, revised"', set()),
    ('"Theorem 1", id', '"Theorem 2", title="Heads", symbols={"w": "width"}, id', set()),
    ("def tilted", "def unused():\n    return 1\n\n\ndef tilted", set()),
    ("< (0.6 if", "< (0.7 if", set()),
])  # fmt: skip
def test_an_edit_makes_those_claims_stale_that_reach_it(claim_folder: Path, old: str, new: str, stale: set[str]) -> None:
    assert edited(claim_folder, old, new) == stale


def test_constants_and_helpers_of_helpers_count(claim_folder: Path) -> None:
    file = claim_folder / "doe2020coins.py"
    text = file.read_text().replace("    return networks\n", "    return kept(networks)\n").replace(
        "@claim(\n    paper, \"Theorem 1\"",
        "class Half:\n    SHARE = 1\n\n\nif True:\n    LIMIT = 3\n\n\ndef kept(found):\n    return inner(found)\n\n\n"
        "def inner(found):\n    return found[: LIMIT * Half.SHARE or None]\n\n\n@claim(\n    paper, \"Theorem 1\"",
    )  # fmt: skip
    file.write_text(text)
    for old, new in (("LIMIT = 3", "LIMIT = 4"), ("SHARE = 1", "SHARE = 2"), ("return inner(found)", "return inner(found[1:])")):
        assert edited(claim_folder, old, new) == {FIRST}


@pytest.mark.parametrize("options", [{}, {"PYTHONOPTIMIZE": "1"}, {"PYTHONNODEBUGRANGES": "1"}, {"PYTHONHASHSEED": "7"}])
def test_the_interpreter_s_options_change_no_fingerprint(claim_folder: Path, options: dict[str, str]) -> None:
    ask = "import sys; from regimes.catalogue import load_claims; from regimes.document import fingerprint; " \
          "print(*(fingerprint(one) for one in load_claims(sys.argv[1])))"  # fmt: skip
    said = subprocess.run(
        [sys.executable, "-c", ask, str(claim_folder)], env={**os.environ, **options}, capture_output=True, text=True, check=True
    ).stdout
    assert said.split() == list(marks(claim_folder).values())


def test_the_file_counts_as_it_was_imported(claim_folder: Path) -> None:
    file = claim_folder / "doe2020coins.py"
    before, claims = marks(claim_folder), load_claims(claim_folder)
    file.write_text("\n\n\n" + file.read_text().replace("1 / case.width**2", "0"))
    assert {claim.id: fingerprint(claim) for claim in claims} == before
    assert all(mark != before[name] for name, mark in marks(claim_folder).items())


def test_lambdas_that_share_a_line_are_told_apart() -> None:
    pair = (lambda case: case.width + 1, lambda case: case.width + 2, lambda case: (lambda x: x)(case.width))
    text = text_of(pair[0])
    found = [definition(one, text) for one in pair]
    assert found == ["lambda case: case.width + 1", "lambda case: case.width + 2", "lambda case: (lambda x: x)(case.width)"]


def test_code_without_a_file_is_its_byte_code() -> None:
    names: dict[str, object] = {}
    exec("one = lambda: 1\nother = lambda: 2\nagain = lambda: 2", names)
    one, other, again = (definition(names[name], "") for name in ("one", "other", "again"))  # type: ignore[arg-type]
    assert one != other
    assert other == again
