"""A morning in a real browser, by keyboard and mouse: two people, from the overview to the signed day.

`TRUC_SCREENSHOTS=1` writes the pictures of the guides into docs/screens.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.console.a_day import DAY, HOSTILE, break_id
from tests.console.conftest import SIZE, screen
from truc.reconcile.reading import days as reading

PAGES = ("/", f"/days/momo/{DAY}", "/breaks?state=any", f"/breaks/{break_id('momo', 'P26112000000102')}", "/ageing")
# Text against what lies behind it, as WCAG 2.2 counts it: 4.5 to 1 for AA.
TOO_FAINT = """() => {
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const numbers = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *:not(svg *)")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.disabled || !element.checkVisibility()) continue;
    const [one, two] = [light(numbers(getComputedStyle(element).color).slice(0, 3)), light(ground(element))];
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (contrast < 4.5) found.push(`${element.tagName} ${element.textContent.trim().slice(0, 40)} ${contrast}`);
  }
  return found;
}"""


FOCUSED = """() => {
  const it = document.activeElement;
  const said = it.tagName === "A" ? it.innerText : it.tagName === "SELECT" ? it.id : it.value || it.innerText;
  return [it.tagName, said, getComputedStyle(it).outlineStyle];
}"""


@pytest.fixture
def person(chromium, console):
    """Open a browser as somebody. Whatever a page loads from elsewhere, runs or complains of fails the test."""
    opened, wrong = [], []

    def opens(who, **how):
        context = chromium.new_context(viewport=SIZE, locale="vi-VN", **how)
        context.add_cookies([{"name": "who", "value": who, "url": console.url}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda told: wrong.append(told.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on("request", lambda asked: asked.url.startswith(console.url) or wrong.append(asked.url))
        opened.append(context)
        page.goto(f"{console.url}/")
        return page

    yield opens
    for context in opened:
        context.close()
    assert wrong == []


def tab_to(page, words, presses_max=60):
    """Press Tab until what has these words has the focus, and see that the focus can be seen."""
    for _ in range(presses_max):
        page.keyboard.press("Tab")
        tag, said, outline = page.evaluate(FOCUSED)
        if tag in ("A", "BUTTON", "INPUT", "SELECT", "TEXTAREA") and words in said:
            assert outline == "solid"
            return
    raise AssertionError(f"no {words!r} within {presses_max} presses of Tab")


def heading(page, words):
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(words))


def test_a_morning_from_the_overview_to_the_signed_day(person, console):
    clerk, approver = person("clerk"), person("approver")
    look_at_the_day(clerk)
    take_its_breaks(clerk)
    propose_for_one(clerk)
    approve_it(approver, console)
    carry_the_others_forward_and_prepare(clerk, console)
    sign(approver, console)
    with console.store.begin() as transaction:
        found = reading.signing(transaction, "momo", DAY)
    assert (found.state, found.prepared_by, found.approved_by) == ("signed", "clerk", "approver")


def look_at_the_day(clerk):
    heading(clerk, "Tổng quan ngày 20/11/2026")
    screen(clerk, "overview")
    tab_to(clerk, "Ví điện tử MoMo")
    clerk.keyboard.press("Enter")
    heading(clerk, "MoMo, 20/11/2026")
    expect(clerk.get_by_role("img", name="Dòng tiền của ngày")).to_be_visible()
    screen(clerk, "day")


def take_its_breaks(clerk):
    tab_to(clerk, "Chênh lệch của ngày")
    clerk.keyboard.press("Enter")
    heading(clerk, "Chênh lệch")
    clerk.get_by_label("Chọn tất cả trên trang").check()
    expect(clerk.locator("#ticked")).to_have_text("(4)")
    screen(clerk, "breaks")
    clerk.get_by_role("button", name="Giao", exact=True).click()
    expect(clerk.locator("tbody").get_by_text("Đã giao")).to_have_count(4)


def propose_for_one(clerk):
    """By keyboard alone."""
    tab_to(clerk, "Lệch số tiền")
    clerk.keyboard.press("Enter")
    heading(clerk, "Lệch số tiền")
    expect(clerk.locator("td.differs")).to_contain_text("650.000 đ")
    tab_to(clerk, "proposal")
    clerk.keyboard.press("Tab")
    clerk.keyboard.press("ArrowDown")
    clerk.keyboard.press("ArrowDown")
    expect(clerk.get_by_label("Lý do", exact=True)).to_have_value("partner_error")
    clerk.keyboard.press("Tab")
    clerk.keyboard.type("MoMo thu 650.000 đ, sẽ hoàn 90.000 đ; đã có thư xác nhận.")
    screen(clerk, "break")
    tab_to(clerk, "Đề xuất")
    clerk.keyboard.press("Enter")
    expect(clerk.get_by_text("người đề xuất không tự duyệt")).to_be_visible()
    expect(clerk.get_by_role("button", name="Duyệt")).to_have_count(0)


def approve_it(approver, console):
    approver.goto(f"{console.url}/breaks?state=proposed")
    approver.get_by_role("rowheader").get_by_role("link", name="Lệch số tiền").click()
    expect(approver.get_by_text("Chấp nhận, đã giải trình").first).to_be_visible()
    screen(approver, "approve")
    approver.get_by_role("button", name="Duyệt").click()
    expect(approver.get_by_text("duyệt bởi approver")).to_be_visible()


def carry_the_others_forward_and_prepare(clerk, console):
    clerk.goto(f"{console.url}/breaks?party=momo")
    clerk.get_by_label("Chọn tất cả trên trang").check()
    clerk.get_by_label("Lý do chuyển tiếp").fill("Chờ sao kê bổ sung")
    clerk.get_by_role("button", name="Chuyển sang ngày sau").click()
    expect(clerk.get_by_text("chuyển tiếp", exact=True)).to_have_count(3)
    clerk.goto(f"{console.url}/ageing")
    screen(clerk, "ageing")
    clerk.goto(f"{console.url}/days/momo/{DAY}/sign")
    clerk.get_by_role("button", name="Trình ký").click()
    expect(clerk.get_by_text("Chờ người duyệt ký")).to_be_visible()


def sign(approver, console):
    """The hash is compared, its box ticked with the space bar, and the button pressed with Enter."""
    approver.goto(f"{console.url}/days/momo/{DAY}/sign")
    expect(approver.locator("#content-hash")).to_have_text(re.compile("^[0-9a-f]{64}$"))
    screen(approver, "sign")
    tab_to(approver, "yes")
    approver.keyboard.press("Space")
    tab_to(approver, "Ký duyệt")
    approver.keyboard.press("Enter")
    expect(approver.get_by_text("Đã ký, đã khóa")).to_be_visible()
    screen(approver, "signed")


def test_the_first_press_of_tab_leads_past_the_menu(person):
    clerk = person("clerk")
    clerk.keyboard.press("Tab")
    expect(clerk.get_by_text("Đến nội dung chính")).to_be_focused()
    expect(clerk.get_by_text("Đến nội dung chính")).to_be_in_viewport()
    clerk.keyboard.press("Enter")
    clerk.keyboard.press("Tab")
    assert clerk.evaluate("document.querySelector('main').contains(document.activeElement)")


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_text_stands_out_from_what_is_behind_it(person, console, lang):
    clerk = person("clerk")
    clerk.goto(f"{console.url}/?lang={lang}")
    for path in PAGES:
        clerk.goto(console.url + path)
        assert clerk.evaluate(TOO_FAINT) == [], path


def test_on_a_narrow_screen_only_tables_are_moved_sideways(person, console):
    clerk = person("clerk")
    clerk.set_viewport_size({"width": 400, "height": 700})
    for path in PAGES:
        clerk.goto(console.url + path)
        wide = clerk.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


def test_what_a_partner_writes_is_read_and_never_run(person, console):
    clerk = person("clerk")
    clerk.goto(f"{console.url}/breaks/{break_id('vietinbank', HOSTILE)}")
    expect(clerk.locator("td.reference").first).to_have_text(HOSTILE)
    clerk.get_by_label("Ghi chú").fill("<img src=x onerror=alert(3)>")
    clerk.get_by_role("button", name="Ghi", exact=True).click()
    expect(clerk.get_by_text("<img src=x onerror=alert(3)>")).to_be_visible()
    clerk.goto(f"{console.url}/breaks?party=vietinbank")
    expect(clerk.locator("td.reference").first).to_have_text(HOSTILE)


def test_without_scripts_all_of_it_works(person, console):
    clerk = person("clerk", java_script_enabled=False)
    clerk.goto(f"{console.url}/breaks?party=momo")
    expect(clerk.get_by_label("Chọn tất cả trên trang")).to_be_hidden()
    clerk.get_by_label("Chọn Lệch số tiền").check()
    clerk.get_by_role("button", name="Giao", exact=True).click()
    expect(clerk.locator("tbody").get_by_text("Đã giao")).to_have_count(1)


def test_a_file_that_is_too_large_is_told_before_it_is_sent(person, console, tmp_path):
    clerk = person("clerk")
    clerk.goto(f"{console.url}{PAGES[3]}")
    (tmp_path / "lon.pdf").write_bytes(b"%PDF-" + bytes(5 * 1024 * 1024))
    clerk.get_by_label("Thêm tệp").set_input_files(tmp_path / "lon.pdf")
    assert "5 MB" in clerk.get_by_label("Thêm tệp").evaluate("it => it.validationMessage")
    (tmp_path / "thư xác nhận.pdf").write_bytes(b"%PDF-1.7 made up")
    clerk.get_by_label("Thêm tệp").set_input_files(tmp_path / "thư xác nhận.pdf")
    clerk.get_by_role("button", name="Đính kèm").click()
    with clerk.expect_download() as saved:
        clerk.get_by_role("link", name="thư xác nhận.pdf").click()
    assert saved.value.suggested_filename == "thư xác nhận.pdf"


def test_another_site_cannot_frame_a_page(person, console, chromium):
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Evil(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f'<iframe src="{console.url}/"></iframe>'.encode())

        def log_message(self, *_):
            """Say nothing."""

    other = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    context = chromium.new_context()
    context.add_cookies([{"name": "who", "value": "clerk", "url": console.url}])
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{other.server_address[1]}/")
    assert "Tổng quan" not in page.frames[1].content()
    context.close()
    other.shutdown()
    other.server_close()
