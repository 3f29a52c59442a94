"""Fixed-width files, sheets, camt.053 and MT940: each is read whole, and refused with its reason."""

import io
import zipfile
from dataclasses import replace
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truc.errors import MalformedError, SetupError
from truc.statements.profiles import Amounts, Camt053, FixedWidth, Meaning, Mt940, Span, Workbook
from truc.statements.read import read

# Fixed width

FIXED = FixedWidth(
    party="bank",
    width=41,
    line_mark="D",
    header_mark="H",
    trailer_mark="T",
    encoding="tcvn3",
    line=(
        Span(name="our_reference", first=2, length=8),
        Span(name="amount_vnd", first=10, length=12),
        Span(name="kind", first=22, length=4),
        Span(name="occurred_on", first=26, length=8),
        Span(name="settled_on", first=34, length=8),
    ),
    header=(Span(name="business_on", first=2, length=8),),
    trailer=(Span(name="count", first=2, length=6), Span(name="amount_vnd", first=8, length=15)),
    means=Meaning(kinds={"thu": "payment", "tr¶".replace("¶", "ả"): "refund"}, states={"": "paid"}),
)
FIXED_FILE = (
    b"H20250603\n"
    b"DTT-1    000000200000thu 2025060320250604\n"
    b"DTT-2    000000031500tr\xb6 20250603        \n"
    b"T000002000000000231500\n"
)


def test_cells_are_cut_at_their_places_by_bytes_of_the_old_code_page():
    file = read(FIXED_FILE, FIXED).whole()
    first, second = file.lines
    assert (first.our_reference, first.amount_vnd, first.kind) == ("TT-1", 200_000, "payment")
    assert (second.our_reference, second.kind) == ("TT-2", "refund")
    assert (first.settled_on, second.settled_on) == (date(2025, 6, 4), None)
    assert (file.business_on, file.count_declared, file.amount_declared_vnd) == (date(2025, 6, 3), 2, 231_500)


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        (b"thu ", b"thu", "wrong_columns"),
        (b"DTT-2", b"XTT-2", "unknown_record"),
        (b"H2025", b"G2025", "header_missing"),
        (b"T000002000000000231500\n", b"", "truncated"),
        (b"231500\n", b"2315\n", "truncated"),
        (b"231500\n", b"231501\n", "control_total_differs"),
        (b"000000200000", b"0000002000.0", "amount_not_integer"),
        (b"20250604", b"20251304", "date_malformed"),
    ],
)
def test_a_fixed_width_file_that_is_not_whole(right, wrong, reason):
    assert right in FIXED_FILE
    assert reason_of(FIXED_FILE.replace(right, wrong, 1), FIXED) == reason


@pytest.mark.parametrize(
    "change", [{"width": 40}, {"header_mark": ""}, {"trailer": (Span(name="sum", first=1, length=2),)}]
)
def test_a_fixed_width_profile_that_cannot_be(change):
    with pytest.raises(SetupError):
        replace(FIXED, **change)


def reason_of(body, profile):
    """Return why a file is not taken."""
    with pytest.raises(MalformedError) as caught:
        read(body, profile).whole()
    return caught.value.reason


# Sheets

SHEET = Workbook(
    party="wallet",
    columns={
        "Mã tham chiếu": "our_reference",
        "Số tiền": "amount_vnd",
        "Loại": "kind",
        "Thời điểm": "occurred_at",
        "Ghi chú": "-note",
    },
    trailer={"Số tiền": "amount_vnd"},
    trailer_mark="Tổng cộng",
    means=Meaning(
        kinds={"Thu": "payment", "Chi": "refund"},
        states={"": "paid"},
        time_format="%d/%m/%Y %H:%M:%S",
        amounts=Amounts(thousands=".", sign="leading"),
    ),
)
AT = datetime(2025, 6, 3, 8, 15)  # noqa: DTZ001  (a sheet knows no zone)


