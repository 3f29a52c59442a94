"""`make bench`: run the short benchmarks and print their table; bench/RESULTS.md keeps what was measured."""

from bench import exchange, starting
from bench.figures import show

show([*starting.run(), *exchange.run()])
