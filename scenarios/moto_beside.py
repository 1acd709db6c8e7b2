"""moto's server for as long as another process lives, its Lambda without containers: what `cargo xtask demo` puts upstream.

    python moto_beside.py --port PORT --beside PID
"""

import argparse
import os
import threading
import time
import urllib.error
import urllib.request

from moto.core.config import default_user_config
from moto.server import main

LOOK_EVERY_S = 0.5
# Each is loaded by the first call to it, which takes seconds.
SERVICES = ["ec2", "dynamodb", "ssm", "secretsmanager", "lambda", "iam"]


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # One that ended and that nobody asked after is no company.
        with open(f"/proc/{pid}/stat", encoding="latin-1") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        # Where there is no /proc, the signal has said all there is to know.
        return not os.path.isdir("/proc/self")


def leave_with(pid):
    while lives(pid):
        time.sleep(LOOK_EVERY_S)
    os._exit(0)


def warm_up(port):
    for service in SERVICES:
        scope = f"Credential=x/20260101/us-east-1/{service}/aws4_request"
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Authorization": f"AWS4-HMAC-SHA256 {scope}"})
        for _ in range(100):
            try:
                urllib.request.urlopen(asked, timeout=60).close()
            except urllib.error.HTTPError:
                pass
            except OSError:
                # Not there yet.
                time.sleep(0.1)
                continue
            break


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", required=True)
    parser.add_argument("--beside", type=int, required=True, metavar="PID")
    options = parser.parse_args()
    threading.Thread(target=leave_with, args=(options.beside,), daemon=True).start()
    threading.Thread(target=warm_up, args=(options.port,), daemon=True).start()
    default_user_config["lambda"] = {"use_docker": False}
    main(["-H", "127.0.0.1", "-p", options.port])
