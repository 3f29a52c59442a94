"""The words of each kind of notice, in Vietnamese with accents; without accents they are the same words.

`{field}` is filled; what stands in `[…]` falls away when one of its fields is not given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from truc.domain.notice_kinds import NoticeName


@dataclass(frozen=True, slots=True)
class Words:
    """`text` is the short message; an e-mail has `subject`, and says the text and then `more`."""

    text: str
    subject: str
    more: str


WORDS: Mapping[NoticeName, Words] = MappingProxyType(
    {
        "submitted": Words(
            "Hồ sơ {dossier_code} nộp lúc {happened_at} đang chờ tiếp nhận.",
            "Hồ sơ {dossier_code} chờ tiếp nhận",
            "Kết quả kiểm tra hồ sơ sẽ được thông báo cho Ông/Bà.",
        ),
        "received": Words(
            "Hồ sơ {dossier_code} đã được tiếp nhận.[ Ngày hẹn trả: {due_on}.]",
            "Hồ sơ {dossier_code} đã được tiếp nhận",
            "Ông/Bà có thể tra cứu hồ sơ bằng mã số trên.",
        ),
        "not_accepted": Words(
            "Hồ sơ {dossier_code} không được tiếp nhận. Xem lý do trên Cổng dịch vụ công.",
            "Hồ sơ {dossier_code} không được tiếp nhận",
            "Khi đã đủ điều kiện, Ông/Bà có thể nộp hồ sơ mới.",
        ),
        # With its instant: a second request must not look like the first one sent again.
        "supplement": Words(
            "Hồ sơ {dossier_code} cần bổ sung giấy tờ ({happened_at}). Vui lòng liên hệ Bộ phận Một cửa.",
            "Hồ sơ {dossier_code} cần bổ sung giấy tờ",
            "Thời hạn giải quyết tạm dừng cho đến khi nhận được giấy tờ bổ sung.",
        ),
        "supplement_received": Words(
            "Đã nhận giấy tờ bổ sung của hồ sơ {dossier_code} ({happened_at}).[ Ngày hẹn trả: {due_on}.]",
            "Đã nhận giấy tờ bổ sung của hồ sơ {dossier_code}",
            "Hồ sơ đang được xử lý tiếp.",
        ),
        "financial_duty": Words(
            "Hồ sơ {dossier_code} cần thực hiện nghĩa vụ tài chính[: {amount_vnd}][, hạn {last_on}].",
            "Nghĩa vụ tài chính của hồ sơ {dossier_code}",
            "Thời hạn giải quyết tạm dừng cho đến khi nghĩa vụ tài chính được thực hiện.",
        ),
        "withdrawn": Words(
            "Hồ sơ {dossier_code} đã được rút theo yêu cầu ngày {happened_on}.",
            "Hồ sơ {dossier_code} đã được rút",
            "Nếu không yêu cầu rút hồ sơ, Ông/Bà vui lòng liên hệ Bộ phận Một cửa.",
        ),
        "refused": Words(
            "Hồ sơ {dossier_code} đã dừng giải quyết. Xem lý do trên Cổng dịch vụ công.",
            "Hồ sơ {dossier_code} đã dừng giải quyết",
            "Văn bản nêu lý do có tại Bộ phận Một cửa.",
        ),
        "ready": Words(
            "Hồ sơ {dossier_code} đã có kết quả. Vui lòng đến Bộ phận Một cửa[ {place}] để nhận.",
            "Hồ sơ {dossier_code} đã có kết quả",
            "Khi đến nhận, Ông/Bà mang theo giấy tiếp nhận hồ sơ và hẹn trả kết quả.",
        ),
        "returned": Words(
            "Kết quả hồ sơ {dossier_code} đã được trả ngày {happened_on}.",
            "Kết quả hồ sơ {dossier_code} đã được trả",
            "Nếu chưa nhận được, Ông/Bà vui lòng liên hệ Bộ phận Một cửa.",
        ),
        "due_moved": Words(
            "Ngày hẹn trả hồ sơ {dossier_code} đổi thành {due_on}.",
            "Đổi ngày hẹn trả hồ sơ {dossier_code}",
            "Thời gian chờ bổ sung giấy tờ hoặc nộp tiền không tính vào thời hạn giải quyết.",
        ),
        "late_apology": Words(
            "Xin lỗi vì hồ sơ {dossier_code} giải quyết chậm. Ngày hẹn trả mới: {due_on}.",
            "Xin lỗi và hẹn lại ngày trả hồ sơ {dossier_code}",
            "Cơ quan giải quyết thành thật xin lỗi Ông/Bà vì sự chậm trễ này.",
        ),
        "fee_due": Words(
            "Hồ sơ {dossier_code} cần nộp phí, lệ phí {amount_vnd}[, hạn {last_on}].",
            "Phí, lệ phí của hồ sơ {dossier_code}",
            "Có thể nộp trên Cổng dịch vụ công hoặc tại Bộ phận Một cửa.",
        ),
        "fee_reminder": Words(
            "Nhắc nộp phí, lệ phí {amount_vnd} của hồ sơ {dossier_code} trước hết ngày {last_on}.",
            "Nhắc nộp phí, lệ phí của hồ sơ {dossier_code}",
            "Nếu vừa nộp, Ông/Bà vui lòng bỏ qua thư này.",
        ),
        "payment_confirmed": Words(
            "Đã nhận {amount_vnd} thanh toán cho hồ sơ {dossier_code} lúc {happened_at}.",
            "Đã nhận thanh toán cho hồ sơ {dossier_code}",
            "Ông/Bà không cần nộp lại.",
        ),
        "payment_failed": Words(
            "Thanh toán {amount_vnd} cho hồ sơ {dossier_code} không thành công. Vui lòng nộp lại.",
            "Thanh toán cho hồ sơ {dossier_code} không thành công",
            "Có thể nộp lại trên Cổng dịch vụ công hoặc tại Bộ phận Một cửa.",
        ),
        "payment_in_doubt": Words(
            "Thanh toán {amount_vnd} cho hồ sơ {dossier_code} đang được kiểm tra. Vui lòng không nộp lại.",
            "Thanh toán cho hồ sơ {dossier_code} đang được kiểm tra",
            "Kết quả kiểm tra sẽ được thông báo cho Ông/Bà.",
        ),
        "refunded": Words(
            "Đã hoàn {amount_vnd} của hồ sơ {dossier_code} ngày {happened_on}.",
            "Hoàn tiền của hồ sơ {dossier_code}",
            "Tiền về tài khoản hoặc ví đã dùng khi thanh toán.",
        ),
        "receipt_issued": Words(
            "Đã cấp biên lai điện tử {amount_vnd} cho hồ sơ {dossier_code}.",
            "Biên lai điện tử của hồ sơ {dossier_code}",
            "Số biên lai: {receipt_number}.",
        ),
        "postal_ordered": Words(
            "Yêu cầu trả kết quả hồ sơ {dossier_code} qua bưu chính đã được chuyển cho bưu điện ngày {happened_on}.",
            "Hồ sơ {dossier_code}: đã chuyển thông tin cho bưu điện",
            "Mã bưu gửi sẽ được thông báo khi kết quả được gửi đi.",
        ),
        "shipment_sent": Words(
            "Kết quả hồ sơ {dossier_code} đã được gửi qua bưu điện ngày {happened_on}.",
            "Kết quả hồ sơ {dossier_code} đã được gửi qua bưu điện",
            "Kết quả được phát theo địa chỉ đã đăng ký.[ Mã bưu gửi: {tracking_code}.]",
        ),
        "shipment_failed": Words(
            "Bưu điện chưa phát được kết quả hồ sơ {dossier_code} ngày {happened_on}. Vui lòng liên hệ bưu điện.",
            "Chưa phát được kết quả hồ sơ {dossier_code}",
            "Ông/Bà vui lòng kiểm tra địa chỉ và số điện thoại đã đăng ký.",
        ),
        "result_reminder": Words(
            "Kết quả hồ sơ {dossier_code} đang chờ Ông/Bà tại Bộ phận Một cửa[ {place}].",
            "Nhắc nhận kết quả hồ sơ {dossier_code}",
            "Khi đến nhận, Ông/Bà mang theo giấy tiếp nhận hồ sơ và hẹn trả kết quả.",
        ),
        "survey": Words(
            "Mời Ông/Bà đánh giá việc giải quyết hồ sơ {dossier_code} trên Cổng dịch vụ công.",
            "Mời đánh giá việc giải quyết hồ sơ {dossier_code}",
            "Việc đánh giá là tự nguyện.",
        ),
    }
)
