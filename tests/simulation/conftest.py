"""One database under the simulated clock, for all runs of the session."""

from collections.abc import Iterator

import pytest

from sandbox.simulation import database, declared, story
from sandbox.simulation.database import Ground
from truc.settings import Settings


@pytest.fixture(scope="session")
def ground(server: Settings) -> Iterator[Ground]:
    """A database with all simulated parties."""
    with declared.installed(declared.everyone()):
        made = database.ground(
            server.embedded_url("postgres", "postgres"), name="simulated", begins_at=story.BEGINNINGS[0]
        )
    yield made
    made.close()
