"""One thread at a time, on virtual time: what the interpreter gets in place of `threading` and `time.sleep`.

The interpreter is written with threads that wait for each other and for the clock. Here each of them is a real thread
that runs only while it holds the baton, and gives it back when it waits, sleeps, joins or ends; ready ones take turns
in the order in which they became ready. A wait with a timeout is a timer of the sandbox's clock. So nothing depends on
the machine, and the clock moves only when nobody runs.

A thread works for an environment of the interpreter (`working_for`). When that has ended (a timeout, a stop, a branch
that failed), the thread's waits raise `HaltedError`: nothing of it happens any more.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

from sandbox.clock import Clock, Timer
from sandbox.errors import SandboxError

NEVER = 99_999_999
"""Seconds: the interpreter's word for a timeout that is none."""
BLOCKED_AFTER = 60.0
"""Real seconds that a thread may hold the baton before it counts as blocked."""


class Running(Protocol):
    """What a thread works for."""

    def is_running(self) -> bool:
        """Whether anybody still wants it."""


class HaltedError(BaseException):
    """What the thread worked for has ended. Like a kill, `except Exception` does not stop it."""


class KilledError(BaseException):
    """The sandbox closes."""


class Worker:
    """One thread of the interpreter, and what it waits for."""

    def __init__(self, target: Callable[[], None], name: str, owner: object) -> None:
        self.name = name
        self.owner = owner
        """The execution that it belongs to; threads that it starts inherit it."""
        self.environments: list[Running] = []
        self.done: Event | None = None
        self.go = threading.Semaphore(0)
        self.timer: Timer | None = None
        self.woken = False
        self.thread = threading.Thread(target=target, name=name, daemon=True)

    @property
    def halted(self) -> bool:
        """Whether nobody wants its work any more."""
        return bool(self.environments) and not self.environments[-1].is_running()


class Baton:
    """Who runs now, who is ready, who waits."""

    def __init__(self, clock: Clock, fault: Callable[[Exception], None], doing: Callable[[], str | None]) -> None:
        self._clock = clock
        self._fault = fault
        self._doing = doing  # names what the thread that runs is doing for somebody else: a handler
        self._ready: deque[Worker] = deque()
        self._blocked: dict[Worker, None] = {}
        self._current: Worker | None = None
        self._back = threading.Semaphore(0)
        self._due = False
        self._closing = False
        self.patience = BLOCKED_AFTER
        self.events = _of(Event, self)
        self.threads = _of(Thread, self)

    @property
    def owner(self) -> object:
        """The execution that the running thread belongs to."""
        return None if self._current is None else self._current.owner

    def start(self, target: Callable[[], None], name: str, owner: object = None) -> Worker:
        """Have something run in a thread of its own; it becomes ready now."""
        worker = Worker(lambda: self._life(worker, target), name, self.owner if owner is None else owner)
        worker.done = self.events()
        self._enqueue(worker)
        return worker

    def _life(self, worker: Worker, target: Callable[[], None]) -> None:
        worker.go.acquire()
        try:
            if not self._closing:
                target()
        except (HaltedError, KilledError):
            pass
        except Exception as problem:  # the interpreter let something through: never in silence
            self._fault(SandboxError(f"{worker.name}: {type(problem).__name__}: {problem}"))
        finally:
            if worker.done is not None and not self._closing:
                worker.done.set()
            self._back.release()

    def _enqueue(self, worker: Worker) -> None:
        self._ready.append(worker)
        if not self._due and self._current is None and not self._closing:
            self._due = True
            self._clock.call_in(0, self._run, "state machines")

    def _run(self) -> None:
        """Let everybody run who is ready; a timer of the clock."""
        self._due = False
        while self._ready:
            self._give(self._ready.popleft())

    def _give(self, worker: Worker) -> None:
        self._current = worker
        if worker.thread.ident is None:
            worker.thread.start()
        worker.go.release()
        if not self._back.acquire(timeout=self.patience):
            what = self._doing() or worker.name
            raise SandboxError(f"{what} has blocked the sandbox for {self.patience:g} real seconds")
        self._current = None

    # ── what threads call ───────────────────────────────────────────────────────────────────────────────────────────
    def block(self, seconds: float | None = None) -> bool:
        """Give the baton back until somebody wakes this thread, or until a time has passed: False then."""
        worker = self._current
        if worker is None or worker.thread is not threading.current_thread():
            raise SandboxError("only threads of the interpreter wait in virtual time")
        if worker.halted:
            raise HaltedError
        worker.woken = False
        if seconds is not None and seconds < NEVER:
            at = self._clock.now + timedelta(seconds=seconds)
            worker.timer = self._clock.call_at(at, lambda: self._wake(worker), worker.name)
        self._blocked[worker] = None
        self._back.release()
        worker.go.acquire()
        if self._closing:
            raise KilledError
        if worker.halted:
            raise HaltedError
        return worker.woken

    def pause(self) -> None:
        """Let everything happen that was due before now: a call of this thread has taken virtual time."""
        self.block(0)

    def wake(self, worker: Worker) -> None:
        """Make a waiting thread ready before its time is up."""
        if worker in self._blocked:
            worker.woken = True
            self._wake(worker)

    def _wake(self, worker: Worker) -> None:
        if worker in self._blocked:
            del self._blocked[worker]
            if worker.timer is not None:
                self._clock.cancel(worker.timer)
                worker.timer = None
            self._enqueue(worker)

    @contextmanager
    def working_for(self, environment: Running) -> Iterator[None]:
        """Do something that is in vain once this environment has ended."""
        worker = self._current
        if worker is None:
            raise SandboxError("only threads of the interpreter work for an environment")
        worker.environments.append(environment)
        try:
            yield
        finally:
            worker.environments.pop()

    def ended(self) -> None:
        """An environment has ended: wake those that wait for it in vain."""
        for worker in [one for one in self._blocked if one.halted]:
            self._wake(worker)

    def close(self) -> None:
        """End every thread."""
        self._closing = True
        if self._current is not None:  # it has blocked; what it does now is nobody's any more
            self._back.acquire(timeout=self.patience)
        for worker in [*self._ready, *self._blocked]:
            if worker.timer is not None:
                self._clock.cancel(worker.timer)
            if worker.thread.ident is not None:
                worker.go.release()
                worker.thread.join(5)
        self._ready.clear()
        self._blocked.clear()


