"""Buckets and objects, as boto3 and `aws s3` use them."""

import hashlib
import os

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def s3(server):
    client = server.client("s3")
    client.create_bucket(Bucket="things")
    return client


def fails(call, code, status=None, **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    answer = error.value.response
    assert answer["Error"]["Code"] == code, answer
    if status:
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    return answer


def test_an_object_comes_back_as_it_went_in(s3):
    body = os.urandom(3_000_000)
    put = s3.put_object(
        Bucket="things", Key="deep/path/file.bin", Body=body, ContentType="application/x-thing", CacheControl="no-store",
        Metadata={"owner": "me", "empty": ""},
    )  # fmt: skip
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket="things", Key="deep/path/file.bin")
    assert got["Body"].read() == body
    assert got["ContentType"] == "application/x-thing" and got["CacheControl"] == "no-store"
    assert got["Metadata"] == {"owner": "me", "empty": ""}
    head = s3.head_object(Bucket="things", Key="deep/path/file.bin", ChecksumMode="ENABLED")
    assert head["ContentLength"] == len(body) and head["ETag"] == put["ETag"]
    assert head["AcceptRanges"] == "bytes"
    assert "ServerSideEncryption" not in head, "nothing is encrypted yet, and nothing says so"
    assert any(k.startswith("ChecksumCRC") for k in head)
    s3.put_object(Bucket="things", Key="deep/path/file.bin", Body=b"")
    assert s3.get_object(Bucket="things", Key="deep/path/file.bin")["Body"].read() == b""


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_that_the_sdk_sends_are_kept(s3, algorithm):
    import importlib.util

    if algorithm in ("CRC32C", "CRC64NVME") and importlib.util.find_spec("awscrt") is None:
        pytest.skip(f"botocore computes {algorithm} only with awscrt, which is not installed")
    s3.put_object(Bucket="things", Key=algorithm, Body=b"checked", ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket="things", Key=algorithm, ChecksumMode="ENABLED")
    assert got["Body"].read() == b"checked" and got[f"Checksum{algorithm}"]


