"""MaXacThuc as the stand-in computes it, with code of its own (so that a bug of ours is not mirrored)."""

import hashlib
import hmac
from collections.abc import Mapping

# Partner code and secret are dummies of the stand-in.
PARTNER, SECRET = "TRUCTEST", "sandbox-secret"

INIT = (
    "LoaiBanTin PhienBan MaDoiTac MaThamChieu SoTien LoaiHinhThanhToan MaKenhThanhToan MaThietBi NgonNgu MaTienTe"
    " MaNganHang ThongTinGiaoDich ThoiGianGD Ip"
)
QUESTION = "LoaiBanTin PhienBan MaDoiTac MaThamChieu ThoiGianGD"
RESULT = "LoaiBanTin MaLoi MaDoiTac MaThamChieu SoTien MaTienTe MaGiaoDich MaNganHang ThoiGianGD ThongTinGiaoDich"
# What an answer to QUERY signs, an answer to the result call, and a lookup, is not published: these are the stand-in's.
QUERY_ANSWER = "LoaiBanTin MaLoi MaDoiTac MaThamChieu SoTien MaTienTe MaGiaoDich ThoiGianGD TrangThaiGD"
RESULT_ANSWER = "MaLoi MaDoiTac MaThamChieu ThoiGianGD"
LOOKUP = "MaDoiTac MaTraCuuTT"


def hash_of(fields: Mapping[str, object], names: str) -> str:
    """Return the hash over the values in the order of `names`, the secret last."""
    return hashlib.sha256("|".join([*(str(fields[name]) for name in names.split()), SECRET]).encode()).hexdigest()


def is_right(fields: Mapping[str, object], names: str) -> bool:
    """Say whether the message was signed with our secret."""
    if any(name not in fields for name in names.split()):
        return False
    return hmac.compare_digest(hash_of(fields, names), str(fields.get("MaXacThuc", "")))
