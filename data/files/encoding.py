"""Which encoding a text was written in: what it says, what it proves to be, or an honest 'ask'."""

import codecs
import itertools
import struct
from dataclasses import dataclass
from pathlib import Path

HIGH = 0xA0
"""Above it lie both bytes of a character of GB 2312."""
SAMPLE_BYTES = 4_000_000
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
# Language drivers of dBase that name one encoding and are seldom wrong; 0x00 and 0x57 are written by programs that do not know.
LANGUAGE_DRIVERS = {
    0x4D: "gb18030", 0x4F: "cp950", 0x78: "cp950", 0x7A: "gb18030", 0x13: "cp932", 0x7B: "cp932", 0x4E: "cp949", 0x79: "cp949",
    0x01: "cp437", 0x02: "cp850", 0x26: "cp866", 0x65: "cp866", 0xC9: "cp1251", 0xC8: "cp1250", 0x7C: "cp874", 0x58: "cp1252",
    0x59: "cp1252", 0xCA: "cp1254", 0xCB: "cp1253", 0x7D: "cp1255", 0x7E: "cp1256",
}  # fmt: skip
CPG_NAMES = {
    "ansi 936": "gb18030", "936": "gb18030", "ansi 950": "cp950", "950": "cp950", "ansi 932": "cp932", "932": "cp932", "949": "cp949",
    "65001": "utf-8", "big5": "cp950", "88591": "latin-1", "1252": "cp1252", "ansi 1252": "cp1252", "1251": "cp1251", "ansi 1251": "cp1251",
    "euckr": "euc_kr", "shift-jis": "cp932", "sjis": "cp932", "latin2": "iso8859_2", "win1251": "cp1251", "win874": "cp874",
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """An encoding, how it was found, and whether that is proof enough to go on without asking."""

    encoding: str
    how: str
    sure: bool = True


def known(name: str) -> str | None:
    """Python's name of an encoding as a .cpg file, a mapping or a person writes it; None if there is none."""
    plain = name.strip().strip("\x00").lower()
    for candidate in (CPG_NAMES.get(plain), CPG_NAMES.get(plain.replace("cp", "").strip()), plain):
        try:
            if candidate:
                codecs.lookup(candidate)
                return candidate
        except (LookupError, ValueError):
            continue
    return None


def for_gdal(name: str) -> str:
    """The name of an encoding as iconv, which GDAL asks, knows it."""
    canonical = codecs.lookup(name).name
    return canonical.replace("iso8859", "ISO-8859").replace("_", "-").upper() if canonical != "gb18030" else "GB18030"


def of_text(sample: bytes, *, cut: bool = False) -> Found:
    """The encoding of a text by its bytes. `cut` says the sample may end inside a character."""
    for bom, name in BOMS:
        if sample.startswith(bom):
            return Found(name, "byte order mark")
    if _decodes(sample, "utf-8", cut):
        return Found("utf-8", "every byte is valid UTF-8" if not sample.isascii() else "plain ASCII")
    # ASCII text in UTF-16 has a zero in every other byte.
    if len(sample) > 8 and sample[1::2].count(0) > len(sample) * 0.4:
        return Found("utf-16-le", "every other byte is zero")
    if _decodes(sample, "gb18030", cut):
        return _chinese_or_western(sample.decode("gb18030", "ignore"), sample)
    return Found("latin-1", "neither UTF-8 nor GB 18030", sure=False)


def of_dbf(path: Path, stated: str | None) -> Found:
    """The encoding of a shapefile's table: its .cpg if that fits, else its bytes, else its language driver.

    `stated` is what a mapping says and always wins.
    """
    if stated:
        return Found(known(stated) or stated, "the mapping says so")
    body = path.read_bytes()[:SAMPLE_BYTES]
    text = _dbf_text(body)
    driver = LANGUAGE_DRIVERS.get(body[29]) if len(body) > 29 else None
    from_cpg = known(_beside(path, ".cpg"))
    if from_cpg and _decodes(text, from_cpg, cut=True):
        return Found(from_cpg, "its .cpg file")
    if text.isascii():
        return Found("utf-8", "plain ASCII")
    # Names cut to ten bytes may end inside a character, so a few stray bytes are no proof against UTF-8.
    if _decodes(text, "utf-8", cut=True):
        return Found("utf-8", "every byte is valid UTF-8")
    if driver and _decodes(text, driver, cut=True):
        return Found(driver, f"language driver 0x{body[29]:02x} of the table")
    return of_text(text, cut=True)


def _beside(path: Path, suffix: str) -> str:
    for sibling in path.parent.iterdir():
        if sibling.stem == path.stem and sibling.suffix.lower() == suffix:
            return sibling.read_text("ascii", "ignore")[:40]
    return ""


def _dbf_text(body: bytes) -> bytes:
    """The bytes of a dBase table that hold text: field names and character fields; all of it if the header is odd."""
    try:
        rows, header, width = struct.unpack("<IHH", body[4:12])
    except struct.error:
        return body
    fields, at, offset = [], 32, 1
    while at + 32 <= min(header, len(body)) and body[at] != 0x0D:
        length = body[at + 16]
        if body[at + 11 : at + 12] == b"C":
            fields.append((offset, length))
        offset, at = offset + length, at + 32
    names = b" ".join(body[32 + 32 * k : 43 + 32 * k].split(b"\x00")[0] for k in range((at - 32) // 32))
    parts = [names]
    for row in range(min(rows, (len(body) - header) // width if width else 0, 20_000)):
        start = header + row * width
        parts += [body[start + begin : start + begin + length].rstrip(b" \x00") for begin, length in fields]
    return b"\n".join(parts)


def _decodes(text: bytes, encoding: str, cut: bool) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(text, final=not cut)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _chinese_or_western(as_chinese: str, sample: bytes) -> Found:
    """Western text in GB 18030 gives rare characters made of a letter with an accent and the plain one after it; Chinese text gives
    runs of common ones, or single ones of two bytes that are both high."""
    wide = [each for each in as_chinese if ord(each) > 127]
    common = sum("\u4e00" <= each <= "\u9fa5" or "\u3000" <= each <= "\u303f" or "\uff00" <= each <= "\uffef" for each in wide)
    runs = sum(ord(a) > 127 and ord(b) > 127 for a, b in itertools.pairwise(as_chinese))
    high = sum(each.encode("gb18030")[1] > HIGH for each in wide)
    if wide and common >= 0.9 * len(wide) and (runs >= 0.3 * len(wide) or high >= 0.9 * len(wide)):
        return Found("gb18030", "common Chinese characters in GB 18030")
    return Found("cp1252" if _decodes(sample, "cp1252", cut=True) else "latin-1", "Western letters", sure=False)
