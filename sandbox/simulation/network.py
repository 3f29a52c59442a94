"""A party's client over a simulated network: calls take time, get lost on either way, or arrive after we gave up."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from sandbox.simulation.faults import Faults
from sandbox.simulation.partner import Partner
from sandbox.simulation.world import Process, World
from truc.envelope import Answer, Arrival, Outgoing, Page, Receipt
from truc.errors import MalformedError, OutcomeUnknownError, SetupError, TransientError, TrucError
from truc.manifest import Limits, Manifest

T = TypeVar("T")
TRAVEL_S = 0.4


class Client:
    """What open_client of a connector returns; its verbs are those that the manifest's operations and feeds name."""

    def __init__(self, world: World, faults: Faults, process: Process, partner: Partner, manifest: Manifest) -> None:
        self._world = world
        self._faults = faults
        self._process = process
        self._partner = partner
        self._limits: Limits = manifest.limits

    def close(self) -> None:
        """Nothing is kept open."""

    def __getattr__(self, verb: str) -> Callable[..., object]:
        word, _, name = verb.partition("_")
        if word == "send" and name.endswith("_batch"):
            return lambda given: self.send(name.removesuffix("_batch"), given)
        if word == "send":
            return lambda one: self.send(name, [one])
        if word == "ask":
            return lambda one: self.ask(name, one)
        if word == "fetch":
            return self.fetch
        raise AttributeError(verb)

    def send(self, operation: str, given: Sequence[Outgoing]) -> Receipt:
        """Send messages in one call."""
        what = f"send {operation} {'+'.join(one.external_id for one in given)}"
        return self._call(what, lambda: self._partner.take(operation, given))

    def ask(self, operation: str, one: Outgoing) -> Answer:
        """Ask whether a message arrived; now and then the partner does not say."""
        silent = not self._faults.quiet and self._world.random.random() < self._faults.rates.partner / 2
        what = f"ask {operation} {one.external_id}"
        return self._call(
            what, lambda: Answer(Arrival.NOT_SAID) if silent else self._partner.answer(operation, one), harmless=True
        )

    def fetch(self, cursor: str) -> Iterator[Page]:
        """Fetch the news since `cursor`."""
        yield from self._call(f"fetch {cursor or 0}", lambda: self._partner.pages(cursor), harmless=True)

    def _call(self, what: str, arrive: Callable[[], T], *, harmless: bool = False) -> T:
        """Make one call. A harmless one, a question, leaves nothing behind when it is lost."""
        self._begin(what)
        fate = self._faults.call()
        self._world.note(self._partner.party, what, fate)
        if self._partner.is_away or fate == "not_reached":
            self._world.pause(self._world.random.uniform(0, self._limits.connect_timeout_s))
            raise TransientError("simulated: not reached", reason="not_reached")
        if fate in ("asked_to_wait", "busy", "not_let_in"):
            self._world.pause(self._travel_s())
            raise self._refusal(fate)
        if fate == "lost" or (fate == "connector_failed" and not harmless):
            self._lose(arrive)
            raise ValueError("simulated bug") if fate == "connector_failed" else _silence(harmless=harmless)
        answers = self._travel(arrive, slow=fate == "slow")
        if not answers:  # the partner went away while the call travelled
            raise _silence(harmless=harmless)
        if isinstance(answers[0], TrucError):
            raise answers[0]
        if fate == "unreadable":
            raise MalformedError("simulated: no JSON", reason="unreadable_answer")
        return answers[0]

    def _travel(self, arrive: Callable[[], T], *, slow: bool) -> list[T | TrucError]:
        """Let it travel there and back; it arrives also when the caller stands still or is killed meanwhile."""
        there_s = self._limits.timeout_s * self._world.random.random() if slow else self._travel_s()
        answers: list[T | TrucError] = []
        self._world.later(there_s, lambda: self._reach(arrive, answers))
        self._world.pause(there_s + self._travel_s())
        return answers

    def _reach(self, arrive: Callable[[], T], answers: list[T | TrucError]) -> None:
        if self._partner.is_away:
            return
        try:
            answers.append(arrive())
        except TrucError as error:
            answers.append(error)

    def _begin(self, what: str) -> None:
        """Log in before the call, now and then as slowly as the limits allow.

        That pause is steady: a process that stands still between its look at the clock and its call, for longer than
        its lease, would call too late, and no hub can mend that without the partner's help.
        """
        if not self._faults.quiet and self._world.random.random() < self._faults.rates.network / 4:
            self._world.note(self._partner.party, what, "logs in slowly")
            slowest_s = (self._limits.calls_max - 1) * (self._limits.connect_timeout_s + 2 * self._limits.timeout_s)
            self._world.pause(self._world.random.uniform(0, slowest_s), steady=True)

    def _lose(self, arrive: Callable[[], T]) -> None:
        """Give up, sooner or later; what was sent may arrive nevertheless, within the partner's time to settle."""
        if self._world.random.random() < 0.6:
            within_s = max(self._limits.settle_s, TRAVEL_S)
            self._world.later(self._world.random.uniform(0, within_s), lambda: self._reach(arrive, []))
        else:
            self._world.note(self._partner.party, "never arrives")
        self._world.pause(self._limits.timeout_s * self._world.random.choice((0.01, 0.5, 1.0)))

    def _refusal(self, fate: str) -> TrucError:
        if fate == "asked_to_wait":
            wait_s = self._world.random.choice((None, 1, 20, 90))
            return TransientError("simulated: 503", reason="asked_to_wait", retry_after_s=wait_s)
        if fate == "busy":
            return TransientError("simulated: busy", reason="server_error")
        return SetupError("simulated: credentials refused", reason="unauthorised")

    def _travel_s(self) -> float:
        return self._world.random.uniform(0.001, TRAVEL_S)


def _silence(*, harmless: bool) -> TrucError:
    if harmless:
        return TransientError("simulated: no answer", reason="no_answer")
    return OutcomeUnknownError("simulated: no answer", reason="no_answer")
