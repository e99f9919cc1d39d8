from __future__ import annotations

from xml.etree import ElementTree

import pytest

from regimes.report.formulas import inline, mathml

FORMULAS = (
    r"\Pr\Bigl[\forall l \le L:\ \Bigl|\frac{\|h^l\|^2}{\|x\|^2} - 1\Bigr| \le \epsilon\Bigr] \ge 1-\delta",
    r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
    r"n \lesssim \operatorname{poly}(L) < \infty",
    r"\mathrm{Bin}(n_l, 1/2)\ \text{independent}",
    r"\sum_{i=1}^n \sqrt{x_i} \in \mathbb{R}^d",
    r"\tfrac{2}{n_i}\chi^2_{K_i}",
)


@pytest.mark.parametrize("latex", FORMULAS)
def test_formulas_are_wellformed_mathml(latex: str) -> None:
    root = ElementTree.fromstring(mathml(latex))
    assert root.tag == "math"
    assert root.get("display") == "block"
    assert root.get("alttext") == latex
    assert len(list(root.iter())) > 3


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"\Bigl\lfloor\frac{n_l}{n_0}\Bigr\rfloor^{n_0}", "⌊nln0⌋n0"),
        (r"\bigl\lceil x \bigr\rceil", "⌈x⌉"),
        (r"\biggl\langle x, y \biggr\rangle", "⟨x,y⟩"),
        (r"\bigl\| x \bigr\|", "‖x‖"),
        (r"\bigl\lVert x \bigr\rVert", "‖x‖"),
        (r"\Bigl\{ x \Bigr\}", "{x}"),
    ],
)
def test_large_delimiters_are_characters(latex: str, shown: str) -> None:
    assert "".join(ElementTree.fromstring(mathml(latex)).itertext()) == shown


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"\mathrm{E}\,x", [("mi", "E", "normal"), ("mspace", None, None), ("mi", "x", None)]),
        (r"\mathrm{Var}\,x", [("mi", "Var", None), ("mspace", None, None), ("mi", "x", None)]),
        (r"\int p\,\mathrm{d}x", [("mo", "∫", None), ("mi", "p", None), ("mspace", None, None), ("mi", "d", "normal"), ("mi", "x", None)]),
        (r"a =: b", [("mi", "a", None), ("mo", "=:", None), ("mi", "b", None)]),
        (r"a := b", [("mi", "a", None), ("mo", ":=", None), ("mi", "b", None)]),
        (r"\operatorname{poly}(L)", [("mi", "poly", None), ("mo", "(", None), ("mi", "L", None), ("mo", ")", None)]),
    ],
)
def test_upright_letters_stay_upright_and_names_whole(latex: str, shown: list[tuple[str, str | None, str | None]]) -> None:
    (row,) = ElementTree.fromstring(mathml(latex))
    assert [(one.tag, one.text, one.get("mathvariant")) for one in row] == shown


@pytest.mark.parametrize("latex", (r"\norm{x}", r"\label{eq} x", r"\(x\)"))
def test_an_unknown_command_is_shown_as_latex_and_not_as_half_of_it(latex: str) -> None:
    assert mathml(latex) == f"<code class='latex'>{latex}</code>"


def test_what_cannot_be_converted_is_shown_as_latex() -> None:
    assert mathml(r"\left( x < 1") == r"<code class='latex'>\left( x &lt; 1</code>"


@pytest.mark.parametrize("latex", (r"\text{<img src=x onerror=alert(1)>}", r"\text{</math><script>alert(1)</script>}", "<b>"))
def test_no_markup_comes_out_of_a_formula(latex: str) -> None:
    for text in (mathml(latex), inline(latex)):
        assert not any(tag in text for tag in ("<img", "<script", "<b>"))


def test_an_ampersand_in_text_is_escaped() -> None:
    assert "&amp;" in mathml(r"\text{a & b}")