def sheet(*rows, title="Sao kê"):
    """Return an XLSX file: what stands above the titles, the titles, these rows."""
    book = openpyxl.Workbook()
    book.active.title = title
    head = (["SAO KÊ GIAO DỊCH"], [], ["Mã tham chiếu", " Số tiền ", "Loại", "Thời điểm", "Ghi chú"])
    for row in (*head, *rows):
        book.active.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


LINES = (["TT-1", 200_000, "Thu", AT, "x"], [], [7.0, "31.500", "Chi", "03/06/2025 16:00:00", None])
TOTAL = ["Tổng cộng", 231_500]


def test_a_sheet_is_read_by_its_titles_whatever_kind_its_cells_are():
    reading = read(sheet(*LINES, TOTAL, ["Người lập biểu"]), SHEET)
    assert reading.unread == ()
    first, second = reading.whole().lines
    assert (first.row, first.our_reference, first.amount_vnd) == (4, "TT-1", 200_000)
    assert (second.row, second.our_reference, second.amount_vnd) == (6, "7", 31_500)
    assert first.occurred_at.isoformat() == "2025-06-03T08:15:00+07:00"


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ((["TT-1", 200_000.5, "Thu", AT], ["Tổng cộng", 200_000]), "amount_not_integer"),
        ((["TT-1", True, "Thu", AT], ["Tổng cộng", 1]), "wrong_type"),
        (([25154001000000012345, 5, "Thu", AT], ["Tổng cộng", 5]), "amount_not_integer"),
        ((*LINES, ["Tổng cộng", 1]), "control_total_differs"),
        (LINES, "truncated"),
        ((["TT-1", 5, "Nợ", AT], ["Tổng cộng", 5]), "unknown_kind"),
        ((["TT-1", None, "Thu", AT], ["Tổng cộng", 5]), "amount_not_integer"),
    ],
)
def test_a_sheet_that_is_not_whole(rows, reason):
    assert reason_of(sheet(*rows), SHEET) == reason


def test_a_minus_in_a_sheet_needs_a_profile_that_knows_one():
    rows = (["TT-1", -5, "Chi", AT], ["Tổng cộng", 5])
    assert read(sheet(*rows), SHEET).lines[0].signed_vnd == -5
    unsigned = replace(SHEET, means=replace(SHEET.means, amounts=Amounts()))
    assert reason_of(sheet(*rows), unsigned) == "amount_not_integer"


def test_a_sheet_without_the_agreed_titles_or_name():
    assert reason_of(sheet(*LINES, TOTAL), replace(SHEET, sheet="Sheet1")) == "not_a_workbook"
    assert (
        reason_of(sheet(*LINES, TOTAL), replace(SHEET, columns=SHEET.columns | {"Phí": "fee_vnd"})) == "titles_differ"
    )
    assert read(sheet(*LINES, TOTAL), replace(SHEET, sheet="Sao kê")).whole()


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(monkeypatch):
    from truc.statements import workbook

    monkeypatch.setattr(workbook, "UNPACKED_BYTES_MAX", 1_000)
    assert reason_of(sheet(*LINES, TOTAL), SHEET) == "too_large"


WHOLE = sheet(*LINES, TOTAL)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_workbook_is_refused_and_nothing_else(data):
    body = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 30))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(body), SHEET)
    except MalformedError:
        return


def test_an_entity_in_a_sheet_is_not_expanded():
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sheet(*LINES, TOTAL))) as old, zipfile.ZipFile(packed, "w") as new:
        for part in old.infolist():
            text = old.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                text = b'<!DOCTYPE x [<!ENTITY e "1">]>' + text
            new.writestr(part.filename, text)
    assert reason_of(packed.getvalue(), SHEET) == "not_a_workbook"


# camt.053

CAMT = Camt053(
    party="bank",
    means=Meaning(
        kinds={"CRDT": "payment", "DBIT": "refund", "DBIT RVSL": "reversal"},
        states={"BOOK": "paid", "PDNG": "pending"},
        reference_pattern=r"TT-\d+",
    ),
)


