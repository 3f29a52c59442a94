"""What VNPAY can do for us: data only."""

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

TERMS = PaymentTerms(lives_s=15 * 60, ask_after_s=(180, 300), refunds="partial")

MANIFEST = Manifest(
    party="vnpay",
    title="VNPAY payment gateway",
    title_vi="Cổng thanh toán VNPAY",
    transport="rest",
    capabilities=frozenset(
        {Capability.TAKE_PAYMENTS, Capability.CALL_BACK, Capability.SAY_PAYMENT, Capability.REFUND},
    ),
    settings=(
        Setting(
            name="host",
            label="Base URL of querydr and refund",
            label_vi="Địa chỉ gốc của querydr và refund",
            pattern=r"https?://\S+",
        ),
        Setting(name="login", label="Terminal code", label_vi="Mã website (vnp_TmnCode)", pattern=r"\S{8}"),
        Setting(name="password", label="Hash secret", label_vi="Chuỗi bí mật (vnp_HashSecret)", secret=True),
        Setting(
            name="pay_url", label="Pay page, in full", label_vi="Trang thanh toán, đủ URL", pattern=r"https?://\S+"
        ),
        Setting(
            name="return_url",
            label="Page the citizen returns to",
            label_vi="Trang công dân quay về (vnp_ReturnUrl)",
            pattern=r"https?://\S+",
        ),
        Setting(
            name="ip_address",
            label="Our own address, told to VNPAY as vnp_IpAddr",
            label_vi="Địa chỉ IP của ta, gửi trong vnp_IpAddr",
            pattern=r"[0-9A-Fa-f.:]+",
        ),
        Setting(
            name="callback_addresses",
            label="Addresses or networks that calls may come from, separated by commas",
            label_vi="Địa chỉ hoặc mạng được gọi tới, cách nhau bằng dấu phẩy",
            required=False,
        ),
        Setting(
            name="callback_age_max_s",
            label="How old a call may be, in seconds",
            label_vi="Cuộc gọi được phép cũ tối đa, tính bằng giây",
            required=False,
            pattern=r"[0-9]+",
        ),
        Setting(
            name="order_type",
            label="Kind of goods (vnp_OrderType)",
            label_vi="Loại hàng hoá (vnp_OrderType)",
            required=False,
            default="other",
        ),
        Setting(
            name="locale",
            label="Language of the pay page (vnp_Locale)",
            label_vi="Ngôn ngữ trang thanh toán (vnp_Locale)",
            required=False,
            default="vn",
        ),
        Setting(name="ca_file", label="CA certificates (file)", label_vi="Chứng thư CA (tệp)", required=False),
    ),
    operations=(
        # No call is made: the same message gives the same signed address, however often it is made.
        Operation(name="payment", event=Event.PAYMENT_REQUESTED, outcome=OutcomeClass.IDEMPOTENCY_KEY),
        # querydr names a payment, not a refund, and a RequestId is recognised for five minutes only (partners.md §2).
        Operation(name="refund", event=Event.REFUND_REQUESTED, outcome=OutcomeClass.NEITHER),
    ),
    callbacks=(
        # vnp_PayDate is signed and stays what it was in a repeat; ten repeats at five minutes are recalled, no more.
        Callback(name="ipn", age_max_s=24 * 3600),
        Callback(name="browser_return", does="returns"),
    ),
    pipelines=(
        Pipeline(
            dag_id="payments_vnpay",
            does="deliver",
            of=("payment", "refund"),
            schedule="*/2 * * * *",
            title="Make VNPAY pay addresses, send refunds to VNPAY",
            title_vi="Tạo địa chỉ thanh toán VNPAY, gửi yêu cầu hoàn tiền",
        ),
        Pipeline(
            dag_id="ask_payments_vnpay",
            does="ask_payments",
            of=("query",),
            schedule="*/5 * * * *",
            title="Ask VNPAY about pending payments",
            title_vi="Hỏi VNPAY về các khoản đang chờ",
        ),
    ),
    limits=Limits(timeout_s=30.0, connect_timeout_s=5.0, concurrency=4, body_bytes_max=1024 * 1024),
    payments=TERMS,
    rules=(
        Rule(name="tls_pinned_or_public_ca", state="done", reason="public CA or ca_file; https beyond the loopback"),
        Rule(name="time_outs_stated", state="done"),
        Rule(name="outcome_class_proved", state="done"),
        Rule(name="result_codes_complete", state="done"),
        Rule(name="duplicates_recognised", state="done", reason="refund by RequestId; IPN by TxnRef/TransactionNo"),
        Rule(name="secrets_never_logged", state="done"),
        Rule(
            name="schema_checked",
            state="done",
            reason="what is written fits its schema or is refused; of what is read each used field is checked",
        ),
        Rule(name="read_back_possible", state="done", reason="querydr by vnp_TxnRef and the order's creation"),
    ),
)
