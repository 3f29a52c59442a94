"""`make bench`: run every benchmark and print its table; bench/RESULTS.md keeps what was measured."""

from bench import delivering, starting
from bench.figures import show

show([*starting.run(), *delivering.run()])
