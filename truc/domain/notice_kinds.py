"""The 24 kinds of automatic messages to citizens: what each tells of, what it needs, and how it may be sent.

The report of Khánh Hòa's centre (2020) counts 24 kinds and names some of them: "report". Where a kind stands for a
national status (egov.md 1.5) or a form of TT 03/2025/TT-VPCP that the report does not name, it says so; "ours" are
the kinds chosen here to make the number. Status 4 alone has no message: nothing is asked of the citizen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from truc.domain.notice_fields import FieldName
from truc.domain.status import Status

NoticeName = Literal[
    "submitted",
    "received",
    "not_accepted",
    "supplement",
    "supplement_received",
    "financial_duty",
    "withdrawn",
    "refused",
    "ready",
    "returned",
    "due_moved",
    "late_apology",
    "fee_due",
    "fee_reminder",
    "payment_confirmed",
    "payment_failed",
    "payment_in_doubt",
    "refunded",
    "receipt_issued",
    "postal_ordered",
    "shipment_sent",
    "shipment_failed",
    "result_reminder",
    "survey",
]
Named = Literal["report", "status", "form", "ours"]
SentBy = Literal["status", "payment", "post", "daily", "officer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind. `title` is Vietnamese; `event` and `event_vi` say what happened.

    `fields` are required, `optional` ones may be left out, and with one its clause of the text. An `obligatory` kind
    reaches citizens who want no others. An `urgent` one goes at night too: it answers somebody who is paying just
    now, or keeps him from paying twice. `status` is the national status whose coming it tells of. `sent_by` says what
    has it sent: a step of the dossier, of a payment, of the post, the daily round, or an officer's order.
    """

    title: str
    event: str
    event_vi: str
    named_by: Named
    sent_by: SentBy
    obligatory: bool = True
    urgent: bool = False
    status: Status | None = None
    fields: tuple[FieldName, ...] = ("dossier_code",)
    optional: tuple[FieldName, ...] = ()

    @property
    def known(self) -> tuple[FieldName, ...]:
        """Every field the kind knows: the names of its Zalo template's parameters too."""
        return self.fields + self.optional


