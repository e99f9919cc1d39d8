"""Drawings as PDF: vector lines, and text that can be selected, in a font embedded with the glyphs that are used.

The drawings of this package need little of SVG: `path` (M L H V h v l m c z), `circle`, `text` with `tspan`, and `g` with
inherited attributes and a `translate`. Nothing that depends on the time or the machine is written.
"""

from __future__ import annotations

import io
import math
import re
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

FONT_FILE = Path(__file__).parent / "assets" / "figures.ttf"
POINTS = 0.75  # points to a pixel of SVG
ROUND = 0.5522847498  # of a circle's radius: where the control points of its Bézier quarters lie
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
STEP = re.compile(r"([MLHVhvlmcz])([^A-Za-z]*)")
INHERITED = (
    "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "font-size", "font-weight",
    "text-anchor",
)  # fmt: skip
State = dict[str, str]


def to_pdf(svg: str, title: str = "") -> bytes:
    """A drawing of this package as a PDF of one page; the same bytes for the same drawing.

    Arguments:
        svg: the drawing.
        title: the document's title.

    Raises:
        ValueError: the drawing has an element or a path command that none of this package's drawings needs.
    """
    root = ElementTree.fromstring(svg)
    _, _, width, height = (float(one) for one in (root.get("viewBox") or "").split())
    font = _Font()
    out = [f"{_n(POINTS)} 0 0 {_n(-POINTS)} 0 {_n(POINTS * height)} cm"]
    _draw(root, {}, font, out)
    return _file("\n".join(out).encode("ascii"), (POINTS * width, POINTS * height), font, title)


def _n(value: float) -> str:
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _draw(node: ElementTree.Element, above: State, font: _Font, out: list[str]) -> None:
    """Content operators of an element and of those below it."""
    kind = node.tag.rpartition("}")[2]
    state = above | {name: value for name in INHERITED if (value := node.get(name)) is not None}
    if kind in ("svg", "g"):
        shift = NUMBER.findall(node.get("transform") or "")
        if shift:
            out.append(f"q 1 0 0 1 {shift[0]} {shift[1]} cm")
        for child in node:
            _draw(child, state, font, out)
        if shift:
            out.append("Q")
    elif kind == "path":
        _paint(_path(node.get("d") or ""), state, out)
    elif kind == "circle":
        x, y, r = (float(node.get(name) or 0) for name in ("cx", "cy", "r"))
        _paint(_circle(x, y, r), state, out)
    elif kind == "text":
        _text(node, state, font, out)
    elif kind != "title":
        raise ValueError(f"a drawing's element {kind!r} has no place in a PDF")


def _path(commands: str) -> str:
    """The operators of a path."""
    parts, x, y, start = [], 0.0, 0.0, (0.0, 0.0)
    for command, numbers in STEP.findall(commands):
        values = [float(one) for one in NUMBER.findall(numbers)]
        if command == "z":
            parts.append("h")
            x, y = start
        elif command in "HVhv":
            for value in values:
                if command in "Hh":
                    x = value + (x if command == "h" else 0.0)
                else:
                    y = value + (y if command == "v" else 0.0)
                parts.append(f"{_n(x)} {_n(y)} l")
        elif command == "c":
            for k in range(0, len(values), 6):
                points = [(x + values[k + j], y + values[k + j + 1]) for j in (0, 2, 4)]
                parts.append(" ".join(f"{_n(u)} {_n(v)}" for u, v in points) + " c")
                x, y = points[-1]
        else:
            for k in range(0, len(values), 2):
                own = command.islower()
                x, y = values[k] + (x if own else 0.0), values[k + 1] + (y if own else 0.0)
                moves = command in "Mm" and k == 0
                start = (x, y) if moves else start
                parts.append(f"{_n(x)} {_n(y)} {'m' if moves else 'l'}")
    return " ".join(parts)


def _circle(x: float, y: float, r: float) -> str:
    k = ROUND * r
    quarters = (
        (x + r, y + k, x + k, y + r, x, y + r), (x - k, y + r, x - r, y + k, x - r, y),
        (x - r, y - k, x - k, y - r, x, y - r), (x + k, y - r, x + r, y - k, x + r, y),
    )  # fmt: skip
    return f"{_n(x + r)} {_n(y)} m " + " ".join(" ".join(map(_n, one)) + " c" for one in quarters) + " h"