class Event:
    """`threading.Event` in virtual time."""

    baton: Baton

    def __init__(self) -> None:
        self._set = False
        self._waiting: list[Worker] = []

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._set

    def set(self) -> None:
        """Set it, and wake whoever waits for it."""
        self._set = True
        waiting, self._waiting = self._waiting, []
        for worker in waiting:
            self.baton.wake(worker)

    def clear(self) -> None:
        """Reset it; who was woken stays awake."""
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, or for some virtual seconds: False then."""
        if self._set:
            return True
        worker = self.baton._current
        if worker is None:
            raise SandboxError("only threads of the interpreter wait in virtual time")
        self._waiting.append(worker)
        try:
            return self.baton.block(timeout)
        finally:
            if worker in self._waiting:
                self._waiting.remove(worker)


class Thread:
    """`threading.Thread` as far as the interpreter uses it."""

    baton: Baton

    def __init__(self, target: Callable[..., Any], args: tuple[Any, ...] = (), name: str = "", daemon: bool = True):
        self._target, self._args = target, args
        self.name = name or getattr(target, "__qualname__", "thread")
        self.daemon = daemon
        self.native_id = 0
        self._worker: Worker | None = None

    def start(self) -> None:
        """Make it ready."""
        self._worker = self.baton.start(lambda: self._target(*self._args), self.name)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended."""
        if self._worker is not None and self._worker.done is not None:
            self._worker.done.wait(timeout)

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._worker is not None and self._worker.done is not None and not self._worker.done.is_set()


def _of(kind: type[Any], baton: Baton) -> Any:
    """A class whose instances belong to this baton; the interpreter makes them without naming one."""
    return type(kind.__name__, (kind,), {"baton": baton})


class Threading:
    """The module `threading` for the interpreter. Locks are real: nobody waits while holding one."""

    Lock = staticmethod(threading.Lock)
    RLock = staticmethod(threading.RLock)

    def __init__(self, baton: Baton) -> None:
        self.Event, self.Thread = baton.events, baton.threads

    def __getattr__(self, name: str) -> Any:
        raise SandboxError(f"the interpreter uses threading.{name}, which has no virtual counterpart")


class Time:
    """The module `time` for the interpreter: it sleeps in virtual time."""

    def __init__(self, baton: Baton) -> None:
        self._baton = baton

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        if seconds > 0:
            self._baton.block(seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)
