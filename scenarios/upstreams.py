"""Who answers in OpenTrail's place: moto's server, and sockets that say exactly what they are told to."""

import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
import urllib.request

CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MOTO_", "OPENTRAIL_"))}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def moto(folder, **env):
    """moto's server; its address."""
    port = free_port()
    log = open(folder / "moto.log", "ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={**CLEAN, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", **env},
    )
    try:
        give_up = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < give_up, (folder / "moto.log").read_text()[-2000:]
                time.sleep(0.1)
        endpoint = f"http://127.0.0.1:{port}"
        # Functions answer what they are asked, without a container.
        tell_moto(endpoint, "config", json.dumps({"lambda": {"use_docker": False}}))
        yield endpoint
    finally:
        process.kill()
        process.wait()
        log.close()


def tell_moto(endpoint, what, text):
    """Sets up a running moto, beside its services."""
    plain = {"Content-Type": "text/plain"}
    told = urllib.request.Request(f"{endpoint}/moto-api/{what}", data=text.encode(), headers=plain, method="POST")
    urllib.request.urlopen(told, timeout=60).close()


@contextlib.contextmanager
def moto_decides(endpoint):
    """Within it moto checks signatures and policies, as AWS does."""
    tell_moto(endpoint, "reset-auth", "0")
    try:
        yield
    finally:
        tell_moto(endpoint, "reset-auth", "inf")


class Request:
    """What an upstream was asked, as bytes on the wire."""

    def __init__(self, head, rest):
        self.head = head
        self.line, *lines = head.decode("latin-1").split("\r\n")
        self.headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            self.headers.setdefault(name.strip().lower(), value.strip())
        self.rest = rest


class Scripted:
    """An upstream that does with each connection what `script(connection, request)` says. A script that returns True is asked
    again on the same connection."""

    def __init__(self, script):
        self.script = script
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.endpoint = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                buffered = b""
                while True:
                    while b"\r\n\r\n" not in buffered:
                        piece = connection.recv(65536)
                        if not piece:
                            return
                        buffered += piece
                    head, _, buffered = buffered.partition(b"\r\n\r\n")
                    request = Request(head, buffered)
                    self.asked.append(request)
                    if not self.script(connection, request):
                        return
                    buffered = b""
            except OSError:
                pass


def body(connection, request):
    """Reads the request's body; its bytes, framing taken off."""
    if request.headers.get("transfer-encoding") == "chunked":
        data = request.rest
        while not data.endswith(b"0\r\n\r\n"):
            piece = connection.recv(65536)
            if not piece:
                raise OSError("cut off")
            data += piece
        out = b""
        while data:
            size, _, data = data.partition(b"\r\n")
            n = int(size, 16)
            out, data = out + data[:n], data[n + 2 :]
        return out
    length = int(request.headers.get("content-length", 0))
    data = request.rest
    while len(data) < length:
        piece = connection.recv(1 << 20)
        if not piece:
            raise OSError("cut off")
        data += piece
    return data


def answer(connection, status=200, headers=(), data=b"", reason="OK"):
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(data)}", *(f"{n}: {v}" for n, v in headers)]
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
    return True


def some_bytes(n, seed=7):
    return random.Random(seed).randbytes(n)
