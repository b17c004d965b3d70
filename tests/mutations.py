"""Damage for the fuzzer: valid files with bytes, numbers, types and whole sections changed."""

import copy
import json
import struct
import zlib

from hypothesis import strategies as st

DEEP = "@deep@"  # stands for nesting that no writer of JSON would write
NUMBERS = [0, -1, 1, 2**31 - 1, -(2**31), 2**63, 10**400, 0.5, 1e308, 5e-324, float("nan"), float("inf"), -float("inf")]
WORDS = ["", " ", "\0", "\n", "\r\n", "\ufeff", "\u2028", "\ud800", "\x1b[2J", "[/]", "nan", "1e999", "²", "~", "~nobody-here/x", "..", "/", "/dev/null",
         "a/../../b", "-", "x" * 5000, "é", "0", "true", "null", "2020-13-45", DEEP]  # fmt: skip
VALUES = [None, True, False, [], {}, [[]], [None], {"": None}, *NUMBERS, *WORDS]
# What stands in the way of readers of text: marks of an order of bytes, ends of lines, NUL, nesting, halves of signs.
PIECES = [b"\0", b"\r\n", b"\r", b"\n", b"\n\n", b"\t", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\xc3", b"\xed\xa0\x80", b'"', b"'", b",", b"#", b"nan", b"NaN",
          b"Infinity", b"-1", b"1e999", b"9" * 5000, b"\xe2\x80\xa8", b"\x1b", b"[" * 1200, b"{" * 1200, b"x" * 140_000, b"/", b"..", b"~a"]  # fmt: skip
INTEGERS = [
    0,
    1,
    2,
    127,
    128,
    255,
    2**15,
    2**16,
    2**31 - 1,
    2**31,
    2**32 - 1,
    0x7FC00000,
    0x7F800000,
    0xFF800000,
    0x4E6E6B28,
]


@st.composite
def damaged(draw, valid: bytes, most: int = 4) -> bytes:
    """Some bytes flipped, cut, inserted, doubled, or made an extreme number."""
    raw = valid
    for _ in range(draw(st.integers(1, most))):
        place = draw(st.integers(0, len(raw)))
        kind = draw(st.integers(0, 6))
        length = draw(st.sampled_from([1, 2, 4, 8, 40, len(raw)]))
        if kind == 0:
            raw = raw[:place]
        elif kind == 1:
            raw = raw[:place] + raw[place + length :]
        elif kind == 2:
            raw = raw[:place] + draw(st.sampled_from(PIECES) | st.binary(max_size=12)) + raw[place:]
        elif kind == 3:
            raw = raw[: place + length] + raw[place:]
        elif kind == 4 and raw:
            place = min(place, len(raw) - 1)
            raw = raw[:place] + bytes([raw[place] ^ 1 << draw(st.integers(0, 7))]) + raw[place + 1 :]
        else:
            place -= place % 4 * draw(st.booleans())
            raw = raw[:place] + struct.pack("<I", draw(st.sampled_from(INTEGERS))) + raw[place + 4 :]
    return raw


def scalars():
    return st.sampled_from(VALUES) | st.text(max_size=12) | st.integers() | st.floats()


def values():
    return scalars() | st.recursive(
        scalars(),
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below, max_size=3),
        max_leaves=6,
    )


@st.composite
def changed(draw, tree, most: int = 3):
    """A tree of JSON with some of its values replaced, left out, renamed or put a level deeper."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, most))):
        above, key, node = None, None, tree
        while isinstance(node, (dict, list)) and node and draw(st.integers(0, 3)):
            above, key = node, draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
            node = above[key]
        kind = draw(st.integers(0, 5))
        if above is None:
            tree = copy.deepcopy(draw(values())) if kind == 0 else tree
        elif kind == 0:
            del above[key]
        elif kind == 1:
            above[key] = [node]
        elif kind == 2 and isinstance(above, dict):
            above[draw(st.sampled_from(WORDS) | st.text(max_size=5))] = above.pop(key)
        else:
            above[key] = copy.deepcopy(draw(values()))  # what is drawn is changed further, and drawn again
    return tree


def as_json(tree) -> str:
    return json.dumps(tree, indent=1).replace(json.dumps(DEEP), "[" * 3000 + "]" * 3000)


def _chunks(png: bytes) -> list:
    """(kind, content) of each chunk of a PNG file."""
    found, place = [], 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        found.append((png[place + 4 : place + 8], png[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


KINDS_OF_CHUNKS = [b"IHDR", b"IDAT", b"IEND", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"iCCP", b"sRGB", b"tEXt", b"zTXt", b"iTXt", b"pHYs", b"eXIf", b"acTL",
                   b"fcTL", b"fdAT", b"abcd"]  # fmt: skip


@st.composite
def changed_png(draw, valid: bytes) -> bytes:
    """A PNG file with chunks changed whose check sums are right: a reader gets to see what is in them."""
    chunks = _chunks(valid)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(chunks) - 1))
        kind, content = chunks[place]
        what = draw(st.integers(0, 4))
        if what == 0:
            chunks.insert(place, (draw(st.sampled_from(KINDS_OF_CHUNKS)), draw(st.binary(max_size=30))))
        elif what == 1:
            chunks[place] = (draw(st.sampled_from(KINDS_OF_CHUNKS)), content)
        elif what == 2 and len(chunks) > 1:
            chunks.insert(draw(st.integers(0, len(chunks) - 1)), chunks.pop(place))
        elif what == 3 and kind == b"IDAT":
            try:
                content = draw(damaged(zlib.decompress(content), 2))
            except zlib.error:
                pass
            chunks[place] = (kind, zlib.compress(content))
        else:
            chunks[place] = (kind, draw(damaged(content, 2)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
