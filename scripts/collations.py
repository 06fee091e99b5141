#!/usr/bin/env python3
"""Makes the tables of character sets and collations: src/sql/types/collation/{unicode,charsets}.bin.

    scripts/collations.py SOCKET ALLKEYS

SOCKET is that of a running MariaDB (10.11), which is asked how it converts and weighs each character of the sets that it
has in common with MySQL; ALLKEYS is Unicode's allkeys.txt of version 9.0.0 (the Python package pyuca has it). Both files
are a sequence of tables, each `name\\0`, its length (u32), and its bytes deflated (zlib); all numbers are little-endian.
What a table holds is said where it is written.
"""

import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent / "src/sql/types/collation"

# Each set with its collations that weigh a character alone, by bytes.
SINGLE = {
    "dec8": ["dec8_swedish_ci"], "cp850": ["cp850_general_ci"], "hp8": ["hp8_english_ci"],
    "koi8r": ["koi8r_general_ci"],
    "latin1": ["latin1_german1_ci", "latin1_swedish_ci", "latin1_danish_ci", "latin1_general_ci",
               "latin1_general_cs", "latin1_spanish_ci"],
    "latin2": ["latin2_general_ci", "latin2_hungarian_ci", "latin2_croatian_ci"],
    "swe7": ["swe7_swedish_ci"], "ascii": ["ascii_general_ci"], "hebrew": ["hebrew_general_ci"],
    "koi8u": ["koi8u_general_ci"], "greek": ["greek_general_ci"],
    "cp1250": ["cp1250_general_ci", "cp1250_croatian_ci", "cp1250_polish_ci"],
    "latin5": ["latin5_turkish_ci"], "armscii8": ["armscii8_general_ci"],
    "cp866": ["cp866_general_ci"], "keybcs2": ["keybcs2_general_ci"],
    "macce": ["macce_general_ci"], "macroman": ["macroman_general_ci"],
    "cp852": ["cp852_general_ci"],
    "latin7": ["latin7_estonian_cs", "latin7_general_ci", "latin7_general_cs"],
    "cp1251": ["cp1251_bulgarian_ci", "cp1251_ukrainian_ci", "cp1251_general_ci", "cp1251_general_cs"],
    "cp1256": ["cp1256_general_ci"],
    "cp1257": ["cp1257_lithuanian_ci", "cp1257_general_ci"],
    "geostd8": ["geostd8_general_ci"], "tis620": [],
}
DOUBLE = {
    "big5": ["big5_chinese_ci"], "ujis": ["ujis_japanese_ci"], "sjis": ["sjis_japanese_ci"],
    "euckr": ["euckr_korean_ci"], "gb2312": ["gb2312_chinese_ci"], "gbk": ["gbk_chinese_ci"],
    "cp932": ["cp932_japanese_ci"], "eucjpms": ["eucjpms_japanese_ci"],
}


def ask(query):
    command = ["mariadb", "-S", sys.argv[1], "-uroot", "--default-character-set=utf8mb4", "-N", "-B", "-q", "mysql"]
    found = subprocess.run(command, input=query, capture_output=True, text=True)
    if found.returncode:
        sys.exit(f"{query}: {found.stderr}")
    return [line.split("\t") for line in found.stdout.splitlines()]


def put(out, name, content):
    packed = zlib.compress(content, 9)
    out.write(name.encode() + b"\0" + struct.pack("<I", len(packed)) + packed)
    print(name, len(content), len(packed))


def natives(charset):
    """The codes of the set that may be characters, as SQL that makes the column `h` of them."""
    if charset in SINGLE:
        return "select hex(char(seq)) h from seq_0_to_255"
    double = "select hex(char(a.seq, b.seq)) h from seq_128_to_254 a, seq_48_to_254 b"
    one = "select hex(char(seq)) h from seq_0_to_255"
    three = "select hex(char(143, a.seq, b.seq)) h from seq_161_to_254 a, seq_161_to_254 b"
    return f"{one} union all {double}" + (f" union all {three}" if charset in ("ujis", "eucjpms") else "")


