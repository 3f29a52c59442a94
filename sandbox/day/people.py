"""Invents applicants: Vietnamese names in full Unicode, identifiers of the right form. Nobody here is real."""

import hashlib
import random
import unicodedata
from dataclasses import dataclass, replace

from sandbox.day import figures

# Family names by how common they are; the last rows are Raglai, Chăm and Cơ Ho names of Khánh Hòa's peoples.
FAMILIES = {
    "Nguyễn": 38, "Trần": 11, "Lê": 10, "Phạm": 7, "Huỳnh": 6, "Võ": 5, "Phan": 4, "Trương": 3, "Đặng": 3, "Bùi": 2,
    "Đỗ": 2, "Hồ": 2, "Ngô": 2, "Dương": 1, "Lý": 1, "Đoàn": 1, "Mai": 1, "Lương": 1, "Tô": 1, "Đinh": 1,
    "Cao": 1, "Mấu": 1, "Chamaléa": 1, "Katơr": 1, "Pi Năng": 1, "Đàng": 1, "Thành": 1, "Bá": 1, "Bo Bo": 1,
}  # fmt: skip
MIDDLES = {
    "male": ("Văn", "Hữu", "Đức", "Quốc", "Minh", "Thanh", "Ngọc", "Xuân", "Công", "Đình", "Trọng", "Gia"),
    "female": ("Thị", "Thị Ngọc", "Thị Mỹ", "Thị Kim", "Ngọc", "Thanh", "Thùy", "Bích", "Diệu", "Phương", "Hồng"),
}
GIVEN = {
    "male": ("Hùng", "Dũng", "Tuấn", "Thắng", "Phúc", "Khoa", "Hiếu", "Nghĩa", "Lộc", "Khánh", "Đạt", "Quý", "Tường"),
    "female": ("Hương", "Thảo", "Trâm", "Nhung", "Yến", "Duyên", "Hằng", "Tuyết", "Phượng", "Quỳnh", "Thủy", "Vy"),
}
TRADES = ("Thương mại", "Xây dựng", "Du lịch", "Thủy sản", "Vận tải", "Nông nghiệp", "Dịch vụ kỹ thuật", "Yến sào")
PROPER = ("Nha Trang Xanh", "Vịnh Hời", "Đại Lãnh", "Sông Cái", "Hòn Chồng", "Ninh Phong", "Bình Minh", "Trường Hải")
STREETS = ("Trần Phú", "Lê Hồng Phong", "Nguyễn Thị Minh Khai", "2 Tháng 4", "Thống Nhất", "Yersin", "Lý Thánh Tôn")
# Mobile prefixes in use since 2018 (domain/partners.md 16.3).
PREFIXES = ("032", "034", "036", "038", "070", "076", "079", "081", "083", "085", "088", "090", "091", "093", "097")
HOME = "56"  # Khánh Hòa since 1 July 2025
PLACES_OF_BIRTH = {"056": 68, "058": 18, "054": 3, "052": 3, "066": 3, "079": 2, "001": 2, "040": 1}
ELSEWHERE = {"79": "Thành phố Hồ Chí Minh", "01": "thành phố Hà Nội", "48": "thành phố Đà Nẵng", "66": "tỉnh Đắk Lắk",
             "68": "tỉnh Lâm Đồng"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Applicant:
    """Whoever hands a dossier in; the fields of truc.messages.Person."""

    kind: str
    name: str
    personal_id: str
    phone: str
    email: str
    address: str
    province_code: str


def person(rng: random.Random, area: str) -> Applicant:
    """Return an invented citizen who lives in `area` (the name of a commune) of the province."""
    gender = rng.choice(("male", "female"))
    words = (_drawn(rng, FAMILIES), rng.choice(MIDDLES[gender]), rng.choice(GIVEN[gender]))
    name = unicodedata.normalize("NFC", " ".join(words))
    number = personal_id(rng, gender)
    return Applicant("person", name, number, phone(rng), _email(number), _address(rng, area), HOME)


def organisation(rng: random.Random, area: str) -> Applicant:
    """Return an invented company whose tax code has a right check digit."""
    name = unicodedata.normalize("NFC", f"Công ty TNHH {rng.choice(TRADES)} {rng.choice(PROPER)} {rng.randint(1, 99)}")
    code = tax_code(rng)
    email = f"vanthu@cty{code}.example"
    return Applicant("organisation", name, code, phone(rng), email, _address(rng, area), HOME)


def elsewhere(rng: random.Random, one: Applicant) -> Applicant:
    """Return the applicant with an address in another province."""
    code = rng.choice(sorted(ELSEWHERE))
    return replace(one, province_code=code, address=f"{rng.randint(1, 300)} {rng.choice(STREETS)}, {ELSEWHERE[code]}")


def personal_id(rng: random.Random, gender: str) -> str:
    """Return twelve digits: place of birth, century and gender, year, six more (partners.md 16.1).

    The six begin with 99, a range no single year of births of a province comes near: nobody has it.
    """
    year = rng.randint(1950, 2008)
    century = 2 * (year // 100 - 19) + (gender == "female")
    return f"{_drawn(rng, PLACES_OF_BIRTH)}{century}{year % 100:02d}99{rng.randint(0, 9999):04d}"


def tax_code(rng: random.Random) -> str:
    """Return ten digits with a right check digit (python-stdnum), in a range 42… has not come near to giving out."""
    from stdnum.vn import mst

    while True:
        number = f"4299{rng.randint(1, 99_999):05d}"
        if (check := mst.calc_check_digit(number)) != "10":
            return number + check


def phone(rng: random.Random) -> str:
    """Return a mobile number of ten digits under a prefix in use."""
    return rng.choice(PREFIXES) + f"{rng.randint(0, 9_999_999):07d}"


def new(rng: random.Random, area: str) -> Applicant:
    """Return a citizen or, as often as among the customers of the seeds, a company."""
    return organisation(rng, area) if rng.random() < figures.ORGANISATION_SHARE else person(rng, area)


def _address(rng: random.Random, area: str) -> str:
    return f"{rng.randint(1, 400)} {rng.choice(STREETS)}, {area}, tỉnh Khánh Hòa"


def _drawn(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _email(number: str) -> str:
    """Return an address for one citizen in four, "" for the others; made of the digits, it draws nothing."""
    digest = hashlib.sha256(number.encode()).hexdigest()
    return f"congdan{digest[:8]}@khanhhoa.example" if int(digest[8], 16) < 4 else ""
