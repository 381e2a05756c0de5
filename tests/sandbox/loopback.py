"""Real HTTP servers on this machine's loopback, for checks to ask."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def server(answer: Callable[[int], tuple[int, float]]) -> Iterator[int]:
    """Serve, and give the port. `answer` says by the request's number which status, after how many seconds."""
    count = 0

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal count
            count += 1
            status, seconds = answer(count)
            threading.Event().wait(seconds)  # time.sleep is the model's here
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: Any) -> None:
            pass

    there = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=there.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield there.server_address[1]
    finally:
        there.shutdown()
        there.server_close()
        thread.join()
