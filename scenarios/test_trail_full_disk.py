"""A disk that runs full while a trail delivers: calls are refused so that a client tries again, and what was answered is
delivered once there is room. The disk is real, and small."""

import collections
import datetime
import json
import os
import time

import botocore.exceptions
import pytest
from conftest import Server, free
from signing import signed
from trails import log_files, logging_trail, wait_for


@pytest.mark.parametrize("floor", [24 << 20, 0], ids=["at the floor", "to the last byte"])
def test_a_full_disk_under_a_trail(disk, floor):
    disk, servers = disk
    server = Server(disk, "trail.delivery_interval=1s", "trail.digest_interval=5s", f"disk.free_floor={floor}")
    began = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
    servers.append(server.start())
    arn = logging_trail(server, "tight", "tight-logs")
    keys = server.credentials()
    s3 = server.client("s3", keys=keys)
    answered, refused = [], []

    def call(name):
        """Something of everything that changes or reads; the error of the first that is refused."""
        for request in (s3.create_bucket, s3.get_bucket_location, s3.delete_bucket):
            try:
                answered.append(request(Bucket=name)["ResponseMetadata"]["RequestId"])
            except botocore.exceptions.ClientError as error:
                return error.response
        return None

    for i in range(20):
        assert call(f"before-{i}") is None

    # Somebody fills the disk while calls come in.
    with open(disk / "ballast", "wb") as ballast:
        while (left := free(disk) - floor) > 0:
            try:
                ballast.write(b"\0" * min(left, 1 << 20))
                ballast.flush()
            except OSError:
                break
            refusal = call(f"during-{len(answered)}")
            refused += [refusal] if refusal else []
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up and len(refused) < 20:
        refusal = call(f"full-{len(answered)}-{len(refused)}")
        refused += [refusal] if refusal else []
    assert len(refused) >= 20, f"{len(answered)} were answered, {free(disk)} bytes are free"
    for response in refused:
        # What is refused of itself is no more than what a crash in between would leave.
        if response["Error"]["Code"] in ("BucketAlreadyOwnedByYou", "NoSuchBucket"):
            continue
        # The catalog that meets the last byte answers 500, which clients retry as well.
        assert response["ResponseMetadata"]["HTTPStatusCode"] in ((503,) if floor else (500, 503)), response
    operator = server.credentials("opentrail-operator")
    status, _, body = signed(server.endpoint, "opentrail", operator, method="GET", path="/health")
    assert json.loads(body)["disk"]["freeBytes"] <= max(floor, 1 << 20), (status, body)

    # Room is made, and everything goes on; without a floor the journal may want a restart first, and says so.
    os.unlink(disk / "ballast")
    try:
        wait_for("calls are taken again", lambda: call(f"after-{len(answered)}") is None, within=20)
    except AssertionError:
        assert floor == 0, "with a floor no restart is needed"
        server.stop()
        server.start()
        s3 = server.client("s3", keys=keys)
        wait_for("calls are taken after a restart", lambda: call(f"after-{len(answered)}") is None, within=20)

    def all_there():
        found = [r for records in log_files(server, "tight-logs").values() for r in records]
        return found if {r["requestID"] for r in found} >= set(answered) else None

    records = wait_for("every answered call is in a log file", all_there, within=90, pause=1)
    times = collections.Counter(r["requestID"] for r in records)
    assert not [r for r in answered if times[r] != 1], "in more than one log file"
    assert len({r["eventID"] for r in records}) == len(records), "an event is in a trail twice"
    status = server.client("cloudtrail").get_trail_status(Name="tight")
    assert not status.get("LatestDeliveryError") and not status.get("LatestDigestDeliveryError"), status

    server.client("cloudtrail").stop_logging(Name="tight")

    def proven():
        said = server.aws(
            "cloudtrail", "validate-logs", "--trail-arn", arn, "--start-time", began.isoformat(timespec="seconds"), "--verbose"
        )
        assert "INVALID" not in said, said[-3000:]
        files = {line.split("tight-logs/")[1].split()[0] for line in said.splitlines() if line.startswith("Log file")}
        return files == set(log_files(server, "tight-logs"))

    wait_for("every log file is in a digest", proven, within=60, pause=2)
    # The end of the trail is told in its own files, and is in their chain.
    assert any(r["eventName"] == "StopLogging" for rs in log_files(server, "tight-logs").values() for r in rs)
    assert server.stop() == 0
