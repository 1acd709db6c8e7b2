"""A bucket that cannot be written holds up its own account alone, and nothing is lost when it can be written again."""

import concurrent.futures
import json
import time

import botocore.exceptions
import pytest
from conftest import Server
from trails import log_files, logging_trail, wait_for, welcome


@pytest.fixture
def quick(tmp_path):
    server = Server(
        tmp_path,
        "trail.delivery_interval=1s",
        "trail.digest_interval=5s",
        "trail.spool_account_bytes=100000",
    )
    yield server
    if server.process and server.process.poll() is None:
        server.kill()


def test_a_dead_bucket_holds_up_its_own_account_alone(quick):
    quick.start()
    keys, other_id_keys = quick.credentials(), quick.account("other")
    _, other = other_id_keys
    account = quick.client("sts").get_caller_identity()["Account"]
    logging_trail(quick, "dead", "dead-logs")
    logging_trail(quick, "alive", "alive-logs", keys=other)
    s3 = quick.client("s3")
    s3.delete_bucket_policy(Bucket="dead-logs")

    # Calls go on being taken until the spool's share is used up, and are then refused so that a client tries again.
    answered, refused = [], None
    deadline = time.monotonic() + 120

    def call(_):
        client = quick.client("s3", keys=keys)
        done = []
        for _ in range(25):
            try:
                done.append(client.get_bucket_location(Bucket="dead-logs")["ResponseMetadata"]["RequestId"])
            except botocore.exceptions.ClientError as error:
                return done, error.response
        return done, None

    while refused is None:
        assert time.monotonic() < deadline, f"never refused, after {len(answered)} calls"
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for done, response in pool.map(call, range(4)):
                answered += done
                refused = refused or response
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 503, refused
    assert answered

    status = wait_for(
        "the trail's status names the error",
        lambda: (s := quick.client("cloudtrail").get_trail_status(Name="dead")).get("LatestDeliveryError") and s,
    )
    assert status["LatestDeliveryError"] == "AccessDenied"
    assert status["IsLogging"]

    # The other account works on, and its trail delivers.
    theirs = quick.client("s3", keys=other).create_bucket(Bucket="theirs")["ResponseMetadata"]["RequestId"]
    wait_for(
        "the other account's trail delivers",
        lambda: any(r["requestID"] == theirs for rs in log_files(quick, "alive-logs", keys=other).values() for r in rs),
    )

    # The call that mends the cause is taken, and everything that was answered arrives, once.
    s3.put_bucket_policy(Bucket="dead-logs", Policy=welcome("dead-logs", account))

    def all_there():
        try:
            records = [r["requestID"] for rs in log_files(quick, "dead-logs").values() for r in rs]
        except botocore.exceptions.ClientError:
            return None  # reads too are refused while the spool is over its share
        return records if set(records) >= set(answered) else None

    records = wait_for("every answered call is delivered", all_there, within=90, pause=1)
    assert all(records.count(r) == 1 for r in answered)
    assert s3.create_bucket(Bucket="again")
    status = quick.client("cloudtrail").get_trail_status(Name="dead")
    assert "LatestDeliveryError" not in status or not status["LatestDeliveryError"]
    assert quick.stop() == 0
