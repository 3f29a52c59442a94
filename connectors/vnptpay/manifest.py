"""What VNPT's payment gateway can do for us: data only."""

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

TERMS = PaymentTerms(lives_s=24 * 3600)
# timeStamp may be that of the order or of the notification; how long one is repeated is not published: a day is ours.
NOTIFIED_WITHIN_S = TERMS.lives_s + 24 * 3600

MANIFEST = Manifest(
    party="vnptpay",
    title="VNPT payment gateway (VNPT ePay MegaPay, or the INIT API)",
    title_vi="Cổng thanh toán VNPT (VNPT ePay MegaPay, hoặc API INIT)",
    transport="rest",
    capabilities=frozenset({Capability.TAKE_PAYMENTS, Capability.CALL_BACK}),
    settings=(
        Setting(
            name="api",
            label="Which interface the contract is for: megapay or init",
            label_vi="Giao diện theo hợp đồng: megapay hoặc init",
            pattern=r"megapay|init",
        ),
        Setting(name="host", label="Base URL", label_vi="Địa chỉ gốc", pattern=r"https?://\S+"),
        Setting(
            name="path",
            label="Path that the form is posted to (megapay), or that INIT is called at (init)",
            label_vi="Đường dẫn nhận biểu mẫu (megapay) hoặc gọi INIT (init)",
            pattern=r"/\S*",
        ),
        Setting(
            name="login",
            label="merId, or MERCHANT_SERVICE_ID for init",
            label_vi="merId, hoặc MERCHANT_SERVICE_ID với init",
        ),
        Setting(
            name="password",
            label="encodeKey, or the secret of SECURE_CODE for init",
            label_vi="encodeKey, hoặc khoá bí mật của SECURE_CODE với init",
            secret=True,
        ),
        Setting(
            name="paid_code",
            label="resultCd of a payment (megapay)",
            label_vi="resultCd nghĩa là đã thanh toán (megapay)",
            required=False,
        ),
        Setting(
            name="failed_codes",
            label="resultCd of payments that came to nothing, separated by commas (megapay)",
            label_vi="Các resultCd nghĩa là không thành công, cách nhau bằng dấu phẩy (megapay)",
            required=False,
        ),
        Setting(
            name="token_variant",
            label="Token of notifications: plain or with_pay_token (megapay)",
            label_vi="Token của thông báo: plain hoặc with_pay_token (megapay)",
            required=False,
            default="plain",
            pattern=r"plain|with_pay_token",
        ),
        Setting(
            name="pay_page",
            label="Our page that posts the form: …/partners/vnptpay/pay_page of the gateway (megapay)",
            label_vi="Trang của ta gửi biểu mẫu: …/partners/vnptpay/pay_page của cổng (megapay)",
            required=False,
            pattern=r"https?://\S+",
        ),
        Setting(
            name="return_url",
            label="Page the citizen returns to, callBackUrl (megapay)",
            label_vi="Trang công dân quay về, callBackUrl (megapay)",
            required=False,
            pattern=r"https?://\S+",
        ),
        Setting(
            name="notification_url",
            label="Where notifications go, notiUrl (megapay)",
            label_vi="Nơi nhận thông báo, notiUrl (megapay)",
            required=False,
            pattern=r"https?://\S+",
        ),
        Setting(
            name="req_domain",
            label="Domain of the page that posts the form, reqDomain (megapay)",
            label_vi="Tên miền của trang gửi biểu mẫu, reqDomain (megapay)",
            required=False,
        ),
        Setting(
            name="pay_type",
            label="payType: IC, DC, VA, QR, EW or NO (megapay)",
            label_vi="payType: IC, DC, VA, QR, EW hoặc NO (megapay)",
            required=False,
            default="NO",
            pattern=r"IC|DC|VA|QR|EW|NO",
        ),
        Setting(name="bank_code", label="bankCode (megapay)", label_vi="bankCode (megapay)", required=False),
        Setting(
            name="language",
            label="userLanguage (megapay)",
            label_vi="userLanguage (megapay)",
            required=False,
            default="VN",
        ),
        Setting(name="window_color", label="windowColor (megapay)", label_vi="windowColor (megapay)", required=False),
        Setting(name="api_key", label="Bearer key (init)", label_vi="Khoá bearer (init)", required=False, secret=True),
        Setting(
            name="init_fields",
            label="Further fields of every INIT, as a JSON object (init)",
            label_vi="Các trường khác của mọi INIT, dạng JSON (init)",
            required=False,
        ),
        Setting(
            name="success_code",
            label="RESPONSE_CODE of an order that was taken (init)",
            label_vi="RESPONSE_CODE nghĩa là đã nhận đơn (init)",
            required=False,
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
        Setting(name="ca_file", label="CA certificates (file, init)", label_vi="Chứng thư CA (tệp)", required=False),
    ),
    operations=(
        # MegaPay: no call is made, the same message gives the same address. INIT: by MERCHANT_ORDER_ID (README).
        Operation(name="payment", event=Event.PAYMENT_REQUESTED, outcome=OutcomeClass.IDEMPOTENCY_KEY),
    ),
    callbacks=(
        Callback(name="notification", age_max_s=NOTIFIED_WITHIN_S),
        Callback(name="notification_paid", age_max_s=NOTIFIED_WITHIN_S),
        Callback(name="notification_failed", age_max_s=NOTIFIED_WITHIN_S),
        Callback(name="browser_return", does="returns"),
        Callback(name="pay_page", does="opens"),
    ),
    pipelines=(
        Pipeline(
            dag_id="payments_vnptpay",
            does="deliver",
            of=("payment",),
            schedule="*/2 * * * *",
            title="Order payments at VNPT",
            title_vi="Tạo khoản thanh toán qua VNPT",
        ),
    ),
    limits=Limits(timeout_s=30.0, connect_timeout_s=5.0, concurrency=4, body_bytes_max=1024 * 1024),
    payments=TERMS,
    rules=(
        Rule(name="tls_pinned_or_public_ca", state="done", reason="public CA or ca_file; https beyond the loopback"),
        Rule(name="time_outs_stated", state="done"),
        Rule(name="outcome_class_proved", state="done"),
        Rule(
            name="result_codes_complete",
            state="exempt",
            reason="no list of codes is published: what means paid, failed and taken are settings",
        ),
        Rule(name="duplicates_recognised", state="done", reason="a notification by merTrxId/trxId"),
        Rule(name="secrets_never_logged", state="done"),
        Rule(
            name="schema_checked",
            state="done",
            reason="what is written fits its schema or is refused; of what is read each used field is checked",
        ),
        Rule(
            name="read_back_possible",
            state="exempt",
            reason="no inquiry is published: what was not notified waits for the statement, or for a person",
        ),
    ),
)
