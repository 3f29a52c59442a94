"""A given file as its reader hands it on: the header found, and the cells in batches."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from truc.reconcile.neutral.columns import Header

BATCH_ROWS = 32_768  # what is held in memory at a time, whatever the size of the file


@dataclass(frozen=True, slots=True)
class Source:
    """Batches are frames as `cells.typed` takes them; they are read once, and raise MalformedError."""

    header: Header
    batches: Iterator[pl.DataFrame]
    notes: tuple[str, ...] = ()
