"""What the mail relay declares."""

from truc.manifest import (
    Capability,
    Event,
    Limits,
    Manifest,
    NoticeTerms,
    Operation,
    OutcomeClass,
    Pipeline,
    Rule,
    Setting,
)

MANIFEST = Manifest(
    party="email",
    title="E-mail, through the province's relay",
    title_vi="Thư điện tử, qua máy chủ thư của tỉnh",
    transport="smtp",
    capabilities=frozenset({Capability.NOTIFY}),
    settings=(
        Setting(name="host", label="Name of the relay", label_vi="Máy chủ gửi thư"),
        Setting(
            name="port",
            label="Port (587 for starttls, 465 for tls)",
            label_vi="Cổng (587 với starttls, 465 với tls)",
            required=False,
        ),
        Setting(name="login", label="User", label_vi="Tên đăng nhập", required=False),
        Setting(name="password", label="Password", label_vi="Mật khẩu", secret=True, required=False),
        Setting(
            name="security",
            label="starttls, tls, or none (loopback only)",
            label_vi="starttls, tls, hoặc none (chỉ trên máy này)",
            required=False,
            default="starttls",
            pattern="starttls|tls|none",
        ),
        Setting(name="sender", label="Address of the sender", label_vi="Địa chỉ người gửi"),
        Setting(name="sender_name", label="Name of the sender", label_vi="Tên người gửi", required=False),
        Setting(name="reply_to", label="Address for answers", label_vi="Địa chỉ nhận trả lời", required=False),
        Setting(
            name="hello_name",
            label="Name we greet the relay with (EHLO)",
            label_vi="Tên máy khi chào máy chủ thư (EHLO)",
            required=False,
        ),
        Setting(name="ca_file", label="CA certificates (file)", label_vi="Chứng thư CA (tệp)", required=False),
    ),
    # A relay takes the same Message-ID twice and cannot be asked about one, so after silence a person decides.
    operations=(Operation(name="message", event=Event.NOTICE_DUE, outcome=OutcomeClass.NEITHER, addressed=True),),
    pipelines=(
        Pipeline(
            dag_id="notify_email",
            does="deliver",
            of=("message",),
            schedule="*/5 * * * *",
            title="Send due messages to citizens by e-mail",
            title_vi="Gửi thư điện tử cho người dân",
        ),
    ),
    notices=NoticeTerms(address="email", rank=30),
    # One send: connect, greet, STARTTLS, greet, log in (up to four replies), address, text. A reply that is given up
    # too early leaves a message of unknown fate, so it may take long (RFC 5321, 4.5.3.2).
    limits=Limits(timeout_s=60.0, concurrency=4, body_bytes_max=64 * 1024, calls_max=12),
    rules=(
        Rule(name="tls_pinned_or_public_ca", state="done"),
        Rule(name="time_outs_stated", state="done"),
        Rule(name="outcome_class_proved", state="done"),
        Rule(name="result_codes_complete", state="done"),
        Rule(name="duplicates_recognised", state="done"),
        Rule(name="secrets_never_logged", state="done"),
        Rule(name="schema_checked", state="done", reason="the mapping checks every field; the client each header"),
        Rule(
            name="read_back_possible",
            state="exempt",
            reason="SMTP has no question about a message that was handed over",
        ),
    ),
)
