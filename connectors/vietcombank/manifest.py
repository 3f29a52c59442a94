"""What Vietcombank can do for us: data only."""

from truc.manifest import Capability, Feed, Limits, Manifest, Pipeline, Rule, Setting

SENDS_NOTHING = "nothing is sent to this party: it only gives files"

MANIFEST = Manifest(
    party="vietcombank",
    title="Vietcombank",
    title_vi="Ngân hàng TMCP Ngoại thương Việt Nam (Vietcombank)",
    transport="sftp",
    capabilities=frozenset({Capability.FETCH_STATEMENT}),
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
        Setting(name="directory", label="Directory", label_vi="Thư mục", required=False, default="/"),
        Setting(
            name="file_name",
            label="File name, with {day} for YYYYMMDD",
            label_vi="Tên tệp, {day} là ngày dạng YYYYMMDD",
            pattern=r".*\{day\}.*",
        ),
        Setting(
            name="end_mark",
            label="Suffix of the file that says the statement is whole",
            label_vi="Đuôi của tệp báo sao kê đã ghi xong",
            required=False,
        ),
        Setting(
            name="bank_bin",
            label="The bank's BIN at NAPAS, for the VietQR of a payment; none is made without it",
            label_vi="BIN của ngân hàng tại NAPAS, để tạo VietQR của khoản thu; để trống là không tạo",
            required=False,
            pattern=r"[0-9]{6}",
        ),
        Setting(
            name="account",
            label="Number of the collection account, for the same",
            label_vi="Số tài khoản thu, cũng để tạo VietQR",
            required=False,
            pattern=r"[0-9A-Za-z]{1,19}",
        ),
        Setting(
            name="profile",
            label="The agreed form of the file, as TOML; the neutral one when empty",
            label_vi="Dạng tệp đã thoả thuận, viết bằng TOML; để trống là dạng trung tính",
            required=False,
        ),
        Setting(
            name="pgp_private_key",
            label="Our PGP private key (armored), when files are encrypted",
            label_vi="Khoá riêng PGP của ta (dạng ASCII), khi tệp được mã hoá",
            secret=True,
            required=False,
        ),
        Setting(
            name="pgp_passphrase",
            label="Its passphrase",
            label_vi="Cụm mật khẩu của khoá ấy",
            secret=True,
            required=False,
        ),
        Setting(
            name="pgp_sender_certificate",
            label="The bank's PGP public key (armored), pinned",
            label_vi="Khoá công khai PGP của ngân hàng (dạng ASCII), ghim cố định",
            required=False,
        ),
    ),
    feeds=(Feed(name="statement", by_day=True),),
    pipelines=(
        Pipeline(
            dag_id="statement_vietcombank",
            does="fetch_day",
            of=("statement",),
            schedule="15 2 * * *",
            title="Fetch Vietcombank's statement of the day before",
            title_vi="Lấy sao kê Vietcombank của ngày hôm trước",
        ),
    ),
    limits=Limits(timeout_s=30.0, connect_timeout_s=10.0, concurrency=1, body_bytes_max=64 * 1024 * 1024),
    rules=(
        Rule(name="tls_pinned_or_public_ca", state="done", reason="SSH: the host key is pinned"),
        Rule(name="time_outs_stated", state="done"),
        Rule(name="outcome_class_proved", state="exempt", reason=SENDS_NOTHING),
        Rule(name="result_codes_complete", state="exempt", reason="SFTP has no codes of the bank's own"),
        Rule(name="duplicates_recognised", state="done", reason="by file name and digest of the bytes"),
        Rule(name="secrets_never_logged", state="done"),
        Rule(name="schema_checked", state="done", reason="the reading checks every cell and both control totals"),
        Rule(name="read_back_possible", state="exempt", reason=SENDS_NOTHING),
    ),
)
