"""What Zalo signs: SHA-256 hex of app id, body as received, timestamp and OA secret in one (partners.md 14)."""

from truc.trust.signing import Profile

EVENT = Profile(
    algorithm="SHA-256", names=("app_id", "body", "timestamp"), parts="value", separator="", key_place="suffix"
)