def camt(entries, version="02", *, closing="1200000.00", head="", summary=""):
    """Return a document of one statement."""

    def balance(code, amount):
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='VND'>{amount}</Amt>"
            "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2025-06-03</Dt></Dt></Bal>"
        )

    return (
        f"<?xml version='1.0'?>{head}<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}'>"
        "<BkToCstmrStmt><Stmt><Acct><Id><Othr><Id>0011</Id></Othr></Id></Acct>"
        f"{balance('OPBD', '1000000')}{balance('CLBD', closing)}{summary}{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def entry(amount="200000", way="CRDT", status="<Sts>BOOK</Sts>", details="", more=""):
    """Return one entry."""
    return (
        f"<Ntry><Amt Ccy='VND'>{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>{more}{status}"
        "<BookgDt><Dt>2025-06-03</Dt></BookgDt><ValDt><Dt>2025-06-04</Dt></ValDt><AcctSvcrRef>FT1</AcctSvcrRef>"
        f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


ONE = "<TxDtls><RmtInf><Ustrd>NOP LE PHI TT-1</Ustrd></RmtInf></TxDtls>"
TWO = "".join(
    f"<TxDtls><Refs><EndToEndId>TT-{n}</EndToEndId></Refs><Amt Ccy='VND'>100000</Amt></TxDtls>" for n in (1, 2)
)


@pytest.mark.parametrize(("version", "status"), [("02", "<Sts>BOOK</Sts>"), ("08", "<Sts><Cd>BOOK</Cd></Sts>")])
def test_an_entry_is_read_in_every_version(version, status):
    [line] = read(camt(entry(status=status, details=ONE), version), CAMT).whole().lines
    assert (line.our_reference, line.partner_reference, line.kind, line.amount_vnd) == (
        "TT-1",
        "FT1",
        "payment",
        200_000,
    )
    assert (line.state, line.settled_on, line.occurred_at.isoformat()) == (
        "paid",
        date(2025, 6, 4),
        "2025-06-03T00:00:00+07:00",
    )


def test_a_batch_is_a_line_for_each_transaction_and_the_totals_still_hold():
    summary = (
        "<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries>"
        "<TtlCdtNtries><Sum>200000</Sum></TtlCdtNtries><TtlDbtNtries><Sum>50000</Sum></TtlDbtNtries></TxsSummry>"
    )
    entries = entry(details=TWO) + entry("50000", "DBIT", more="<RvslInd>true</RvslInd>")
    file = read(camt(entries, closing="1150000", summary=summary), CAMT).whole()
    assert [(line.our_reference, line.kind, line.signed_vnd) for line in file.lines] == [
        ("TT-1", "payment", 100_000),
        ("TT-2", "payment", 100_000),
        ("", "reversal", -50_000),
    ]
    assert file.count_declared == 3
    wrong = summary.replace("<NbOfNtries>2", "<NbOfNtries>3")
    assert reason_of(camt(entries, closing="1150000", summary=wrong), CAMT) == "control_count_differs"


def test_a_pending_entry_moves_no_balance():
    assert read(camt(entry(status="<Sts>PDNG</Sts>"), closing="1000000"), CAMT).whole().lines[0].state == "pending"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<Document", "not_xml"),
        (b"", "not_xml"),
        (camt(entry(), version="01"), "wrong_version"),
        (camt(entry(), head="<!DOCTYPE Document [<!ENTITY e 'x'>]>"), "not_xml"),
        (camt(entry(), closing="1200001"), "balance_differs"),
        (camt(entry("200000.50")), "amount_not_integer"),
        (camt(entry(way="BOTH")), "unknown_direction"),
        (camt(entry("200001", details=TWO), closing="1200001"), "entry_total_differs"),
        (camt(entry()).replace(b"Ccy='VND'", b"Ccy='USD'"), "wrong_currency"),
        (camt(entry(status="<Sts>INFO</Sts>")), "unknown_state"),
        (camt(entry()).replace(b"2025-06-03</Dt></BookgDt>", b"03/06/2025</Dt></BookgDt>"), "time_malformed"),
        (camt(entry()).replace(b"<Amt Ccy='VND'>200000</Amt>", b""), "amount_missing"),
    ],
)
def test_a_camt_file_that_is_not_taken(body, reason):
    assert reason_of(body, CAMT) == reason


