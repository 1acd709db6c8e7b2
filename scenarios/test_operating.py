"""What a server does when the disk is at its floor, and when its address is taken."""

import json
import shutil
import socket
import subprocess

import botocore.exceptions
import pytest

from conftest import CLEAN, OPENTRAIL
from signing import signed


def health(server):
    keys = server.credentials("opentrail-operator")
    status, _, body = signed(server.endpoint, "opentrail", keys, method="GET", path="/health")
    assert status == 200, body
    return json.loads(body)


def test_below_the_floor_writes_are_refused_and_the_operator_goes_on(fresh):
    fresh.start()
    fresh.client("s3").create_bucket(Bucket="before")
    fresh.client("s3").put_object(Bucket="before", Key="k", Body=b"x")
    assert not health(fresh)["disk"]["belowFloor"]
    assert fresh.stop() == 0

    # A quarter of it is well below what is free: what mends the cause goes on.
    floor = shutil.disk_usage(fresh.folder).free * 2
    fresh.start("--set", f"disk.free_floor={floor}")
    disk = health(fresh)["disk"]
    assert disk["belowFloor"] and disk["floorBytes"] == floor and 0 < disk["freeBytes"] < floor
    s3 = fresh.client("s3")
    for size in (10, 1 << 20):
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            s3.put_object(Bucket="before", Key="more", Body=b"x" * size)
        assert refused.value.response["Error"]["Code"] == "SlowDown"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        fresh.client("cloudtrail").lookup_events()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    # What mends it: room is made, and the operator administers.
    s3.delete_object(Bucket="before", Key="k")
    s3.create_bucket(Bucket="after")
    done = subprocess.run(
        [OPENTRAIL, "account", "list", "--profile", "opentrail-operator", "--data", str(fresh.data)],
        capture_output=True,
        env=CLEAN,
    )
    assert done.returncode == 0, done.stderr
    assert fresh.stop() == 0

    fresh.start()
    fresh.client("s3").put_object(Bucket="before", Key="more", Body=b"x" * (1 << 20))


def test_a_start_on_a_taken_address_fails_clearly_and_leaves_no_record(fresh):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [OPENTRAIL, "serve", "--data", str(fresh.data), "--listen", address]
        done = subprocess.run(command, capture_output=True, text=True, env=CLEAN, timeout=30)
    assert done.returncode == 1 and done.stdout == ""
    assert f"listen on {address}: Address already in use" in done.stderr
    fresh.start()
    look = [OPENTRAIL, "lookup", "--event-name", "StartServer", "--profile", "opentrail-operator", "--data", str(fresh.data), "--format", "json"]
    done = subprocess.run(look, capture_output=True, text=True, env=CLEAN)
    records = json.loads(done.stdout)["Records"]
    assert len(records) == 1 and "accountId" in records[0]["serviceEventDetails"]["firstStart"]


def test_a_user_agent_in_latin_1_loses_nothing(fresh):
    fresh.start()
    keys = fresh.credentials()
    headers = {"user-agent": "caf\xe9/1 100%", "content-type": "application/x-www-form-urlencoded"}
    status, _, body = signed(
        fresh.endpoint, "sts", keys, body=b"Action=GetCallerIdentity&Version=2011-06-15", headers=headers
    )
    assert status == 200, body
    events = fresh.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GetCallerIdentity"}]
    )["Events"]
    assert [json.loads(e["CloudTrailEvent"])["userAgent"] for e in events] == ["caf%E9/1 100%25"]
