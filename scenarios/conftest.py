"""A server of its own for each file of scenarios, and the unmodified clients that speak to it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import boto3
import botocore.config
import pytest

OPENTRAIL = os.environ.get("OPENTRAIL_BIN", "opentrail")
AWS = os.environ.get("AWS_BIN", "aws")
# Nothing of the machine's own AWS set-up may leak into a scenario.
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "OPENTRAIL_"))}


class Server:
    """`opentrail serve` on a folder of its own."""

    def __init__(self, folder, *settings, env=None):
        self.folder = pathlib.Path(folder)
        self.settings = [word for s in settings for word in ("--set", s)]
        self.env = env or {}
        self.process = None
        self.endpoint = None

    @property
    def data(self):
        return self.folder / "data"

    def start(self, *more, listen="127.0.0.1:0"):
        self.log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(
            [OPENTRAIL, "serve", "--data", str(self.data), "--listen", listen, *self.settings, *more],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env={**CLEAN, **self.env},
        )
        line = self.process.stdout.readline().decode()
        assert line.startswith("ready http"), f"{line!r}; {self.log_text()[-2000:]}"
        self.endpoint = line.split()[1]
        return self

    def log_text(self):
        return (self.folder / "server.log").read_text()

    def stop(self):
        """As an operator stops it; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.log.close()
        return code

    def kill(self):
        """As the plug stops it."""
        self.process.kill()
        self.process.wait()
        self.log.close()

    def credentials(self, profile="opentrail"):
        """(access key id, secret) of a profile in the credentials file."""
        import configparser

        file = configparser.ConfigParser()
        assert file.read(self.data / "credentials")
        return file[profile]["aws_access_key_id"], file[profile]["aws_secret_access_key"]

    def variables(self, profile="opentrail", keys=None, region="us-east-1"):
        key, secret = keys or self.credentials(profile)
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": region,
            "AWS_PAGER": "",
            "AWS_MAX_ATTEMPTS": "1",
            "HOME": str(self.folder),
        }

    def aws(self, *words, profile="opentrail", keys=None, region="us-east-1", fails=False):
        """The aws CLI. Its answer as JSON (or text), or its complaint where it must fail."""
        done = subprocess.run(
            [AWS, *words], env={**CLEAN, **self.variables(profile, keys, region)}, capture_output=True, text=True
        )
        if fails:
            assert done.returncode != 0, f"aws {' '.join(words)} should have failed: {done.stdout}"
            return done.stderr
        assert done.returncode == 0, f"aws {' '.join(words)}: {done.stderr}"
        try:
            return json.loads(done.stdout)
        except ValueError:
            return done.stdout

    def opentrail(self, *words, profile="opentrail-operator", keys=None, fails=False, env=None):
        """Our own command line against this server."""
        done = subprocess.run(
            [OPENTRAIL, *words],
            env={**CLEAN, **self.variables(profile, keys), **(env or {})},
            capture_output=True,
            text=True,
        )
        if fails:
            assert done.returncode != 0, f"opentrail {' '.join(words)} should have failed: {done.stdout}"
            return done.stderr
        assert done.returncode == 0, f"opentrail {' '.join(words)}: {done.stderr}"
        return done.stdout

    def client(self, service, profile="opentrail", keys=None, region="us-east-1", **config):
        key, secret = keys or self.credentials(profile)
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            region_name=region,
            config=botocore.config.Config(
                retries={"total_max_attempts": 1},
                signature_version="s3v4" if service == "s3" else None,
                s3={"addressing_style": "path"},
                max_pool_connections=64,
                **config,
            ),
        )

    # What scenarios do again and again.

    def account(self, name):
        """A new account; its id and its root's keys."""
        made = json.loads(self.opentrail("account", "create", name, "--format", "json"))
        return made["AccountId"], (made["AccessKeyId"], made["SecretAccessKey"])

    def user(self, name, *words, keys=None):
        """A new user with a key; the key."""
        self.opentrail("user", "create", name, *words, keys=keys or self.credentials())
        made = json.loads(self.opentrail("key", "create", "--user", name, "--format", "json", keys=keys or self.credentials()))
        return made["AccessKeyId"], made["SecretAccessKey"]

    def records(self, keys=None, region="us-east-1", within=1.0, until=None, **lookup):
        """All records that LookupEvents finds, newest first; tries until `until(records)` holds, at most `within` seconds."""
        client = self.client("cloudtrail", keys=keys, region=region)
        give_up = time.monotonic() + within
        while True:
            pages = client.get_paginator("lookup_events").paginate(**lookup)
            found = [json.loads(e["CloudTrailEvent"]) for page in pages for e in page["Events"]]
            if (until or bool)(found) or time.monotonic() > give_up:
                return found
            time.sleep(0.05)

    def record(self, name, **more):
        """The newest record of an event name; it must be there within a second of the call's answer."""
        found = self.records(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}], **more)
        assert found, f"no record of {name}"
        return found[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server")).start()
    yield server
    if server.process.poll() is None:
        assert server.stop() == 0
    unexpected = [l for l in server.log_text().splitlines() if '"level":"ERROR"' in l]
    assert not unexpected, unexpected


@pytest.fixture
def fresh(tmp_path):
    """A server that the scenario starts, stops and kills itself."""
    server = Server(tmp_path)
    yield server
    if server.process and server.process.poll() is None:
        server.kill()


DISK = 192 << 20


@pytest.fixture
def disk(tmp_path):
    """A disk of its own, of which nobody else takes or frees anything."""
    folder = tmp_path / "disk"
    folder.mkdir()
    root = [] if os.geteuid() == 0 or not shutil.which("sudo") else ["sudo", "-n"]
    options = f"size={DISK},uid={os.geteuid()},mode=700"
    mounted = subprocess.run([*root, "mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no right to mount a disk: {mounted.stderr.strip()}")
    servers = []
    yield folder, servers
    for server in servers:
        if server.process.poll() is None:
            server.kill()
    subprocess.run([*root, "umount", "--lazy", str(folder)], check=True)


def free(disk):
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize
