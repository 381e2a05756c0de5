"""One cold start: import a handler, answer one event, say what came of it, and be gone.

Run as a script, `child.py MODULE.FUNCTION`, with the event and AWS's answers on standard input. Nothing is imported
that a handler does not pay for itself but `json`, which every handler has. What came of it is the last line of standard
error. The process leaves by `os._exit`: what follows the first answer is no part of a cold start.
"""

import json
import os
import sys

given = json.load(sys.stdin)


class Context:
    """What Lambda says about an invocation."""

    function_name = "breakwater-benchmark"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    aws_request_id = "00000000-0000-4000-8000-000000000000"
    log_group_name = "/aws/lambda/breakwater-benchmark"
    log_stream_name = "2026/11/20/[$LATEST]benchmark"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:111122223333:function:breakwater-benchmark"

    def get_remaining_time_in_millis(self) -> int:
        """Say that there is time enough."""
        return 100_000


if __name__ == "__main__":
    module, _, function = sys.argv[1].rpartition(".")
    __import__(module)
    answer = getattr(sys.modules[module], function)(given["event"], Context())
    transport = sys.modules.get("benchmarks.cold.transport")
    told = {"answer": answer, "calls": transport.CALLS if transport else []}
    if given.get("tell_modules"):
        told["modules"] = list(sys.modules)  # in the order of their import
    sys.stdout.flush()
    os.write(2, b"\n" + json.dumps(told).encode())
    os._exit(0)
