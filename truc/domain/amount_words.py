"""Whole đồng in words, as Vietnamese receipts and minutes spell them, and in English.

num2words 0.5.14 was tried: its Vietnamese says «một trăm nghìn tỷ» for 10**15 (ten times too little) and «một nghìn
lẻ mười lăm» for 1015, where minutes say «một nghìn không trăm mười lăm». So the language is spelled out here.
"""

from typing import Literal

from truc.errors import MalformedError

MAX_NAMED = 10**21  # the first number that neither language below has a name for; int64 sums lie far under it

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_GROUPS = ((1_000_000, "triệu"), (1_000, "nghìn"), (1, ""))
_BILLION = 1_000_000_000

_UNDER_TWENTY = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ("", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion")


def amount_in_words(amount_vnd: int, lang: Literal["vi", "en"] = "vi") -> str:
    """«Một trăm lẻ năm nghìn đồng» with a capital letter, or «One hundred five thousand dong».

    Raises MalformedError ("bad_amount") for what is no whole number, or has no name.
    """
    spoken = f"{in_vietnamese(amount_vnd)} đồng" if lang == "vi" else f"{in_english(amount_vnd)} dong"
    return spoken[0].upper() + spoken[1:]


def in_vietnamese(number: int, *, odd: Literal["lẻ", "linh"] = "lẻ", four: Literal["bốn", "tư"] = "bốn") -> str:
    """Return the number in words. `odd` stands before a lone unit; `four` is said after a ten, both forms are right.

    An empty group is left out; a group under 100 that follows another says its «không trăm», so that the places of its
    digits are heard: 1_005 is «một nghìn không trăm lẻ năm». Raises MalformedError as `amount_in_words` does.
    """
    if _checked(number) == 0:
        return _DIGITS[0]
    said = _above_zero(abs(number), odd=odd, four=four, follows=False)
    return " ".join(["âm", *said] if number < 0 else said)


def in_english(number: int) -> str:
    """Return the number in words, short scale, without «and». Raises MalformedError as `amount_in_words` does."""
    if _checked(number) == 0:
        return _UNDER_TWENTY[0]
    left, said = abs(number), list[str]()
    for scale in _SCALES:
        left, group = divmod(left, 1_000)
        if group:
            said[:0] = [*_english_group(group), *([scale] if scale else [])]
    return " ".join(["minus", *said] if number < 0 else said)


def _checked(number: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise MalformedError(f"amount: expected whole đồng, got {type(number).__name__}", reason="bad_amount")
    if abs(number) >= MAX_NAMED:
        raise MalformedError("amount: too large to be spelled out", reason="bad_amount")
    return number


def _above_zero(number: int, *, odd: str, four: str, follows: bool) -> list[str]:
    """The words of a number above zero; `follows` says that a higher group stands before it."""
    billions, rest = divmod(number, _BILLION)
    said: list[str] = []
    if billions:
        # Above a billion the count of billions is itself a number: «một nghìn tỷ», «một tỷ tỷ».
        said = [*_above_zero(billions, odd=odd, four=four, follows=follows), "tỷ"]
    for size, name in _GROUPS:
        group, rest = divmod(rest, size)
        if group:
            said += _three(group, odd=odd, four=four, hundreds_said=follows or bool(said))
            said += [name] if name else []
    return said


def _three(group: int, *, odd: str, four: str, hundreds_said: bool) -> list[str]:
    hundreds, rest = divmod(group, 100)
    heard = bool(hundreds) or hundreds_said
    said = [_DIGITS[hundreds], "trăm"] if heard else []
    tens, unit = divmod(rest, 10)
    if tens == 0:
        lone = [odd, _DIGITS[unit]] if heard else [_DIGITS[unit]]
        return said + (lone if unit else [])
    said += ["mười"] if tens == 1 else [_DIGITS[tens], "mươi"]
    return said + ([_after_ten(tens, unit, four)] if unit else [])


def _after_ten(tens: int, unit: int, four: str) -> str:
    """15 is «mười lăm»; from 21 on one is «mốt», four may be «tư»."""
    if unit == 5:
        return "lăm"
    if tens > 1 and unit == 1:
        return "mốt"
    return four if tens > 1 and unit == 4 else _DIGITS[unit]


def _english_group(group: int) -> list[str]:
    hundreds, rest = divmod(group, 100)
    said = [_UNDER_TWENTY[hundreds], "hundred"] if hundreds else []
    if 0 < rest < 20:
        return [*said, _UNDER_TWENTY[rest]]
    tens, unit = divmod(rest, 10)
    return [*said, _TENS[tens] + (f"-{_UNDER_TWENTY[unit]}" if unit else "")] if rest else said
