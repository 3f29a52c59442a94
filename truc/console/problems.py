"""Every failure as a page with one clear sentence, in the visitor's language; nothing of what was sent is repeated."""

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from truc.console import language
from truc.console.desk import Desk, Visit, back_path
from truc.console.language import Language
from truc.console.rendering import bare_page, page
from truc.errors import MalformedError, SetupError, TransientError, TrucError
from truc.reconcile.words import Words

log = logging.getLogger(__name__)

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]
# By the reason of a refusal. A reason that is not here is told in the words of who refused.
SENTENCES: Mapping[str, Words] = {
    "stranger": Words("Xin đăng nhập để xem trang này.", "Please log in to see this page."),
    "no_role": Words(
        "Tài khoản của bạn chưa được giao vai trò nào trong đối soát. Xin liên hệ quản trị viên.",
        "Your account has no role in the reconciliation. Ask the administrator.",
    ),
    "role_missing": Words(
        "Vai trò của bạn không được làm việc này.",
        "Your role does not allow this.",
    ),
    "form_not_ours": Words(
        "Biểu mẫu đã cũ hoặc không do trang này tạo ra. Xin mở lại trang và làm lại; chưa có gì thay đổi.",
        "The form is stale, or not of this page. Open the page again and repeat; nothing was changed.",
    ),
    "not_found": Words("Không có trang này.", "There is no such page."),
    "no_such_day": Words("Ngày này chưa được đối soát.", "This day was not reconciled."),
    "unknown_break": Words("Không có chênh lệch nào mang mã này.", "There is no break of this id."),
    "bad_request": Words("Địa chỉ hoặc biểu mẫu không đúng.", "The address or the form is not right."),
    "body_too_large": Words("Tệp quá lớn: tối đa 5 MB.", "The file is too large: 5 MB at most."),
    "too_slow": Words("Tệp đến quá chậm. Xin thử lại.", "The file came too slowly. Try again."),
    "same_person": Words(
        "Cần người thứ hai: bạn không được tự duyệt hoặc tự ký việc của chính mình.",
        "A second person is needed: nobody approves or signs their own work.",
    ),
    "is_open": Words("Chênh lệch này đang mở, chưa có đề xuất.", "This break is open; nothing is proposed for it."),
    "is_assigned": Words(
        "Chênh lệch này đã giao, chưa có đề xuất.", "This break is assigned; nothing is proposed for it."
    ),
    "is_proposed": Words(
        "Chênh lệch này đã có đề xuất chờ duyệt.", "A proposal for this break already waits for its approval."
    ),
    "is_resolved": Words("Chênh lệch này đã được xử lý xong.", "This break is resolved already."),
    "remark_missing": Words("Xin ghi lý do.", "Say why, in words."),
    "remark_too_long": Words("Nội dung quá dài: tối đa 2.000 ký tự.", "Too long: 2,000 characters at most."),
    "proposal_unknown": Words("Xin chọn cách xử lý.", "Choose what is to be done."),
    "reason_unknown": Words("Xin chọn lý do.", "Choose a reason."),
    "break_ids_count": Words("Số chênh lệch đã chọn không hợp lệ.", "That many breaks cannot be taken at once."),
    "breaks_open": Words(
        "Còn chênh lệch chưa xử lý quá hạn mức: xử lý hoặc chuyển tiếp rồi mới trình, ký.",
        "More breaks are open than the limit allows: resolve them or carry them forward first.",
    ),
    "not_prepared": Words("Ngày này chưa được trình.", "This day is not prepared."),
    "already_prepared": Words(
        "Ngày này đã được trình, đang chờ ký.", "This day is prepared and waits for a signature."
    ),
    "day_signed": Words("Ngày này đã ký và khóa.", "This day is signed and locked."),
    "hash_differs": Words(
        "Mã nội dung không còn là mã đã trình. Xin mở lại trang và đối chiếu lại.",
        "The content hash is not the one that was prepared. Open the page again and compare anew.",
    ),
    "day_changed": Words(
        "Ngày đã thay đổi sau khi trình nên không ký được. Xin trả lại để trình lại.",
        "The day has changed since it was prepared and cannot be signed. Return it to be prepared again.",
    ),
    "statement_newer": Words(
        "Đã có sao kê mới hơn của ngày này. Xin chạy lại ngày rồi mới trình, ký.",
        "A newer statement of this day has come. Run the day again before it is prepared or signed.",
    ),
    "tampered": Words(
        "Dữ liệu của ngày không còn như lúc ghi: không được ký. Xin báo ngay cho quản trị viên.",
        "The day's rows are not as they were written: it may not be signed. Tell the administrator at once.",
    ),
    "day_unknown": Words("Ngày này chưa được đối soát.", "This day was not reconciled."),
    "day_not_reconciled": Words("Ngày này chưa được đối soát.", "This day was not reconciled."),
    "name_malformed": Words("Tên tệp không hợp lệ.", "The file's name cannot be taken."),
    "body_size_refused": Words("Tệp rỗng hoặc quá lớn: tối đa 5 MB.", "The file is empty or too large: 5 MB at most."),
    "no_file": Words("Chưa chọn tệp nào.", "No file is chosen."),
    "media_type_refused": Words(
        "Chỉ nhận tệp PDF, PNG, JPEG, XLSX, CSV, EML hoặc TXT đúng như tên tệp.",
        "Only PDF, PNG, JPEG, XLSX, CSV, EML and TXT files are taken, and only if they are what their name says.",
    ),
    "nothing_ticked": Words("Chưa chọn chênh lệch nào.", "No break is ticked."),
    "hash_not_compared": Words(
        "Xin xác nhận đã đối chiếu mã nội dung trước khi ký.", "Confirm that you compared the content hash first."
    ),
    "run_refuses": Words(
        "Luồng chạy của ngày không nhận câu trả lời của bạn. Ngày chưa được ký.",
        "The run of the day does not take your answer. The day is not signed.",
    ),
    "busy": Words(
        "Hệ thống đang bận hoặc chưa sẵn sàng. Xin thử lại sau ít phút.", "Not ready just now. Try again in a minute."
    ),
    "broken": Words(
        "Đã xảy ra lỗi ngoài dự kiến; chưa có gì thay đổi. Lỗi đã được ghi lại cho quản trị viên.",
        "Something unexpected went wrong; nothing was changed. It is in the log for the administrator.",
    ),
}
TITLES: Mapping[int, Words] = {
    401: Words("Cần đăng nhập", "Login needed"),
    403: Words("Không được phép", "Not allowed"),
    404: Words("Không tìm thấy", "Not found"),
    409: Words("Không thực hiện được", "Not possible"),
    408: Words("Quá chậm", "Too slow"),
    413: Words("Tệp quá lớn", "Too large"),
    422: Words("Chưa đúng", "Not right"),
    503: Words("Tạm thời chưa sẵn sàng", "Not ready"),
}
USUAL = {404: "not_found", 405: "not_found", 400: "bad_request", 408: "too_slow", 413: "body_too_large"}
NOT_THERE = ("unknown_break", "unknown_attachment", "day_unknown", "day_not_reconciled")


