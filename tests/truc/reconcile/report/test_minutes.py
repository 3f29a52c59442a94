"""The minutes, read back with a PDF reader that is not the writer's: text, fonts, pages, signatures."""

from dataclasses import replace
from hashlib import sha256
from io import BytesIO

import pytest
from pypdf import PdfReader

from tests.truc.reconcile.report.days import SIGNED, a_break, a_day, a_full_day, a_match, day_report
from truc.reconcile.report.contents import UNSIGNED, DayReport, called_of
from truc.reconcile.report.minutes import LISTED_MAX, minutes, sealed_digest
from truc.reconcile.words import Lang


def read(report: DayReport) -> PdfReader:
    return PdfReader(BytesIO(minutes(report)))


def text_of(report: DayReport) -> str:
    return "\n".join(page.extract_text() for page in read(report).pages)


def test_vietnamese_reads_back_letter_for_letter() -> None:
    text = text_of(a_day())
    for said in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "BIÊN BẢN ĐỐI SOÁT",
        "Đối tác: momo",
        "Ngày giao dịch: 20/11/2026",
        "Phiên bản: 2",
        "Đã khớp 46 147.393.168 44 147.393.168",
        "Số tiền của ta đã khớp: 147.393.168 đ",
        "Bằng chữ: Một trăm bốn mươi bảy triệu ba trăm chín mươi ba nghìn một trăm sáu mươi tám đồng.",
        "Lệch số tiền 1 120.000 123.456 -3.456 3.456",
        "ĐỐI-SOÁT/Ữ",
        "Nguyễn Thị Hạnh Trần Đức Thắng",
        "Mã băm nội dung: " + "c0" * 32,
    ):
        assert said in text, said


@pytest.mark.parametrize(
    ("lang", "parties", "said"),
    [
        ("vi", ("momo",), "Đối tác: Ví điện tử MoMo (momo)"),
        ("en", ("momo",), "Party: MoMo e-wallet (momo)"),
        ("vi", ("another",), "Đối tác: another"),
        ("vi", ("momo", "vnpay"), "Đối tác: 2 (momo, vnpay)"),
    ],
)
def test_the_party_is_named_as_people_call_it(lang: Lang, parties: tuple[str, ...], said: str) -> None:
    report = replace(a_day(), lang=lang, parties=parties, called=called_of(parties))
    assert said in text_of(report).splitlines()


def test_english_when_asked() -> None:
    text = text_of(replace(a_day(), lang="en"))
    assert "RECONCILIATION MINUTES" in text
    assert "Matched 46 147,393,168 44 147,393,168" in text
    assert (
        "One hundred forty-seven million three hundred ninety-three thousand one hundred sixty-eight dong."
        in " ".join(text.split())
    )


def test_both_faces_are_embedded_as_subsets() -> None:
    found = {}
    for page in read(a_day()).pages:
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index]
            described = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            found[str(described["/FontName"])] = len(described["/FontFile2"].get_object().get_data())
    assert sorted(name.split("+")[1] for name in found) == ["NotoSans", "NotoSansBold"]
    assert all(5_000 < size < 100_000 for size in found.values()), found  # the whole face is 455,188 bytes


def test_pages_are_numbered_and_no_reference_passes_for_the_number_of_pages() -> None:
    pages = read(a_day()).pages
    assert [page.extract_text().count(f"Trang {n}/{len(pages)}") for n, page in enumerate(pages, start=1)] == [1, 1]
    assert "{nb}" in text_of(a_day())


def test_a_long_list_is_bounded_and_says_how_many_more_and_where() -> None:
    day = day_report([], [a_break(number, "missing_at_partner", 1_000, 0) for number in range(LISTED_MAX + 1_234)])
    text = text_of(day)
    assert "TRUC00000099" in text
    assert "TRUC00000100" not in text
    assert (
        "Còn 1.234 chênh lệch nữa, xem đủ ở trang tính «Chênh lệch» của tệp doi-soat_momo_2026-11-20_v2.xlsx." in text
    )


def test_a_list_that_fits_says_nothing_of_more() -> None:
    assert "chênh lệch nữa" not in text_of(a_full_day(LISTED_MAX * 50, broken_every=50))


def test_a_day_without_breaks_says_so() -> None:
    text = text_of(day_report([a_match(1, 5_000)], []))
    assert "Không có chênh lệch." in text
    assert "Danh sách chênh lệch" not in text


@pytest.mark.parametrize("breaks", range(0, 60, 6))
def test_both_signature_blocks_stand_on_one_page_with_the_hash_and_the_seal(breaks: int) -> None:
    day = day_report([], [a_break(number, "missing_in_core", 0, 7) for number in range(breaks)], signing=SIGNED)
    last = [page for page in (page.extract_text() for page in read(day).pages) if "NGƯỜI LẬP" in page]
    assert len(last) == 1
    for said in ("NGƯỜI DUYỆT", "Trần Đức Thắng", "21/11/2026 10:00:00", "Mã băm nội dung", "Niêm phong"):
        assert said in last[0]


def test_an_unsigned_day_leaves_room_and_says_that_it_is_not_sealed() -> None:
    text = text_of(replace(a_day(), signing=UNSIGNED))
    assert "Niêm phong: chưa ký, chưa khóa" in text
    assert "Trần Đức Thắng" not in text


def test_what_the_preparer_lets_stay_open_stands_beside_the_seal() -> None:
    wide = replace(SIGNED, open_limit_vnd=1_500_000, open_limit_count=12)
    said = "Người lập cho phép còn mở khi ký: tối đa 12 chênh lệch, 1.500.000 đ"
    assert said in text_of(replace(a_day(), signing=wide))
    assert said in text_of(replace(a_day(), signing=replace(wide, state="prepared", approved_by="", approved_at=None)))
    assert "cho phép còn mở" not in text_of(a_day())
    for breaks in range(0, 60, 6):
        day = day_report([], [a_break(number, "missing_in_core", 0, 7) for number in range(breaks)], signing=wide)
        [last] = [page for page in (page.extract_text() for page in read(day).pages) if "NGƯỜI LẬP" in page]
        assert said in last


def test_what_cannot_be_printed_is_shown_as_replaced() -> None:
    text = text_of(day_report([], [a_break(1, "unreadable", 0, 0, our_reference="a\u202eb\u00adc日d\x07e\nf")]))
    assert "a�b�c�d�e�f" in text


def test_the_same_report_gives_the_same_bytes_and_another_day_others() -> None:
    assert minutes(a_day()) == minutes(a_day())
    assert minutes(a_day()) != minutes(replace(a_day(), version=3))


def test_the_sealed_digest_is_of_the_minutes_before_the_second_signature() -> None:
    prepared = replace(
        a_day(), signing=replace(SIGNED, state="prepared", approved_by="", approved_at=None, report_digest="")
    )
    digest = sha256(minutes(replace(prepared, organisation=""))).hexdigest()
    assert sealed_digest(prepared) == digest
    assert sealed_digest(a_day()) == digest
    assert sealed_digest(replace(a_day(), lang="en", organisation="Another")) == digest
    assert sha256(minutes(a_day())).hexdigest() != digest
