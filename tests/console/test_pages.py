"""Every page, for every role, in both languages: what it shows, and that it is shown to nobody else."""

import html
import re
from datetime import timedelta

import pytest
import requests

from tests.console import a_day
from tests.console.a_day import DAY, HOSTILE, break_id
from tests.console.conftest import PEOPLE, words
from truc.console.headers import ALWAYS

NEXT_DAY = DAY + timedelta(days=1)
MOMO = f"/days/momo/{DAY}"
SHORT = break_id("momo", "P26112000000101")
DIFFERS = break_id("momo", "P26112000000102")
FOREIGN = break_id("vietinbank", HOSTILE)
PAGES = ("/", f"/?day={DAY}", MOMO, f"{MOMO}/sign", f"{MOMO}/files", "/breaks", f"/breaks/{DIFFERS}", "/ageing")
READERS = tuple(name for name, (_, *roles) in PEOPLE.items() if roles)


@pytest.mark.parametrize("who", READERS)
def test_who_has_a_role_reads_every_page(read_console, who):
    for path in PAGES:
        found = read_console.get(path, who)
        assert found.status_code == 200, path
        assert '<html lang="vi">' in found.text


def test_a_stranger_sees_no_page_and_is_sent_to_the_login(read_console):
    for path in (*PAGES, "/static/console.css", f"/breaks/{DIFFERS}/files/1"):
        assert requests.get(read_console.url + path, timeout=30).status_code == 401, path
        browser = requests.get(
            read_console.url + path, headers={"Accept": "text/html"}, allow_redirects=False, timeout=30
        )
        assert browser.status_code == 303
        assert browser.headers["Location"].startswith("/login?next=/")


def test_who_has_no_role_is_told_so(read_console):
    for path in PAGES:
        found = read_console.get(path, "nobody")
        assert found.status_code == 403
        assert "chưa được giao vai trò" in words(found.text)
    assert read_console.get("/static/console.css", "nobody").status_code == 200  # the refusal is a page too


def test_english_is_one_switch_away_and_is_remembered(read_console):
    browser = read_console.session("clerk")
    first = browser.get(f"{read_console.url}/?lang=en", timeout=30)
    assert '<html lang="en">' in first.text
    assert "Overview of 20/11/2026" in words(first.text)
    for path in PAGES:
        again = browser.get(read_console.url + path, timeout=30)
        assert '<html lang="en">' in again.text
        assert "Tổng quan" not in words(again.text)
    assert '<html lang="vi">' in browser.get(f"{read_console.url}/breaks?lang=vi", timeout=30).text


def test_the_overview_sums_the_channels_of_the_newest_day(read_console):
    text = words(read_console.get("/").text)
    assert "Tổng quan ngày 20/11/2026" in text
    assert "Ví điện tử MoMo" in text
    # core 36 agreed (2.466.000) + 1.250.000 + 560.000 + 89.000; vnpay 678.000; vietinbank 265.000
    assert "5.308.000 đ 56 giao dịch" in text
    # the partners: 2.466.000 + 650.000 + 75.000; 678.000; 265.000 + 300.000
    assert "4.434.000 đ 56 giao dịch" in text
    assert "≠ +874.000 đ" in text
    assert "5 / 5" in text
    assert "0 / 3 kênh" in text


def test_a_day_without_a_run_says_so_and_names_the_newest(read_console):
    text = words(read_console.get("/?day=2026-11-19").text)
    assert "Chưa có kênh nào được đối soát" in text
    assert "Ngày gần nhất: 20/11/2026" in text


def test_before_the_first_run_the_pages_are_empty_and_well(empty_console):
    for path in ("/", "/breaks", "/ageing"):
        assert empty_console.get(path).status_code == 200
    assert empty_console.get(MOMO).status_code == 404


