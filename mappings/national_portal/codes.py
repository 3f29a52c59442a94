"""The portal's code tables. A code that is not here raises; none is guessed or defaulted."""

import re
from collections.abc import Mapping
from typing import Literal, TypeVar

from truc.errors import MalformedError
from truc.messages import Channel

Kind = Literal["person", "organisation"]
Key = TypeVar("Key")
Value = TypeVar("Value")

# egov.md 1.5. Sent as they are: a dossier that was stopped (5, 6, 8) is never dressed up as done (9).
STATUSES: Mapping[int, str] = {
    1: "Mới đăng ký",
    2: "Được tiếp nhận",
    3: "Không được tiếp nhận",
    4: "Đang xử lý",
    5: "Yêu cầu bổ sung giấy tờ",
    6: "Yêu cầu thực hiện nghĩa vụ tài chính",
    7: "Công dân yêu cầu rút hồ sơ",
    8: "Dừng xử lý",
    9: "Đã xử lý xong",
    10: "Đã trả kết quả",
}
NEW = "1"
STATUS_CODES: Mapping[int, str] = {status: str(status) for status in STATUSES}

# KenhThucHien, egov.md 1.3.
CHANNELS: Mapping[Channel, str] = {Channel.COUNTER: "1", Channel.ONLINE: "2", Channel.POST: "3"}

# LoaiDoiTuong, egov.md 1.3: 1 citizen, 2 enterprise, 3 state agency, 4 other organisation. Our word for
# the last three is one, so what we write back for an organisation is 2, as running vendor code does.
KINDS_READ: Mapping[str, Kind] = {
    "1": "person",
    "2": "organisation",
    "3": "organisation",
    "4": "organisation",
}
KINDS_WRITTEN: Mapping[Kind, str] = {"person": "1", "organisation": "2"}

# LoaiDinhDanh -> how many digits; egov.md 1.3.
IDENTITY_DIGITS: Mapping[str, int] = {"1": 12, "2": 9}
# An organisation's SoGiayToChuHoSo: its tax code, with three more digits for a branch, or a household's 12.
TAX_CODE = re.compile(r"[0-9]{10}(-?[0-9]{3})?|[0-9]{12}")

# HinhThuc: the result is handed over (0) or goes by post (1); OpenCPS, createSyncDossierBodyRequest.
RETURN_BY_POST: Mapping[str, bool] = {"0": False, "1": True}
YES_NO: Mapping[str, bool] = {"0": False, "1": True}


def looked_up(table: Mapping[Key, Value], code: Key, field: str, reason: str) -> Value:
    """Return the row, or raise MalformedError that names the field and the codes there are."""
    if code not in table:
        known = ", ".join(str(one) for one in table)
        raise MalformedError(f"{field}: unknown code; known codes: {known}", reason=reason)
    return table[code]
