"""The demo's upstream goes with the process that it stands beside."""

import pathlib
import socket
import subprocess
import sys

from trails import wait_for
from upstreams import CLEAN, free_port

PROGRAM = pathlib.Path(__file__).with_name("moto_beside.py")


def test_moto_ends_with_the_process_beside_it(tmp_path):
    port = free_port()
    beside = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with open(tmp_path / "moto.log", "ab") as log:
        moto = subprocess.Popen(
            [sys.executable, PROGRAM, "--port", str(port), "--beside", str(beside.pid)], stdout=log, stderr=log, env=CLEAN
        )
    try:

        def answers():
            assert moto.poll() is None, (tmp_path / "moto.log").read_text()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return True
            except OSError:
                return False

        wait_for("moto to answer", answers, within=120)
        # Ended, and not asked after: what a killed server is to the demo that started it.
        beside.kill()
        wait_for("moto to leave", lambda: moto.poll() is not None)
    finally:
        moto.kill()
        beside.kill()
        moto.wait()
        beside.wait()