def test_the_day_shows_its_flow_as_a_picture_and_in_words(read_console):
    page = read_console.get(MOMO).text
    assert 'role="img" aria-labelledby="flow-name" aria-describedby="flow-words"' in page
    assert page.count("<rect") == 4
    text = words(page)
    assert "Sổ của ta: 39 giao dịch, 4.365.000 đ; 36 khớp, 2.466.000 đ; 3 chênh lệch" in text
    assert "Đối tác: 38 giao dịch, 3.191.000 đ; 36 khớp, 2.466.000 đ; 2 chênh lệch" in text
    assert "Kho bạc: chưa có số liệu để đối chiếu." in text
    assert "≠ 3 chênh lệch" in text
    assert "Còn lại ✓ 0 ✓ 0 ✓ 0 ✓ 0" in text
    for name in ("Đối tác không có", "Lệch số tiền", "Sổ của ta không có", "Phát sinh trong ngày", "Đã khớp"):
        assert name in text
    assert "SELECT 'the steps that decided'" in text


def test_a_version_that_is_not_there_is_not_found(read_console):
    assert read_console.get(f"{MOMO}?version=1").status_code == 200
    assert read_console.get(f"{MOMO}?version=2").status_code == 404
    assert read_console.get("/days/momo/2026-11-19").status_code == 404
    assert read_console.get("/days/momo/tomorrow").status_code == 422


def test_the_list_filters_and_pages(read_console):
    assert "5 chênh lệch" in words(read_console.get("/breaks").text)
    assert "4 chênh lệch" in words(read_console.get("/breaks?party=momo&state=any").text)
    assert "2 chênh lệch" in words(read_console.get("/breaks?class=missing_at_partner").text)
    assert "0 chênh lệch" in words(read_console.get("/breaks?since=2026-11-21").text)
    assert "0 chênh lệch" in words(read_console.get("/breaks?who=mine").text)
    assert "5 chênh lệch" in words(read_console.get("/breaks?who=nobody&party=&since=&until=").text)
    assert "0 chênh lệch" in words(read_console.get("/breaks?page=9&state=resolved").text)
    assert read_console.get("/breaks?state=closed").status_code == 422
    assert read_console.get("/breaks?page=0").status_code == 422


def linked(page, *holding):
    """The only address in the page that holds all of these."""
    addresses = {html.unescape(one) for one in re.findall(r'href="([^"]*)"', page)}
    [found] = [one for one in addresses if all(part in one for part in holding)]
    return found


def test_a_count_leads_to_as_many_breaks_also_where_they_were_carried_in(console):
    carried = a_day.Row("P26112000000101", 1_250_000, None), a_day.Row("P26112000000104", 89_000, None)
    new = a_day.Row("P26112100000001", 5_000, None)
    run = a_day.keep_again(console.store, "momo", [*carried, new], on=NEXT_DAY, carried_in=carried)
    overview = console.get(f"/?day={NEXT_DAY}").text
    day = console.get(f"/days/momo/{NEXT_DAY}").text
    of_party = linked(overview, "/breaks?", "party=momo")
    assert f"run={run}" in of_party
    assert "3 chênh lệch" in words(console.get(of_party).text)
    assert "3 chênh lệch" in words(console.get(linked(day, "/breaks?", "class=missing_at_partner")).text)
    tab = linked(day, "/breaks?", "state=any", f"run={run}&state")
    found = console.get(tab).text
    assert "3 chênh lệch" in words(found)
    assert f'name="run" value="{run}"' in found
    assert "5 chênh lệch" in words(console.get("/breaks?run=&party=momo").text)
    assert console.get("/breaks?run=0").status_code == 422
    assert console.get(f"/breaks?run={2**63}").status_code == 422


def test_a_reference_is_looked_for_without_being_in_an_address(read_console):
    found = read_console.post("/breaks/find", text="00000102")
    assert found.status_code == 200
    assert "?" not in found.url
    assert "1 chênh lệch" in words(found.text)
    assert "P26112000000102" in found.text


def test_one_break_has_its_sides_beside_each_other_and_marks_what_differs(read_console):
    page = read_console.get(f"/breaks/{DIFFERS}").text
    text = words(page)
    assert "Sổ của ta Đối tác" in text
    assert "560.000 đ" in text
    assert "≠ khác: 650.000 đ" in text
    assert page.count('class="number differs"') == 1


