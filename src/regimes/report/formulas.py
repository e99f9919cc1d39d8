"""LaTeX as MathML that needs no script, and that cannot smuggle anything else into a page."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from xml.etree import ElementTree

from markupsafe import Markup

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
ELEMENTS = frozenset(
    "math mrow mi mn mo mtext mspace ms mfrac msqrt mroot mstyle mpadded mphantom mfenced menclose msub msup "
    "msubsup munder mover munderover mmultiscripts mprescripts none mtable mtr mtd mlabeledtr".split()
)
ATTRIBUTES = frozenset(
    "display mathvariant stretchy fence separator accent accentunder form lspace rspace width height depth "
    "linethickness minsize maxsize movablelimits columnalign rowspacing columnspacing columnlines rowlines "
    "displaystyle scriptlevel notation open close largeop symmetric voffset columnspan".split()
)
# What the converter leaves of a delimiter after \big and its kin.
DELIMITERS = {
    r"\lfloor": "⌊", r"\rfloor": "⌋", r"\lceil": "⌈", r"\rceil": "⌉", r"\langle": "⟨", r"\rangle": "⟩", r"\{": "{", r"\}": "}",
    r"\lbrace": "{", r"\rbrace": "}", r"\|": "‖", r"\Vert": "‖", r"\lVert": "‖", r"\rVert": "‖", r"\vert": "|", r"\lvert": "|",
    r"\rvert": "|",
}  # fmt: skip
# The converter sets an upright letter in italics, and spells upright words by letters; names of operators it leaves whole.
UPRIGHT = re.compile(r"\\mathrm\{([A-Za-z]+)\}")
DEFINED = {("=", ":"): "=:", (":", "="): ":="}
BARE_AMPERSAND = re.compile(r"&(?!(?:#\d+|#x[0-9A-Fa-f]+|amp|lt|gt);)")


@lru_cache(maxsize=4096)
def mathml(latex: str, display: str = "block") -> Markup:
    r"""A formula as MathML, or as escaped LaTeX in a `code` element where it cannot be converted.

    The converter copies text inside `\text{…}` unescaped, so its output is parsed and only MathML's own elements
    and plain attributes are let through.

    Arguments:
        latex: the formula, without dollar signs.
        display: `block` or `inline`.
    """
    from latex2mathml.converter import convert

    try:
        converted = convert(UPRIGHT.sub(r"\\operatorname{\1}", latex), display=display)
        root = ElementTree.fromstring(BARE_AMPERSAND.sub("&amp;", converted))
        _read_delimiters(root)
        _read_names(root)
        _check(root)
    except Exception:  # whatever the converter or the parser makes of somebody's LaTeX, the page shows the LaTeX
        return Markup("<code class='latex'>{}</code>").format(latex)
    root.set("alttext", latex)
    if display == "inline":
        root.attrib.pop("display", None)
    ElementTree.register_namespace("", NAMESPACE)
    # HTML knows the element by its name, and shows it inline if nothing is said.
    return Markup(ElementTree.tostring(root, encoding="unicode").replace(f' xmlns="{NAMESPACE}"', "", 1))


def inline(latex: str) -> Markup:
    """A symbol inside a line of text."""
    return mathml(latex, "inline")


def _read_delimiters(root: ElementTree.Element) -> None:
    """Delimiters that are still commands as characters; ValueError for any other command that was not converted."""
    for element in root.iter():
        if element.tag != f"{{{NAMESPACE}}}mtext" and (element.text or "").startswith("\\"):
            if element.text not in DELIMITERS:
                raise ValueError(f"{element.text} is no command of the converter")
            element.text = DELIMITERS[element.text]


def _read_names(root: ElementTree.Element) -> None:
    """Names of operators as upright identifiers, whose spaces the formula itself gives; `=:` and `:=` as one sign."""
    for element in root.iter():
        if element.tag == f"{{{NAMESPACE}}}mo" and (element.text or "").isascii() and (element.text or "").isalpha():
            if "movablelimits" in element.attrib:
                continue
            element.tag = f"{{{NAMESPACE}}}mi"
            if len(element.text or "") == 1:
                element.set("mathvariant", "normal")
    for parent in root.iter():
        for left, right in pairwise(list(parent)):
            if (left.text, right.text) in DEFINED:
                left.tag, left.text = f"{{{NAMESPACE}}}mo", DEFINED[left.text or "", right.text or ""]
                parent.remove(right)


def _check(root: ElementTree.Element) -> None:
    """ValueError for an element or attribute that a formula has no need of."""
    for element in root.iter():
        name = str(element.tag).removeprefix(f"{{{NAMESPACE}}}")
        if name not in ELEMENTS or not str(element.tag).startswith(f"{{{NAMESPACE}}}"):
            raise ValueError(f"{name} is no element of a formula")
        for attribute in list(element.attrib):
            if attribute not in ATTRIBUTES:
                del element.attrib[attribute]
