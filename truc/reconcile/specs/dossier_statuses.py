"""Dossiers here against the national portal: which it has, and whether it knows where each stands now."""

from truc.domain.status import TRANSITIONS, Status
from truc.reconcile.pairs.spec import InOrder, PairSpec, Said, SameText

# A dossier comes back to these: its papers were asked for, or its fee, and work went on (truc.domain.status).
AGAIN = tuple(
    str(int(status))
    for status in Status
    if any((status, after) in TRANSITIONS and (after, status) in TRANSITIONS for after in Status)
)

SPEC = PairSpec(
    name="dossier_statuses",
    version=1,
    title="Dossiers: status here and on the national portal",
    title_vi="Hồ sơ: trạng thái trong kho và trên Cổng Dịch vụ công quốc gia",
    key=("dossier_code",),  # as the portal knows it: MaHoSo
    compared=(
        InOrder(
            column="status",
            states=tuple(str(int(status)) for status in Status),
            changed_at="changed_at",
            number="number",
            again=AGAIN,
        ),
        SameText(column="procedure_code"),
    ),
    covered_by=("agency",),
    month_of="received_on",
    window_s=86_400,  # ours: what waits in the outbox through one night is not late
    words=(
        Said(break_class="missing_at_partner", vi="Chưa có trên Cổng", en="Not on the portal"),
        Said(break_class="missing_in_core", vi="Cổng có, kho không có", en="On the portal, not here"),
        Said(break_class="duplicate_in_core", vi="Trùng trong kho", en="Twice here"),
        Said(break_class="duplicate_at_partner", vi="Trùng trên Cổng", en="Twice on the portal"),
        Said(break_class="stale", vi="Cổng còn trạng thái cũ", en="An old status on the portal"),
        Said(break_class="state_differs", vi="Lệch trạng thái", en="Another status"),
        Said(break_class="text_differs", vi="Lệch mã thủ tục", en="Another procedure"),
        Said(break_class="timing", vi="Mới thay đổi, chưa đến hạn", en="Changed just now, not late yet"),
        Said(break_class="unreadable", vi="Dòng không đọc được", en="Unreadable row"),
    ),
)