KINDS: Mapping[NoticeName, Kind] = MappingProxyType(
    {
        "submitted": Kind(
            title="Hồ sơ trực tuyến chờ tiếp nhận",
            event="a dossier was submitted online and waits to be checked",
            event_vi="hồ sơ nộp trực tuyến, chờ kiểm tra",
            named_by="status",
            sent_by="status",
            obligatory=False,
            status=Status.SUBMITTED,
            fields=("dossier_code", "happened_at"),
        ),
        "received": Kind(
            title="Tiếp nhận hồ sơ",
            event="a dossier was received, online, at a counter or by post",
            event_vi="hồ sơ được tiếp nhận (trực tuyến, tại quầy, qua bưu chính)",
            named_by="report",
            sent_by="status",
            status=Status.ACCEPTED,
            optional=("due_on",),
        ),
        "not_accepted": Kind(
            title="Không tiếp nhận hồ sơ",
            event="a dossier was refused at intake",
            event_vi="hồ sơ không được tiếp nhận",
            named_by="status",
            sent_by="status",
            status=Status.NOT_ACCEPTED,
        ),
        "supplement": Kind(
            title="Yêu cầu bổ sung giấy tờ",
            event="papers are missing; the due date stands still",
            event_vi="hồ sơ thiếu giấy tờ, ngừng tính thời hạn",
            named_by="report",
            sent_by="status",
            status=Status.SUPPLEMENT_ASKED,
            fields=("dossier_code", "happened_at"),
        ),
        "supplement_received": Kind(
            title="Đã nhận giấy tờ bổ sung",
            event="the missing papers came and work goes on",
            event_vi="đã nhận giấy tờ bổ sung, xử lý tiếp",
            named_by="ours",
            sent_by="status",
            obligatory=False,
            fields=("dossier_code", "happened_at"),
            optional=("due_on",),
        ),
        "financial_duty": Kind(
            title="Thông báo nghĩa vụ tài chính",
            event="a financial duty (a tax, for one) must be met before work goes on",
            event_vi="phải thực hiện nghĩa vụ tài chính trước khi xử lý tiếp",
            named_by="report",
            sent_by="status",
            status=Status.FINANCIAL_DUTY,
            optional=("amount_vnd", "last_on"),
        ),
        "withdrawn": Kind(
            title="Rút hồ sơ",
            event="the dossier was taken back at the citizen's wish",
            event_vi="hồ sơ được rút theo yêu cầu của công dân",
            named_by="status",
            sent_by="status",
            status=Status.WITHDRAWN,
            fields=("dossier_code", "happened_on"),
        ),
        "refused": Kind(
            title="Từ chối giải quyết hồ sơ",
            event="the office stopped working on the dossier",
            event_vi="cơ quan dừng xử lý, từ chối giải quyết",
            named_by="report",
            sent_by="status",
            status=Status.STOPPED,
        ),
        "ready": Kind(
            title="Đã có kết quả",
            event="the result is there and waits to be handed over",
            event_vi="đã có kết quả, chờ trả",
            named_by="report",
            sent_by="status",
            status=Status.DONE,
            optional=("place",),
        ),
        "returned": Kind(
            title="Đã trả kết quả",
            event="the result was handed over",
            event_vi="kết quả đã được trả",
            named_by="status",
            sent_by="status",
            obligatory=False,
            status=Status.RETURNED,
            fields=("dossier_code", "happened_on"),
        ),
        "due_moved": Kind(
            title="Đổi ngày hẹn trả",
            event="the due date moved by a pause",
            event_vi="ngày hẹn trả lùi theo thời gian tạm dừng",
            named_by="ours",
            sent_by="status",
            fields=("dossier_code", "due_on"),
        ),
        "late_apology": Kind(
            title="Xin lỗi và hẹn lại ngày trả",
            event="the dossier will be late; the office apologises and names a new day",
            event_vi="hồ sơ trễ hạn, cơ quan xin lỗi và hẹn lại",
            named_by="form",
            sent_by="officer",
            fields=("dossier_code", "due_on"),
        ),
        "fee_due": Kind(
            title="Thông báo phí, lệ phí",
            event="a fee of the dossier is due",
            event_vi="hồ sơ có phí, lệ phí phải nộp",
            named_by="report",
            sent_by="payment",
            fields=("dossier_code", "amount_vnd"),
            optional=("last_on",),
        ),
        "fee_reminder": Kind(
            title="Nhắc nộp phí, lệ phí",
            event="a fee is not paid and its last day is near",
            event_vi="phí, lệ phí chưa nộp và sắp hết hạn",
            named_by="ours",
            sent_by="daily",
            obligatory=False,
            fields=("dossier_code", "amount_vnd", "last_on"),
        ),
        "payment_confirmed": Kind(
            title="Xác nhận thanh toán trực tuyến",
            event="a payment is paid",
            event_vi="thanh toán thành công",
            named_by="report",
            sent_by="payment",
            urgent=True,
            fields=("dossier_code", "amount_vnd", "happened_at"),
        ),
        "payment_failed": Kind(
            title="Thanh toán không thành công",
            event="a payment failed or expired, and no money was taken",
            event_vi="thanh toán thất bại hoặc hết hạn, chưa thu tiền",
            named_by="ours",
            sent_by="payment",
            urgent=True,
            fields=("dossier_code", "amount_vnd"),
        ),
        "payment_in_doubt": Kind(
            title="Thanh toán đang được kiểm tra",
            event="a payment is in doubt: money may have been taken",
            event_vi="chưa rõ kết quả thanh toán, có thể đã thu tiền",
            named_by="ours",
            sent_by="payment",
            urgent=True,
            fields=("dossier_code", "amount_vnd"),
        ),
        "refunded": Kind(
            title="Hoàn tiền",
            event="a payment was given back",
            event_vi="đã hoàn tiền",
            named_by="ours",
            sent_by="payment",
            fields=("dossier_code", "amount_vnd", "happened_on"),
        ),
        "receipt_issued": Kind(
            title="Biên lai điện tử",
            event="an electronic receipt was issued",
            event_vi="biên lai điện tử được cấp",
            named_by="report",
            sent_by="officer",
            fields=("dossier_code", "amount_vnd", "receipt_number"),
        ),
        "postal_ordered": Kind(
            title="Chuyển thông tin bưu chính",
            event="the post took the order to bring the result",
            event_vi="bưu điện nhận yêu cầu phát kết quả",
            named_by="report",
            sent_by="post",
            obligatory=False,
            fields=("dossier_code", "happened_on"),
        ),
        "shipment_sent": Kind(
            title="Kết quả đang được phát (mã bưu gửi)",
            event="the post has the result on its way",
            event_vi="bưu điện đang chuyển kết quả",
            named_by="report",
            sent_by="post",
            fields=("dossier_code", "happened_on"),
            optional=("tracking_code",),
        ),
        "shipment_failed": Kind(
            title="Chưa phát được kết quả",
            event="the post could not hand the result over, or brought it back",
            event_vi="bưu điện chưa phát được hoặc đã chuyển hoàn kết quả",
            named_by="ours",
            sent_by="post",
            fields=("dossier_code", "happened_on"),
        ),
        "result_reminder": Kind(
            title="Nhắc nhận kết quả",
            event="a result waits for long and nobody came for it",
            event_vi="kết quả chờ lâu chưa có người nhận",
            named_by="ours",
            sent_by="daily",
            obligatory=False,
            optional=("place",),
        ),
        "survey": Kind(
            title="Mời đánh giá",
            event="the dossier is over; the citizen is asked how it went",
            event_vi="hồ sơ kết thúc, mời công dân đánh giá",
            named_by="report",
            sent_by="daily",
            obligatory=False,
        ),
    }
)
OF_STATUS: Mapping[Status, NoticeName] = MappingProxyType(
    {kind.status: name for name, kind in KINDS.items() if kind.status is not None}
)
