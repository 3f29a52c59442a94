"""`make bench`: run the short benchmarks and print their table; bench/RESULTS.md keeps what was measured."""

from bench import exchange, rest, signer, soap, starting
from bench.figures import show

show([*starting.run(), *signer.run(), *rest.run(), *soap.run(), *exchange.run()])