def test_the_statement_of_our_account_is_picked():
    assert read(camt(entry()), replace(CAMT, account="0011")).whole()
    assert reason_of(camt(entry()), replace(CAMT, account="0012")) == "wrong_account"


# MT940

SWIFT = Mt940(
    party="bank",
    reference="narrative",
    means=Meaning(
        kinds={"C": "payment", "D": "refund", "RC": "reversal", "RD": "reversal"},
        states={"": "paid"},
        reference_pattern=r"TT-\d+",
        occurs="any_day",
    ),
)
MT940 = (
    "{1:F01BANKVNVXAXXX}{2:I940}{4:\r\n:20:STMT\r\n:25:0011\r\n:28C:1/1\r\n:60F:C250603VND1000000,\r\n"
    ":61:2506030603C200000,NTRFNONREF//FT1\r\n:86:NOP LE PHI\r\n TT-1 HO SO\r\n"
    ":61:2501021231RC50000,00NTRFTT-9\r\n:62M:C250603VND1150000,\r\n-}\r\n"
    "{4:\r\n:20:STMT\r\n:25:0011\r\n:28C:1/2\r\n:60M:C250603VND1150000,\r\n:61:250603D1,NMSCA//B\r\n"
    ":62F:C250604VND1149999,00\r\n-}\r\n"
)


def test_the_messages_of_a_statement_are_read_as_one():
    file = read(MT940.encode(), SWIFT).whole()
    assert [(one.our_reference, one.partner_reference, one.kind, one.signed_vnd) for one in file.lines] == [
        ("TT-1", "FT1", "payment", 200_000),
        ("", "", "reversal", -50_000),
        ("", "B", "refund", -1),
    ]
    assert file.business_on == date(2025, 6, 4)
    assert [one.occurred_at.date() for one in file.lines] == [date(2025, 6, 3), date(2024, 12, 31), date(2025, 6, 3)]
    assert file.lines[0].settled_on == date(2025, 6, 3)


def test_the_customer_s_reference_is_ours_where_the_profile_says_so():
    file = read(MT940.encode(), replace(SWIFT, reference="customer")).whole()
    assert [one.our_reference for one in file.lines] == ["", "TT-9", ""]


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        (":62F:C250604VND1149999,00\r\n-}\r\n", "", "truncated"),
        (":62F:C250604VND1149999,00", ":62F:C250604VND1149998,00", "balance_differs"),
        (":60M:C250603VND1150000", ":60M:C250603VND1150001", "balance_differs"),
        ("C200000,NTRF", "C200000,50NTRF", "amount_not_integer"),
        ("C200000,NTRF", "X200000,NTRF", "wrong_columns"),
        (":28C:1/2\r\n:60M", ":28C:1/2\r\n:25:0012\r\n:60M", "wrong_account"),
        ("VND1000000", "USD1000000", "amount_not_integer"),
        ("-}\r\n{4", "-}\r\nx\r\n{4", "unknown_record"),
        ("C250603VND1000000", "C251303VND1000000", "date_malformed"),
    ],
)
def test_an_mt940_file_that_is_not_taken(right, wrong, reason):
    assert right in MT940
    assert reason_of(MT940.replace(right, wrong, 1).encode(), SWIFT) == reason


@given(st.integers(1, len(MT940) - 6))
def test_an_mt940_file_cut_before_its_last_balance_is_never_believed(length):
    cut = MT940[:length]
    if ":62F:C250604VND1149999" not in cut:
        with pytest.raises(MalformedError):
            read(cut.encode(), SWIFT).whole()
