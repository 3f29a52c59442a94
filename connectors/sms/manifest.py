"""What the SMS gateway declares."""

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
    party="sms",
    title="Viettel bulk SMS",
    title_vi="Tin nhắn thương hiệu Viettel",
    transport="soap",
    capabilities=frozenset({Capability.NOTIFY}),
    settings=(
        Setting(name="host", label="Base address (https)", label_vi="Địa chỉ gốc (https)"),
        Setting(name="login", label="User", label_vi="Tên đăng nhập"),
        Setting(name="password", label="Password", label_vi="Mật khẩu", secret=True),
        Setting(name="cp_code", label="CPCode", label_vi="Mã đối tác (CPCode)"),
        Setting(name="service_id", label="Brand (ServiceID)", label_vi="Thương hiệu (ServiceID)"),
        Setting(
            name="path",
            label="Path of the service",
            label_vi="Đường dẫn dịch vụ",
            required=False,
            default="/bulkapi",
        ),
        Setting(
            name="ca_file",
            label="CA certificates (file)",
            label_vi="Chứng thư CA (tệp)",
            required=False,
        ),
    ),
    # No message id comes back and nothing can be queried, so after silence a person decides.
    operations=(Operation(name="message", event=Event.NOTICE_DUE, outcome=OutcomeClass.NEITHER),),
    pipelines=(
        Pipeline(
            dag_id="notify_sms",
            does="deliver",
            of=("message",),
            schedule="*/5 * * * *",
            title="Send due messages to citizens by SMS",
            title_vi="Gửi tin nhắn cho người dân",
        ),
    ),
    notices=NoticeTerms(rank=20),
    limits=Limits(timeout_s=15.0, concurrency=4, body_bytes_max=256 * 1024),
    rules=(
        Rule(name="tls_pinned_or_public_ca", state="done"),
        Rule(name="time_outs_stated", state="done"),
        Rule(name="outcome_class_proved", state="done"),
        Rule(name="result_codes_complete", state="done"),
        Rule(name="duplicates_recognised", state="done"),
        Rule(name="secrets_never_logged", state="done"),
        Rule(name="schema_checked", state="done", reason="the mapping checks every field; the WSDL reads answers"),
        Rule(
            name="read_back_possible",
            state="exempt",
            reason="wsCpMt returns no message id, and no query of one message is known",
        ),
    ),
)
