"""`opentrail verify` and the aws CLI's own validator over the same copy of a bucket, made by neither of them."""

import base64
import datetime
import gzip
import hashlib
import io
import json
import pathlib
import subprocess

import pytest
import rsa
from awscli.customizations.cloudtrail import validation
from botocore.exceptions import ClientError
from conftest import CLEAN, OPENTRAIL

ACCOUNT, REGION, HOME, TRAIL, BUCKET = "111122223333", "eu-west-1", "us-east-1", "a_trail", "logs"
ARN = f"arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/{TRAIL}"
BASE = f"AWSLogs/{ACCOUNT}"
FIRST = datetime.datetime(2026, 1, 1, 21, 29, 23, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
# The 2048 bit key of the unit tests, without the 26 bytes in which PKCS#8 wraps PKCS#1.
PKCS8 = pathlib.Path(__file__).parent.parent / "core/digest/fixtures/openssl.pkcs8.der"
KEY = rsa.PrivateKey.load_pkcs1(PKCS8.read_bytes()[26:], "DER")
PUBLIC = rsa.PublicKey(KEY.n, KEY.e).save_pkcs1("DER")
FINGERPRINT = hashlib.md5(PUBLIC).hexdigest()


def iso(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def digest_key(n):
    end = FIRST + n * HOUR
    return (
        f"{BASE}/CloudTrail-Digest/{REGION}/{end:%Y/%m/%d}/"
        f"{ACCOUNT}_CloudTrail-Digest_{REGION}_{TRAIL}_{HOME}_{end:%Y%m%dT%H%M%SZ}.json.gz"
    )


def log_key(n, i):
    at = FIRST + (n - 1) * HOUR + (i + 1) * datetime.timedelta(minutes=5)
    return (
        f"{BASE}/CloudTrail/{REGION}/{at:%Y/%m/%d}/"
        f"{ACCOUNT}_CloudTrail_{REGION}_{at:%Y%m%dT%H%MZ}_{n:08}{i:08}.json.gz"
    )


class Copy:
    """Eight digests and fourteen log files across midnight: `objects` are bytes by key, `metadata` of digests beside them."""

    def __init__(self):
        self.objects, self.metadata = {}, {}
        before = None
        for n in range(8):
            files = [self.log(n, i) for i in range(2)] if n else []
            before = self.digest(n, files, before)

    def log(self, n, i):
        body = json.dumps({"Records": [{"n": n, "i": i}]}).encode()
        self.objects[log_key(n, i)] = gzip.compress(body)
        time = iso(FIRST + (n - 1) * HOUR)
        return {
            "s3Bucket": BUCKET, "s3Object": log_key(n, i), "hashValue": hashlib.sha256(body).hexdigest(),
            "hashAlgorithm": "SHA-256", "newestEventTime": time, "oldestEventTime": time,
        }  # fmt: skip

    def digest(self, n, files, before):
        end, key = iso(FIRST + n * HOUR), digest_key(n)
        document = {
            "awsAccountId": ACCOUNT, "digestStartTime": iso(FIRST + (n - 1) * HOUR), "digestEndTime": end,
            "digestS3Bucket": BUCKET, "digestS3Object": key, "digestPublicKeyFingerprint": FINGERPRINT,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": files[0]["newestEventTime"] if files else None,
            "oldestEventTime": files[0]["oldestEventTime"] if files else None,
            "previousDigestS3Bucket": before and BUCKET, "previousDigestS3Object": before and before["key"],
            "previousDigestHashValue": before and before["hash"],
            "previousDigestHashAlgorithm": before and "SHA-256",
            "previousDigestSignature": before and before["signature"], "logFiles": files,
        }  # fmt: skip
        body = json.dumps(document, indent=1).encode()
        digest = hashlib.sha256(body).hexdigest()
        signed = f"{end}\n{BUCKET}/{key}\n{digest}\n{before['signature'] if before else 'null'}"
        signature = rsa.sign(signed.encode(), KEY, "SHA-256").hex()
        self.objects[key] = gzip.compress(body)
        self.metadata[key] = {"signature": signature, "signature-algorithm": "SHA256withRSA"}
        return {"key": key, "hash": digest, "signature": signature}

    # As the clients of the aws CLI's validator see it.

    def get_client(self, bucket):
        assert bucket == BUCKET
        return self

    def get_object(self, Bucket, Key):
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key]), "Metadata": self.metadata.get(Key, {})}

    def get_paginator(self, name):
        assert name == "list_objects"
        return self

    def paginate(self, Bucket, Marker, Prefix):
        self.listed = [key for key in sorted(self.objects) if key > Marker and key.startswith(Prefix)]
        return self

    def search(self, expression):
        return iter(self.listed)

    def list_public_keys(self, StartTime, EndTime):
        return {"PublicKeyList": [{"Value": base64.b64encode(PUBLIC).decode(), "Fingerprint": FINGERPRINT}]}

    def validate_logs(self):
        """How many digests and log files the aws CLI calls valid and INVALID."""
        command = validation.CloudTrailValidateLogs(None)
        command.trail_arn, command._source_region = ARN, REGION
        command.s3_bucket, command.s3_prefix, command.account_id = BUCKET, None, None
        command.start_time, command.end_time = FIRST - HOUR, FIRST + 9 * HOUR
        command.s3_client_provider = command.cloudtrail_client = command.organization_client = self
        command._call()
        return command._valid_digests, command._invalid_digests, command._valid_logs, command._invalid_logs

    def verify(self, folder, *words):
        """What `opentrail verify` says of it, and its exit code."""
        root = folder / "copy"
        for key, body in self.objects.items():
            (root / key).parent.mkdir(parents=True, exist_ok=True)
            (root / key).write_bytes(body)
        times = {"ValidityStartTime": iso(FIRST - 9 * HOUR), "ValidityEndTime": iso(FIRST + 99 * HOUR)}
        keys = self.list_public_keys(None, None)["PublicKeyList"]
        (folder / "keys.json").write_text(json.dumps({"PublicKeyList": [key | times for key in keys]}))
        (folder / "metadata.json").write_text(json.dumps(self.metadata))
        done = subprocess.run(
            [OPENTRAIL, "verify", "copy", "--keys", "keys.json", "--metadata", "metadata.json", "--format", "json", *words],
            cwd=folder, env=CLEAN, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, json.loads(done.stdout)


def found(answer, weight="invalid"):
    """Codes and file names of what was found."""
    return {(f["Code"], f["Key"]) for f in answer["Findings"] if f["Weight"] == weight}


def test_both_call_an_untouched_copy_valid(tmp_path):
    copy = Copy()
    assert copy.validate_logs() == (8, 0, 14, 0)
    code, answer = copy.verify(tmp_path)
    assert code == 0, answer
    assert answer["Digests"] == {"Valid": 8, "NotProven": 0, "Invalid": 0}
    assert answer["LogFiles"] == {"Valid": 14, "NotProven": 0, "Invalid": 0}
    assert answer["Findings"] == []


def rewritten(body, *change):
    return gzip.compress(gzip.decompress(body).replace(*change))


DIGEST, LOG = digest_key(4), log_key(4, 1)
# What is done to one file, what we must say of it, and whether the aws CLI sees it.
TAMPERING = {
    "log file changed": (LOG, lambda b: rewritten(b, b'"i"', b'"j"'), "changed", True),
    "log file replaced by another": (LOG, lambda b: gzip.compress(b"{}"), "changed", True),
    "log file gone": (LOG, None, "missing", True),
    "log file cut": (LOG, lambda b: b[: len(b) // 2], "truncated", True),
    # The CLI does not miss the end of a gzip member; ours does.
    "log file's last bytes cut": (LOG, lambda b: b[:-4], "truncated", False),
    "log file not gzip": (LOG, gzip.decompress, "bad-gzip", True),
    "log file of two members": (LOG, lambda b: b + b, "second-gzip-member", True),
    "log file with a tail": (LOG, lambda b: b + b"x", "trailing-data", True),
    "digest changed": (DIGEST, lambda b: rewritten(b, b"SHA-256", b"SHA-257", 1), "bad-signature", True),
    "digest with a blank more": (DIGEST, lambda b: rewritten(b, b"{", b" {", 1), "bad-signature", True),
    "digest gone": (DIGEST, None, "missing", True),
    "digest cut": (DIGEST, lambda b: b[:-20], "truncated", True),
    "digest no JSON": (DIGEST, lambda b: gzip.compress(b"digest"), "not-a-digest", True),
    "digest lacks members": (DIGEST, lambda b: gzip.compress(b"{}"), "not-a-digest", True),
    "digest of another place": (DIGEST, lambda b: rewritten(b, b'Bucket": "logs"', b'Bucket": "more"', 1), "moved", True),
    "digest of another key": (DIGEST, lambda b: rewritten(b, FINGERPRINT.encode(), b"0" * 32), "unknown-key", True),
    "digest with a tail": (DIGEST, lambda b: b + b"x", "trailing-data", False),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_we_see_whatever_the_aws_cli_sees(name, tmp_path):
    key, change, expect, seen_by_cli = TAMPERING[name]
    copy = Copy()
    body = copy.objects.pop(key)
    if change:
        copy.objects[key] = change(body)
    _, bad_digests, _, bad_logs = copy.validate_logs()
    assert (bad_digests + bad_logs > 0) == seen_by_cli
    code, answer = copy.verify(tmp_path)
    assert code == 1
    assert (expect, key) in found(answer)
    assert {k for _, k in found(answer)} == {key}, "nothing else is blamed"


def test_deleted_digests_in_a_row_are_named_one_by_one(tmp_path):
    """The aws CLI names the newest of them alone: https://github.com/aws/aws-cli/issues/7054."""
    copy = Copy()
    for n in (3, 4, 5):
        del copy.objects[digest_key(n)]
    assert copy.validate_logs()[1] == 1
    _, answer = copy.verify(tmp_path)
    assert found(answer) == {("missing", digest_key(5)), ("missing-too", digest_key(4)), ("missing-too", digest_key(3))}
    assert answer["Digests"] == {"Valid": 5, "NotProven": 0, "Invalid": 3}


def test_what_somebody_added_is_found(tmp_path):
    copy = Copy()
    copy.objects[log_key(4, 7)] = gzip.compress(b'{"Records":[]}')
    assert copy.validate_logs() == (8, 0, 14, 0), "the aws CLI does not look for it"
    code, answer = copy.verify(tmp_path)
    assert (code, found(answer)) == (1, {("unlisted", log_key(4, 7))})
    assert copy.verify(tmp_path, "--allow-unlisted")[0] == 0


def test_a_signature_cannot_be_another_digest_s(tmp_path):
    copy = Copy()
    copy.metadata[DIGEST] = copy.metadata[digest_key(3)]
    assert copy.validate_logs()[1] == 1
    assert found(copy.verify(tmp_path)[1]) == {("bad-signature", DIGEST), ("broken-link", DIGEST)}


def test_a_new_chain_leaves_a_gap_that_is_no_fault(tmp_path):
    copy = Copy()
    before = None
    for n in range(20, 23):
        before = copy.digest(n, [], before)
    code, answer = copy.verify(tmp_path)
    assert (code, found(answer), found(answer, "note")) == (0, set(), {("gap", digest_key(20))})
    assert answer["Chains"][0]["Gaps"] == 1
