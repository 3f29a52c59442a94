"""Profiles written as TOML: the same words as the dataclasses, checked to the letter."""

import tomllib
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from truc.errors import SetupError
from truc.statements.profiles import Profile

_ADAPTER: TypeAdapter[Profile] = TypeAdapter(Profile)


def parse(text: str) -> Profile:
    """Return the profile, or raise SetupError `profile_malformed` that names every wrong key."""
    try:
        return _ADAPTER.validate_python(tomllib.loads(text), strict=False)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"profile: no TOML: {error}", reason="profile_malformed") from error
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        texts = (f"{'.'.join(str(part) for part in one['loc']) or 'form'}: {one['msg']}" for one in wrong)
        raise SetupError(f"profile: {'; '.join(texts)}", reason="profile_malformed") from error


def load(path: Path) -> Profile:
    """Return the profile a file holds; SetupError as `parse`, and for a file that cannot be read."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"profile {path}: cannot be read: {error}", reason="profile_missing") from error