def legacy(out):
    """charset: how many, then of each character its code in the set and in Unicode (u32 both), by code; then the same of
    those that are only read by CONVERT to the set. collation: of each character of the set, in the same order, the length
    of its weight and three bytes with the weight in the first of them."""
    for charset, collations in (SINGLE | DOUBLE).items():
        rows = ask(f"select h, hex(convert(convert(unhex(h) using {charset}) using utf32)) from ({natives(charset)}) t;")
        decode = {}
        for native, text in rows:
            if len(text) == 8 and (text != "0000003F" or native == "3F") and text != "0000FFFD":
                decode[native] = int(text, 16)
        rows = ask(f"select seq, hex(convert(convert(char(seq using utf32) using utf8mb4) using {charset})) "
                   "from seq_0_to_65535 where seq not between 55296 and 57343;")
        encode = {int(code): native for code, native in rows if native != "3F" or code == "63"}
        codes = sorted(decode, key=lambda native: int(native, 16))
        lone = sorted((code, native) for code, native in encode.items() if decode.get(native) != code)
        # One character may have several codes: that which it is written as comes first in `preferred`.
        preferred = sorted((encode[code], code) for native, code in decode.items()
                           if code in encode and encode[code] != native)
        pairs = [(int(native, 16), decode[native]) for native in codes]
        extra = [(int(native, 16), code) for code, native in lone] + [(int(n, 16), c) for n, c in preferred]
        content = b"".join(struct.pack(f"<I{len(some)}I{len(some)}I", len(some), *[n for n, _ in some],
                                       *[c for _, c in some]) for some in (pairs, extra))
        put(out, charset, content)
        for collation in collations:
            rows = ask(f"select h, hex(weight_string(convert(unhex(h) using {charset}) collate {collation})) "
                       f"from ({natives(charset)}) t;")
            weights = dict(rows)
            content = b""
            for native in codes:
                weight = bytes.fromhex(weights[native])
                assert len(weight) <= 3, (collation, native, weight)
                content += bytes([len(weight)]) + weight.ljust(3, b"\0")
            put(out, collation, content)


def implicit_400(code):
    base = 0xFB40 if 0x4E00 <= code <= 0x9FA5 else 0xFB80 if 0x3400 <= code <= 0x4DB5 else 0xFBC0
    return [base + (code >> 15), code & 0x7FFF | 0x8000]


def implicit_520(code):
    inside = lambda *ranges: any(low <= code <= high for low, high in ranges)
    if inside((0x3400, 0x4DB5), (0x20000, 0x2A6D6), (0x2A700, 0x2B734)):
        base = 0xFB80
    elif inside((0x4E00, 0x9FC3), (0xFA0E, 0xFA29)):
        base = 0xFB40
    else:
        base = 0xFBC0
    return [base + (code >> 15), code & 0x7FFF | 0x8000]


def weights_of(collation, last):
    rows = ask(f"select seq, hex(weight_string(convert(char(seq using utf32) using utf8mb4) collate {collation})) "
               f"from seq_0_to_{last} where seq not between 55296 and 57343;")
    found = {}
    for code, text in rows:
        text = "" if text == "NULL" else text
        found[int(code)] = [int(text[at:at + 4], 16) for at in range(0, len(text), 4)]
    return found


def pages(weights, units):
    """How many pages, their numbers (code >> 8, u16 each); of each page 256 entries (u32): 0 where the weights follow from
    the code, else the number of elements in the upper 8 bits, plus one, and where the first is; then the elements."""
    numbers = sorted({code >> 8 for code in weights})
    pool, places = [], {}
    content = struct.pack(f"<H{len(numbers)}H", len(numbers), *numbers)
    for number in numbers:
        for code in range(number << 8, (number << 8) + 256):
            sequence = weights.get(code)
            if sequence is None:
                content += struct.pack("<I", 0)
                continue
            sequence = tuple(sequence)
            if sequence not in places:
                places[sequence] = len(pool)
                pool.extend(sequence)
            content += struct.pack("<I", (len(sequence) // units + 1) << 24 | places[sequence])
    return content + struct.pack(f"<{len(pool)}H", *pool)


def unicode(out):
    # Of each character of the basic plane whose weight is not its code: both (u16 each).
    general = weights_of("utf8mb4_general_ci", 0xFFFF)
    put(out, "general", b"".join(struct.pack("<HH", code, some[0]) for code, some in general.items() if some != [code]))
    old = weights_of("utf8mb4_unicode_ci", 0xFFFF)
    put(out, "uca400", pages({code: some for code, some in old.items() if some != implicit_400(code)}, 1))
    middle = weights_of("utf8mb4_unicode_520_ci", 0x10FFFF)
    put(out, "uca520", pages({code: some for code, some in middle.items() if some != implicit_520(code)}, 1))
    new = {}
    for line in open(sys.argv[2], encoding="utf-8"):
        found = re.match(r"([0-9A-F]+) +;((?: *\[[.*][0-9A-F.]+\])+)", line)
        if found:
            elements = re.findall(r"\[[.*]([0-9A-F]{4})\.([0-9A-F]{4})\.([0-9A-F]{4})", found[2])
            new[int(found[1], 16)] = [int(part, 16) for element in elements for part in element]
    put(out, "uca900", pages(new, 3))


for name, fill in (("unicode", unicode), ("charsets", legacy)):
    with open(HERE / f"{name}.bin", "wb") as out:
        fill(out)
