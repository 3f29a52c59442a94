"""The short pages that a citizen's browser gets from the gateway, in Vietnamese."""

from collections.abc import Mapping
from html import escape

from truc.inbound.callbacks import HttpAnswer, Standing

HTML = "text/html; charset=utf-8"
# The address of a return holds what the partner signed: it is told to no other site, and the page loads nothing.
HEAD = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="referrer" content="no-referrer">'
    """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'">"""
)
ENDED = "Khoản thanh toán này đã có kết quả trong hệ thống. Xin xem ở nơi đã yêu cầu thanh toán."
NOT_OURS = "Không tìm thấy khoản thanh toán này trong hệ thống."
UNVERIFIED = "Không xác minh được kết quả thanh toán."


def page(title: str, text: str, status: int = 200) -> HttpAnswer:
    """Return a page of one sentence or two."""
    body = f"<title>{escape(title)}</title><p>{escape(text)}</p>"
    return HttpAnswer(status, f'<!doctype html><html lang="vi">{HEAD}{body}</html>'.encode(), HTML)


def after_return(title: str, waiting: str) -> Mapping[Standing, HttpAnswer]:
    """Return what a citizen who comes back from paying reads; `waiting` while our order has no end yet.

    What the browser brings is advisory: of an order that had its end it adds nothing.
    """
    return {
        Standing.OPEN: page(title, waiting),
        Standing.SETTLED: page(title, ENDED),
        Standing.AMOUNT_DIFFERS: page(title, NOT_OURS, 404),
        Standing.UNKNOWN: page(title, NOT_OURS, 404),
    }


def unverified(title: str) -> HttpAnswer:
    """Return what a browser gets whose word cannot be verified."""
    return page(title, UNVERIFIED, 400)
