"""Pages in a real browser: filters, cells, the keyboard, and a silent console."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest
from shelf import hostile, shelf

from regimes.report.build import build

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def visit(page: Path, tmp_path: Path, script: str = "") -> str:
    """The page's elements after a script ran in it; fails if the console has an error."""
    if script:
        # The page's own policy refuses scripts that are not its own, so the visit is of a copy without it.
        text = POLICY.sub("", page.read_text(encoding="utf-8"))
        page = page.with_name("visited.html")
        page.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=3000",
         f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
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
    build(shelf(), out)
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
    const numbers = document.querySelectorAll(".mark text").length, tip = !document.querySelector(".tip").hidden;
    document.querySelector("input[value=verdict]").click();
    tell(pinned, command.includes("--case width=4 --case depth=256"), moved, end, entered, numbers, tip,
      document.querySelectorAll(".mark text").length, document.querySelectorAll(".cell[tabindex='0']").length);"""
    )
    found = result(visit(report / "claims/doe2019band/band.html", tmp_path, script))
    assert found == [
        "true", "true", "width 8, depth 128: refuted, outside the premise", "width 1024, depth 128: holds, outside the premise",
        "true", "81", "true", "0", "1",
    ]  # fmt: skip


def test_pages_run_under_their_own_policy(report: Path, tmp_path: Path) -> None:
    dom = visit(report / "claims/doe2019band/band.html", tmp_path)
    assert dom.count('aria-pressed="true"') == 1


def test_a_hostile_page_runs_nothing_of_its_data(report: Path, tmp_path: Path) -> None:
    script = TELL + "tell(document.scripts.length, document.images.length, document.title.includes('<script>'));"
    assert result(visit(report / "hostile/claims/doe2019band/band.html", tmp_path, script)) == ["3", "0", "true"]
