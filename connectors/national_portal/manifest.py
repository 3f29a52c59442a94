"""What the national portal's connector declares."""

from truc.manifest import (
    Capability,
    Event,
    Feed,
    Limits,
    Manifest,
    Operation,
    OutcomeClass,
    Pipeline,
    Rule,
    Setting,
)

SETTINGS = (
    Setting(
        name="host",
        label="Adapter address (https://…)",
        label_vi="Địa chỉ adapter (https://…)",
        pattern=r"https?://\S+",
    ),
    Setting(name="login", label="User name", label_vi="Tên đăng nhập"),
    Setting(name="password", label="Password", label_vi="Mật khẩu", secret=True),
    Setting(
        name="auth_endpoint",
        label="Path of the login service",
        label_vi="Đường dẫn dịch vụ đăng nhập",
        pattern=r"/\S*",
    ),
    Setting(
        name="share_endpoint",
        label="Path of the services that read",
        label_vi="Đường dẫn dịch vụ chia sẻ",
        pattern=r"/\S*",
    ),
    Setting(
        name="integration_endpoint",
        label="Path of the services that write",
        label_vi="Đường dẫn dịch vụ tích hợp",
        pattern=r"/\S*",
    ),
    Setting(
        name="lookup_endpoint",
        label="Path of TraCuuHoSo, if not the reading one",
        label_vi="Đường dẫn TraCuuHoSo, nếu khác đường dẫn chia sẻ",
        required=False,
        pattern=r"/\S*",
    ),
    Setting(
        name="dstcode",
        label="Code of the target system on the axis (dstcode)",
        label_vi="Mã hệ thống đích trên trục (dstcode)",
    ),
    Setting(name="madonvi", label="Code of our unit (madonvi)", label_vi="Mã đơn vị (madonvi)"),
    Setting(
        name="intake_service",
        label="Name of the service that lists online dossiers",
        label_vi="Tên dịch vụ lấy danh sách hồ sơ trực tuyến",
    ),
    Setting(
        name="session_expired_codes",
        label="error_code values that mean: session expired (comma between)",
        label_vi="Các error_code báo hết phiên (cách nhau bằng dấu phẩy)",
        required=False,
    ),
    Setting(
        name="session_minutes",
        label="Log in anew after so many minutes",
        label_vi="Đăng nhập lại sau số phút",
        required=False,
        default="20",
        pattern=r"[1-9][0-9]{0,3}",
    ),
    Setting(
        name="ca_file",
        label="File of the certificate authority, if not a public one",
        label_vi="Tệp chứng thư CA, nếu không dùng CA công cộng",
        required=False,
    ),
)

MANIFEST = Manifest(
    party="national_portal",
    title="National Public Service Portal",
    title_vi="Cổng Dịch vụ công quốc gia",
    transport="rest",
    capabilities=frozenset({Capability.PUSH_DOSSIERS, Capability.PUSH_STATUS, Capability.GIVE_DOSSIERS}),
    settings=SETTINGS,
    operations=(
        Operation(name="dossier", event=Event.DOSSIER_RECEIVED, outcome=OutcomeClass.ASK),
        # Vendor code sends steps in groups of 10 (egov.md 1.4).
        Operation(name="progress", event=Event.STATUS_CHANGED, outcome=OutcomeClass.ASK, batch_max=10),
    ),
    feeds=(Feed(name="online_dossiers"),),
    pipelines=(
        Pipeline(
            dag_id="dossier_intake",
            does="fetch",
            of=("online_dossiers",),
            schedule="*/10 * * * *",
            title="Online dossiers from the national portal",
            title_vi="Nhận hồ sơ trực tuyến từ Cổng Dịch vụ công quốc gia",
        ),
        Pipeline(
            dag_id="status_push",
            does="deliver",
            of=("dossier", "progress"),
            schedule="*/5 * * * *",
            title="Dossiers and progress to the national portal",
            title_vi="Đồng bộ hồ sơ và tiến độ lên Cổng Dịch vụ công quốc gia",
        ),
    ),
    # 60 s is the read time-out running vendor code uses (egov.md 1.1).
    # A dossier: log in, create, log in anew, create; then the same to update what exists already.
    limits=Limits(timeout_s=60.0, concurrency=8, calls_max=8),
    rules=(
        Rule(name="tls_pinned_or_public_ca", state="done"),
        Rule(name="time_outs_stated", state="done"),
        Rule(name="outcome_class_proved", state="done"),
        Rule(name="result_codes_complete", state="done"),
        Rule(name="duplicates_recognised", state="done"),
        Rule(name="secrets_never_logged", state="done"),
        Rule(
            name="schema_checked",
            state="done",
            reason="what is written fits its schema or is refused; of what is read each used field is checked",
        ),
        Rule(name="read_back_possible", state="done"),
    ),
)
