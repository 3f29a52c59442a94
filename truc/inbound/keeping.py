"""Hands the calls that wait at one moment to one transaction, and each its answer when that is committed.

A commit waits for the disk and every statement for the database, whether it is about one call or thirty: so calls that
came while the last transaction ran share the next. A call that comes alone waits for nobody.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from anyio import CapacityLimiter, to_thread

BATCH_MAX = 64
WAITING_MAX = 1_000
AT_ONCE = 2  # transactions: one is prepared while the other waits for the disk
# A second one is begun only for so many: what one transaction costs is hardly more for thirty calls than for three.
SECOND_FROM = 16

Work = TypeVar("Work")
Done = TypeVar("Done")


@dataclass(slots=True)
class Batches(Generic[Work, Done]):
    """Hands what waits to `do`, many at a time, in a thread; two of one name never together.

    `do` returns one result for each, in order. Where it fails with more than one in hand, each is done alone, so that
    none fails for another's fault.
    """

    do: Callable[[Sequence[Work]], Sequence[Done]]
    name: Callable[[Work], Hashable]
    _waiting: deque[tuple[Work, "asyncio.Future[Done]"]] = field(default_factory=deque)
    _working: set["asyncio.Task[None]"] = field(default_factory=set)
    _threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AT_ONCE))

    @property
    def is_full(self) -> bool:
        """Whether so many wait that one more would be answered too late."""
        return len(self._waiting) >= WAITING_MAX

    async def done(self, work: Work, *, within_s: float) -> Done:
        """Return the result; raise what `do` raised, or TimeoutError: the work is done then too, and nobody waits."""
        loop = asyncio.get_running_loop()
        end: asyncio.Future[Done] = loop.create_future()
        late = loop.call_later(within_s, _tell, end, TimeoutError())  # a third of what asyncio.timeout costs
        self._waiting.append((work, end))
        if not self._working or (len(self._working) < AT_ONCE and len(self._waiting) >= SECOND_FROM):
            task = asyncio.create_task(self._work())
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        try:
            return await end
        finally:
            late.cancel()

    async def _work(self) -> None:
        while self._waiting:
            await self._do(self._next())

    def _next(self) -> list[tuple[Work, "asyncio.Future[Done]"]]:
        chosen: dict[Hashable, tuple[Work, asyncio.Future[Done]]] = {}
        later: list[tuple[Work, asyncio.Future[Done]]] = []
        while self._waiting and len(chosen) < BATCH_MAX:
            one = self._waiting.popleft()
            name = self.name(one[0])
            later.append(one) if name in chosen else chosen.setdefault(name, one)
        self._waiting.extendleft(reversed(later))
        return list(chosen.values())

    async def _do(self, batch: Sequence[tuple[Work, "asyncio.Future[Done]"]]) -> None:
        try:
            results = await to_thread.run_sync(self.do, [work for work, _ in batch], limiter=self._threads)
        except Exception as error:  # noqa: BLE001  (whoever waits for the result gets it)
            if len(batch) == 1:
                _tell(batch[0][1], error)
                return
            for one in batch:
                await self._do([one])
        else:
            for (_, end), result in zip(batch, results, strict=True):
                _tell(end, result)


def _tell(end: "asyncio.Future[Done]", result: Done | Exception) -> None:
    if end.done():  # whoever waited went away
        return
    if isinstance(result, Exception):
        end.set_exception(result)
    else:
        end.set_result(result)
