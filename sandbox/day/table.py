"""Prints a day's summary for people: Vietnamese first, English second; what did not hold, and where to look."""

from typing import Any

from rich.console import Console
from rich.table import Table

from sandbox.day.stage import Expectation
from truc.domain.money import format_vnd
from truc.reconcile.words import BREAK_CLASSES


def show(console: Console, summary: dict[str, Any], expectations: list[Expectation]) -> None:
    """Print the table, the phases with their seconds, and every expectation that does not hold."""
    table = Table(title=f"Ngày làm việc {summary['day']} · Business day", title_justify="left", show_edge=False)
    for name in ("Chỉ tiêu", "Measure", ""):
        table.add_column(name, justify="right" if not name else "left", overflow="fold")
    for vietnamese, english, value in _rows(summary):
        table.add_row(vietnamese, f"[dim]{english}[/]", value)
    console.print(table)
    phases = " · ".join(f"{name} {seconds:.0f} s" for name, seconds in summary["phase_seconds"].items())
    console.print(f"[dim]{summary['seconds']:.0f} s: {phases}[/]", highlight=False)
    _tell_what_waits(console, summary)
    broken = [one for one in expectations if not one.holds]
    for one in broken:
        where = f" [dim](xem · see {one.where})[/]" if one.where else ""
        console.print(f"[red]✗ {one.name}[/]: {one.expected!r} → {one.found!r}{where}", highlight=False, soft_wrap=True)
    if not broken:
        text = f"[green]✓ Đúng như dự kiến, cả {len(expectations)} điểm · all {len(expectations)} as expected[/]"
        console.print(text, highlight=False)


def _rows(summary: dict[str, Any]) -> list[tuple[str, str, str]]:
    dossiers, statuses, money = summary["dossiers"], summary["statuses"], summary["payments"]
    exchange, shipments = summary["exchange"], summary["shipments"]
    rows = [
        ("Hồ sơ tiếp nhận", "dossiers received", f"{dossiers['received']:,}"),
        ("… trực tuyến", "online", f"{dossiers['online']:,} ({dossiers['online_pct']} %)"),
        ("… đã xong, đúng hạn", "finished, on time", f"{dossiers['finished']:,}, {dossiers['on_time_pct']} %"),
        ("Lượt chuyển trạng thái", "status changes", f"{statuses['changed']:,}"),
        ("… có trên Cổng DVCQG", "at the national portal", f"{statuses['at_partner']:,}"),
        ("Độ phủ trên Cổng", "coverage at the portal", f"{statuses['coverage_pct']} %"),
        (
            "Bưu gửi đặt / VNPost có",
            "parcels ordered / there",
            f"{shipments['ordered']:,} / {shipments['at_partner']:,}",
        ),
        ("Thanh toán", "payments", f"{money['count']:,} · {format_vnd(money['amount_vnd'])}"),
    ]
    for party, one in money["by_channel"].items():
        rows.append((f"… qua {party}", f"through {party}", _channel(one)))
    rows.append(("… chỉ biết nhờ hỏi", "… known by asking only", f"{sum(money['found_by_asking'].values())}"))
    rows += [
        *_reconciled(summary),
        ("Nộp Kho bạc", "remittance orders", _remitted(summary["remittance"])),
        (
            "Tin nhắn gửi / đối tác có",
            "notices sent / there",
            f"{summary['notices']['sent']:,} / {summary['notices']['at_partner']:,}",
        ),
        ("Bản tin mất / trùng", "messages lost / doubled", f"{exchange['lost']} / {exchange['doubled']}"),
        ("Để riêng, có lý do", "set aside, with a reason", f"{exchange['set_aside']}"),
        ("Sự cố đã vượt qua", "planted troubles met", f"{summary['faults']['met']}"),
    ]
    if "second_run" in summary:
        rows.append(("Chạy lần hai: thêm", "second run: added", f"{summary['second_run']['added']}"))
    return rows


def _channel(one: dict[str, Any]) -> str:
    """Show what is booked, and in which states the channel's payments stand."""
    states = " · ".join(f"{state} {payments}" for state, payments in one["states"].items())
    return f"{one['count']:,} · {format_vnd(one['amount_vnd'])}\n{states}"


def _reconciled(summary: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Show what met and what did not, channel by channel, and who signed."""
    found, signing = summary["reconciliation"], summary["finance"]["signing"]
    rows = [("Đối soát khớp", "reconciled, matched", f"{found['matched']:,}")]
    for party, one in found["by_channel"].items():
        breaks = [f"{BREAK_CLASSES[name].vi} {times}" for name, times in one["breaks"].items()]
        lines = (f"khớp {one['matched']:,}", " · ".join(breaks) or "không lệch", _signature(signing[party]))
        rows.append((f"… {party}", f"… {party}: matched, breaks, signed", "\n".join(lines)))
    difference = f"{_signed(found['difference_vnd'])} ({format_vnd(found['gross_vnd'])})"
    return [*rows, ("… chênh lệch (cộng giá trị tuyệt đối)", "… difference (gross)", difference)]


def _signature(one: dict[str, Any]) -> str:
    if one["state"] == "signed":
        return f"{one['prepared_by']} trình, {one['signed_by']} ký"
    return "chờ ký · waits for a signature" if one["state"] == "prepared" else "chờ xử lý và ký · waits for you"


def _remitted(one: dict[str, Any]) -> str:
    states = " · ".join(f"{state} {orders}" for state, orders in one["states"].items())
    return f"{one['orders']:,} · {format_vnd(one['amount_vnd'])}\n{states}"


def _tell_what_waits(console: Console, summary: dict[str, Any]) -> None:
    """Say which day is left for the visitor, where it is worked, and where the passwords lie."""
    finance = summary["finance"]
    waiting = [party for party, one in finance["signing"].items() if one["state"] != "signed"]
    if not waiting:
        return
    day = f"{finance['console']}days/{{}}/{summary['day']}"
    where = ", ".join(day.format(party) for party in waiting)
    console.print(f"Còn chờ bạn xử lý và ký · left for you to work and sign: {', '.join(waiting)}", highlight=False)
    console.print(f"  make serve, {where}", highlight=False, soft_wrap=True)
    for user, file in finance["passwords"].items():
        console.print(f"  [dim]{user}: mật khẩu trong · password in {file}[/]", highlight=False, soft_wrap=True)


def _signed(amount_vnd: int) -> str:
    return f"-{format_vnd(-amount_vnd)}" if amount_vnd < 0 else format_vnd(amount_vnd)
