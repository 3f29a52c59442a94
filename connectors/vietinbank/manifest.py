"""What VietinBank can do for us: data only."""

from truc.manifest import Capability, Feed, Limits, Manifest, Pipeline, Rule, Setting

SENDS_NOTHING = "nothing is sent to this party: it gives files, and answers questions"

MANIFEST = Manifest(
    party="vietinbank",
    title="VietinBank",
    title_vi="Ngân hàng TMCP Công Thương Việt Nam (VietinBank)",
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
            name="wallet_url",
            label="eWallet: base URL up to /v1/ewallet; without it the eWallet is not used",
            label_vi="eWallet: địa chỉ gốc đến /v1/ewallet; để trống là không dùng eWallet",
            required=False,
            pattern=r"https?://\S+",
        ),
        Setting(
            name="client_id", label="eWallet: x-ibm-client-id", label_vi="eWallet: x-ibm-client-id", required=False
        ),
        Setting(
            name="client_secret",
            label="eWallet: x-ibm-client-secret",
            label_vi="eWallet: x-ibm-client-secret",
            secret=True,
            required=False,
        ),
        Setting(
            name="wallet_private_key",
            label="eWallet: our RSA key (file:, env:, pkcs11: or PEM)",
            label_vi="eWallet: khoá RSA của ta (file:, env:, pkcs11: hoặc PEM)",
            secret=True,
            required=False,
        ),
        Setting(
            name="wallet_private_key_passphrase",
            label="eWallet: passphrase or PIN of our key",
            label_vi="eWallet: cụm mật khẩu hoặc PIN của khoá",
            secret=True,
            required=False,
        ),
        Setting(
            name="bank_certificate",
            label="eWallet: the bank's signing certificate",
            label_vi="eWallet: chứng thư ký của ngân hàng",
            required=False,
        ),
        Setting(
            name="signature_algorithm",
            label="eWallet: RSA-SHA256, or RSA-SHA1 where the bank takes nothing else",
            label_vi="eWallet: RSA-SHA256, hoặc RSA-SHA1 nếu ngân hàng chỉ nhận như thế",
            required=False,
            default="RSA-SHA256",
            pattern=r"RSA-SHA(1|256)",
        ),
        *(
            Setting(name=name, label=f"eWallet: {told}", label_vi=f"eWallet: {told_vi}", required=False)
            for name, told, told_vi in (
                ("provider_id", "providerId", "providerId"),
                ("merchant_id", "merchantId", "merchantId"),
                ("channel", "channel", "channel"),
                ("api_version", "version", "version"),
                ("language", "language, vi by default", "language, mặc định vi"),
                ("mac", "mac", "mac"),
                ("query_type", "queryType", "queryType"),
                ("answer_signed", "fields an answer signs, in order", "các trường ngân hàng ký, theo thứ tự"),
                ("answer_reference", "field of an answer that names the transaction", "trường nêu mã giao dịch"),
                ("answer_amount", "field of an answer that tells the amount", "trường nêu số tiền"),
                ("status_paid", "status codes: paid", "mã trạng thái: đã thanh toán"),
                ("status_pending", "status codes: pending", "mã trạng thái: đang chờ"),
                ("status_failed", "status codes: failed", "mã trạng thái: thất bại"),
                ("status_not_found", "status codes: no such transaction", "mã trạng thái: không có giao dịch"),
                ("status_later", "status codes: ask again later", "mã trạng thái: hỏi lại sau"),
                ("status_setup", "status codes: our settings are wrong", "mã trạng thái: thiết lập sai"),
                ("ca_file", "CA certificates (file)", "chứng thư CA (tệp)"),
            )
        ),
    ),
    feeds=(Feed(name="statement", by_day=True),),
    pipelines=(
        Pipeline(
            dag_id="statement_vietinbank",
            does="fetch_day",
            of=("statement",),
            schedule="0 2 * * *",
            title="Fetch VietinBank's statement of the day before",
            title_vi="Lấy sao kê VietinBank của ngày hôm trước",
        ),
    ),
    limits=Limits(timeout_s=30.0, connect_timeout_s=10.0, concurrency=1, body_bytes_max=64 * 1024 * 1024),
    rules=(
        Rule(name="tls_pinned_or_public_ca", state="done", reason="SSH: the host key is pinned; eWallet: https"),
        Rule(name="time_outs_stated", state="done"),
        Rule(name="outcome_class_proved", state="exempt", reason=SENDS_NOTHING),
        Rule(
            name="result_codes_complete",
            state="exempt",
            reason="SFTP has none; the eWallet's are not published: settings",
        ),
        Rule(name="duplicates_recognised", state="done", reason="by file name and digest of the bytes"),
        Rule(name="secrets_never_logged", state="done"),
        Rule(name="schema_checked", state="done", reason="the reading checks every cell and both control totals"),
        Rule(name="read_back_possible", state="exempt", reason=SENDS_NOTHING),
    ),
)
