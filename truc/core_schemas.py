"""Writes our canonical messages as JSON Schemas, one file per message: what `schemas/core/` holds."""

import json
import re
from pathlib import Path
from typing import get_args

from truc.messages import Inbound, Message, Outbound

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, str]:
    """Return file name → text of every message that goes out or comes in."""
    models: tuple[type[Message], ...] = (*get_args(Outbound), *get_args(Inbound))
    return {f"{_snake(model.__name__)}.json": _text(model) for model in models}


def write(folder: Path) -> None:
    """Write every schema into the folder, and take away the files of messages that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = schemas()
    for old in folder.glob("*.json"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


def _text(model: type[Message]) -> str:
    schema = {"$schema": DIALECT, **model.model_json_schema()}
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
