"""Real S3-protocol servers of the suite's own, one of each kind per test process."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KEY, SECRET = "xpet-tests", "not-a-secret"
BUCKET = "xpet-tests"
LONGEST_START = 60.0


@dataclass(frozen=True)
class Server:
    """A server that is up: where it is and what it is asked with."""

    kind: str
    endpoint: str

    @property
    def storage_options(self) -> dict[str, object]:
        return {"key": KEY, "secret": SECRET, "endpoint_url": self.endpoint}

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": self.endpoint}


#: moto asks whether an object is there, then puts it, in as many threads as there are requests: two can create one
_MOTO = """
import threading
from moto.s3.responses import S3Response
from moto.server import main
put, one_by_one = S3Response.put_object, threading.Lock()
def put_alone(response):
    with one_by_one:
        return put(response)
S3Response.put_object = put_alone
main()
"""


def command_of(kind: str, port: int) -> tuple[list[str], dict[str, str]]:
    """Return what starts a server of this kind and the variables it is started with."""
    program = {"moto": "moto_server", "ministack": "ministack"}[kind]
    beside = Path(sys.executable).parent
    found = shutil.which(program, path=os.pathsep.join((str(beside), str(beside / "Scripts"))))
    if found is None:
        raise FileNotFoundError(f"{program} is not installed beside {sys.executable}: pip install 'xpet[test]'")
    if kind == "moto":
        return [sys.executable, "-c", _MOTO, "-H", "127.0.0.1", "-p", str(port)], {}
    return [found], {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}


@contextlib.contextmanager
def running(kind: str) -> Iterator[Server]:
    """Start a server of this kind on a free port of the loopback, with an empty bucket; stop it afterwards."""
    with tempfile.TemporaryDirectory(prefix=f"xpet-{kind}-") as folder:
        for last in (False, False, True):
            port = free_port()
            log = Path(folder) / f"{port}.log"
            process = start(kind, port, log, folder)
            try:
                if answers(process, port):
                    server = Server(kind, f"http://127.0.0.1:{port}")
                    make_bucket(server)
                    yield server
                    return
                if last:
                    said = log.read_text(encoding="utf-8", errors="replace")[-4000:]
                    raise RuntimeError(f"{kind} did not start (exit code {process.poll()}); it said:\n{said}")
            finally:
                stop(process)


def start(kind: str, port: int, log: Path, folder: str) -> subprocess.Popen[bytes]:
    """Start a server in a folder of its own, so that two of them share nothing."""
    command, variables = command_of(kind, port)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment = kept | variables | {"HOME": folder, "TMPDIR": folder, "PYTHONWARNINGS": "ignore"}
    with log.open("wb") as output:
        return subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT)


def answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server accepts connections; False if it ended or took too long."""
    end = time.monotonic() + LONGEST_START
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server, by force if it does not follow."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def make_bucket(server: Server) -> None:
    """Make the suite's bucket."""
    import botocore.session

    client = botocore.session.get_session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=server.endpoint,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )
    try:
        client.create_bucket(Bucket=BUCKET)
    finally:
        client.close()


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
