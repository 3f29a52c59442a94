"""Parcels here against VNPost: its orders, where each stands, and the postal fees."""

from truc.domain.shipment_states import State
from truc.reconcile.pairs.spec import InOrder, PairSpec, Said, SameText, SameVnd

SPEC = PairSpec(
    name="shipments",
    version=1,
    title="Parcels: orders and postal fees here and at VNPost",
    title_vi="Bưu gửi: đơn hàng và cước trong kho và tại VNPost",
    key=("order_number",),
    compared=(
        InOrder(
            column="state",
            states=tuple(state.value for state in State),
            changed_at="changed_at",
            # The post says "ordered" of a parcel until it has cancelled it (truc.domain.shipment_states).
            alike=((State.CANCELLING.value, State.ORDERED.value),),
            unasked=tuple(one.value for one in (State.CREATED, State.REQUESTED, State.REFUSED, State.CANCELLED)),
        ),
        SameVnd(column="fee_vnd"),
        SameText(column="dossier_code"),
    ),
    covered_by=("agency",),
    month_of="requested_on",
    window_s=86_400,  # ours: VNPost's steps come by callback and are asked for daily
    words=(
        Said(break_class="missing_at_partner", vi="VNPost không có đơn", en="No such order at VNPost"),
        Said(break_class="missing_in_core", vi="Đơn VNPost không có trong kho", en="An order of VNPost's alone"),
        Said(break_class="duplicate_in_core", vi="Trùng trong kho", en="Twice here"),
        Said(break_class="duplicate_at_partner", vi="VNPost kê trùng", en="Twice at VNPost"),
        Said(break_class="stale", vi="VNPost còn trạng thái cũ", en="An old state at VNPost"),
        Said(break_class="state_differs", vi="Lệch trạng thái", en="Another state"),
        Said(break_class="fee_differs", vi="Lệch cước", en="Another postal fee"),
        Said(break_class="text_differs", vi="Lệch mã hồ sơ", en="Another dossier"),
        Said(break_class="timing", vi="Mới thay đổi, chưa đến hạn", en="Changed just now, not late yet"),
        Said(break_class="unreadable", vi="Dòng không đọc được", en="Unreadable row"),
    ),
)
