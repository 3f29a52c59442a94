"""Airflow's four components as services of ours: their environment, their commands, when they are ready.

Airflow is not imported here; it runs in its own processes. Option names: `config.yml` of apache-airflow 3.3.2.
"""

import json
import os
import shlex
import sys
from pathlib import Path

from truc import secrets_file
from truc.ground.supervisor import Service
from truc.settings import LOCAL, Settings

ADMIN = "admin"
# Beside the stand-ins, so that a visitor can be each person of a morning; a real province makes its own.
DEMO_USERS = {"clerk": "TrucClerk", "approver": "TrucApprover", "auditor": "TrucAuditor"}
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
# The scheduler lets running tasks end. The triggerer would sleep 10 s over the exit of its own child; what it
# held is taken up again after the next start.
GRACE_S = {"api-server": 10, "scheduler": 20, "dag-processor": 10, "triggerer": 2}
DATABASE_URL_FILE = "airflow_database_url"
# Airflow masks connection fields by name; these of ours do not hold one of its own words.
ALSO_SENSITIVE = "client_key,access_key,hmac_key,partner_key,dstcode"

PLAIN_OPTIONS = {
    "CORE__EXECUTOR": "LocalExecutor",
    "CORE__PARALLELISM": "4",
    "CORE__LOAD_EXAMPLES": "False",
    "CORE__DEFAULT_TIMEZONE": "Asia/Ho_Chi_Minh",
    "CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "CORE__TEST_CONNECTION": "Disabled",
    "CORE__SENSITIVE_VAR_CONN_NAMES": ALSO_SENSITIVE,
    # The default asks the resolver for the full name, which can hang on a closed network.
    "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "API__HOST": LOCAL,
    "API__WORKERS": "1",
    "API__EXPOSE_CONFIG": "False",
    "API__ENABLE_SWAGGER_UI": "False",
    "API__INSTANCE_NAME": "Trục",
    "API_AUTH__JWT_EXPIRATION_TIME": "28800",
    # A triggered run of three tasks takes 0.9 s with 0.1, 1.7 s with 0.3, 4 s with the default of 1; the price is
    # a quarter of a core when idle, against a tenth and a twentieth.
    "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
    # After a task ends, its slot stays taken for up to this long (default 5): Airflow may see the task's sockets close
    # just before the task can be waited for, and then sleeps for one interval.
    "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    # A changed file is still read at once; only unchanged files are read again this rarely.
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
    "DAG_PROCESSOR__REFRESH_INTERVAL": "30",
    "DAG_PROCESSOR__PRINT_STATS_INTERVAL": "300",
    "LOGGING__COLORED_CONSOLE_LOG": "False",
    "LOGGING__UVICORN_LOGGING_LEVEL": "WARNING",
    "METRICS__STATSD_ON": "False",
    "USAGE_DATA_COLLECTION__ENABLED": "False",
    "OPENLINEAGE__DISABLED": "True",
}


def environment(settings: Settings) -> dict[str, str]:
    """Return what Airflow's processes get. Secrets are read from 0600 files by Airflow itself (`_CMD`).

    A plain option that the operator has set as `AIRFLOW__…` wins over ours, and `settings.airflow_options` over both;
    where things are is never theirs to say.
    """
    where = {
        "CORE__DAGS_FOLDER": str(settings.dags),
        "CORE__EXECUTION_API_SERVER_URL": f"{settings.airflow_url}/execution/",
        "API__PORT": str(settings.ports.airflow),
        "API__BASE_URL": settings.airflow_url,
        "DATABASE__SQL_ALCHEMY_CONN_CMD": _reads(settings, DATABASE_URL_FILE),
        "CORE__FERNET_KEY_CMD": _reads(settings, "airflow_fernet"),
        "API_AUTH__JWT_SECRET_CMD": _reads(settings, "airflow_jwt"),
        "API__SECRET_KEY_CMD": _reads(settings, "airflow_api"),
        **_secrets_backend(settings.connections_file),
    }
    plain = {f"AIRFLOW__{name}": os.environ.get(f"AIRFLOW__{name}", value) for name, value in PLAIN_OPTIONS.items()}
    ours = {f"AIRFLOW__{name}": value for name, value in {**settings.airflow_options, **where}.items()}
    return {**settings.environment, "AIRFLOW_HOME": str(settings.airflow), **plain, **ours}


def prepare(settings: Settings) -> None:
    """Create Airflow's home and the file with its database URL, whose port may have changed."""
    settings.airflow.mkdir(parents=True, exist_ok=True)
    settings.dags.mkdir(parents=True, exist_ok=True)
    secrets_file.ensure(settings.secrets)
    secrets_file.write(settings.secrets, DATABASE_URL_FILE, settings.airflow_database_url)


def users(settings: Settings, *, with_demo: bool = False) -> dict[str, str]:
    """Return which users there must be, with their roles; each has its password in a file of the secrets."""
    found = {ADMIN: "Admin", **(DEMO_USERS if with_demo else {})}
    for name in found:
        secrets_file.ensure_password(settings.secrets, password_file(name))
    return found


def password_file(user: str) -> str:
    """Return the name of the secret that is a user's password."""
    return f"airflow_{user}"


def services(settings: Settings) -> list[Service]:
    """Return the four components; each is ready when Airflow's own health report says so."""
    return [_component(settings, name) for name in COMPONENTS]


def _component(settings: Settings, name: str) -> Service:
    # Task logs are files on this machine: no log server, so two processes and two ports fewer.
    flags = ["--skip-serve-logs"] if name in ("scheduler", "triggerer") else []
    return Service(
        name=f"airflow-{name}",
        argv=[sys.executable, "-m", "airflow", name, *flags],
        env=environment(settings),
        cwd=settings.root,
        ready=lambda: is_healthy(settings, name),
        # Tasks that are ending still report to the API server.
        stop_order=1 if name == "api-server" else 0,
        grace_s=GRACE_S[name],
        ready_within_s=180,
    )


def is_healthy(settings: Settings, component: str) -> bool:
    """Whether Airflow reports the component as healthy. The API server counts once it can also serve tasks."""
    import requests

    try:
        if component == "api-server":
            # The first call makes it build the API that tasks use, 3–4 s that the first task would wait for.
            return requests.get(f"{settings.airflow_url}/execution/health", timeout=30).ok
        report = requests.get(f"{settings.airflow_url}/api/v2/monitor/health", timeout=5).json()
    except (requests.RequestException, ValueError):
        return False
    states = {name.replace("_", "-"): state for name, state in report.items()}
    return bool(states.get(component, {}).get("status") == "healthy")


def _secrets_backend(file: Path) -> dict[str, str]:
    backend = "airflow.secrets.local_filesystem.LocalFilesystemBackend"
    options = json.dumps({"connections_file_path": str(file)})
    return {
        "SECRETS__BACKEND": backend,
        "SECRETS__BACKEND_KWARGS": options,
        "WORKERS__SECRETS_BACKEND": backend,
        "WORKERS__SECRETS_BACKEND_KWARGS": options,
    }


def _reads(settings: Settings, name: str) -> str:
    return f"cat {shlex.quote(str(settings.secrets / name))}"
