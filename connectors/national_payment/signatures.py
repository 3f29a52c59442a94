"""What the payment platform signs: MaXacThuc, the SHA-256 in lower-case hex of values between bars (partners.md §9.1).

The secret is the last value. It is a plain digest and no HMAC, and it does not cover ThongTinBienLai. A bar inside a
value would let two messages have one digest, so no value may hold one.
"""

from collections.abc import Mapping

from truc.trust.signing import Profile

HASH, BAR = "MaXacThuc", "|"


def row(*names: str) -> Profile:
    """Return the row over these fields in their order."""
    return Profile(algorithm="SHA-256", names=names, parts="value", separator=BAR, key_place="last")


INIT = row(
    "LoaiBanTin",
    "PhienBan",
    "MaDoiTac",
    "MaThamChieu",
    "SoTien",
    "LoaiHinhThanhToan",
    "MaKenhThanhToan",
    "MaThietBi",
    "NgonNgu",
    "MaTienTe",
    "MaNganHang",
    "ThongTinGiaoDich",
    "ThoiGianGD",
    "Ip",
)
# QUERY and GET_BILL alike.
QUESTION = row("LoaiBanTin", "PhienBan", "MaDoiTac", "MaThamChieu", "ThoiGianGD")
RESULT = row(
    "LoaiBanTin",
    "MaLoi",
    "MaDoiTac",
    "MaThamChieu",
    "SoTien",
    "MaTienTe",
    "MaGiaoDich",
    "MaNganHang",
    "ThoiGianGD",
    "ThongTinGiaoDich",
)


def has_bar(profile: Profile, fields: Mapping[str, str]) -> bool:
    """Say whether a signed value holds a bar, so that the digest fits another message too."""
    return any(BAR in fields.get(name, "") for name in profile.names)


def listed(text: str) -> Profile | None:
    """Return the row over fields named with commas, as a connection gives them; None for none."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return row(*names) if names else None
