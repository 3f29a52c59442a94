"""The page of ours from which a citizen's browser posts the form that opens MegaPay."""

from collections.abc import Mapping
from html import escape
from urllib.parse import urlsplit

from truc.inbound.callbacks import HttpAnswer

HTML = "text/html; charset=utf-8"


def _page(title: str, content: str, *, policy: str = "default-src 'none'") -> str:
    return (
        '<!doctype html><html lang="vi"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}; base-uri \'none\'">'
        f"<title>{escape(title)}</title>{content}</html>"
    )


def _told(status: int, text: str) -> HttpAnswer:
    return HttpAnswer(status, _page("Thanh toán", f"<p>{escape(text)}</p>").encode(), HTML)


OVER = _told(200, "Khoản này đã kết thúc, không cần thanh toán nữa.")
NOT_OURS = _told(404, "Không có khoản thanh toán này.")
WRONG = _told(400, "Địa chỉ thanh toán không đúng. Xin mở lại từ trang dịch vụ công.")


def form_page(form: Mapping[str, str], action: str) -> HttpAnswer:
    """Return the page: sum, purpose, and a button that posts the form, to `action` and nowhere else."""
    parts = urlsplit(action)
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in form.items()
    )
    content = (
        f"<p>Số tiền: {int(form['amount']):,} đồng</p>".replace(",", ".")
        + f"<p>Nội dung: {escape(form['goodsNm'])}</p>"
        + f'<form method="post" action="{escape(action)}">{hidden}<button>Thanh toán qua VNPT ePay</button></form>'
    )
    policy = f"default-src 'none'; form-action {parts.scheme}://{parts.netloc}"
    return HttpAnswer(200, _page("Thanh toán", content, policy=policy).encode(), HTML)
