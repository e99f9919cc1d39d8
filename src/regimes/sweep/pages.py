"""SQLite's file format read page by page, for a file that SQLite itself refuses.

Only what a store needs: the rows of its tables, each from the one leaf page (and overflow pages) that it lies on, so that a
page which makes no sense costs the rows on it and no others: neither those below a damaged inner page nor those that a damaged
index leads to. Nothing is written. What is read is not to be trusted before it has been looked at: the format has no checksums,
but for those of the write-ahead log.

A leaf page counts if the tree of a table leads to it, or if it is not among the free pages, which keep what they held; where
the list of free pages is damaged itself, only the trees count.

Reference: Database File Format, https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from regimes.sweep.store_file import HEADER, MAGIC

INNER, LEAF = 0x05, 0x0D
Value = None | int | float | str


class Unreadable(Exception):
    """A page, row or log that makes no sense."""


@dataclass(frozen=True)
class Row:
    """A row of some table.

    Attributes:
        rowid: its number within its table.
        values: its columns.
    """

    rowid: int
    values: tuple[Value, ...]


class Pages:
    """The pages of a file with its log laid over them.

    Arguments:
        content: the file.
        log: the write-ahead log beside it; what follows its last whole transaction is left out, as SQLite does.

    Raises:
        Unreadable: the file has no header of SQLite.
    """

    def __init__(self, content: bytes, log: bytes = b"") -> None:
        if len(content) < HEADER or not content.startswith(MAGIC):
            raise Unreadable("no header")
        size = struct.unpack_from(">H", content, 16)[0]
        self.size = 65536 if size == 1 else size
        if self.size < 512 or self.size & (self.size - 1):
            raise Unreadable("no page size")
        self._content, self._logged = content, logged(log, self.size)
        head = self._logged.get(1, content)
        self.usable = self.size - head[20]
        self._free, self._trunk = struct.unpack_from(">I", head, 36)[0], struct.unpack_from(">I", head, 32)[0]
        self.count = max([len(content) // self.size, *self._logged])

    def page(self, number: int) -> bytes:
        """A page by its number from 1 on; Unreadable if it is not there."""
        if number in self._logged:
            return self._logged[number]
        found = self._content[(number - 1) * self.size : number * self.size]
        if number < 1 or len(found) < self.size:
            raise Unreadable(f"page {number} is missing")
        return found

    def rows(self) -> Iterator[Row | None]:
        """Every row of every table that can be read, in no order, and None for one that cannot."""
        for number in sorted(self._leaves()):
            yield from self._rows_of(number)

    def _leaves(self) -> set[int]:
        found = {number for number in self._reachable() if self._kind(number) == LEAF}
        free = self._free_pages()
        if free is not None:
            found |= {number for number in range(2, self.count + 1) if number not in free and self._kind(number) == LEAF}
        return found - {1}

    def _kind(self, number: int) -> int | None:
        """The first byte of a page's tree header; None if the page is not there."""
        try:
            return self.page(number)[_start(number)]
        except Unreadable:
            return None

    def _free_pages(self) -> set[int] | None:
        """The pages on the list of free ones; None if that is damaged."""
        found: set[int] = set()
        trunk = self._trunk
        try:
            while trunk and trunk not in found:
                page = self.page(trunk)
                following, leaves = struct.unpack_from(">II", page)
                if leaves > self.usable // 4 - 2:
                    return None
                found |= {trunk, *struct.unpack_from(f">{leaves}I", page, 8)}
                trunk = following
        except Unreadable:
            return None
        return found if len(found) == self._free else None

    def _reachable(self) -> set[int]:
        """The pages to which the trees of the tables lead, as far as these are whole."""
        roots = [row.values[3] for row in self._rows_of(1) if row is not None and len(row.values) == 5]
        waiting = [root for root in roots if isinstance(root, int)]
        found: set[int] = set()
        while waiting:
            number = waiting.pop()
            if number in found:
                continue
            found.add(number)
            if self._kind(number) == INNER:
                waiting += self._children(number)
        return found

    def _children(self, number: int) -> list[int]:
        page, start = self.page(number), _start(number)
        found = [struct.unpack_from(">I", page, start + 8)[0]]
        for place in self._places(page, start + 12, struct.unpack_from(">H", page, start + 3)[0]):
            found.append(struct.unpack_from(">I", page, place)[0])
        return found

    def _places(self, page: bytes, first: int, cells: int) -> list[int]:
        """Offsets of the cells of a page that lie on it."""
        cells = min(cells, (self.usable - first) // 2)
        return [place for place in struct.unpack_from(f">{max(cells, 0)}H", page, first) if first < place <= self.usable - 4]

    def _rows_of(self, number: int) -> Iterator[Row | None]:
        try:
            page, start = self.page(number), _start(number)
        except Unreadable:
            return
        if page[start] != LEAF:
            return
        for place in self._places(page, start + 8, struct.unpack_from(">H", page, start + 3)[0]):
            try:
                yield self._row(page, place)
            except (Unreadable, UnicodeDecodeError, IndexError, struct.error):
                yield None

    def _row(self, page: bytes, place: int) -> Row:
        length, place = _varint(page, place)
        rowid, place = _varint(page, place)
        if length > self.count * self.size:
            raise Unreadable("a row longer than the file")
        local = self._local(length)
        if place + local > self.usable:
            raise Unreadable("a row beyond its page")
        payload = page[place : place + local]
        if local < length:
            payload += self._overflow(struct.unpack_from(">I", page, place + local)[0], length - local)
        return Row(rowid if rowid < 1 << 63 else rowid - (1 << 64), record(payload))

    def _local(self, length: int) -> int:
        """How much of a row's payload is on the leaf page."""
        most, least = self.usable - 35, (self.usable - 12) * 32 // 255 - 23
        if length <= most:
            return length
        local = least + (length - least) % (self.usable - 4)
        return local if local <= most else least

    def _overflow(self, number: int, length: int) -> bytes:
        """The rest of a payload from its chain of pages, which must end where the payload does."""
        parts = []
        while length > 0:
            page = self.page(number)
            parts.append(page[4 : 4 + min(length, self.usable - 4)])
            length -= len(parts[-1])
            number = struct.unpack_from(">I", page)[0]
        if number:
            raise Unreadable("a chain of pages that goes on")
        return b"".join(parts)


def record(payload: bytes) -> tuple[Value, ...]:
    """The columns of a record.

    Raises:
        Unreadable: its header and its length do not agree, or a column is a blob, of which a store has none.
        UnicodeDecodeError: a text is none.
    """
    end, place = _varint(payload, 0)
    kinds = []
    while place < end:
        kind, place = _varint(payload, place)
        kinds.append(kind)
    values: list[Value] = []
    for kind in kinds:
        length = _length(kind)
        part = payload[place : place + length]
        place += length
        if kind == 0:
            values.append(None)
        elif kind in (8, 9):
            values.append(kind - 8)
        elif kind == 7:
            values.append(struct.unpack(">d", part)[0])
        elif kind <= 6:
            values.append(int.from_bytes(part, "big", signed=True))
        else:
            values.append(part.decode())
    if not kinds or place != len(payload):
        raise Unreadable("a record of another length")
    return tuple(values)


def _length(kind: int) -> int:
    """Bytes of a column by its serial type."""
    if kind < 10:
        return (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind]
    if kind < 13 or kind % 2 == 0:
        raise Unreadable("a column of no known type")
    return (kind - 13) // 2


def logged(log: bytes, size: int) -> dict[int, bytes]:
    """The pages that the whole transactions of a write-ahead log leave, by number."""
    found: dict[int, bytes] = {}
    if len(log) < 32:
        return found
    magic, _, paged, _, *salts, first, second = struct.unpack_from(">8I", log)
    order = {0x377F0682: "<", 0x377F0683: ">"}.get(magic)
    if order is None or paged != size:
        return found
    sums = _checksum(log[:24], (0, 0), order)
    if sums != (first, second):
        return found
    pending: dict[int, bytes] = {}
    for start in range(32, len(log) - size - 23, size + 24):
        number, committed, *given = struct.unpack_from(">4I", log, start)
        page = log[start + 24 : start + 24 + size]
        sums = _checksum(page, _checksum(log[start : start + 8], sums, order), order)
        if given != salts or sums != struct.unpack_from(">2I", log, start + 16):
            break
        pending[number] = page
        if committed:
            found |= pending
            pending = {}
    return found


def _checksum(part: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    one, other = sums
    words = struct.unpack(f"{order}{len(part) // 4}I", part)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + other) & 0xFFFFFFFF
        other = (other + odd + one) & 0xFFFFFFFF
    return one, other


def _varint(part: bytes, place: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for k in range(8):
        byte = part[place + k]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + k + 1
    return value << 8 | part[place + 8], place + 9


def _start(number: int) -> int:
    """Where a page's tree header begins: the first page has the file's header before it."""
    return HEADER if number == 1 else 0
