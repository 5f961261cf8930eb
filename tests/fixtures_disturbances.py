"""What a study can be disturbed by beside signals: a server that dies, a network that drops, a disk that is full."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from fixtures_kills import Study, is_gone
from fixtures_servers import BUCKET, Server, answers, free_port, make_bucket
from fixtures_trials import Duration

from xpet.store.place import open_place, resolve

#: ministack keeps objects on the disk, each written whole before it answers; beside them what it says of them, which
#: after a kill may be that of the object before, so that here it is left out
_PERSISTENT = """
import os
from ministack.services import s3
persist = s3._persist_object
def alone(bucket, key, found):
    body = found["body"] if isinstance(found, dict) else found
    persist(bucket, key, body)
    if isinstance(found, dict):
        found["body"] = None
s3._persist_object = alone
from ministack.app import main
main()
"""

#: localbucket keeps what it got of an object whose sender dies, where S3 keeps nothing; and small answers wait 40 ms
_LOCALBUCKET = """
import localbucket
class Handler(localbucket.S3Handler):
    disable_nagle_algorithm = True
    def _read_body(self):
        body, of = super()._read_body(), self.headers.get
        if len(body) < int(of("x-amz-decoded-content-length") or of("Content-Length") or 0):
            raise localbucket.S3Error(400, "IncompleteBody", "The body is shorter than it should be.")
        return body
localbucket.S3Handler = Handler
localbucket.main()
"""


class PersistentServer:
    """An S3 server that has its objects on a disk, so that it can be killed and started again.

    Parameters
    ----------
    folder
        Where it has them.
    program
        The path of localbucket, which is many times faster than ministack.
    """

    def __init__(self, folder: Path, program: str | None = None) -> None:
        self._folder = folder
        self._port = free_port()
        objects = str(folder / "objects")
        self._command = (
            [sys.executable, "-c", _PERSISTENT]
            if program is None
            else [str(Path(program).with_name("python")), "-c", _LOCALBUCKET, "--port", str(self._port), objects]
        )
        self.server = Server("ministack", f"http://127.0.0.1:{self._port}")
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        own = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self._port), "S3_PERSIST": "1", "PYTHONWARNINGS": "ignore",
               "S3_DATA_DIR": str(self._folder / "objects"), "HOME": str(self._folder), "TMPDIR": str(self._folder),
               "SERVICES": "s3"}  # fmt: skip
        with (self._folder / "server.log").open("ab") as log:
            return subprocess.Popen(self._command, env=kept | own, cwd=self._folder, stdout=log, stderr=log)

    def __enter__(self) -> Self:
        self.wait()
        make_bucket(self.server)
        # a bucket without objects would not be there after a restart
        open_place(resolve(f"s3://{BUCKET}", self.server.storage_options)).write("kept", b"1")
        return self

    def __exit__(self, *raised: object) -> None:
        self.kill()

    def wait(self) -> None:
        """Wait until it answers."""
        if not answers(self._process, self._port):
            raise RuntimeError((self._folder / "server.log").read_text(errors="replace")[-4000:])
        time.sleep(0.05)

    def kill(self) -> None:
        """Kill it as nothing can prevent."""
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Start it again where it was."""
        self._process = self._start()


class KillServer:
    """The S3 server is killed at an instant and started again, with what it had.

    Mostly that is after a moment; one time in three it is when the study has given up.
    """

    def __init__(self, server: PersistentServer) -> None:
        self._server = server

    def __call__(self, study: Study, chance: random.Random, duration: Duration) -> tuple[str, float]:
        instant = duration.wait(study, chance)
        self._server.kill()
        if chance.random() < 1 / 3:
            while not is_gone(study.pid):
                time.sleep(0.01)
        else:
            time.sleep(chance.uniform(0.0, 1.0))
        self._server.restart()
        self._server.wait()
        return "S3 server", instant

    def over(self) -> None:
        pass


class Proxy:
    """A TCP proxy on the loopback, in a thread, whose connections can be cut and which can refuse new ones."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = free_port()
        self._open: set[asyncio.StreamWriter] = set()
        self._refuses = False
        self._loop = asyncio.new_event_loop()
        up = threading.Event()
        threading.Thread(target=self._run, args=(up,), name="proxy", daemon=True).start()
        up.wait()

    def _run(self, up: threading.Event) -> None:
        async def serve() -> None:
            await asyncio.start_server(self._connect, "127.0.0.1", self.port)
            up.set()

        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(serve())
        self._loop.run_forever()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            self._open |= {writer, back}
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
            self._open -= {writer, back}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(2**16):
                writer.write(data)
                await writer.drain()
            writer.close()

    def cut(self) -> int:
        """Cut all connections in the middle of whatever they carry; how many."""
        count = len(self._open)

        def abort() -> None:
            for writer in self._open:
                writer.transport.abort()
            self._open.clear()

        self._loop.call_soon_threadsafe(abort)
        return count

    def refuse(self, refuses: bool) -> None:
        """Refuse connections from now on, or no more."""
        self._refuses = refuses


class DropConnections:
    """The network drops all connections, several times, and lets nobody through for a moment after some of them."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    def __call__(self, study: Study, chance: random.Random, duration: Duration) -> tuple[str, float]:
        instant = duration.wait(study, chance)
        for _ in range(chance.randint(1, 6)):
            self._proxy.refuse(chance.random() < 0.3)
            self._proxy.cut()
            time.sleep(chance.uniform(0.0, 0.1))
            self._proxy.refuse(False)
            time.sleep(chance.uniform(0.0, 0.2 * duration.whole))
        return "network", instant

    def over(self) -> None:
        self._proxy.refuse(False)


class FullDisk:
    """A small file system of its own that gets full after so many bytes of a study; needs the right to mount."""

    SIZE = 32 * 2**20

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        self._most = self._left = 0

    def used(self) -> int:
        """The bytes that files take, the ballast apart."""
        found = os.statvfs(self.folder)
        return (found.f_blocks - found.f_bfree) * found.f_bsize

    def measured(self, most: int) -> None:
        """Say how many bytes a study takes at most that nobody disturbs."""
        self._most = most

    def prepare(self, chance: random.Random) -> None:
        """Fill it but for what a study may still write."""
        left = chance.randint(0, self._most)
        found = os.statvfs(self.folder)
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, found.f_bfree * found.f_bsize - left // 4096 * 4096)
        self._left = left

    def __call__(self, study: Study, chance: random.Random, duration: Duration) -> tuple[str, float]:
        return "disk", float(self._left)

    def over(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk() -> Iterator[Path]:
    """A small file system in memory; raises OSError where one may not mount."""
    with tempfile.TemporaryDirectory(prefix="xpet-disk-") as folder:
        command = ["mount", "-t", "tmpfs", "-o", f"size={FullDisk.SIZE}", "tmpfs", folder]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            raise PermissionError("a small file system cannot be mounted here")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
