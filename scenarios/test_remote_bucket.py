"""A trail that delivers into a bucket of a store elsewhere. The store is a second server, which checks every signature."""

import json
import re
import subprocess
import time

import botocore.exceptions
import pytest
from conftest import AWS, CLEAN, Server
from trails import log_files, logging_trail, wait_for

# The store knows the recorder as `writer`, who may do two things; people who read know both houses by one key.
WRITER = {"access_key_id": "writer-of-the-trail", "secret_access_key": "a-secret-of-the-writer-0123456789abcdef"}
READER = {"access_key_id": "reader-of-both", "secret_access_key": "a-secret-of-the-reader-0123456789abcdef"}
HOME, STORE = "111122223333", "444455556666"
MAY_WRITE = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::far"},
        {"Effect": "Allow", "Action": ["s3:PutObject", "s3:PutObjectAcl"], "Resource": "arn:aws:s3:::far/AWSLogs/*"},
    ],
}


def keys_of(key):
    return key["access_key_id"], key["secret_access_key"]


def bucket(store, name="far", accounts=(HOME,), **more):
    return {"bucket": name, "endpoint": store.endpoint, "region": "us-east-1", "accounts": list(accounts), **WRITER, **more}


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    """The house whose trails deliver, and the store."""
    keys = [{"account": STORE, "user": "writer", **WRITER}, {"account": STORE, **READER}]
    store = Server(tmp_path_factory.mktemp("store"), f"keys={json.dumps(keys)}").start()
    owner = keys_of(READER)
    store.client("iam", keys=owner).put_user_policy(
        UserName="writer", PolicyName="deliver", PolicyDocument=json.dumps(MAY_WRITE)
    )
    store.client("s3", keys=owner).create_bucket(Bucket="far")
    wrong = {**bucket(store, "wrong"), "secret_access_key": "not-the-secret-of-the-writer-0123456789"}
    remote = [bucket(store), bucket(store, "missing"), wrong]
    home = Server(
        tmp_path_factory.mktemp("home"),
        f"keys={json.dumps([{'account': HOME, **READER}])}",
        f"buckets.remote={json.dumps(remote)}",
        "trail.delivery_interval=1s",
        "trail.digest_interval=5s",
    ).start()
    yield home, store
    assert home.stop() == 0
    for server in (home, store):
        text = server.log_text()
        assert WRITER["secret_access_key"] not in text and wrong["secret_access_key"] not in text
    if store.process.poll() is None:
        assert store.stop() == 0


def refused(home, name, bucket_name, keys):
    client = home.client("cloudtrail", keys=keys)
    with pytest.raises(botocore.exceptions.ClientError) as error:
        client.create_trail(Name=name, S3BucketName=bucket_name)
    return error.value.response["Error"]["Code"]


def test_everything_arrives_once_and_is_proven_there(houses):
    home, store = houses
    key = keys_of(READER)
    trails = home.client("cloudtrail", keys=key)
    arn = trails.create_trail(Name="far-trail", S3BucketName="far", EnableLogFileValidation=True)["TrailARN"]
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    trails.start_logging(Name=arn)
    # Half of it while the store is away.
    asked = [trails.list_trails()["ResponseMetadata"]["RequestId"] for _ in range(20)]
    port = store.endpoint.rsplit(":", 1)[1]
    store.kill()
    asked += [trails.list_trails()["ResponseMetadata"]["RequestId"] for _ in range(20)]
    status = wait_for(
        "the status names the error",
        lambda: (s := trails.get_trail_status(Name=arn)).get("LatestDeliveryError") and s,
    )
    assert status["LatestDeliveryError"] == "ServiceUnavailable"
    store.start(listen=f"127.0.0.1:{port}")

    def records():
        return [r["requestID"] for rs in log_files(store, "far", keys=key).values() for r in rs]

    wait_for("all of it is there", lambda: set(asked) <= set(records()), within=90)
    assert all(records().count(one) == 1 for one in asked)

    # Three digests later the unmodified CLI proves it, asking the house for keys and the store for files.
    def digests():
        pages = store.client("s3", keys=key).list_objects_v2(Bucket="far", Prefix=f"AWSLogs/{HOME}/CloudTrail-Digest/us-east-1/")
        return pages["KeyCount"]

    wait_for("three digests", lambda: digests() >= 3, within=60)
    words = ["cloudtrail", "validate-logs", "--trail-arn", arn, "--start-time", started, "--verbose", "--region", "us-east-1"]
    env = {**CLEAN, **home.variables(keys=key), "AWS_ENDPOINT_URL_S3": store.endpoint}
    done = subprocess.run([AWS, *words], env=env, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "INVALID" not in said, said
    proven = re.search(r"(\d+)/(\d+) log files valid", said)
    assert proven and proven[1] == proven[2] and int(proven[1]) >= 1, said
    trails.stop_logging(Name=arn)
    # The store's own record says who wrote: the key that it knows, and the ACL that a trail's files have.
    acl = store.client("s3", keys=key).get_bucket_acl(Bucket="far")
    assert acl["Owner"]


def test_a_bucket_is_for_the_accounts_that_are_bound_to_it(houses):
    home, store = houses
    account, stranger = home.account("stranger")
    assert refused(home, "sneaky", "far", stranger) == "InsufficientS3BucketPolicyException"
    theirs = store.client("s3", keys=keys_of(READER)).list_objects_v2(Bucket="far", Prefix=f"AWSLogs/{account}/")
    assert theirs["KeyCount"] == 0


def test_what_the_store_refuses_is_refused_when_the_trail_is_made(houses):
    home, _ = houses
    assert refused(home, "a-trail", "missing", keys_of(READER)) == "S3BucketDoesNotExistException"
    assert refused(home, "a-trail", "wrong", keys_of(READER)) == "InsufficientS3BucketPolicyException"
    # A name that nobody configured is the house's own affair, as before.
    assert refused(home, "a-trail", "nowhere", keys_of(READER)) == "S3BucketDoesNotExistException"
    logging_trail(home, "near-trail", "near", keys=keys_of(READER))


def test_the_configuration_shows_no_secret(houses):
    home, store = houses
    shown = home.opentrail("config", "--format", "json", "--set", f"buckets.remote={json.dumps([bucket(store)])}")
    assert f"far at {store.endpoint} for {HOME} by {WRITER['access_key_id']}" in shown
    assert WRITER["secret_access_key"] not in shown
