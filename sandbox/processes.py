"""Real processes for batch workloads: the code of a container, run against the emulated account.

A process is started with its working directory, the environment of its overrides and nothing of ours; what it asks of
AWS comes through two pipes (`process_side/`) and is answered by the account's own S3 and DynamoDB. It takes no virtual
time while it runs; `lasts` says how long the task took. An operation that is not known here is an error that names it.
"""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore import xform_name
from botocore.exceptions import ClientError

from sandbox.account import Account
from sandbox.ecs.workloads import ProcessResult
from sandbox.errors import SandboxError, UnsupportedError

SIDE = Path(__file__).parent / "process_side"
LONGEST_SECONDS = 60
_READS = frozenset({"GetObject"})

Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def killed_after(seconds: float, child: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Kill a process that takes longer, in real time. Raises `SandboxError` then.

    No timeout of `subprocess`: it waits with `time.sleep`, which is the virtual clock's while the sandbox is open.
    """
    late = threading.Event()

    def kill() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(seconds, kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if late.is_set():
        raise SandboxError(f"a real process took longer than {seconds:g} seconds")


@dataclass(slots=True)
class Processes:
    """Runs commands for `Model.world.runner`. `python` in a command is the interpreter that runs the sandbox."""

    account: Account
    folder: Path
    lasts: timedelta = timedelta(seconds=20)

    def __call__(self, command: tuple[str, ...], environment: dict[str, str]) -> ProcessResult:
        """Run a command to its end and give its exit code."""
        from_child, to_sandbox = os.pipe()
        from_sandbox, to_child = os.pipe()
        words = [sys.executable if word == "python" else word for word in command]
        own = {
            **environment,
            "PYTHONPATH": str(SIDE),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_ACCESS_KEY_ID": "task",
            "AWS_SECRET_ACCESS_KEY": "task",
            "AWS_REGION": self.account.region,
            "AWS_DEFAULT_REGION": self.account.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "BREAKWATER_PIPES": f"{from_sandbox},{to_sandbox}",
        }
        with subprocess.Popen(  # noqa: S603  # a command that whoever wrote the scenario chose
            words, cwd=self.folder, env=own, pass_fds=(from_sandbox, to_sandbox), stdout=subprocess.DEVNULL
        ) as child:
            os.close(from_sandbox)
            os.close(to_sandbox)
            with (
                os.fdopen(from_child, encoding="ascii") as asked,
                os.fdopen(to_child, "w", encoding="ascii") as told,
                killed_after(LONGEST_SECONDS, child),
            ):
                for line in asked:
                    self._answer(json.loads(line), told)
                code = child.wait()
        self.account.raise_faults()
        return ProcessResult(round(self.lasts.total_seconds() * 1000), code)

    def _answer(self, asked: Mapping[str, Any], told: Any) -> None:
        """Answer one request. What is not known ends the process's call, and the sandbox says so when it is over."""
        try:
            status, headers, body = self._served(asked)
        except SandboxError as error:
            self.account.faults.append(error)
            status, headers, body = 501, {}, b""
        answer = {"status": status, "headers": headers, "body": base64.b64encode(body).decode()}
        told.write(json.dumps(answer) + "\n")
        told.flush()

    def _served(self, asked: Mapping[str, Any]) -> Answer:
        headers = {name.lower(): value for name, value in asked["headers"].items()}
        if "x-amz-target" in headers:
            version, _, operation = headers["x-amz-target"].partition(".")
            if version == "DynamoDB_20120810":
                return self._dynamodb(operation, json.loads(base64.b64decode(asked["body"])))
        where = urlsplit(asked["url"])
        host = where.hostname or ""
        if host.startswith("s3.") or ".s3." in host:
            return self._s3(asked["method"], host, where.path, dict(parse_qsl(where.query)), headers)
        raise UnsupportedError(f"a container calls {asked['method']} {host}, which the sandbox does not serve to it")

    def _dynamodb(self, operation: str, params: dict[str, Any]) -> Answer:
        call: Callable[..., dict[str, Any]] = getattr(self.account.client("dynamodb"), xform_name(operation))
        headers = {"content-type": "application/x-amz-json-1.0"}
        try:
            answer = call(**params)
        except ClientError as error:
            details = error.response["Error"]
            said = {"__type": f"com.amazonaws.dynamodb.v20120810#{details['Code']}", "message": details["Message"]}
            return 400, headers, json.dumps(said).encode()
        return (
            200,
            headers,
            json.dumps({name: value for name, value in answer.items() if name != "ResponseMetadata"}).encode(),
        )

    def _s3(self, method: str, host: str, path: str, query: dict[str, str], headers: Mapping[str, str]) -> Answer:
        if method != "GET" or query.get("x-id", "GetObject") not in _READS or set(query) - {"x-id", "versionId"}:
            raise UnsupportedError(f"a container calls {method} of S3 with {sorted(query)}, which is not served to it")
        if "range" in headers:
            raise UnsupportedError("a container reads a part of an object, which is not served to it")
        bucket, _, key = (
            path[1:].partition("/") if host.startswith("s3.") else (host.partition(".s3.")[0], "", path[1:])
        )
        version = {"VersionId": query["versionId"]} if "versionId" in query else {}
        try:
            answer = self.account.client("s3").get_object(Bucket=bucket, Key=unquote(key), **version)
        except ClientError as error:
            details = error.response["Error"]
            said = f"<Error><Code>{details['Code']}</Code><Message>{details['Message']}</Message></Error>"
            return (
                error.response["ResponseMetadata"]["HTTPStatusCode"],
                {"content-type": "application/xml"},
                said.encode(),
            )
        body = answer["Body"].read()
        return 200, {"content-length": str(len(body)), "etag": answer["ETag"]}, body
