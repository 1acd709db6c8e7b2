"""`opentrail serve` as scripts rely on it."""

import json
import os
import stat
import subprocess
import time

from conftest import CLEAN, OPENTRAIL, Server
from signing import plain


def test_it_is_ready_within_a_second_and_stops_cleanly(fresh):
    began = time.monotonic()
    fresh.start()
    assert time.monotonic() - began < 1.0 + 1.0, "ready later than a busy machine excuses"
    assert plain(fresh.endpoint, "GET", "/health")[0] == 200
    assert fresh.stop() == 0
    assert fresh.process.stdout.read() == b"", "standard output carries the ready line alone"
    for line in fresh.log_text().splitlines():
        json.loads(line)


def test_credentials_are_for_the_owner_alone_and_stay(fresh):
    fresh.start()
    file = fresh.data / "credentials"
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(fresh.data).st_mode) == 0o700
    before = fresh.credentials(), fresh.credentials("opentrail-operator")
    account = fresh.client("sts").get_caller_identity()["Account"]
    assert fresh.client("sts", profile="opentrail-operator").get_caller_identity()["Account"] == "000000000000"
    secrets = [k[1].encode() for k in before]
    for path in fresh.data.rglob("*"):
        if path.is_file() and path != file:
            content = path.read_bytes()
            assert not any(s in content for s in secrets), f"{path} holds a secret in the clear"
    assert fresh.stop() == 0
    fresh.start()
    assert (fresh.credentials(), fresh.credentials("opentrail-operator")) == before
    assert fresh.client("sts").get_caller_identity()["Account"] == account


def test_a_second_server_is_refused_and_told_by_whom(fresh):
    fresh.start()
    second = subprocess.run(
        [OPENTRAIL, "serve", "--data", str(fresh.data), "--listen", "127.0.0.1:0"], env=CLEAN, capture_output=True, text=True, timeout=20
    )
    assert second.returncode != 0 and second.stdout == ""
    assert str(fresh.process.pid) in second.stderr
    fresh.kill()
    fresh.start()  # a lock that is held, not a file that is left


def test_sigterm_lets_a_running_call_end(fresh):
    import threading

    fresh.start()
    client = fresh.client("s3")
    client.create_bucket(Bucket="draining")
    answered = []

    def work():
        for i in range(10_000):
            try:
                client.put_object(Bucket="draining", Key=str(i), Body=b"x")
                answered.append(i)
            except Exception:
                return

    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(0.5)
    assert fresh.stop() == 0
    worker.join()
    fresh.start()
    listed = {o["Key"] for p in fresh.client("s3").get_paginator("list_objects_v2").paginate(Bucket="draining") for o in p["Contents"]}
    assert {str(i) for i in answered} <= listed and answered