NUL = "%00"
NO_ADDRESS = (
    f"/breaks/{NUL}",
    f"/breaks/{DIFFERS}{NUL}/files/1",
    f"/breaks?party={NUL}",
    f"/breaks?party=momo&party={NUL}",
    f"/ageing?party={NUL}",
    f"/days/{NUL}/{DAY}",
    f"/days/{NUL}/{DAY}/sign",
    f"/days/{NUL}/{DAY}/files/report.xlsx",
    f"/breaks/{DIFFERS}/files/99999999999",
    f"/breaks/{DIFFERS}/files/0",
    f"{MOMO}?version=99999999999",
)


@pytest.mark.parametrize("path", NO_ADDRESS)
def test_an_address_that_the_store_could_not_be_asked_for_is_refused(read_console, path):
    found = read_console.get(path)
    assert found.status_code == 422
    assert "không đúng" in words(found.text)


def test_a_number_that_no_file_has_is_not_found(read_console):
    assert read_console.get(f"/breaks/{DIFFERS}/files/{2**31 - 1}").status_code == 404


def test_a_field_with_a_sign_that_cannot_be_stored_is_taken_without_it(read_console):
    found = read_console.post("/breaks/find", text="P2612\0")
    assert found.status_code == 200
    assert "0 chênh lệch" in words(found.text)
    assert read_console.post("/breaks/\0/comment".replace("\0", NUL), remark="x").status_code == 422


def test_an_unknown_break_is_a_page_with_a_sentence(read_console):
    for path in ("/breaks/0000000000000000", "/breaks/0000000000000000/files/1", f"/breaks/{DIFFERS}/files/7"):
        found = read_console.get(path)
        assert found.status_code == 404, path
        assert "<h1>Không tìm thấy</h1>" in found.text


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_what_a_partner_writes_is_text_on_every_page(read_console, lang):
    for path in (*PAGES, f"/breaks/{FOREIGN}", "/breaks?state=any"):
        page = read_console.session("clerk", truc_lang=lang).get(read_console.url + path, timeout=30).text
        assert "<script>alert" not in page
        assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in read_console.get("/breaks").text
    found = read_console.post("/breaks/find", text='"><script>alert(3)</script>')
    assert "<script>alert" not in found.text


def test_ageing_counts_what_is_unresolved(read_console):
    text = words(read_console.get("/ageing?party=momo").text)
    assert "Đối tác không có" in text
    assert "Tổng cộng" in text
    assert "VietinBank" not in text.partition("Tính đến")[2]


def test_every_answer_tells_the_browser_to_load_nothing_from_elsewhere(read_console):
    answers = [read_console.get(path) for path in (*PAGES, "/nothing", "/static/console.css")]
    answers += [requests.get(read_console.url, timeout=30), read_console.post("/breaks/assign")]
    for found in answers:
        assert {name: found.headers[name] for name in ALWAYS} == dict(ALWAYS)
        assert "frame-ancestors 'self'" in found.headers["Content-Security-Policy"]
        assert "no-" in found.headers["Cache-Control"]


def test_pages_name_no_host_and_hold_no_style_or_script_of_their_own(read_console):
    for path in PAGES:
        page = read_console.get(path).text
        assert "http://" not in page.replace("http://www.w3.org", "")
        assert "https://" not in page
        assert "style=" not in page
        assert "<script>" not in page
        assert " on" + "click" not in page


def test_cookies_are_not_for_scripts_and_not_for_other_sites(read_console):
    found = read_console.get("/?lang=en")
    for cookie in found.headers["Set-Cookie"].split("truc_")[1:]:
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie


def test_every_field_has_a_label_and_every_table_its_headings(read_console):
    import re

    for path in PAGES:
        page = read_console.get(path).text
        labelled = set(re.findall(r'<label for="([^"]+)"', page))
        for field in re.findall(r"<(?:input|select|textarea)\b[^>]*>", page):
            if 'type="hidden"' in field:
                continue
            name = re.search(r'\bid="([^"]+)"', field)
            assert "aria-label=" in field or (name and name.group(1) in labelled), field
        for table in re.findall(r"<table.*?</table>", page, re.DOTALL):
            assert '<th scope="col' in table
        assert page.count("<h1>") == 1
        assert '<a class="skip" href="#main">' in page
