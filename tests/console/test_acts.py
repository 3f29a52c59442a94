"""What is done on the pages: by whom it may be, with whose form, and what it leaves in the store."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.console.a_day import DAY, break_id
from tests.console.conftest import form_token, words
from truc.messages import Statement
from truc.reconcile.reading import breaks as reading_breaks
from truc.reconcile.reading import days as reading
from truc.reconcile.report.signed import sign_with_minutes
from truc.reconcile.work import sign_off
from truc.reconcile.work.roles import Role, actor
from truc.store import statements

MOMO, VNPAY = f"/days/momo/{DAY}", f"/days/vnpay/{DAY}"
SHORT = break_id("momo", "P26112000000101")
DIFFERS = break_id("momo", "P26112000000102")
LAST = break_id("momo", "P26112000000104")
WHY = {"proposal": "accept", "reason": "late_at_partner", "remark": "MoMo ghi nhận muộn"}
PDF = b"%PDF-1.7 made up"
# Every form in an order in which each can be sent, what it needs, and what who may send it is answered, one after the
# other; everybody else is refused.
FORMS = {
    "/breaks/assign": ({"break": [SHORT], "to": "clerk2"}, {"clerk": 200}),
    "/breaks/carry": ({"break": [SHORT], "remark": "chờ sao kê"}, {"clerk": 200}),
    f"/breaks/{SHORT}/assign": ({"to": "clerk"}, {"clerk": 200}),
    f"/breaks/{SHORT}/comment": ({"remark": "đã gọi điện"}, {"clerk": 200, "approver": 200}),
    f"/breaks/{SHORT}/attach": ({}, {"clerk": 200}),
    f"/breaks/{SHORT}/propose": (WHY, {"clerk": 200}),
    f"/breaks/{SHORT}/approve": ({}, {"approver": 200}),
    f"/breaks/{SHORT}/reject": ({"remark": "chưa rõ"}, {"approver": 409}),  # it is resolved
    f"{VNPAY}/prepare": ({}, {"clerk": 200}),
    f"{VNPAY}/sign": ({"compared": "yes", "content_hash": "0" * 64}, {"approver": 409}),  # not the day's hash
    f"{VNPAY}/return": ({"remark": "sai"}, {"clerk": 200, "approver": 409}),  # it is returned
}


def seen(console, identity):
    with console.store.begin() as transaction:
        return reading_breaks.get_break(transaction, identity, today=DAY)


def signing(console, party="vnpay"):
    with console.store.begin() as transaction:
        return reading.signing(transaction, party, DAY)


def files(path):
    return {"file": ("bang-chung.pdf", PDF, "application/pdf")} if path.endswith("attach") else None


def test_each_form_is_taken_of_those_whose_role_allows_it_and_of_nobody_else(console):
    everybody = ("clerk", "approver", "auditor", "admin")
    answers = {}
    for path, (fields, _) in FORMS.items():
        for who in everybody:
            found = console.post(path, who, files=files(path), **fields)
            answers[path, who] = found.status_code
            assert ("Không được phép" in words(found.text)) is (found.status_code == 403), (path, who)
    assert answers == {(path, who): taken.get(who, 403) for path, (_, taken) in FORMS.items() for who in everybody}


def test_a_form_that_is_not_of_this_page_and_person_changes_nothing(console):
    browser = console.session("clerk")
    right = form_token(browser.get(f"{console.url}/breaks", timeout=30).text)
    other_browser = form_token(console.get("/breaks").text)
    other_person = console.session("approver", truc_form=browser.cookies["truc_form"])
    of_other_person = form_token(other_person.get(f"{console.url}/breaks", timeout=30).text)
    path, fields = f"{console.url}/breaks/{SHORT}/comment", {"remark": "x"}
    for token in ("", "0" * 64, right[:-1], other_browser, of_other_person, "đ" * 64):
        found = browser.post(path, data={**fields, "form_token": token}, timeout=30)
        assert found.status_code == 403, token
        assert "chưa có gì thay đổi" in words(found.text)
    without_cookie = console.session("clerk").post(path, data={**fields, "form_token": right}, timeout=30)
    assert without_cookie.status_code == 403
    for elsewhere in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": elsewhere}
        found = browser.post(path, data={**fields, "form_token": right}, headers=headers, timeout=30)
        assert found.status_code == 403
    assert [one.action for one in seen(console, SHORT).events] == ["opened"]
    assert browser.post(path, data={**fields, "form_token": right}, timeout=30).status_code == 200
    assert [one.action for one in seen(console, SHORT).events] == ["opened", "commented"]


def test_a_get_changes_nothing(console):
    for path in FORMS:
        assert console.get(path, allow_redirects=False).status_code in (200, 404, 405), path
    assert signing(console).state == "open"


def test_a_page_of_breaks_is_assigned_at_once_and_the_filters_stay(console):
    found = console.post("/breaks/assign", **{"break": [SHORT, DIFFERS], "to": "clerk2", "asked": "?party=momo"})
    assert found.url == f"{console.url}/breaks?party=momo#main"
    assert [seen(console, one).line.assignee for one in (SHORT, DIFFERS, LAST)] == ["clerk2", "clerk2", ""]
    assert "2 chênh lệch" in words(console.get("/breaks?who=mine", "clerk2").text)


def test_a_form_leads_nowhere_but_back_to_the_list(console):
    for asked in ("//evil.example/", "https://evil.example/", "\r\nSet-Cookie: a=b", "?x=1#y\r\nLocation: z"):
        found = console.post("/breaks/assign", **{"break": [SHORT], "to": "clerk", "asked": asked})
        assert found.history[0].headers["Location"].startswith("/breaks")
        assert "a" not in found.cookies


def test_nothing_ticked_is_told(console):
    found = console.post("/breaks/assign", to="clerk2")
    assert found.status_code == 422
    assert "Chưa chọn chênh lệch nào" in words(found.text)


def test_a_break_is_proposed_by_one_and_approved_by_another(console):
    console.post(f"/breaks/{DIFFERS}/propose", **WHY)
    assert (seen(console, DIFFERS).line.state, seen(console, DIFFERS).line.proposed_by) == ("proposed", "clerk")
    assert "người đề xuất không tự duyệt" in words(console.get(f"/breaks/{DIFFERS}").text)
    assert 'id="approve"' in console.get(f"/breaks/{DIFFERS}", "approver").text
    console.post(f"/breaks/{DIFFERS}/approve", "approver", remark="đồng ý")
    found = seen(console, DIFFERS)
    assert (found.line.state, found.approved_by, found.line.resolution) == ("resolved", "approver", "accept")
    assert "duyệt bởi approver" in words(console.get(f"/breaks/{DIFFERS}").text)


def test_who_has_both_roles_is_still_one_person(console):
    console.post(f"/breaks/{DIFFERS}/propose", "chief", **WHY)
    assert 'id="approve"' not in console.get(f"/breaks/{DIFFERS}", "chief").text
    found = console.post(f"/breaks/{DIFFERS}/approve", "chief")
    assert found.status_code == 409
    assert "Cần người thứ hai" in words(found.text)
    console.gate.runs["vnpay", DAY] = sign_as_the_run_would(console)
    console.post(f"{VNPAY}/prepare", "chief")
    assert "cần người thứ hai" in words(console.get(f"{VNPAY}/sign", "chief").text)
    form = {"content_hash": signing(console).content_hash, "compared": "yes"}
    found = console.post(f"{VNPAY}/sign", "chief", **form)
    assert found.status_code == 409
    assert "Cần người thứ hai" in words(found.text)
    assert console.gate.answered == []


def test_a_day_that_changed_since_it_was_prepared_is_returned_not_signed(console):
    carry = {"break": [SHORT, DIFFERS, LAST, break_id("momo", "P26112000000103")], "remark": "chờ"}
    console.post("/breaks/carry", **carry)
    console.post(f"{MOMO}/prepare")
    form = {"content_hash": signing(console, "momo").content_hash, "compared": "yes"}
    console.post(f"/breaks/{SHORT}/assign", to="clerk2")
    console.gate.runs["momo", DAY] = sign_as_the_run_would(console)
    page = words(console.get(f"{MOMO}/sign", "approver").text)
    assert "đã thay đổi sau khi trình" in page
    found = console.post(f"{MOMO}/sign", "approver", **form)
    assert found.status_code == 409
    assert "Ngày đã thay đổi" in words(found.text)
    assert console.gate.answered == []
    assert signing(console, "momo").state == "prepared"


def test_a_day_of_which_a_newer_statement_came_is_not_prepared_and_says_so(console):
    with console.store.begin() as transaction:
        said = Statement(business_on=DAY, lines=(), count_declared=None, amount_declared_vnd=None)
        statements.keep(transaction, "vnpay", said, inbox_id=2, digest="2" * 64)
    page = console.get(f"{VNPAY}/sign").text
    assert "sao kê mới hơn" in words(page)
    assert "/prepare" not in page
    found = console.post(f"{VNPAY}/prepare")
    assert found.status_code == 409
    assert "sao kê mới hơn" in words(found.text)
    assert signing(console).state == "open"


def test_a_refused_proposal_goes_back_with_its_remark(console):
    console.post(f"/breaks/{DIFFERS}/propose", **WHY)
    refused = console.post(f"/breaks/{DIFFERS}/reject", "approver", remark="")
    assert refused.status_code == 409
    assert "Xin ghi lý do" in words(refused.text)
    console.post(f"/breaks/{DIFFERS}/reject", "approver", remark="thiếu chứng từ")
    assert seen(console, DIFFERS).line.state == "assigned"
    assert "thiếu chứng từ" in words(console.get(f"/breaks/{DIFFERS}").text)


def test_what_is_proposed_without_a_reason_is_told_in_a_sentence(console):
    for wrong, sentence in (
        ({"reason": ""}, "Xin chọn lý do"),
        ({"proposal": "forget"}, "Xin chọn cách xử lý"),
        ({"remark": " "}, "Xin ghi lý do"),
        ({"remark": "x" * 3_000}, "tối đa 2.000 ký tự"),
    ):
        found = console.post(f"/breaks/{DIFFERS}/propose", **{**WHY, **wrong})
        assert found.status_code == 409
        assert sentence in words(found.text)


def test_what_a_colleague_writes_is_text(console):
    console.post(f"/breaks/{DIFFERS}/comment", remark="<script>alert(4)</script><b>đậm</b>")
    page = console.get(f"/breaks/{DIFFERS}").text
    assert "&lt;script&gt;alert(4)&lt;/script&gt;&lt;b&gt;đậm&lt;/b&gt;" in page
    assert "<script>alert" not in page


def test_a_file_is_kept_and_comes_back_as_a_file(console):
    name = "sao kê 20-11.pdf"
    console.post(f"/breaks/{DIFFERS}/attach", files={"file": (name, PDF, "text/html")})
    [kept] = seen(console, DIFFERS).attachments
    assert (kept.name, kept.media_type, kept.by) == (name, "application/pdf", "clerk")
    found = console.get(f"/breaks/{DIFFERS}/files/1", "auditor")
    assert found.content == PDF
    assert found.headers["Content-Type"] == "application/pdf"
    assert found.headers["Content-Disposition"].startswith("attachment; filename=")
    assert "filename*=UTF-8''sao%20k%C3%AA" in found.headers["Content-Disposition"]
    assert found.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "sao kê" in words(console.get(f"/breaks/{DIFFERS}").text)


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("trang.html", b"<script>alert(1)</script>", 409),
        ("gia.pdf", b"<html>not a pdf</html>", 409),
        ("chay.exe", b"MZ\x90", 409),
        ("bang.csv", b"a;b\n\x00\xff", 409),
        ("khong-duoi", PDF, 409),
        ("lon.pdf", b"%PDF-" + bytes(6 * 1024 * 1024), 413),
        ("rong.txt", b"", 409),
        ("anh.png", b"\x89PNG\r\n\x1a\n....", 200),
        ("bang.csv", "mã;tiền\n".encode(), 200),
    ],
)
def test_only_files_of_a_few_kinds_and_sizes_are_taken(console, name, body, status):
    found = console.post(f"/breaks/{DIFFERS}/attach", files={"file": (name, body)})
    assert found.status_code == status
    assert len(seen(console, DIFFERS).attachments) == (status == 200)
    assert "<h1>" in found.text


def test_a_day_is_prepared_by_one_and_signed_by_another(console):
    console.post(f"{VNPAY}/prepare")
    prepared = signing(console)
    assert (prepared.state, prepared.prepared_by) == ("prepared", "clerk")
    page = console.get(f"{VNPAY}/sign", "approver").text
    assert prepared.content_hash in words(page)
    assert console.post(f"{VNPAY}/sign", "approver", content_hash=prepared.content_hash).status_code == 422
    form = {"content_hash": prepared.content_hash, "compared": "yes"}
    assert console.post(f"{VNPAY}/sign", "approver", **form).status_code == 200
    signed = signing(console)
    assert (signed.state, signed.approved_by) == ("signed", "approver")
    assert len(signed.report_digest) == 64
    with console.store.begin() as transaction:
        assert sign_off.verify(transaction, "vnpay", DAY, key=console.signer.public_key()).holds
    again = console.post(f"{VNPAY}/sign", "approver", **form)
    assert again.status_code == 409
    assert "đã ký và khóa" in words(again.text)
    assert "Đã ký, đã khóa" in words(console.get("/").text)


def test_what_the_preparer_lets_stay_open_is_shown_to_who_signs(console):
    console.post(f"{VNPAY}/prepare")
    assert "Người trình cho phép còn mở không có" in words(console.get(f"{VNPAY}/sign", "approver").text)
    with console.store.begin() as transaction:
        limits = {"open_limit_vnd": 5_000_000, "open_limit_count": 40}
        sign_off.prepare(transaction, "momo", DAY, by=actor("clerk", Role.CLERK), **limits)
    page = words(console.get(f"{MOMO}/sign", "approver").text)
    assert "Người trình cho phép còn mở tối đa 40 chênh lệch, 5.000.000 đ" in page


def test_who_signed_can_do_so_again_where_the_run_failed(console):
    console.post(f"{VNPAY}/prepare")
    page = console.get(f"{VNPAY}/sign?answered=true", "approver").text
    assert "Chữ ký đã gửi" in words(page)
    assert f'href="{VNPAY}/sign"' in page
    form = {"content_hash": signing(console).content_hash, "compared": "yes"}
    assert f'action="{VNPAY}/sign"' in page
    console.post(f"{VNPAY}/sign", "approver", on=f"{VNPAY}/sign?answered=true", **form)
    assert signing(console).state == "signed"
    assert "Chữ ký đã gửi" not in words(console.get(f"{VNPAY}/sign?answered=true", "approver").text)


def test_a_day_with_open_breaks_is_not_prepared(console):
    page = console.get(f"{MOMO}/sign").text
    assert "chênh lệch chưa xử lý" in words(page)
    assert "/prepare" not in page
    assert "/prepare" in console.get(f"{VNPAY}/sign").text
    found = console.post(f"{MOMO}/prepare")
    assert found.status_code == 409
    assert "Còn chênh lệch chưa xử lý" in words(found.text)
    assert signing(console, "momo").state == "open"


def test_a_hash_that_is_not_the_days_is_not_signed(console):
    console.post(f"{VNPAY}/prepare")
    found = console.post(f"{VNPAY}/sign", "approver", content_hash="0" * 64, compared="yes")
    assert found.status_code == 409
    assert "không còn là mã đã trình" in words(found.text)
    assert signing(console).state == "prepared"


def test_a_returned_day_is_open_again_and_says_so(console):
    console.post(f"{VNPAY}/prepare")
    assert console.post(f"{VNPAY}/return", "approver", remark="").status_code == 409
    assert console.post(f"{VNPAY}/return", "approver", remark="xem lại phí").status_code == 200
    assert signing(console).state == "open"


def sign_as_the_run_would(console):
    def sign(who, party, business_on, content_hash):
        with console.store.begin() as transaction:
            person = actor(who, Role.APPROVER)
            sign_with_minutes(
                transaction, party, business_on, by=person, content_hash=content_hash, signer=console.signer
            )

    return sign


def test_a_run_that_waits_gets_the_answer_and_signs(console):
    console.gate.runs["vnpay", DAY] = sign_as_the_run_would(console)
    console.post(f"{VNPAY}/prepare")
    hash_ = signing(console).content_hash
    found = console.post(f"{VNPAY}/sign", "approver", content_hash=hash_, compared="yes")
    assert found.url == f"{console.url}{VNPAY}/sign"
    assert console.gate.answered == [("approver", "vnpay", DAY, hash_)]
    assert signing(console).state == "signed"


def test_a_run_is_not_woken_for_a_day_that_cannot_be_signed(console):
    console.gate.runs["vnpay", DAY] = sign_as_the_run_would(console)
    console.post(f"{VNPAY}/sign", "approver", content_hash="0" * 64, compared="yes")
    console.post(f"{VNPAY}/prepare")
    console.post(f"{VNPAY}/sign", "approver", content_hash="0" * 64, compared="yes")
    assert console.gate.answered == []


def test_a_run_that_refuses_leaves_the_day_unsigned(console):
    console.gate.runs["vnpay", DAY] = None
    console.post(f"{VNPAY}/prepare")
    form = {"content_hash": signing(console).content_hash, "compared": "yes"}
    found = console.post(f"{VNPAY}/sign", "approver", **form)
    assert found.status_code == 409
    assert "không nhận câu trả lời" in words(found.text)
    assert signing(console).state == "prepared"


def test_two_who_sign_at_once_sign_once(console):
    console.post(f"{VNPAY}/prepare")
    form = {"content_hash": signing(console).content_hash, "compared": "yes"}
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(console.post, f"{VNPAY}/sign", "approver", **form) for _ in range(2)]
    assert sorted(one.result().status_code for one in answers) == [200, 409]


@pytest.mark.parametrize(
    ("name", "begins", "kind"),
    [
        ("report.xlsx", b"PK", "spreadsheetml"),
        ("minutes.pdf", b"%PDF-", "application/pdf"),
        ("breaks.csv", b"\xef\xbb\xbf", "text/csv"),
        ("matches.csv", b"\xef\xbb\xbf", "text/csv"),
        ("breaks.parquet", b"PAR1", "parquet"),
        ("matches.parquet", b"PAR1", "parquet"),
    ],
)
def test_the_files_of_a_day_are_fetched_whole(read_console, name, begins, kind):
    found = read_console.get(f"{MOMO}/files/{name}", "auditor")
    assert found.status_code == 200
    assert found.content.startswith(begins)
    assert kind in found.headers["Content-Type"]
    assert "doi-soat_momo_2026-11-20" in found.headers["Content-Disposition"]


def test_a_file_or_a_day_that_is_not_there_is_not_found(read_console):
    for path in (
        f"{MOMO}/files/secrets.txt",
        f"{MOMO}/files/..%2Freport.xlsx",
        "/days/momo/2026-11-01/files/report.xlsx",
    ):
        assert read_console.get(path).status_code == 404, path
