"""What ViettelPay can do for us: data only."""

from truc.manifest import (
    Callback,
    Capability,
    Event,
    Limits,
    Manifest,
    Operation,
    OutcomeClass,
    PaymentTerms,
    Pipeline,
    Rule,
    Setting,
)

MANIFEST = Manifest(
    party="viettelpay",
    title="ViettelPay (Viettel Money) payment gateway",
    title_vi="Cổng thanh toán ViettelPay (Viettel Money)",
    transport="rest",
    capabilities=frozenset(
        {Capability.TAKE_PAYMENTS, Capability.CALL_BACK, Capability.SAY_PAYMENT, Capability.REFUND},
    ),
    settings=(
        Setting(name="host", label="Base URL", label_vi="Địa chỉ gốc", pattern=r"https?://\S+"),
        Setting(name="login", label="Merchant code", label_vi="Mã merchant (merchant_code)"),
        Setting(name="password", label="Secret key", label_vi="Khoá bí mật", secret=True),
        Setting(name="access_key", label="Access code", label_vi="Mã truy cập (access_code)", secret=True),
        Setting(
            name="algorithm",
            label="Algorithm of checksums: HMAC-SHA1 or HMAC-SHA256",
            label_vi="Thuật toán check_sum: HMAC-SHA1 hoặc HMAC-SHA256",
            pattern=r"HMAC-SHA(1|256)",
        ),
        Setting(
            name="encoding",
            label="How our checksums are written: base64, hex or HEX",
            label_vi="Cách ghi check_sum của ta: base64, hex hoặc HEX",
            required=False,
            default="base64",
            pattern=r"base64|hex|HEX",
        ),
        Setting(
            name="callback_encoding",
            label="How checksums of calls and of our answers are written; as encoding where nothing is set",
            label_vi="Cách ghi check_sum của các cuộc gọi tới và trả lời; bỏ trống thì như encoding",
            required=False,
            pattern=r"base64|hex|HEX",
        ),
        Setting(
            name="result_fields",
            label="What the checksum of a result covers: all, or newer (without telephone number and error code)",
            label_vi="check_sum của kết quả gồm: all, hoặc newer (không có số điện thoại và mã lỗi)",
            required=False,
            default="all",
            pattern=r"all|newer",
        ),
        Setting(
            name="return_url",
            label="Page the citizen returns to",
            label_vi="Trang công dân quay về (return_url)",
            pattern=r"https?://\S+",
        ),
        Setting(
            name="cancel_url",
            label="Page the citizen returns to after giving up; return_url where nothing is set",
            label_vi="Trang quay về khi huỷ (cancel_url); bỏ trống thì như return_url",
            required=False,
            pattern=r"https?://\S+",
        ),
        Setting(
            name="absent_code",
            label="Code by which TRANS_INQUIRY says that it has no such order",
            label_vi="Mã mà TRANS_INQUIRY trả khi không có đơn hàng",
            required=False,
        ),
        Setting(
            name="callback_addresses",
            label="Addresses or networks that calls may come from, separated by commas",
            label_vi="Địa chỉ hoặc mạng được gọi tới, cách nhau bằng dấu phẩy",
            required=False,
        ),
        Setting(name="ca_file", label="CA certificates (file)", label_vi="Chứng thư CA (tệp)", required=False),
    ),
    operations=(
        # No call is made: the same message gives the same signed address, however often it is made.
        Operation(name="payment", event=Event.PAYMENT_REQUESTED, outcome=OutcomeClass.IDEMPOTENCY_KEY),
        # REFUND_PAYMENT has no name of its own by which a repeat would be recognised, nor a question about it.
        Operation(name="refund", event=Event.REFUND_REQUESTED, outcome=OutcomeClass.NEITHER),
    ),
    callbacks=(
        Callback(name="verify"),
        Callback(name="result"),
        Callback(name="browser_return", does="returns"),
    ),
    pipelines=(
        Pipeline(
            dag_id="payments_viettelpay",
            does="deliver",
            of=("payment", "refund"),
            schedule="*/2 * * * *",
            title="Make ViettelPay pay addresses, send refunds to ViettelPay",
            title_vi="Tạo địa chỉ thanh toán ViettelPay, gửi yêu cầu hoàn tiền",
        ),
        Pipeline(
            dag_id="ask_payments_viettelpay",
            does="ask_payments",
            of=("query",),
            schedule="*/5 * * * *",
            title="Ask ViettelPay about pending payments",
            title_vi="Hỏi ViettelPay về các khoản đang chờ",
        ),
    ),
    limits=Limits(timeout_s=30.0, connect_timeout_s=5.0, concurrency=4, body_bytes_max=1024 * 1024),
    payments=PaymentTerms(lives_s=30 * 60, ask_after_s=(180, 600), refunds="whole"),
    rules=(
        Rule(name="tls_pinned_or_public_ca", state="done", reason="public CA or ca_file; https beyond the loopback"),
        Rule(name="time_outs_stated", state="done"),
        Rule(name="outcome_class_proved", state="done"),
        Rule(
            name="result_codes_complete",
            state="exempt",
            reason="its list (V0x) is not published: 00 alone is known, and any other code is unknown to us",
        ),
        Rule(name="duplicates_recognised", state="done", reason="a result by order and vt_transaction_id, in booking"),
        Rule(name="secrets_never_logged", state="done"),
        Rule(
            name="schema_checked",
            state="done",
            reason="what is written fits its schema or is refused; of what is read each used field is checked",
        ),
        Rule(name="read_back_possible", state="done", reason="TRANS_INQUIRY by order_id"),
    ),
)
