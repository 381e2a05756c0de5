"""Names to addresses, in bounded time.

`getaddrinfo` knows no deadline: with name servers that do not answer it takes as long as the system's settings say, 30
seconds and more. So it is asked in a thread of its own that is waited for so long and no longer. An answer that comes
later is nobody's: who has given up does not take it after all.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

Resolve = Callable[[str, int], list[str]]
"""Name and port to addresses, as text. Raises `OSError`."""


def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def in_time(ask: Resolve, host: str, port: int, seconds: float) -> list[str]:
    """Ask, and wait for at most so long. Raises `TimeoutError` after that, and `OSError` if there is no such name."""
    found: list[list[str]] = []

    def asked() -> None:
        with suppress(OSError, UnicodeError):
            found.append(ask(host, port))

    # A daemon: one that hangs for good must not keep the process from its end.
    thread = threading.Thread(target=asked, name=f"resolve {host}", daemon=True)
    thread.start()
    thread.join(max(0.0, seconds))
    if thread.is_alive():
        raise TimeoutError(f"{host} was not resolved within {seconds:.3g} seconds")
    if not found:
        raise OSError(f"{host} could not be resolved")
    return found[0]