def test_settings_come_from_file_variables_and_arguments(fresh):
    (fresh.folder / "c.toml").write_text("[history]\nretention_days = 30\nseal_bytes = 1000000\n[log]\nlevel = 'warn'\n")
    done = subprocess.run(
        [OPENTRAIL, "config", "--config", str(fresh.folder / "c.toml"), "--set", "history.retention_days=10", "--format", "json"],
        env={**CLEAN, "OPENTRAIL_HISTORY_SEAL_BYTES": "2000000", "OPENTRAIL_HISTORY_RETENTION_DAYS": "20"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    settings = {s["name"]: s for s in json.loads(done.stdout)}
    assert str(settings["history.retention_days"]["value"]) == "10"
    assert str(settings["history.seal_bytes"]["value"]) == "2000000"
    assert settings["log.level"]["value"] == "warn"
    assert all({"name", "value", "default", "unit", "meaning"} <= set(s) for s in settings.values())
    for words in [["--set", "history.retention_day=1"], ["--set", "history.retention_days=soon"]]:
        done = subprocess.run([OPENTRAIL, "config", *words], env=CLEAN, capture_output=True, text=True)
        assert done.returncode != 0 and "history.retention_days" in done.stderr


def test_the_open_world_is_not_listened_to_in_the_clear(fresh):
    done = subprocess.run(
        [OPENTRAIL, "serve", "--data", str(fresh.data), "--listen", "0.0.0.0:0"], env=CLEAN, capture_output=True, text=True, timeout=20
    )
    assert done.returncode != 0 and "tls" in done.stderr.lower()


def test_tls(fresh):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        cwd=fresh.folder, check=True, capture_output=True,
    )  # fmt: skip
    fresh.settings += ["--set", f"tls.cert={fresh.folder}/cert.pem", "--set", f"tls.key={fresh.folder}/key.pem"]
    fresh.start()
    assert fresh.endpoint.startswith("https://")
    os.environ["AWS_CA_BUNDLE"] = str(fresh.folder / "cert.pem")
    try:
        fresh.client("s3").create_bucket(Bucket="over-tls")
        record = fresh.record("CreateBucket")
    finally:
        del os.environ["AWS_CA_BUNDLE"]
    assert record["tlsDetails"]["tlsVersion"] == "TLSv1.3"
    assert record["tlsDetails"]["cipherSuite"].startswith("TLS_")
    assert record["tlsDetails"]["clientProvidedHostHeader"] == fresh.endpoint.split("//")[1]
    assert record["additionalEventData"]["CipherSuite"] == record["tlsDetails"]["cipherSuite"]


def test_a_seal_key_that_lies_elsewhere(tmp_path):
    key = tmp_path / "elsewhere.key"
    server = Server(tmp_path, f"seal.key_file={key}").start()
    account = server.client("sts").get_caller_identity()["Account"]
    assert key.exists() and stat.S_IMODE(os.stat(key).st_mode) == 0o600
    assert server.stop() == 0
    server.start()
    assert server.client("sts").get_caller_identity()["Account"] == account
    assert server.stop() == 0
    key.rename(tmp_path / "gone.key")
    done = subprocess.run(
        [OPENTRAIL, "serve", "--data", str(server.data), "--listen", "127.0.0.1:0", "--set", f"seal.key_file={key}"],
        env=CLEAN, capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert done.returncode != 0 and "seal" in done.stderr


def test_help_teaches_by_example():
    for words in [[], ["serve"], ["lookup"], ["account"], ["user"], ["key"], ["simulate"], ["config"]]:
        done = subprocess.run([OPENTRAIL, *words, "--help"], env=CLEAN, capture_output=True, text=True)
        assert done.returncode == 0 and "opentrail" in done.stdout
    assert "$ opentrail" in subprocess.run([OPENTRAIL, "lookup", "--help"], capture_output=True, text=True).stdout


def test_a_command_without_a_server_says_what_to_do(fresh):
    done = subprocess.run(
        [OPENTRAIL, "whoami"],
        env={**CLEAN, "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0 and "127.0.0.1:1" in done.stderr and "opentrail serve" in done.stderr


def test_a_small_company_at_work(fresh):
    fresh.start()
    out = fresh.opentrail("simulate", "--seed", "3", "--rate", "50", "--calls", "200")
    assert "denied" in out.lower()
    records = json.loads(fresh.opentrail("lookup", "--all", "--since", "1h", "--format", "json", "--limit", "1000"))["Records"]
    assert len({r["recipientAccountId"] for r in records}) >= 3
    assert any(r.get("errorCode") == "AccessDenied" for r in records)


def test_a_live_tail(fresh):
    fresh.start()
    tail = subprocess.Popen(
        [OPENTRAIL, "lookup", "--follow", "--format", "json", "--event-name", "CreateBucket"],
        env={**CLEAN, **fresh.variables()}, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        time.sleep(0.5)
        fresh.client("s3").create_bucket(Bucket="watched-live")
        assert "watched-live" in tail.stdout.readline().decode()
    finally:
        tail.kill()
        tail.wait()
