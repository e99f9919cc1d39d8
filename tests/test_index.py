from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from regimes import index
from regimes.catalogue import load_claims
from regimes.claim_files import named_ids
from regimes.document import document
from regimes.errors import ClaimError


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "regimes"


def loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("claims were imported")

    monkeypatch.setattr("regimes.catalogue.load_claims", refuse)


def test_a_second_look_imports_no_claim_and_says_the_same(
    claim_folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = index.documents(claim_folder)
    assert first == json.loads(json.dumps([document(claim) for claim in load_claims(claim_folder)]))
    (path,) = cache.iterdir()
    loads_nothing(monkeypatch)
    assert index.documents(claim_folder) == first
    assert path.name.startswith("index-")


def test_a_changed_claim_file_is_read_again(claim_folder: Path) -> None:
    index.documents(claim_folder)
    file = claim_folder / "doe2020coins.py"
    file.write_text(file.read_text().replace("at_least=0.9,", "at_least=0.8,"))
    assert index.documents(claim_folder)[0]["fingerprint"] == document(load_claims(claim_folder)[0])["fingerprint"]
    (claim_folder / "more2021coins.py").write_text(file.read_text().replace("doe2020coins", "more2021coins"))
    assert {one["paper"]["key"] for one in index.documents(claim_folder)} == {"doe2020coins", "more2021coins"}


@pytest.mark.parametrize("junk", [b"", b"{", b"[1]", b'{"key": 3}', b"\xff\xfe\x00", b'{"documents": 7}'])
def test_junk_in_the_index_is_not_believed(claim_folder: Path, cache: Path, junk: bytes) -> None:
    found = index.documents(claim_folder)
    (path,) = cache.iterdir()
    path.write_bytes(junk)
    assert index.documents(claim_folder) == found
    assert json.loads(path.read_bytes())["documents"] == found


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    claim_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(index.documents(claim_folder)) == 2


def test_a_bad_claim_file_says_so_and_leaves_no_index(claim_folder: Path, cache: Path) -> None:
    (claim_folder / "bad2020x.py").write_text("def (")
    with pytest.raises(ClaimError, match="syntax error on line 1"):
        index.documents(claim_folder)
    assert not cache.exists()


def test_list_and_show_do_without_torch_and_scipy(claim_folder: Path) -> None:
    """Asserted on the modules that are loaded: no clock."""
    code = (
        "import sys\nfrom regimes.cli import main\n"
        "try:\n    main({arguments})\nfinally:\n"
        "    print('LOADED', *sorted({{'torch', 'scipy', 'numpy', 'hypothesis'}} & set(sys.modules)), file=sys.stderr)"
    )
    for arguments in (["list"], ["list", "--json"], ["show", "heads-are-likely"], ["--help"]):
        given = [*arguments, *(["--claims", str(claim_folder)] if arguments != ["--help"] else [])]
        run = None
        for _ in range(2):
            run = subprocess.run(
                [sys.executable, "-c", code.format(arguments=given)],
                capture_output=True,
                text=True,
                env=dict(os.environ),
                check=True,
            )
        assert run is not None
        assert run.stderr.strip().splitlines()[-1] == "LOADED"


def test_named_ids() -> None:
    known = ["a2020x/one", "a2020x/two", "b2021y/one"]
    assert named_ids(known, []) == known
    assert named_ids(known, ["one"]) == ["a2020x/one", "b2021y/one"]
    assert named_ids(known, ["b2021y", "a2020x/two"]) == ["b2021y/one", "a2020x/two"]
    with pytest.raises(ClaimError, match=r"no claim 'a2020x/tow'; did you mean a2020x/two"):
        named_ids(known, ["a2020x/tow"])
