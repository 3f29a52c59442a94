"""What Zalo Notification Service declares."""

from truc.manifest import (
    Callback,
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
    party="zalo",
    title="Zalo Notification Service",
    title_vi="Thông báo Zalo (ZNS)",
    transport="rest",
    capabilities=frozenset({Capability.NOTIFY, Capability.CALL_BACK}),
    settings=(
        Setting(name="host", label="Base address of ZNS (https)", label_vi="Địa chỉ gốc ZNS (https)"),
        Setting(
            name="oauth_host",
            label="Base address of the token service (https)",
            label_vi="Địa chỉ gốc dịch vụ cấp token (https)",
            required=False,
            default="https://oauth.zaloapp.com",
        ),
        Setting(name="login", label="App id", label_vi="Mã ứng dụng"),
        Setting(name="password", label="Secret key of the app", label_vi="Khóa bí mật của ứng dụng", secret=True),
        Setting(
            name="token_file",
            label="File that keeps the token (absolute path)",
            label_vi="Tệp lưu token (đường dẫn tuyệt đối)",
            pattern="/.+",
        ),
        Setting(
            name="template_ids",
            label="Templates by kind: received=123, ready=125",
            label_vi="Mẫu tin theo loại: received=123, ready=125",
        ),
        Setting(
            name="oa_secret",
            label="OA secret key, which signs webhooks",
            label_vi="Khóa bí mật OA (xác thực webhook)",
            secret=True,
            required=False,
        ),
        Setting(name="mode", label="mode of ZNS", label_vi="Chế độ gửi (mode)", required=False),
        Setting(name="ca_file", label="CA certificates (file)", label_vi="Chứng thư CA (tệp)", required=False),
    ),
    # Nobody has told us that a tracking_id is taken once only, or how to ask about one: a person decides.
    operations=(Operation(name="message", event=Event.NOTICE_DUE, outcome=OutcomeClass.NEITHER, addressed=True),),
    callbacks=(Callback(name="event", age_max_s=24 * 3600),),  # Zalo repeats what it did not hear for hours
    pipelines=(
        Pipeline(
            dag_id="notify_zalo",
            does="deliver",
            of=("message",),
            schedule="*/5 * * * *",
            title="Send due messages to citizens by Zalo",
            title_vi="Gửi thông báo Zalo cho người dân",
        ),
    ),
    notices=NoticeTerms(rank=10),
    limits=Limits(timeout_s=15.0, concurrency=4, body_bytes_max=256 * 1024),
    rules=(
        Rule(name="tls_pinned_or_public_ca", state="done"),
        Rule(name="time_outs_stated", state="done"),
        Rule(name="outcome_class_proved", state="done"),
        Rule(
            name="result_codes_complete",
            state="exempt",
            reason="its whole list of `error` could not be read: 16 codes are known, any other is unknown to us",
        ),
        Rule(name="duplicates_recognised", state="done"),
        Rule(name="secrets_never_logged", state="done"),
        Rule(name="schema_checked", state="done", reason="the mapping checks every field it writes"),
        Rule(
            name="read_back_possible",
            state="exempt",
            reason="a question about one ZNS message by our tracking_id is not known",
        ),
    ),
)
