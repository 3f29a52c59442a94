"""References in normal form: without case, accents, separators; and without the letters that stand before a number."""

import unicodedata

import ibis
import ibis.expr.types as ir


def normal(reference: ir.StringValue) -> ir.StringValue:
    """Return a reference without case, accents, separators: A-Z and 0-9 alone."""
    # Few references need their letters looked up, which costs 70 times as much as the rest.
    plain = ibis.ifelse(reference.re_search("[^ -~]"), reference.translate(_FROM, _TO), reference)
    # What is no ASCII by now goes before the case does: engines do not agree on the upper case of every letter.
    return plain.re_replace("[^A-Za-z0-9]", "").upper()


def unlettered(normal_form: ir.StringValue) -> ir.StringValue:
    """Return a normal form without its leading letters: partners put their own words before a reference."""
    return normal_form.re_replace("^[A-Z]+", "")


def _letters() -> tuple[str, str]:
    """Return every character that stands for one plain letter or digit (marked, full-width), and that, one for one."""
    signs, plain = [], []
    for code in (*range(0xA0, 0x250), *range(0x1E00, 0x1F00), *range(0xFF10, 0xFF5B)):
        told = {"đ": "d", "Đ": "D"}.get(chr(code)) or unicodedata.normalize("NFKD", chr(code))
        held = [letter for letter in told if letter.isascii() and letter.isalnum()]
        if len(held) == 1:
            signs.append(chr(code))
            plain.append(held[0])
    return "".join(signs), "".join(plain)


_FROM, _TO = _letters()
