from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from shelf import shelf

from regimes.cli import commands
from regimes.decide.calibration import calibrate
from regimes.report import calibration
from regimes.report.build import contents
from regimes.report.calibration import Calibration, CalibrationError, read
from regimes.report.model import views

SHIPPED = Path(__file__).parents[2] / "reports" / "calibration.json"


def test_the_shipped_calibration_has_every_rule_and_rejects_four() -> None:
    found = read(SHIPPED)
    assert found.replications == 10_000 and all(row.passed for row in found.rows)
    assert len(found.of("wrong", "rejected")) == 4
    from regimes.decide.calibration import scenarios

    assert [(row.rule, row.scenario, row.kind, row.declared, row.expected) for row in found.rows] == [
        (one.rule, one.scenario, one.kind, one.declared, one.expected) for one in scenarios()
    ]


def test_what_the_command_prints_is_what_the_page_reads(tmp_path: Path) -> None:
    rows = calibrate(replications=200, workers=1, rules=["quantile without √2", "MaximumAgainstBound"])
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({"replications": 200, "rows": [dataclasses.asdict(row) for row in rows]}))
    assert [dataclasses.asdict(row) for row in read(path).rows] == [dataclasses.asdict(row) for row in rows]


def test_the_page_has_every_rate_and_the_figure_every_scenario() -> None:
    found = read(SHIPPED)
    files = contents(views(shelf()), found)
    page, drawing = str(files["calibration.html"]), str(files["figures/calibration.svg"])
    assert page.count("<tr>") == len(found.rows) + 3
    assert "45 of 45 scenarios came out as expected" in page and "4 of 4 bad rules rejected" in page
    ElementTree.fromstring(drawing)
    assert drawing.count('class="rate ') == len(found.rows)
    assert {"figures/calibration.png", "figures/calibration.pdf"} < set(files)


def test_a_rule_that_contradicts_what_it_declares_is_seen() -> None:
    found = read(SHIPPED)
    broken = dataclasses.replace(found.rows[0], measured=0.2, lower=0.18, upper=0.22, passed=False)
    page = str(contents(views(shelf()), Calibration(found.replications, (broken, *found.rows[1:])))["calibration.html"])
    assert "contradicts" in page and "1 did not" in page


def test_rates_lie_on_a_logarithmic_axis() -> None:
    row = read(SHIPPED).rows[0]
    rows = tuple(dataclasses.replace(row, declared=d, measured=d, lower=d, upper=d) for d in (1e-4, 1e-2, 1.0))
    svg = calibration.draw(Calibration(100, rows))
    places = [float(x) for x in re.findall(r'class="rate holds" d="M([\d.]+)', svg)]
    assert places == pytest.approx([calibration.LEFT, calibration.LEFT + calibration.PLOT / 2, calibration.LEFT + calibration.PLOT])


def test_without_a_calibration_the_page_says_how_to_make_one() -> None:
    files = contents(views(shelf()))
    assert "regimes calibrate --json &gt; calibration.json" in str(files["calibration.html"])
    assert "made without a calibration" in str(files["calibration.html"])
    assert "figures/calibration.svg" not in files


@pytest.mark.parametrize("content", (None, "", "[]", '{"rows": 1}', '{"replications": 10, "rows": [{"rule": "x"}]}'))
def test_another_file_is_refused_in_a_sentence(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CalibrationError, match=r"calibration\.json.*regimes calibrate --json > calibration\.json"):
        read(path)
    assert CliRunner().invoke(commands, ["report", "--store", "x", "--out", "y", "--calibration", str(path)]).exit_code != 0