def _colour(value: str) -> str:
    """Red, green and blue of `#rgb` or `#rrggbb`."""
    digits = value[1:] if len(value) == 7 else "".join(2 * one for one in value[1:])
    return " ".join(_n(int(digits[k : k + 2], 16) / 255) for k in (0, 2, 4))


def _paint(path: str, state: State, out: list[str]) -> None:
    """Fill and stroke a path."""
    fill, stroke = state.get("fill", "none"), state.get("stroke", "none")
    if not path or fill == stroke == "none":
        return
    parts = ["q"]
    if fill != "none":
        parts.append(f"{_colour(fill)} rg")
    if stroke != "none":
        dashes = " ".join(NUMBER.findall(state.get("stroke-dasharray", "")))
        cap = {"round": "1 J"}.get(state.get("stroke-linecap", ""), "")
        join = {"round": "1 j"}.get(state.get("stroke-linejoin", ""), "")
        dash = f"[{dashes}] 0 d" if dashes else ""
        parts += [f"{_colour(stroke)} RG", f"{state.get('stroke-width', '1')} w", dash, cap, join]
    parts += [path, {(True, True): "B", (True, False): "f", (False, True): "S"}[fill != "none", stroke != "none"], "Q"]
    out.append(" ".join(part for part in parts if part))


def _text(node: ElementTree.Element, state: State, font: _Font, out: list[str]) -> None:
    """A line of text; raised and lowered parts keep to one line, so that it is selected as one."""
    size = float(state.get("font-size", "16"))
    pieces, rise = [], 0.0
    spans = [(node.text, 1.0, 0.0)]
    for span in node:
        scale = float((span.get("font-size") or "100%").removesuffix("%")) / 100
        spans += [(span.text, scale, scale * float((span.get("dy") or "0em").removesuffix("em"))), (span.tail, 1.0, 0.0)]
    for words, scale, down in spans:
        rise -= down
        if shown := (words or "").replace("\u200b", ""):
            pieces.append((shown, scale * size, rise * size))
    wide = sum(font.width(words) * each for words, each, _ in pieces)
    left = {"middle": -wide / 2, "end": -wide}.get(state.get("text-anchor", ""), 0.0)
    turn = node.get("transform")
    if turn:
        x, y, angle = (float(one) for one in NUMBER.findall(turn))
    else:
        x, y, angle = float(node.get("x") or 0), float(node.get("y") or 0), 0.0
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    place = " ".join(map(_n, (cos, sin, sin, -cos, x + left * cos, y + left * sin)))
    colour = _colour(state["fill"])
    # One font is embedded, not two: what is bold is drawn with a thin outline.
    bold = f"{colour} RG {_n(0.035 * size)} w 2 Tr" if state.get("font-weight") else ""
    shown = " ".join(f"/F {_n(each)} Tf {_n(up)} Ts <{font.code(words)}> Tj" for words, each, up in pieces)
    out.append(" ".join(part for part in ("q BT", f"{colour} rg", bold, f"{place} Tm", shown, "ET Q") if part))


class _Font:
    """The font of the drawings, and which of its glyphs a drawing uses."""

    def __init__(self) -> None:
        self._source = _source()
        self._names = self._source.getBestCmap()
        self._metrics = self._source["hmtx"].metrics
        self.em: int = self._source["head"].unitsPerEm
        self.used: dict[int, str] = {}

    def width(self, words: str) -> float:
        """Width of a text, in units of its size."""
        return sum(self._metrics[self._names.get(ord(letter), ".notdef")][0] for letter in words) / self.em

    def code(self, words: str) -> str:
        """Hexadecimal glyph numbers of a text; a letter that the font lacks is a blank box."""
        numbers = []
        for letter in words:
            number = self._source.getGlyphID(self._names.get(ord(letter), ".notdef"))
            self.used.setdefault(number, letter)
            numbers.append(f"{number:04X}")
        return "".join(numbers)

    def program(self) -> bytes:
        """The font with the outlines of the used glyphs alone, under their numbers."""
        from fontTools.subset import Options, Subsetter
        from fontTools.ttLib import TTFont

        options = Options(retain_gids=True, notdef_outline=True, recalc_timestamp=False, hinting=False, glyph_names=False)
        options.drop_tables += ["cmap", "name", "post", "OS/2", "gasp"]
        font = TTFont(FONT_FILE, recalcTimestamp=False)
        chosen = Subsetter(options)
        chosen.populate(gids=sorted(self.used))
        chosen.subset(font)
        out = io.BytesIO()
        font.save(out, reorderTables=False)
        return out.getvalue()

    def widths(self) -> str:
        """The array of widths, in thousandths, by glyph number."""
        order = self._source.getGlyphOrder()
        return " ".join(f"{one}[{round(1000 * self._metrics[order[one]][0] / self.em)}]" for one in sorted(self.used))

    def letters(self) -> bytes:
        """The map from glyph numbers to letters by which text is found and copied."""
        pairs = [f"<{one:04X}> <{self.used[one].encode('utf-16-be').hex().upper()}>" for one in sorted(self.used)]
        blocks = [pairs[k : k + 100] for k in range(0, len(pairs), 100)]
        body = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
        return (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
            "/CMapName /A def /CMapType 2 def 1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
            f"{body}\nendcmap end end"
        ).encode()