def test_a_checksum_that_does_not_match_stores_nothing(s3):
    fails(s3.put_object, "BadDigest", 400, Bucket="things", Key="bad", Body=b"x", ChecksumCRC32="AAAAAA==")
    fails(s3.put_object, "BadDigest", 400, Bucket="things", Key="bad", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    fails(s3.put_object, "InvalidDigest", 400, Bucket="things", Key="bad", Body=b"x", ContentMD5="no")
    fails(s3.head_object, "404", 404, Bucket="things", Key="bad")


@pytest.mark.parametrize(
    "ask, status, answer",
    [
        ("bytes=0-4", 206, b"01234"), ("bytes=5-", 206, b"56789"), ("bytes=-3", 206, b"789"), ("bytes=0-99", 206, b"0123456789"),
        ("bytes=-99", 206, b"0123456789"), ("bytes=1-0", 200, b"0123456789"), ("bytes=0-1,3-4", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
    ],
)  # fmt: skip
def test_ranges(s3, ask, status, answer):
    s3.put_object(Bucket="things", Key="ten", Body=b"0123456789")
    got = s3.get_object(Bucket="things", Key="ten", Range=ask)
    assert (got["ResponseMetadata"]["HTTPStatusCode"], got["Body"].read()) == (status, answer)


def test_a_range_that_cannot_be_satisfied(s3):
    s3.put_object(Bucket="things", Key="ten", Body=b"0123456789")
    for ask in ["bytes=10-", "bytes=-0"]:
        fails(s3.get_object, "InvalidRange", 416, Bucket="things", Key="ten", Range=ask)


def test_conditional_reads(s3):
    etag = s3.put_object(Bucket="things", Key="cond", Body=b"x")["ETag"]
    fails(s3.get_object, "304", 304, Bucket="things", Key="cond", IfNoneMatch=etag)
    fails(s3.get_object, "PreconditionFailed", 412, Bucket="things", Key="cond", IfMatch='"other"')
    assert s3.get_object(Bucket="things", Key="cond", IfMatch=etag)["Body"].read() == b"x"


def test_both_listings_with_delimiter_and_pages(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="listing")
    keys = [f"{d}/{i:03}" for d in ("a", "b", "c") for i in range(40)] + ["top-1", "top-2", "ünï"]
    for key in keys:
        s3.put_object(Bucket="listing", Key=key, Body=b".")
    for name in ("list_objects", "list_objects_v2"):
        pages = s3.get_paginator(name).paginate(Bucket="listing", PaginationConfig={"PageSize": 7})
        assert [o["Key"] for p in pages for o in p.get("Contents", [])] == sorted(keys, key=lambda k: k.encode())
        pages = list(s3.get_paginator(name).paginate(Bucket="listing", Delimiter="/", PaginationConfig={"PageSize": 2}))
        assert [x["Prefix"] for p in pages for x in p.get("CommonPrefixes", [])] == ["a/", "b/", "c/"]
        assert [o["Key"] for p in pages for o in p.get("Contents", [])] == ["top-1", "top-2", "ünï"]
    inside = s3.list_objects_v2(Bucket="listing", Prefix="b/", StartAfter="b/037")
    assert [o["Key"] for o in inside["Contents"]] == ["b/038", "b/039"] and inside["KeyCount"] == 2
    fails(s3.list_objects_v2, "InvalidArgument", 400, Bucket="listing", ContinuationToken="made up")


def test_buckets(server, s3):
    west = server.client("s3", region="eu-west-1")
    west.create_bucket(Bucket="west-things", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert west.get_bucket_location(Bucket="west-things")["LocationConstraint"] == "eu-west-1"
    assert s3.get_bucket_location(Bucket="things")["LocationConstraint"] is None
    head = west.head_bucket(Bucket="west-things")
    assert head["BucketRegion"] == "eu-west-1"
    fails(west.create_bucket, "BucketAlreadyOwnedByYou", 409, Bucket="west-things", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.create_bucket(Bucket="things")  # us-east-1 answers 200 again
    fails(s3.create_bucket, "InvalidBucketName", 400, Bucket="Not_A_Bucket")
    fails(west.create_bucket, "IllegalLocationConstraintException", 400, Bucket="no-constraint")
    names = {b["Name"]: b for b in s3.list_buckets()["Buckets"]}
    assert {"things", "west-things"} <= set(names)
    s3.put_object(Bucket="things", Key="last", Body=b"")
    fails(s3.delete_bucket, "BucketNotEmpty", 409, Bucket="things")
    fails(s3.head_bucket, "404", 404, Bucket="no-such-bucket-here")
    west.delete_bucket(Bucket="west-things")
    fails(west.head_bucket, "404", 404, Bucket="west-things")


def test_what_is_not_honoured_is_refused(s3):
    put = lambda **more: {"Bucket": "things", "Key": "refused", "Body": b"x", **more}  # noqa: E731
    for more in [
        {"ServerSideEncryption": "aws:kms"},
        {"ServerSideEncryption": "AES256"},
        {"ACL": "public-read"},
        {"StorageClass": "GLACIER"},
        {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2030-01-01T00:00:00Z"},
        {"WebsiteRedirectLocation": "/elsewhere"},
        {"IfNoneMatch": '"x"'},
    ]:
        with pytest.raises(ClientError) as error:
            s3.put_object(**put(**more))
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 501), more
    fails(s3.head_object, "404", 404, Bucket="things", Key="refused")
    for call, name in [
        (s3.get_bucket_encryption, "GetBucketEncryption"),
        (s3.get_bucket_lifecycle_configuration, "GetBucketLifecycleConfiguration"),
    ]:
        answer = fails(call, "NotImplemented", 501, Bucket="things")
        assert name in answer["Error"]["Message"]
    answer = fails(s3.put_bucket_versioning, "NotImplemented", 501, Bucket="things", VersioningConfiguration={"Status": "Enabled"})
    assert "PutBucketVersioning" in answer["Error"]["Message"]
    answer = fails(s3.put_object, "NotImplemented", 501, **put(ServerSideEncryption="AES256"))
    assert "x-amz-server-side-encryption" in answer["Error"]["Message"]


def test_aws_s3_sync_and_rm(server, tmp_path):
    server.aws("s3", "mb", "s3://synced")
    (tmp_path / "tree/sub").mkdir(parents=True)
    for name in ["one.txt", "sub/two.txt", "sub/three with space.txt"]:
        (tmp_path / "tree" / name).write_text(name)
    server.aws("s3", "sync", str(tmp_path / "tree"), "s3://synced/there")
    listed = server.aws("s3", "ls", "--recursive", "s3://synced")
    assert "there/sub/three with space.txt" in listed
    server.aws("s3", "sync", "s3://synced/there", str(tmp_path / "back"))
    assert (tmp_path / "back/sub/two.txt").read_text() == "sub/two.txt"
    server.aws("s3", "rm", "--recursive", "s3://synced")
    server.aws("s3", "rb", "s3://synced")


def test_a_client_of_another_kind_of_address(server):
    """Virtual-host addressing: the bucket stands in the host name."""
    import boto3
    import botocore.config

    port = server.endpoint.rsplit(":", 1)[1]
    key, secret = server.credentials()
    client = boto3.client(
        "s3", endpoint_url=f"http://localhost:{port}", aws_access_key_id=key, aws_secret_access_key=secret,
        region_name="us-east-1", config=botocore.config.Config(s3={"addressing_style": "virtual"}, proxies={}),
    )  # fmt: skip
    # Names under localhost are resolved here, so that the scenario needs no name server.
    import socket

    real = socket.getaddrinfo
    try:
        socket.getaddrinfo = lambda host, *a, **k: real("127.0.0.1" if host.endswith("localhost") else host, *a, **k)
        client.create_bucket(Bucket="by-host")
        client.put_object(Bucket="by-host", Key="k", Body=b"v")
        assert client.get_object(Bucket="by-host", Key="k")["Body"].read() == b"v"
    finally:
        socket.getaddrinfo = real
