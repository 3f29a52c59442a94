"""Prints a day's summary for people: Vietnamese first, English second; what did not hold, and where to look."""

from typing import Any

from rich.console import Console
from rich.table import Table

from sandbox.day.stage import Expectation
from truc.domain.money import format_vnd


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
    broken = [one for one in expectations if not one.holds]
    for one in broken:
        where = f" [dim](xem · see {one.where})[/]" if one.where else ""
        console.print(f"[red]✗ {one.name}[/]: {one.expected!r} → {one.found!r}{where}", highlight=False, soft_wrap=True)
    if not broken:
        text = f"[green]✓ Đúng như dự kiến, cả {len(expectations)} điểm · all {len(expectations)} as expected[/]"
        console.print(text, highlight=False)


def _rows(summary: dict[str, Any]) -> list[tuple[str, str, str]]:
    dossiers, statuses, money = summary["dossiers"], summary["statuses"], summary["payments"]
    matching, exchange, shipments = summary["reconciliation"], summary["exchange"], summary["shipments"]
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
        ("Đối soát khớp", "reconciled, matched", f"{matching['matched']:,}"),
        ("… chênh lệch", "breaks", "\n".join(f"{name} {times}" for name, times in matching["breaks"].items()) or "0"),
        ("… số tiền chênh lệch", "difference", _signed(matching["difference_vnd"])),
        ("… cộng giá trị tuyệt đối", "gross difference", format_vnd(matching["gross_vnd"])),
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


def _signed(amount_vnd: int) -> str:
    return f"-{format_vnd(-amount_vnd)}" if amount_vnd < 0 else format_vnd(amount_vnd)
