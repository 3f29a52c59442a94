"""What Airflow's provider entry point asks for: a connection type with form fields per party, drawn from its manifest.

Airflow reads this while it is itself still being imported, so nothing of Airflow is imported here.
"""

from truc import connections, parties
from truc.manifest import Manifest, Setting


def provider_info() -> dict[str, object]:
    """Return what Airflow's provider entry point asks for: one connection type per party, drawn from its manifest."""
    return {
        "package-name": "truc",
        "name": "Trục",
        "description": "Connections of the partners of the one-stop hub.",
        "versions": ["0.1.0"],
        "connection-types": [_connection_type(one) for one in parties.manifests()],
    }


def _connection_type(manifest: Manifest) -> dict[str, object]:
    extra = [setting for setting in manifest.settings if setting.name not in connections.STANDARD_FIELDS]
    standard = {setting.name for setting in manifest.settings} & set(connections.STANDARD_FIELDS)
    return {
        "connection-type": f"truc_{manifest.party}",
        "hook-class-name": "truc.on_airflow.PartyHook",
        "hook-name": f"Trục: {manifest.title}",
        "ui-field-behaviour": {
            "hidden-fields": sorted({"host", "port", "login", "password", "schema", "extra"} - standard - {"extra"}),
            "relabeling": {one.name: one.label_vi for one in manifest.settings if one.name in standard},
            "placeholders": {},
        },
        "conn-fields": {setting.name: _field(setting) for setting in extra},
    }


def _field(setting: Setting) -> dict[str, object]:
    schema: dict[str, object] = {"type": "string" if setting.required else ["string", "null"]}
    if setting.secret:
        schema["format"] = "password"
    if setting.pattern:
        schema["pattern"] = setting.pattern
    if setting.default:
        schema["default"] = setting.default
    return {"label": f"{setting.label_vi} ({setting.label})", "schema": schema}
