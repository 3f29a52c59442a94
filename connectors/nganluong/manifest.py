"""What Ngân Lượng can do for us: data only."""

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

# It calls nobody back, so the questions are all we hear. The day and the schedule are ours; 2,000 đồng is published.
TERMS = PaymentTerms(lives_s=24 * 3600, ask_after_s=(60, 180, 300, 600, 1200), amount_vnd_min=2_000)

METHODS = (
    r"NL|QRCODE|NH_OFFLINE|CREDIT_CARD_PREPAID|VISA|ATM_ONLINE|ATM_OFFLINE|IB_ONLINE|CASH_IN_SHOP"  # partners.md §6
)

MANIFEST = Manifest(
    party="nganluong",
    title="Ngân Lượng payment gateway",
    title_vi="Cổng thanh toán Ngân Lượng",
    transport="rest",
    capabilities=frozenset({Capability.TAKE_PAYMENTS, Capability.SAY_PAYMENT}),
    settings=(
        Setting(name="host", label="Base URL", label_vi="Địa chỉ gốc", pattern=r"https?://\S+"),
        Setting(name="login", label="Merchant id", label_vi="Mã merchant (merchant_id)"),
        Setting(name="password", label="Merchant password", label_vi="Mật khẩu kết nối", secret=True),
        Setting(
            name="receiver_email",
            label="E-mail of the account that is paid",
            label_vi="Email tài khoản nhận tiền (receiver_email)",
            pattern=r"\S+@\S+",
        ),
        Setting(
            name="return_url",
            label="Page the citizen returns to",
            label_vi="Trang công dân quay về (return_url)",
            pattern=r"https?://\S+",
        ),
        Setting(
            name="cancel_url",
            label="Page the citizen comes to who gives up",
            label_vi="Trang khi công dân huỷ (cancel_url)",
            pattern=r"https?://\S+",
        ),
        Setting(
            name="buyer_fullname",
            label="Name of the office, told as the buyer's",
            label_vi="Tên đơn vị, gửi thay tên người mua (buyer_fullname)",
        ),
        Setting(
            name="buyer_email",
            label="E-mail of the office, told as the buyer's",
            label_vi="Email đơn vị, gửi thay email người mua (buyer_email)",
            pattern=r"\S+@\S+",
        ),
        Setting(
            name="buyer_mobile",
            label="Telephone of the office, told as the buyer's",
            label_vi="Điện thoại đơn vị, gửi thay số người mua (buyer_mobile)",
        ),
        Setting(
            name="payment_method",
            label="Method of payment",
            label_vi="Phương thức (payment_method)",
            required=False,
            default="NL",
            pattern=METHODS,
        ),
        Setting(
            name="bank_code",
            label="Bank, where the method wants one",
            label_vi="Ngân hàng, khi phương thức cần (bank_code)",
            required=False,
        ),
        Setting(
            name="payment_type",
            label="1 paid at once, 2 held by Ngân Lượng",
            label_vi="1 trả ngay, 2 tạm giữ (payment_type)",
            required=False,
            default="1",
            pattern=r"[12]",
        ),
        Setting(
            name="time_limit",
            label="time_limit as agreed with Ngân Lượng",
            label_vi="time_limit theo thoả thuận với Ngân Lượng",
            required=False,
            pattern=r"\d+",
        ),
        Setting(
            name="version",
            label="Version of the interface",
            label_vi="Phiên bản giao tiếp",
            required=False,
            default="3.1",
            pattern=r"3\.[12]",
        ),
        Setting(
            name="api_path",
            label="Path of the interface",
            label_vi="Đường dẫn giao tiếp",
            required=False,
            default="/checkout.api.nganluong.post.php",
            pattern=r"/\S*",
        ),
        Setting(name="ca_file", label="CA certificates (file)", label_vi="Chứng thư CA (tệp)", required=False),
    ),
    operations=(
        # What is asked about is named by a token that only the answer gives; nothing says that order_code is unique.
        Operation(name="payment", event=Event.PAYMENT_REQUESTED, outcome=OutcomeClass.NEITHER),
    ),
    callbacks=(Callback(name="browser_return", does="returns"),),
    pipelines=(
        Pipeline(
            dag_id="payments_nganluong",
            does="deliver",
            of=("payment",),
            schedule="*/2 * * * *",
            title="Send payment requests to Ngân Lượng",
            title_vi="Gửi yêu cầu thanh toán sang Ngân Lượng",
        ),
        Pipeline(
            dag_id="ask_payments_nganluong",
            does="ask_payments",
            of=("query",),
            schedule="*/2 * * * *",
            title="Ask Ngân Lượng about payments that have no end yet",
            title_vi="Hỏi Ngân Lượng về các khoản thanh toán chưa kết thúc",
        ),
    ),
    payments=TERMS,
    limits=Limits(timeout_s=30.0, connect_timeout_s=5.0, concurrency=4, body_bytes_max=1024 * 1024),
    rules=(
        Rule(name="tls_pinned_or_public_ca", state="done", reason="public CA or ca_file; https beyond the loopback"),
        Rule(name="time_outs_stated", state="done"),
        Rule(name="outcome_class_proved", state="done"),
        Rule(name="result_codes_complete", state="done"),
        Rule(name="duplicates_recognised", state="done", reason="a create is sent once; it calls nobody back"),
        Rule(name="secrets_never_logged", state="done"),
        Rule(
            name="schema_checked",
            state="done",
            reason="what is written fits its schema or is refused; of what is read each used field is checked",
        ),
        Rule(
            name="read_back_possible",
            state="exempt",
            reason="a create whose answer was lost has no token to be asked by; payments with one can be asked about",
        ),
    ),
)
