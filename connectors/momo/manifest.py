"""What MoMo can do for us: data only."""

from truc.manifest import (
    Callback,
    Capability,
    Event,
    Feed,
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
    party="momo",
    title="MoMo e-wallet",
    title_vi="Ví điện tử MoMo",
    transport="rest",
    capabilities=frozenset(
        {
            Capability.TAKE_PAYMENTS,
            Capability.CALL_BACK,
            Capability.SAY_PAYMENT,
            Capability.REFUND,
            Capability.FETCH_STATEMENT,
        }
    ),
    settings=(
        Setting(name="host", label="Base URL", label_vi="Địa chỉ gốc", pattern=r"https?://\S+"),
        Setting(name="login", label="Partner code", label_vi="Mã đối tác (partnerCode)"),
        Setting(name="password", label="Secret key", label_vi="Khoá bí mật (secretKey)", secret=True),
        Setting(name="access_key", label="Access key", label_vi="Khoá truy cập (accessKey)", secret=True),
        Setting(
            name="redirect_url",
            label="Page the citizen returns to",
            label_vi="Trang công dân quay về",
            pattern=r"https?://\S{1,192}",
        ),
        Setting(
            name="ipn_url",
            label="Our address for IPN, as MoMo reaches it",
            label_vi="Địa chỉ nhận IPN của ta, nhìn từ MoMo",
            pattern=r"https?://\S{1,192}",
        ),
        Setting(
            name="statement_path",
            label="Path of the statement, with {day} for YYYY-MM-DD",
            label_vi="Đường dẫn sao kê, {day} là ngày dạng YYYY-MM-DD",
            required=False,
            pattern=r"/.*\{day\}.*",
        ),
        Setting(
            name="refund_signed",
            label="Fields that a refund is signed over, in order, with commas; unset: no refunds",
            label_vi="Các trường được ký khi hoàn tiền, theo thứ tự, ngăn bằng dấu phẩy; trống: không hoàn tiền",
            required=False,
        ),
        Setting(
            name="refund_query_path",
            label="Path of the question about a refund",
            label_vi="Đường dẫn tra cứu hoàn tiền",
            required=False,
            pattern=r"/\S*",
        ),
        Setting(
            name="callback_addresses",
            label="Addresses that calls may come from",
            label_vi="Địa chỉ được gọi tới",
            required=False,
        ),
        Setting(
            name="callback_age_max_s",
            label="How old a call may be, in seconds",
            label_vi="Cuộc gọi được phép cũ tối đa, tính bằng giây",
            required=False,
            pattern=r"[0-9]+",
        ),
    ),
    operations=(
        Operation(name="payment", event=Event.PAYMENT_REQUESTED, outcome=OutcomeClass.ASK),
        Operation(name="refund", event=Event.REFUND_REQUESTED, outcome=OutcomeClass.ASK),
    ),
    feeds=(Feed(name="statement", by_day=True),),
    callbacks=(
        # responseTime is signed. No repeat is documented, and a payment address lives 15 minutes: a day is ample.
        Callback(name="ipn", age_max_s=24 * 3600),
        Callback(name="browser_return", does="returns"),
    ),
    pipelines=(
        Pipeline(
            dag_id="payments_momo",
            does="deliver",
            of=("payment", "refund"),
            schedule="*/2 * * * *",
            title="Send payment and refund requests to MoMo",
            title_vi="Gửi yêu cầu thanh toán và hoàn tiền sang MoMo",
        ),
        Pipeline(
            dag_id="ask_payments_momo",
            does="ask_payments",
            of=("query",),
            schedule="*/2 * * * *",
            title="Ask MoMo about payments that have no end yet",
            title_vi="Hỏi MoMo về các khoản thanh toán chưa kết thúc",
        ),
        Pipeline(
            dag_id="statement_momo",
            does="fetch_day",
            of=("statement",),
            schedule="30 1 * * *",
            title="Fetch MoMo's statement of the day before",
            title_vi="Lấy sao kê MoMo của ngày hôm trước",
        ),
    ),
    # The pay address lives 15 minutes; amounts as published (partners.md §1.1).
    payments=PaymentTerms(
        lives_s=900,
        ask_after_s=(120, 300, 600, 960),
        refunds="partial",
        refund_ask_after_s=(600, 3600, 4 * 3600),
        amount_vnd_min=1_000,
        amount_vnd_max=20_000_000,
    ),
    # MoMo asks for a client time-out of at least 30 s (partners.md §1.1).
    limits=Limits(timeout_s=35.0, connect_timeout_s=5.0, concurrency=4, body_bytes_max=64 * 1024 * 1024),
    rules=(
        Rule(name="tls_pinned_or_public_ca", state="done", reason="public CA; https only beyond the loopback"),
        Rule(name="time_outs_stated", state="done"),
        Rule(name="outcome_class_proved", state="done"),
        Rule(name="result_codes_complete", state="done"),
        Rule(name="duplicates_recognised", state="done", reason="requestId = orderId; IPN by orderId/transId"),
        Rule(name="secrets_never_logged", state="done"),
        Rule(
            name="schema_checked",
            state="done",
            reason="what is written fits its schema or is refused; of what is read each used field is checked",
        ),
        Rule(name="read_back_possible", state="done", reason="query by orderId"),
    ),
)