async def of_http(request: Request, error: AnyHTTPException) -> Response:
    """Answer what a route refused; a stranger who reads pages is sent to the login."""
    detail = error.detail
    reason = detail["reason"] if isinstance(detail, dict) else str(detail)
    if error.status_code == 401 and "text/html" in request.headers.get("accept", "") and request.method == "GET":
        desk: Desk = request.app.state.desk
        return RedirectResponse(desk.gate.login_url(back_path(request)), 303)
    known = reason if reason in SENTENCES else USUAL.get(error.status_code, "bad_request")
    return _page(request, error.status_code, known, "")


async def of_form(request: Request, _error: RequestValidationError) -> Response:
    """Answer an address or a field that cannot be read."""
    return _page(request, 422, "bad_request", "")


async def of_truc(request: Request, error: TrucError) -> Response:
    """Answer what a step of the work refused."""
    if isinstance(error, SetupError | TransientError):
        log.warning("%s: %s", error.reason, error)
        return _page(request, 503, "busy", "")
    status = 404 if error.reason in NOT_THERE else 403 if error.reason == "role_missing" else 409
    return _page(request, status, error.reason, str(error) if isinstance(error, MalformedError) else "")


async def of_anything(request: Request, error: Exception) -> Response:
    """Answer a fault of ours. Its text is not shown, as it may hold data; the server logs where it arose."""
    route = getattr(request.scope.get("route"), "path", "")
    log.error("console: %s at %s %s", type(error).__name__, request.method, route)
    return _page(request, 500, "broken", "")


def _page(request: Request, status: int, reason: str, said: str) -> Response:
    index = 1 if language.chosen(request) == Language.EN else 0
    sentence = SENTENCES[reason][index] if reason in SENTENCES else said or SENTENCES["broken"][index]
    title = TITLES.get(status, Words("Lỗi", "Error"))[index]
    visit: Visit | None = getattr(request.state, "visit", None)
    if visit is None:
        return bare_page(request, "problem.html.j2", status=status, title=title, sentence=sentence)
    return page(visit, "problem.html.j2", status=status, title=title, sentence=sentence)


HANDLERS: dict[int | type[Exception], Handler] = {
    HTTPException: of_http,
    AnyHTTPException: of_http,
    RequestValidationError: of_form,
    TrucError: of_truc,
    Exception: of_anything,
}
