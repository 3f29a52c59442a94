"""One table-driven signer: a partner's signature is a row of data, a `Profile`, and never code of its own."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from truc.errors import MalformedError

DIGESTS = {"HMAC-SHA256": hashlib.sha256, "HMAC-SHA512": hashlib.sha512}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one message is signed.

    `names` are the signed fields in their order; empty means every field given, in order of name.
    """

    names: tuple[str, ...] = ()
    parts: Literal["name=value", "value"] = "name=value"
    separator: str = "&"
    algorithm: Literal["HMAC-SHA256", "HMAC-SHA512"] = "HMAC-SHA256"
    output: Literal["hex", "base64"] = "hex"


def text_to_sign(profile: Profile, fields: Mapping[str, str]) -> bytes:
    """Return the bytes that are signed (UTF-8, values as they are), or raise MalformedError for a missing field."""
    names = profile.names or tuple(sorted(fields))
    if missing := [name for name in names if name not in fields]:
        raise MalformedError(f"to sign, fields are missing: {', '.join(missing)}", reason="field_missing")
    parts = [f"{name}={fields[name]}" if profile.parts == "name=value" else fields[name] for name in names]
    try:
        return profile.separator.join(parts).encode()
    except UnicodeEncodeError as error:
        raise MalformedError("to sign, a field is not Unicode text", reason="not_unicode") from error


def sign(profile: Profile, fields: Mapping[str, str], key: str) -> str:
    """Return the signature in the profile's form: lower-case hex, or Base64 with padding."""
    mac = hmac.new(key.encode(), text_to_sign(profile, fields), DIGESTS[profile.algorithm])
    return mac.hexdigest() if profile.output == "hex" else base64.b64encode(mac.digest()).decode()


def verify(profile: Profile, fields: Mapping[str, str], key: str, signature: str) -> bool:
    """Say whether `signature` is ours for these fields, in a time that does not tell where it differs.

    Raise MalformedError for a missing field.
    """
    return hmac.compare_digest(sign(profile, fields, key).encode(), signature.encode(errors="replace"))
