"""The old Vietnamese code pages are read letter by letter, and never guessed."""

import subprocess
import unicodedata

import pytest

from truc.errors import MalformedError
from truc.statements.encodings import BYTE_PER_SIGN, TCVN3, VNI, decoded

TONES = ("", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323")
SMALL = "".join(unicodedata.normalize("NFC", vowel + tone) for vowel in "aăâeêioôơuưy" for tone in TONES) + "đ"
ALPHABET = SMALL + SMALL.upper() + "bcdghklmnpqrstvxBCDGHKLMNPQRSTVX 0123456789.,;|-/"
TONED_CAPITALS = {letter for letter in SMALL.upper() if letter not in "AĂÂEÊIOÔƠUƯYĐ"}


def tcvn3(text):
    """Write TCVN3 as ABC fonts do: a capital with a tone is its small letter."""
    back = {letter: bytes([code]) for code, letter in TCVN3.items()}
    small = (letter.lower() if letter in TONED_CAPITALS else letter for letter in text)
    return b"".join(back.get(letter) or letter.encode("ascii") for letter in small)


def vni(text):
    """Write VNI: a letter with a byte of its own, or a plain letter and a byte for its signs (and one for the tone)."""
    back = {unicodedata.normalize("NFC", sign): bytes([code]) for code, sign in VNI.items()}

    def one(letter):
        if letter.isascii() or letter in back:
            return back.get(letter) or letter.encode()
        shift = 0x20 if letter.islower() else 0
        for code, signs in VNI.items():
            if (code >= 0xE0) == bool(shift):
                for base in "ơưaeiouy" if shift else "ƠƯAEIOUY":
                    if unicodedata.normalize("NFC", base + signs) == letter:
                        return (back.get(base) or base.encode()) + bytes([code])
        raise AssertionError(letter)

    return b"".join(map(one, text))


def windows_1258(text):
    """Write windows-1258: a letter it has as such, or the plainer letter and its tone behind it."""

    def one(letter):
        try:
            return letter.encode("cp1258")
        except UnicodeEncodeError:
            base, tone = unicodedata.normalize("NFD", letter)[0], unicodedata.normalize("NFD", letter)[1:]
            marks = "".join(sign for sign in tone if sign in TONES)
            rest = "".join(sign for sign in tone if sign not in TONES)
            return unicodedata.normalize("NFC", base + rest).encode("cp1258") + marks.encode("cp1258")

    return b"".join(map(one, text))


def test_the_alphabet_is_whole():
    assert len(set(SMALL)) == 73
    assert unicodedata.is_normalized("NFC", ALPHABET)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("utf-8", ALPHABET.encode()),
        ("utf-8", unicodedata.normalize("NFD", ALPHABET).encode()),
        ("utf-8-sig", ALPHABET.encode("utf-8-sig")),
        ("utf-8-sig", ALPHABET.encode()),
        ("utf-16", ALPHABET.encode("utf-16")),
        ("utf-16-le", ALPHABET.encode("utf-16-le")),
        ("utf-16-be", ALPHABET.encode("utf-16-be")),
        ("windows-1258", windows_1258(ALPHABET)),
        ("vni", vni(ALPHABET)),
    ],
)
def test_the_whole_alphabet_comes_out_composed(encoding, body):
    assert decoded(body, encoding) == ALPHABET


def test_tcvn3_gives_the_alphabet_with_toned_capitals_as_the_small_letters_they_are_written_by():
    wanted = "".join(letter.lower() if letter in TONED_CAPITALS else letter for letter in ALPHABET)
    assert decoded(tcvn3(ALPHABET), "tcvn3") == wanted
    assert len(set(TCVN3.values())) == len(TCVN3) == 60 + 6 + 1 + 7


def test_the_letters_of_tcvn3_are_those_iconv_knows():
    """TCVN 5712-1 has the same letters at the same places, and more."""
    body = bytes(TCVN3)
    known = subprocess.run(
        ["iconv", "-f", "TCVN5712-1:1993", "-t", "UTF-8"], input=body, capture_output=True, check=True
    )
    assert unicodedata.normalize("NFC", known.stdout.decode()) == decoded(body, "tcvn3")


def test_known_words_are_read():
    assert decoded(b"S\xe8 ti\xd2n th\xb5nh ph\xe8 Nha Trang", "tcvn3") == "Sộ tiền thành phộ Nha Trang".replace(
        "ộ", "ố"
    )
    assert decoded("Ñaát nöôùc Vieät Nam".encode("latin-1"), "vni") == "Đất nước Việt Nam"


@pytest.mark.parametrize("encoding", [*sorted(BYTE_PER_SIGN), "utf-8", "utf-16"])
def test_a_byte_that_is_no_letter_names_its_line(encoding):
    bad = {"windows-1258": b"\x8a", "utf-16": b"\x00\xd8"}.get(encoding, b"\xff")
    text = "a\nb\n".encode("utf-16") if encoding == "utf-16" else b"a\nb\n"
    with pytest.raises(MalformedError, match="line 3") as caught:
        decoded(text + bad, encoding)
    assert caught.value.reason == "not_text"


def test_utf_16_without_its_mark_is_not_guessed():
    with pytest.raises(MalformedError):
        decoded("sao kê".encode("utf-16-le"), "utf-16")
