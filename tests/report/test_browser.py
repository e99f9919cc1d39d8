"""Pages in a real browser: filters, cells, the keyboard, and a silent console."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest
from shelf import hostile, shelf

from regimes.report import figure
from regimes.report.build import build
from regimes.report.calibration import read
from regimes.report.model import views
from regimes.report.pages import commands, evidence

CALIBRATION = Path(__file__).parents[2] / "reports" / "calibration.json"

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def visit(page: Path, tmp_path: Path, script: str = "", *options: str) -> str:
    """The page's elements after a script ran in it; fails if the console has an error."""
    if script:
        # The page's own policy refuses scripts that are not its own, so the visit is of a copy without it.
        text = POLICY.sub("", page.read_text(encoding="utf-8"))
        page = page.with_name("visited.html")
        page.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=3000",
         f"--user-data-dir={tmp_path / 'profile'}", *options, "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line or "Uncaught" in line]
    assert not console, console
    assert "</html>" in done.stdout
    return done.stdout


def result(dom: str) -> list[str]:
    found = re.search(r'<div id="result">(.*?)</div>', dom, re.S)
    assert found is not None
    return unescape(found[1]).split("|")


TELL = "const tell = (...all) => { const d = document.createElement('div'); d.id = 'result'; d.textContent = all.join('|'); document.body.append(d); };"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    build(shelf(), out, calibrated=read(CALIBRATION))
    build(hostile(), out / "hostile")
    return out


def test_the_index_filters(report: Path, tmp_path: Path) -> None:
    script = (
        TELL
        + """
    const shown = () => document.querySelectorAll("#claims tr.claim:not([hidden])").length, find = document.getElementById("find");
    const all = shown();
    document.querySelector("input[value=unpromised]").click(); const verdict = shown();
    document.querySelector("input[value='']").click(); find.value = "PLAIN doe"; find.dispatchEvent(new Event("input", { bubbles: true }));
    const text = shown(), said = document.getElementById("count").textContent;
    find.value = "nothing of the kind"; find.dispatchEvent(new Event("input", { bubbles: true }));
    tell(all, verdict, text, said, shown(), document.getElementById("nothing").hidden);"""
    )
    assert result(visit(report / "index.html", tmp_path, script)) == ["6", "2", "1", "1 of 6 claims", "0", "false"]


def test_one_claim_is_no_claims(tmp_path: Path) -> None:
    build(shelf(), tmp_path / "one", ["doe2019band/plain"])
    script = TELL + 'tell(document.getElementById("count").textContent);'
    assert result(visit(tmp_path / "one" / "index.html", tmp_path, script)) == ["1 claim"]


def test_nothing_sticks_out_of_a_narrow_page(report: Path, tmp_path: Path) -> None:
    script = TELL + """
    const fits = (one) => { one.style.maxWidth = "20rem"; return one.scrollWidth <= one.clientWidth; };
    tell(...[...document.querySelectorAll(".chips, .paper div")].map(fits));"""
    for page in ("calibration.html", "index.html", "claims/doe2019band/band.html"):
        assert set(result(visit(report / page, tmp_path, script))) == {"true"}


def test_the_index_changes_its_order_and_keeps_its_filter(report: Path, tmp_path: Path) -> None:
    script = (
        TELL
        + """
    const seen = () => [...document.querySelectorAll("#claims tr.claim:not([hidden]) a[href^=claims]")].map((a) => a.getAttribute("href").split("/")[2].replace(".html", "")).join(" ");
    const order = document.getElementById("order"), pick = (value) => { order.value = value; order.dispatchEvent(new Event("input", { bubbles: true })); };
    const papers = seen(); pick("slack"); const slack = seen(), heads = document.querySelectorAll("#claims tr.paper").length;
    document.querySelector("input[value=holds]").click(); const held = seen();
    pick("title"); const titles = seen(); pick(""); document.querySelector("input[value='']").click();
    tell(papers === seen(), slack.split(" ")[0], held, titles, [...document.querySelectorAll("#claims tbody")].filter((b) => !b.hidden).length, heads);"""
    )
    found = result(visit(report / "index.html", tmp_path, script))
    ranked = sorted(views(shelf()), key=lambda view: -max(view.exact_slacks or view.slacks or [-1]))
    slugs = [view.claim["id"].split("/")[1] for view in ranked]
    held = [slug for slug, view in zip(slugs, ranked, strict=True) if view.verdict == "holds"]
    assert found == ["true", slugs[0], " ".join(held), " ".join(sorted(held)), "1", "1"] and len(held) > 2


