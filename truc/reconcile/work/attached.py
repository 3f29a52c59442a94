"""What may be attached to a break: which kinds of file, told by their bytes and ending together, and how large.

What a browser or a caller says of a file is not asked.
"""

from pathlib import PurePath

from truc.errors import MalformedError

BODY_BYTES_MAX = 5 * 1024 * 1024
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Ending → what it is, and how its bytes begin; b"" for text, which must be readable as UTF-8.
KINDS = {
    ".pdf": ("application/pdf", b"%PDF-"),
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    ".jpg": ("image/jpeg", b"\xff\xd8\xff"),
    ".jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    ".xlsx": (XLSX, b"PK\x03\x04"),
    ".eml": ("message/rfc822", b""),
    ".csv": ("text/csv", b""),
    ".txt": ("text/plain", b""),
}


def media_type(name: str, body: bytes) -> str:
    """Return the media type of a file that may be attached.

    Raise MalformedError `body_size_refused` for nothing at all or more than BODY_BYTES_MAX, `media_type_refused` for a
    kind that is not taken or is not what the name says.
    """
    if not 0 < len(body) <= BODY_BYTES_MAX:
        raise MalformedError(f"body: must have 1 to {BODY_BYTES_MAX:,} bytes", reason="body_size_refused")
    kind, begins = KINDS.get(PurePath(name).suffix.lower(), ("", b""))
    if not kind or not body.startswith(begins) or (not begins and not _is_text(body)):
        raise MalformedError(f"file: must be one of {', '.join(KINDS)}, and what it says", reason="media_type_refused")
    return kind


def _is_text(body: bytes) -> bool:
    try:
        return "\0" not in body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
