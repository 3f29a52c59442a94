"""What the State Treasury can do for us: data only."""

from truc.manifest import Capability, Event, Feed, Limits, Manifest, Operation, OutcomeClass, Pipeline, Rule, Setting

MANIFEST = Manifest(
    party="treasury",
    title="State Treasury",
    title_vi="Kho bạc Nhà nước",
    transport="sftp",
    capabilities=frozenset({Capability.REMIT, Capability.CONFIRM}),
    settings=(
        Setting(name="host", label="SFTP host", label_vi="Máy chủ SFTP"),
        Setting(name="port", label="SFTP port", label_vi="Cổng SFTP", required=False, default="22", pattern=r"\d{1,5}"),
        Setting(name="login", label="Login", label_vi="Tên đăng nhập"),
        Setting(name="password", label="Password", label_vi="Mật khẩu", secret=True, required=False),
        Setting(
            name="private_key",
            label="Private key (as ssh-keygen writes it), instead of the password",
            label_vi="Khoá riêng (dạng ssh-keygen), thay cho mật khẩu",
            secret=True,
            required=False,
        ),
        Setting(
            name="host_key",
            label="The server's host key: KIND BASE64",
            label_vi="Khoá máy chủ: LOẠI BASE64",
            pattern=r"\S+ \S+.*",
        ),
        Setting(name="order_directory", label="Directory for orders", label_vi="Thư mục nhận lệnh nộp"),
        Setting(
            name="order_name",
            label="Name of an order's file, with {reference}",
            label_vi="Tên tệp lệnh nộp, {reference} là mã lệnh",
            pattern=r".*\{reference\}.*",
        ),
        Setting(
            name="taken_directory",
            label="Directory to which orders are moved when they are taken; without it nobody can be asked",
            label_vi="Thư mục chứa lệnh đã tiếp nhận; để trống thì không hỏi lại được",
            required=False,
        ),
        Setting(name="confirmation_directory", label="Directory of confirmations", label_vi="Thư mục xác nhận"),
        Setting(
            name="confirmation_name",
            label="Name of a file of confirmations, with {day} for YYYYMMDD; * stands for any further letters",
            label_vi="Tên tệp xác nhận, {day} là ngày dạng YYYYMMDD; * là các ký tự bất kỳ",
            pattern=r".*\{day\}.*",
        ),
        Setting(
            name="end_mark",
            label="Suffix of the file that says a file of confirmations is whole",
            label_vi="Đuôi của tệp báo tệp xác nhận đã ghi xong",
            required=False,
        ),
    ),
    operations=(
        Operation(name="remittance", event=Event.REMITTANCE_ORDERED, outcome=OutcomeClass.ASK, addressed=True),
    ),
    feeds=(Feed(name="confirmation"),),
    pipelines=(
        Pipeline(
            dag_id="remittance_treasury",
            does="deliver",
            of=("remittance",),
            schedule="*/15 * * * *",
            title="Send remittance orders to the State Treasury",
            title_vi="Gửi lệnh nộp tiền đến Kho bạc Nhà nước",
        ),
        Pipeline(
            dag_id="confirmations_treasury",
            does="fetch",
            of=("confirmation",),
            schedule="*/30 * * * *",
            title="Fetch the State Treasury's confirmations",
            title_vi="Lấy xác nhận của Kho bạc Nhà nước",
        ),
    ),
    limits=Limits(timeout_s=30.0, connect_timeout_s=10.0, concurrency=1),
    rules=(
        Rule(name="tls_pinned_or_public_ca", state="done", reason="SSH: the host key is pinned"),
        Rule(name="time_outs_stated", state="done"),
        Rule(name="outcome_class_proved", state="done", reason="an order's file is looked for before it is sent again"),
        Rule(name="result_codes_complete", state="exempt", reason="SFTP has no codes of the treasury's own"),
        Rule(name="duplicates_recognised", state="done", reason="by file name and digest of the bytes"),
        Rule(name="secrets_never_logged", state="done"),
        Rule(name="schema_checked", state="done", reason="every cell of an order; cells and totals of confirmations"),
        Rule(name="read_back_possible", state="done"),
    ),
)