def test_a_table_is_sorted_by_its_columns(report: Path, tmp_path: Path) -> None:
    script = (
        TELL
        + """
    const table = document.querySelector("table.sortable"), values = () => [...table.tBodies[0].rows].map((row) => +row.cells[3].dataset.value);
    const button = table.tHead.rows[0].cells[3].querySelector("button");
    button.click(); const up = values(); button.click(); const down = values();
    const sorted = (list, sign) => list.every((v, i) => !i || sign * (v - list[i - 1]) >= 0);
    document.querySelector("circle.point").focus();
    tell(up.length > 20, sorted(up, 1), sorted(down, -1), table.tHead.rows[0].cells[3].getAttribute("aria-sort"),
      document.querySelector(".tip").hidden, document.querySelector(".tip").textContent.includes("declared 0.05, measured"));"""
    )
    assert result(visit(report / "calibration.html", tmp_path, script)) == ["true", "true", "true", "descending", "false", "true"]


def test_the_dark_page_is_dark_and_the_light_one_light(report: Path, tmp_path: Path) -> None:
    script = TELL + """
    const bright = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).reduce((a, b) => a + +b, 0) / 765;
    const style = (q) => getComputedStyle(document.querySelector(q));
    tell(bright(style("body").backgroundColor) > 0.5, bright(style("body").color) > 0.5, bright(style(".canvas svg text").fill) > 0.5, style(".canvas svg .paper").fill);"""
    for page in ("claims/doe2019band/band.html", "calibration.html"):
        assert result(visit(report / page, tmp_path, script)) == ["true", "false", "false", "none"]
        assert result(visit(report / page, tmp_path, script, "--blink-settings=preferredColorScheme=0")) == ["false", "true", "true", "none"]


def test_every_cell_says_what_the_report_knows_of_it(report: Path, tmp_path: Path) -> None:
    script = (
        TELL
        + """
    const told = [...document.querySelectorAll(".cell")].map((cell) => {
      cell.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      return [cell.getAttribute("aria-label"), ...[...document.querySelectorAll(".panel dl > *")].map((one) => one.textContent), document.getElementById("check").textContent];
    });
    tell(JSON.stringify(told));"""
    )
    view = views(shelf(), ["doe2019band/band"])[0]
    one = view.maps[0]
    wanted = [
        [figure.name(one, x, y), *(part for line in evidence(one, one.cells[(x, y)], "probability") for part in line), commands(view, one.cells[(x, y)])[1]]
        for y in one.ys for x in one.xs
    ]  # fmt: skip
    found = result(visit(report / "claims/doe2019band/band.html", tmp_path, script))
    assert json.loads("|".join(found)) == wanted


def test_a_page_pins_cells_moves_by_keyboard_and_shows_layers(report: Path, tmp_path: Path) -> None:
    script = (
        TELL
        + """
    const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    const at = () => document.activeElement.getAttribute("aria-label"), list = document.querySelector(".panel dl");
    const cell = document.querySelector(".cell[data-c='0'][data-r='8']");
    cell.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    const pinned = list.textContent.includes("width = 4, depth = 256"), command = document.getElementById("check").textContent;
    cell.focus(); press("ArrowRight"); press("ArrowDown"); const moved = at();
    press("End"); const end = at(); press("Enter");
    const entered = list.textContent.includes("width = 1024, depth = 128");
    document.querySelector("input[value=estimate]").click();
    const numbers = document.querySelectorAll(".numbers text").length, tip = !document.querySelector(".tip").hidden;
    document.querySelector("input[value=verdict]").click();
    tell(pinned, command.includes("--case width=4 --case depth=256"), moved, end, entered, numbers, tip,
      document.querySelectorAll(".numbers text").length, document.querySelectorAll(".cell[tabindex='0']").length);"""
    )
    found = result(visit(report / "claims/doe2019band/band.html", tmp_path, script))
    assert found == [
        "true", "true", "width 8, depth 128: refuted, outside the premise", "width 1024, depth 128: holds, outside the premise",
        "true", "81", "true", "0", "1",
    ]  # fmt: skip


def test_pages_run_under_their_own_policy(report: Path, tmp_path: Path) -> None:
    dom = visit(report / "claims/doe2019band/band.html", tmp_path)
    assert dom.count('aria-pressed="true"') == 1
    for page in ("index.html", "calibration.html"):
        visit(report / page, tmp_path)


def test_a_hostile_page_runs_nothing_of_its_data(report: Path, tmp_path: Path) -> None:
    script = TELL + "tell(document.scripts.length, document.images.length, document.title.includes('<script>'));"
    assert result(visit(report / "hostile/claims/doe2019band/band.html", tmp_path, script)) == ["4", "0", "true"]
