"""Procedures here against the national catalogue: which it has, and whether name, field and agency are the same."""

from truc.reconcile.pairs.spec import PairSpec, Said, SameText

SPEC = PairSpec(
    name="procedures",
    version=1,
    title="Procedures: catalogue here and the national one",
    title_vi="Thủ tục hành chính: danh mục trong kho và danh mục quốc gia",
    key=("procedure_code",),  # MATTHC
    compared=(
        SameText(column="name"),  # TENTTHC
        SameText(column="field_code"),  # MALINHVUC
        SameText(column="agency"),  # TENDONVI of COQUANTHUCHIEN
    ),
    covered_by=("field_code",),
    words=(
        Said(break_class="missing_at_partner", vi="Danh mục quốc gia không có", en="Not in the national catalogue"),
        Said(break_class="missing_in_core", vi="Chưa nạp vào kho", en="Not loaded here"),
        Said(break_class="duplicate_in_core", vi="Trùng trong kho", en="Twice here"),
        Said(break_class="duplicate_at_partner", vi="Trùng ở danh mục quốc gia", en="Twice in the national catalogue"),
        Said(break_class="text_differs", vi="Lệch nội dung công bố", en="Published otherwise"),
        Said(break_class="unreadable", vi="Dòng không đọc được", en="Unreadable row"),
    ),
)
