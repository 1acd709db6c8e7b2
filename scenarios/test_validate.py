"""Digests that this server delivers, proven by the unmodified aws CLI and by `opentrail verify`; and every way to tamper with them."""

import gzip
import json
import re
import subprocess
import time

import pytest
from conftest import AWS, CLEAN, OPENTRAIL, Server

REGIONS = ["us-east-1", "eu-west-1"]
BUCKET = "proven"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{BUCKET}",
        },
        {
            "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/deep/er/AWSLogs/*",
            "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
        },
    ],
}  # fmt: skip


class Trail:
    """A trail of two regions with several digests in each, some of which list log files."""

    def __init__(self, server):
        self.server, self.s3 = server, server.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(POLICY))
        trails = server.client("cloudtrail")
        made = trails.create_trail(
            Name="tr_ail", S3BucketName=BUCKET, S3KeyPrefix="deep/er", IsMultiRegionTrail=True, EnableLogFileValidation=True
        )
        self.arn = made["TrailARN"]
        self.started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
        trails.start_logging(Name=self.arn)
        give_up = time.monotonic() + 120
        while any(len([d for d in self.digests(region) if self.lists(d)]) < 3 for region in REGIONS):
            assert time.monotonic() < give_up, [self.digests(region) for region in REGIONS]
            for region in REGIONS:
                server.client("cloudtrail", region=region).describe_trails()
            time.sleep(0.5)
        trails.stop_logging(Name=self.arn)
        # Stopping closes the chains: from here on nothing is delivered.
        self.settle()
        self.keys = server.folder / "keys.json"
        self.keys.write_text(server.opentrail("public-keys", profile="opentrail"))

    def settle(self):
        before, since = None, time.monotonic()
        while time.monotonic() - since < 12:
            now = self.all_keys()
            if now != before:
                before, since = now, time.monotonic()
            time.sleep(0.5)

    def all_keys(self, prefix=""):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [o["Key"] for page in pages for o in page.get("Contents", []) if not o["Key"].endswith("/")]

    def digests(self, region):
        account = self.arn.split(":")[4]
        return self.all_keys(f"deep/er/AWSLogs/{account}/CloudTrail-Digest/{region}/")

    def get(self, key):
        """Bytes and metadata of an object."""
        got = self.s3.get_object(Bucket=BUCKET, Key=key)
        return got["Body"].read(), got["Metadata"]

    def put(self, key, body, metadata=None):
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=metadata or {})

    def lists(self, key):
        """The log files that a digest lists."""
        return [log["s3Object"] for log in json.loads(gzip.decompress(self.get(key)[0]))["logFiles"]]

    def validate_logs(self, region):
        """Exit code and everything that `aws cloudtrail validate-logs` says."""
        words = ["cloudtrail", "validate-logs", "--trail-arn", self.arn, "--start-time", self.started, "--verbose"]
        # From the environment it would take the region for the keys, and the trail's home for the digests.
        words += ["--region", region]
        env = {**CLEAN, **self.server.variables(region=region)}
        done = subprocess.run([AWS, *words], env=env, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def verify(self, place=f"s3://{BUCKET}", *words):
        """Exit code and answer of `opentrail verify`."""
        words = ["verify", place, "--keys", str(self.keys), "--format", "json", *words]
        env = {**CLEAN, **self.server.variables()}
        done = subprocess.run([OPENTRAIL, *words], env=env, capture_output=True, text=True)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def trail(tmp_path_factory):
    settings = ["trail.delivery_interval=2s", "trail.digest_interval=10s"]
    server = Server(tmp_path_factory.mktemp("validate"), *settings).start()
    yield Trail(server)
    assert server.stop() == 0


def found(answer):
    return {(f["Code"], f["Key"]) for f in answer["Findings"] if f["Weight"] == "invalid"}


def test_what_was_delivered_is_valid(trail):
    for region in REGIONS:
        code, said = trail.validate_logs(region)
        assert code == 0, said
        digests, logs = re.findall(r"(\d+)/(\d+) (?:digest|log) files valid", said)
        assert code == 0 and "INVALID" not in said, said
        assert digests[0] == digests[1] == str(len(trail.digests(region))) and int(logs[0]) >= 3
    code, answer = trail.verify()
    assert (code, answer["Result"], found(answer)) == (0, "valid", set()), answer
    # All regions have a chain, also those in which nothing happens.
    assert len(answer["Chains"]) == 17
    assert answer["Digests"]["Valid"] == len(trail.all_keys("deep/er/AWSLogs/")) - answer["LogFiles"]["Valid"]


def test_the_server_itself_may_be_asked_for_the_keys(trail):
    done = trail.server.opentrail("verify", f"s3://{BUCKET}/deep/er/", "--region", "eu-west-1", profile="opentrail")
    assert done.endswith("Everything that was looked at is proven.\n"), done


def test_a_copy_is_proven_offline(trail, tmp_path):
    trail.server.aws("s3", "sync", f"s3://{BUCKET}", str(tmp_path / "copy"))
    code, answer = trail.verify(str(tmp_path / "copy"))
    assert (code, answer["Result"], found(answer)) == (1, "not-proven", set())
    assert answer["Digests"]["NotProven"] == len(answer["Chains"]), "the newest of each chain"
    signatures = str(tmp_path / "signatures.json")
    assert trail.verify(f"s3://{BUCKET}", "--save-metadata", signatures)[0] == 0
    code, answer = trail.verify(str(tmp_path / "copy"), "--metadata", signatures)
    assert (code, answer["Result"]) == (0, "valid"), answer["Findings"]


def middle(trail):
    """A digest in the midst of a chain that lists a log file, and that log file."""
    digests = trail.digests("eu-west-1")
    return next((d, trail.lists(d)[0]) for d in digests[2:-1] if trail.lists(d))


CHANGES = {
    "changed": lambda body: gzip.compress(gzip.decompress(body).replace(b"eventID", b"eventId", 1)),
    "second-gzip-member": lambda body: body + body,
    "trailing-data": lambda body: body + b"\0",
    "missing": None,
}


@pytest.mark.parametrize("code", CHANGES)
def test_a_log_file_that_was_touched_shows(trail, code):
    _, log = middle(trail)
    body, metadata = trail.get(log)
    if CHANGES[code]:
        trail.put(log, CHANGES[code](body), metadata)
    else:
        trail.s3.delete_object(Bucket=BUCKET, Key=log)
    try:
        exit_code, said = trail.validate_logs("eu-west-1")
        assert exit_code == 1 and re.search(rf"{re.escape(log)}\tINVALID", said), said
        exit_code, answer = trail.verify()
        assert (exit_code, found(answer)) == (1, {(code, log)})
    finally:
        trail.put(log, body, metadata)
    assert trail.verify()[0] == 0


@pytest.mark.parametrize("code", ["missing", "moved", "bad-signature"])
def test_a_digest_that_was_touched_shows(trail, code):
    digest, _ = middle(trail)
    body, metadata = trail.get(digest)
    if code == "missing":
        trail.s3.delete_object(Bucket=BUCKET, Key=digest)
    elif code == "moved":
        trail.put(digest, *trail.get(trail.digests("us-east-1")[2]))
    else:
        trail.put(digest, gzip.compress(gzip.decompress(body).replace(b"{", b"{ ", 1)), metadata)
    try:
        exit_code, said = trail.validate_logs("eu-west-1")
        assert exit_code == 1 and re.search(rf"{re.escape(digest)}\tINVALID", said), said
        exit_code, answer = trail.verify()
        assert exit_code == 1 and (code, digest) in found(answer)
        assert {key for _, key in found(answer)} == {digest}
    finally:
        trail.put(digest, body, metadata)
    assert trail.verify()[0] == 0


def test_each_of_several_deleted_digests_is_named(trail):
    digests = trail.digests("eu-west-1")[1:4]
    kept = {key: trail.get(key) for key in digests}
    for key in digests:
        trail.s3.delete_object(Bucket=BUCKET, Key=key)
    try:
        assert trail.validate_logs("eu-west-1")[1].count("INVALID: not found") == 1
        _, answer = trail.verify()
        assert {key for _, key in found(answer)} == set(digests)
    finally:
        for key, (body, metadata) in kept.items():
            trail.put(key, body, metadata)


def test_an_added_log_file_shows(trail):
    _, log = middle(trail)
    planted = re.sub(r"_\w{16}\.json", "_AAAAAAAAAAAAAAAA.json", log)
    trail.put(planted, trail.get(log)[0])
    try:
        exit_code, answer = trail.verify()
        # It came after the last digest: the bucket itself says so, whatever its name says.
        assert (exit_code, found(answer)) == (0, set())
        assert answer["UncoveredLogFiles"] == 1
    finally:
        trail.s3.delete_object(Bucket=BUCKET, Key=planted)
