"""Text of statement files: Unicode, and the Vietnamese code pages that offices and banks still write.

windows-1258 writes tones as signs of their own behind the letter; TCVN3 (ABC fonts) has one byte a letter and no
capitals with a tone (its fonts draw them with the small letters' bytes); VNI fonts put a byte for the signs behind
a plain letter. All of it comes out composed (NFC).
"""

import codecs
import unicodedata

from truc.errors import MalformedError
from truc.statements.profiles import Encoding

BYTE_PER_SIGN = frozenset({"windows-1258", "tcvn3", "vni"})  # in these a byte is a place in a fixed-width record

_TCVN3_LETTERS = (
    "ĂÂÊÔƠƯĐăâêôơưđ"  # A1…AE
    "......àảãáạ.ằẳẵắ.......ặầẩẫấậè.ẻẽéẹềểễếệìỉ...ĩíịò.ỏõóọồổỗốộờởỡớợù.ủũúụừửữứựỳỷỹýỵ"  # AF…FE
)
TCVN3 = {0xA1 + place: letter for place, letter in enumerate(_TCVN3_LETTERS) if letter != "."}

_BREVE, _HAT, _HORN = "\u0306", "\u0302", "\u031b"
_GRAVE, _ACUTE, _HOOK, _TILDE, _DOT = "\u0300", "\u0301", "\u0309", "\u0303", "\u0323"
_VNI_SIGNS = {  # of the small letters; those of the capitals are 0x20 lower
    0xF9: _ACUTE,
    0xF8: _GRAVE,
    0xFB: _HOOK,
    0xF5: _TILDE,
    0xEF: _DOT,
    0xE2: _HAT,
    0xE1: _HAT + _ACUTE,
    0xE0: _HAT + _GRAVE,
    0xE5: _HAT + _HOOK,
    0xE3: _HAT + _TILDE,
    0xE4: _HAT + _DOT,
    0xEA: _BREVE,
    0xE9: _BREVE + _ACUTE,
    0xE8: _BREVE + _GRAVE,
    0xFA: _BREVE + _HOOK,
    0xFC: _BREVE + _TILDE,
    0xEB: _BREVE + _DOT,
}
_VNI_LETTERS = {
    0xED: "í",
    0xEC: "ì",
    0xE6: "ỉ",
    0xF3: "ĩ",
    0xF2: "ị",
    0xEE: "ỵ",
    0xF1: "đ",
    0xF4: "o" + _HORN,
    0xF6: "u" + _HORN,
}
VNI = (
    _VNI_SIGNS
    | _VNI_LETTERS
    | {code - 0x20: sign for code, sign in _VNI_SIGNS.items()}
    | {code - 0x20: letter.upper() for code, letter in _VNI_LETTERS.items()}
)
_TABLES = {"tcvn3": TCVN3, "vni": VNI}
_OLD: dict[str, dict[int, str | None]] = {
    name: {code: table.get(code) for code in range(0x80, 0x100)} for name, table in _TABLES.items()
}


def decoded(body: bytes, encoding: Encoding) -> str:
    """Return the composed text without a byte-order mark, or raise MalformedError `not_text` that names the line."""
    return composed(raw_text(body, encoding), encoding)


def raw_text(body: bytes, encoding: Encoding) -> str:
    """Return the text as it is cut into fixed places: in an old code page, one character for each byte."""
    if encoding in BYTE_PER_SIGN:
        _refuse_strange_bytes(body, encoding)
        return body.decode("latin-1")
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        raise _not_text(body, error.start, encoding) from error
    if encoding == "utf-16" and body[:2] not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise MalformedError("line 1: utf-16 needs its byte-order mark, or say utf-16-le", reason="not_text")
    return text.removeprefix("\ufeff")


def composed(text: str, encoding: Encoding) -> str:
    """Return what raw text (or a piece of it) says, in composed letters."""
    if text.isascii():
        return text
    if encoding == "windows-1258":
        text = text.encode("latin-1").decode("cp1258")
    elif encoding in _OLD:
        text = text.translate(_OLD[encoding])
    return unicodedata.normalize("NFC", text)


def _refuse_strange_bytes(body: bytes, encoding: Encoding) -> None:
    if encoding == "windows-1258":
        try:
            body.decode("cp1258")
        except UnicodeDecodeError as error:
            raise _not_text(body, error.start, encoding) from error
        return
    known = bytes({*range(0x80), *_TABLES[encoding]})
    if rest := body.translate(None, known):
        raise _not_text(body, body.index(rest[:1]), encoding)


def _not_text(body: bytes, at: int, encoding: Encoding) -> MalformedError:
    line = body.count(b"\n", 0, at) + 1
    return MalformedError(f"line {line}: not {encoding} text", reason="not_text")
