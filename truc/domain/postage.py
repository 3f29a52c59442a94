"""What the post charges a citizen per dossier (mission.md: 23,000 đ inside the province, 31,500 đ outside)."""

INSIDE_VND = 23_000
OUTSIDE_VND = 31_500


def postage_vnd(province_code: str, home_province_code: str) -> int:
    """Return the fee for an address; a flat rate inside the province, another outside."""
    return INSIDE_VND if province_code == home_province_code else OUTSIDE_VND