@lru_cache(maxsize=1)
def _source() -> Any:
    from fontTools.ttLib import TTFont

    return TTFont(FONT_FILE)


def _stream(content: bytes, more: str = "") -> bytes:
    packed = zlib.compress(content, 9)
    return f"<</Length {len(packed)}/Filter/FlateDecode{more}>>stream\n".encode() + packed + b"\nendstream"


def _file(content: bytes, size: tuple[float, float], font: _Font, title: str) -> bytes:
    """The file, of version 1.5: streams, and all other objects packed into one more."""
    program, name = font.program(), "ABCDEF+RegimesSans"
    info = "/Registry(Adobe)/Ordering(Identity)/Supplement 0"
    box = f"0 0 {_n(size[0])} {_n(size[1])}"
    streams = {1: _stream(content), 2: _stream(program, f"/Length1 {len(program)}"), 3: _stream(font.letters())}
    said = (b"\xfe\xff" + title.encode("utf-16-be")).hex().upper()
    objects = {
        4: "<</Type/Catalog/Pages 5 0 R/Lang(en)/ViewerPreferences<</DisplayDocTitle true>>>>",
        5: "<</Type/Pages/Count 1/Kids[6 0 R]>>",
        6: f"<</Type/Page/Parent 5 0 R/MediaBox[{box}]/Contents 1 0 R/Resources<</Font<</F 7 0 R>>>>>>",
        7: f"<</Type/Font/Subtype/Type0/BaseFont/{name}/Encoding/Identity-H/DescendantFonts[8 0 R]/ToUnicode 3 0 R>>",
        8: f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{name}/CIDSystemInfo<<{info}>>"
           f"/FontDescriptor 9 0 R/DW 0/W[{font.widths()}]/CIDToGIDMap/Identity>>",
        9: f"<</Type/FontDescriptor/FontName/{name}/Flags 4/FontBBox[-544 -303 1302 980]/ItalicAngle 0/Ascent 905"
           "/Descent -212/CapHeight 729/StemV 80/FontFile2 2 0 R>>",
        10: f"<</Title<{said}>/Producer(regimes)>>",
    }  # fmt: skip
    index, body = [], ""
    for number, text in objects.items():
        index.append(f"{number} {len(body)}")
        body += text + " "
    head = " ".join(index) + " "
    streams[11] = _stream((head + body).encode(), f"/Type/ObjStm/N {len(objects)}/First {len(head)}")
    out, places = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"), {}
    for number, data in streams.items():
        places[number] = len(out)
        out += f"{number} 0 obj".encode() + data + b"\nendobj\n"
    start, last = len(out), 12
    places[last] = start
    table = bytearray(b"\0\0\0\0\0")
    for number in range(1, last + 1):
        packed = list(objects).index(number) if number in objects else None
        table += bytes([1]) + places[number].to_bytes(3, "big") + b"\0" if packed is None else bytes([2, 0, 0, 11, packed])
    about = f"/Type/XRef/W[1 3 1]/Size {last + 1}/Root 4 0 R/Info 10 0 R"
    out += f"{last} 0 obj".encode() + _stream(bytes(table), about)
    return bytes(out) + f"\nendobj\nstartxref\n{start}\n%%EOF\n".encode()
