"""Objects as boto3 makes, copies, tags and removes them; nothing here looks behind the API."""

import hashlib
import os
import urllib.request

import pytest
from botocore.exceptions import ClientError

MIB = 1 << 20


@pytest.fixture(scope="module")
def s3(server):
    client = server.client("s3")
    client.create_bucket(Bucket="objects")
    return client


def fails(call, code, status=None, **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    answer = error.value.response
    assert answer["Error"]["Code"] == code, answer
    if status:
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    return answer


def upload(s3, key, bodies, bucket="objects", **create):
    """A multipart upload by hand; the completion's answer."""
    made = s3.create_multipart_upload(Bucket=bucket, Key=key, **create)
    parts = []
    for number, body in enumerate(bodies, 1):
        more = {"ChecksumAlgorithm": create["ChecksumAlgorithm"]} if "ChecksumAlgorithm" in create else {}
        part = s3.upload_part(Bucket=bucket, Key=key, UploadId=made["UploadId"], PartNumber=number, Body=body, **more)
        sums = {k: v for k, v in part.items() if k.startswith("Checksum")} if "ChecksumAlgorithm" in create else {}
        parts.append({"PartNumber": number, "ETag": part["ETag"], **sums})
    return s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=made["UploadId"], MultipartUpload={"Parts": parts}
    )


def test_a_multipart_upload(s3):
    bodies = [os.urandom(5 * MIB), os.urandom(5 * MIB + 1), b"the end"]
    done = upload(s3, "big", bodies, ContentType="application/x-big", Metadata={"a": "b"}, Tagging="t=1")
    digest = hashlib.md5(b"".join(hashlib.md5(b).digest() for b in bodies)).hexdigest()
    assert done["ETag"] == f'"{digest}-3"'
    whole = b"".join(bodies)
    got = s3.get_object(Bucket="objects", Key="big")
    assert got["Body"].read() == whole
    assert (got["ContentType"], got["Metadata"], got["TagCount"]) == ("application/x-big", {"a": "b"}, 1)
    edge = 5 * MIB
    for first, last in [(edge - 3, edge + 3), (0, 0), (edge * 2, len(whole) - 1), (len(whole) - 8, len(whole) - 1)]:
        got = s3.get_object(Bucket="objects", Key="big", Range=f"bytes={first}-{last}")
        assert got["Body"].read() == whole[first : last + 1]
    got = s3.get_object(Bucket="objects", Key="big", PartNumber=2)
    assert got["PartsCount"] == 3 and got["Body"].read() == bodies[1]
    attributes = s3.get_object_attributes(Bucket="objects", Key="big", ObjectAttributes=["ETag", "ObjectParts", "ObjectSize", "Checksum"])
    assert attributes["ObjectSize"] == len(whole) and attributes["ObjectParts"]["TotalPartsCount"] == 3
    assert attributes["Checksum"]["ChecksumType"] == "FULL_OBJECT"


@pytest.mark.parametrize("algorithm, kind", [("CRC32", "COMPOSITE"), ("SHA1", "COMPOSITE"), ("SHA256", "COMPOSITE"), ("CRC32", "FULL_OBJECT")])
def test_checksums_of_parts(s3, algorithm, kind):
    key = f"{algorithm}-{kind}"
    done = upload(s3, key, [b"x" * 5 * MIB, b"y"], ChecksumAlgorithm=algorithm, ChecksumType=kind)
    assert done["ChecksumType"] == kind
    head = s3.head_object(Bucket="objects", Key=key, ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == done[f"Checksum{algorithm}"]
    assert head[f"Checksum{algorithm}"].endswith("-2") == (kind == "COMPOSITE")


def test_uploads_under_way(server, s3):
    s3.create_bucket(Bucket="under-way")
    ids = [s3.create_multipart_upload(Bucket="under-way", Key=key)["UploadId"] for key in ["a/1", "a/2", "b"]]
    for number in range(1, 6):
        s3.upload_part(Bucket="under-way", Key="b", UploadId=ids[2], PartNumber=number, Body=b"." * number)
    pages = s3.get_paginator("list_parts").paginate(Bucket="under-way", Key="b", UploadId=ids[2], PaginationConfig={"PageSize": 2})
    assert [p["Size"] for page in pages for p in page.get("Parts", [])] == [1, 2, 3, 4, 5]
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket="under-way", PaginationConfig={"PageSize": 1})
    assert [u["Key"] for page in pages for u in page.get("Uploads", [])] == ["a/1", "a/2", "b"]
    grouped = s3.list_multipart_uploads(Bucket="under-way", Delimiter="/")
    assert [p["Prefix"] for p in grouped["CommonPrefixes"]] == ["a/"] and len(grouped["Uploads"]) == 1
    s3.abort_multipart_upload(Bucket="under-way", Key="b", UploadId=ids[2])
    for call, more in [(s3.list_parts, {}), (s3.abort_multipart_upload, {}), (s3.upload_part, {"PartNumber": 1, "Body": b"x"})]:
        fails(call, "NoSuchUpload", 404, Bucket="under-way", Key="b", UploadId=ids[2], **more)
    assert server.record("ListMultipartUploads")["requestParameters"]["uploads"] == ""
    s3.delete_bucket(Bucket="under-way")


def test_a_completion_is_held_to_its_parts(s3):
    made = s3.create_multipart_upload(Bucket="objects", Key="held")["UploadId"]
    tags = [s3.upload_part(Bucket="objects", Key="held", UploadId=made, PartNumber=n, Body=b"small")["ETag"] for n in (1, 2)]
    finish = lambda parts: {"Bucket": "objects", "Key": "held", "UploadId": made, "MultipartUpload": {"Parts": parts}}  # noqa: E731
    parts = [{"PartNumber": n, "ETag": t} for n, t in enumerate(tags, 1)]
    fails(s3.complete_multipart_upload, "EntityTooSmall", 400, **finish(parts))
    fails(s3.complete_multipart_upload, "InvalidPartOrder", 400, **finish(parts[::-1]))
    fails(s3.complete_multipart_upload, "InvalidPart", 400, **finish([{"PartNumber": 3, "ETag": tags[0]}]))
    fails(s3.complete_multipart_upload, "InvalidRequest", 400, **finish([]))
    s3.complete_multipart_upload(**finish(parts[:1]))
    assert s3.get_object(Bucket="objects", Key="held")["Body"].read() == b"small"


def test_an_upload_survives_a_kill(fresh):
    fresh.start()
    s3 = fresh.client("s3")
    s3.create_bucket(Bucket="killed")
    made = s3.create_multipart_upload(Bucket="killed", Key="k")["UploadId"]
    body = os.urandom(5 * MIB)
    part = s3.upload_part(Bucket="killed", Key="k", UploadId=made, PartNumber=1, Body=body)
    fresh.kill()
    fresh.start()
    s3 = fresh.client("s3")
    s3.complete_multipart_upload(
        Bucket="killed", Key="k", UploadId=made, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )
    assert s3.get_object(Bucket="killed", Key="k")["Body"].read() == body
    assert fresh.stop() == 0


def test_transfers_of_boto3(s3, tmp_path):
    """upload_file, download_file and copy choose multipart by themselves."""
    source = tmp_path / "source"
    source.write_bytes(os.urandom(20 * MIB + 17))
    s3.upload_file(str(source), "objects", "transfer", ExtraArgs={"Metadata": {"by": "boto3"}})
    head = s3.head_object(Bucket="objects", Key="transfer")
    assert head["ContentLength"] == 20 * MIB + 17 and head["ETag"].endswith('-3"') and head["Metadata"] == {"by": "boto3"}
    s3.download_file("objects", "transfer", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    s3.copy({"Bucket": "objects", "Key": "transfer"}, "objects", "transferred")
    assert s3.get_object(Bucket="objects", Key="transferred")["Body"].read() == source.read_bytes()


def test_copies(s3):
    s3.put_object(Bucket="objects", Key="from ü", Body=b"copied", ContentType="text/x", Metadata={"a": "1"}, Tagging="t=1")
    source = {"Bucket": "objects", "Key": "from ü"}
    done = s3.copy_object(Bucket="objects", Key="to", CopySource=source)
    assert done["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"copied").hexdigest()}"'
    got = s3.get_object(Bucket="objects", Key="to")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"], got["TagCount"]) == (b"copied", "text/x", {"a": "1"}, 1)
    s3.copy_object(Bucket="objects", Key="to", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"}, TaggingDirective="REPLACE")
    got = s3.head_object(Bucket="objects", Key="to")
    assert got["Metadata"] == {"b": "2"} and "TagCount" not in got
    fails(s3.copy_object, "InvalidRequest", 400, Bucket="objects", Key="from ü", CopySource=source)
    fails(s3.copy_object, "NoSuchKey", 404, Bucket="objects", Key="to", CopySource="objects/none")
    fails(s3.copy_object, "PreconditionFailed", 412, Bucket="objects", Key="to", CopySource=source, CopySourceIfMatch='"x"')
    made = s3.create_multipart_upload(Bucket="objects", Key="part")["UploadId"]
    part = s3.upload_part_copy(Bucket="objects", Key="part", UploadId=made, PartNumber=1, CopySource=source, CopySourceRange="bytes=1-3")
    parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
    s3.complete_multipart_upload(Bucket="objects", Key="part", UploadId=made, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket="objects", Key="part")["Body"].read() == b"opi"


def test_nobody_copies_from_another_account(server, s3):
    _, keys = server.account("copier")
    theirs = server.client("s3", keys=keys)
    theirs.create_bucket(Bucket="copiers-own")
    s3.put_object(Bucket="objects", Key="secret", Body=b"x")
    fails(theirs.copy_object, "AccessDenied", 403, Bucket="copiers-own", Key="k", CopySource="objects/secret")


def test_conditional_writes(s3):
    etag = s3.put_object(Bucket="objects", Key="cond", Body=b"1", IfNoneMatch="*")["ETag"]
    fails(s3.put_object, "PreconditionFailed", 412, Bucket="objects", Key="cond", Body=b"2", IfNoneMatch="*")
    fails(s3.put_object, "PreconditionFailed", 412, Bucket="objects", Key="cond", Body=b"2", IfMatch='"x"')
    fails(s3.put_object, "NoSuchKey", 404, Bucket="objects", Key="no-cond", Body=b"2", IfMatch=etag)
    s3.put_object(Bucket="objects", Key="cond", Body=b"2", IfMatch=etag)
    fails(s3.delete_object, "PreconditionFailed", 412, Bucket="objects", Key="cond", IfMatch=etag)
    assert s3.get_object(Bucket="objects", Key="cond")["Body"].read() == b"2"
    made = s3.create_multipart_upload(Bucket="objects", Key="cond")["UploadId"]
    part = s3.upload_part(Bucket="objects", Key="cond", UploadId=made, PartNumber=1, Body=b"3")
    finish = {"Bucket": "objects", "Key": "cond", "UploadId": made, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}}
    fails(s3.complete_multipart_upload, "PreconditionFailed", 412, IfNoneMatch="*", **finish)
    s3.put_object(Bucket="objects", Key="cond", Body=b"4")
    fails(s3.complete_multipart_upload, "ConditionalRequestConflict", 409, IfNoneMatch="*", **finish)
    s3.complete_multipart_upload(**finish)


def test_many_are_deleted_at_once(server, s3):
    s3.create_bucket(Bucket="many")
    for i in range(25):
        s3.put_object(Bucket="many", Key=f"k{i}", Body=b".")
    objects = [{"Key": f"k{i}"} for i in range(25)] + [{"Key": "none"}, {"Key": "k0", "VersionId": "unknown"}]
    done = s3.delete_objects(Bucket="many", Delete={"Objects": objects})
    assert len(done["Deleted"]) == 26 and [e["Code"] for e in done["Errors"]] == ["NoSuchVersion"]
    assert "Deleted" not in s3.delete_objects(Bucket="many", Delete={"Objects": [{"Key": "x"}], "Quiet": True})
    assert s3.list_objects_v2(Bucket="many")["KeyCount"] == 0
    fails(s3.delete_objects, "MalformedXML", 400, Bucket="many", Delete={"Objects": [{"Key": str(i)} for i in range(1001)]})
    s3.delete_bucket(Bucket="many")


def test_tags(server, s3):
    s3.put_object(Bucket="objects", Key="tagged", Body=b"x", Tagging="a=1&b=two%20words")
    tags = lambda: {t["Key"]: t["Value"] for t in s3.get_object_tagging(Bucket="objects", Key="tagged")["TagSet"]}  # noqa: E731
    assert tags() == {"a": "1", "b": "two words"}
    s3.put_object_tagging(Bucket="objects", Key="tagged", Tagging={"TagSet": [{"Key": "c", "Value": ""}]})
    assert tags() == {"c": ""} and s3.head_object(Bucket="objects", Key="tagged").get("TagCount", 1) == 1
    s3.delete_object_tagging(Bucket="objects", Key="tagged")
    assert tags() == {}
    eleven = [{"Key": f"k{i}", "Value": "v"} for i in range(11)]
    fails(s3.put_object_tagging, "BadRequest", 400, Bucket="objects", Key="tagged", Tagging={"TagSet": eleven})
    fails(s3.put_object_tagging, "InvalidTag", 400, Bucket="objects", Key="tagged", Tagging={"TagSet": [{"Key": "aws:x", "Value": ""}]})
    s3.create_bucket(Bucket="tagged-bucket", CreateBucketConfiguration={"Tags": [{"Key": "born", "Value": "with"}]})
    assert s3.get_bucket_tagging(Bucket="tagged-bucket")["TagSet"] == [{"Key": "born", "Value": "with"}]
    s3.put_bucket_tagging(Bucket="tagged-bucket", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    record = server.record("PutBucketTagging")["requestParameters"]
    assert record["tagging"] == "" and record["Tagging"]["TagSet"] == {"Tag": {"Key": "a", "Value": "b"}}
    s3.delete_bucket_tagging(Bucket="tagged-bucket")
    fails(s3.get_bucket_tagging, "NoSuchTagSet", 404, Bucket="tagged-bucket")


def test_acls_versions_and_ownership(s3):
    s3.put_object(Bucket="objects", Key="owned", Body=b"x", ACL="bucket-owner-full-control")
    for acl in [s3.get_bucket_acl(Bucket="objects"), s3.get_object_acl(Bucket="objects", Key="owned")]:
        (grant,) = acl["Grants"]
        assert grant["Permission"] == "FULL_CONTROL" and grant["Grantee"]["ID"] == acl["Owner"]["ID"]
        assert grant["Grantee"]["Type"] == "CanonicalUser"
    s3.put_bucket_acl(Bucket="objects", ACL="bucket-owner-full-control")
    s3.put_object_acl(Bucket="objects", Key="owned", AccessControlPolicy={"Owner": acl["Owner"], "Grants": acl["Grants"]})
    fails(s3.put_bucket_acl, "AccessControlListNotSupported", 400, Bucket="objects", ACL="public-read")
    fails(s3.put_object_acl, "AccessControlListNotSupported", 400, Bucket="objects", Key="owned", ACL="public-read")
    rules = s3.get_bucket_ownership_controls(Bucket="objects")["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert "Status" not in s3.get_bucket_versioning(Bucket="objects")
    s3.create_bucket(Bucket="versions")
    for i in range(5):
        s3.put_object(Bucket="versions", Key=f"v{i}", Body=b".")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket="versions", PaginationConfig={"PageSize": 2})
    found = [v for page in pages for v in page.get("Versions", [])]
    assert [v["Key"] for v in found] == [f"v{i}" for i in range(5)]
    assert all(v["VersionId"] == "null" and v["IsLatest"] for v in found)
    assert s3.get_object(Bucket="versions", Key="v1", VersionId="null")["Body"].read() == b"."


def test_presigned_urls_of_uploads(s3):
    made = s3.create_multipart_upload(Bucket="objects", Key="presigned")["UploadId"]
    names = {"Bucket": "objects", "Key": "presigned", "UploadId": made}
    url = s3.generate_presigned_url("upload_part", Params={**names, "PartNumber": 1})
    with urllib.request.urlopen(urllib.request.Request(url, data=b"by url", method="PUT")) as answer:
        etag = answer.headers["ETag"]
    url = s3.generate_presigned_url("complete_multipart_upload", Params=names)
    body = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    request = urllib.request.Request(url, data=body.encode(), method="POST", headers={"Content-Type": "application/xml"})
    assert urllib.request.urlopen(request).status == 200
    url = s3.generate_presigned_url("get_object_tagging", Params={"Bucket": "objects", "Key": "presigned"})
    assert b"<TagSet>" in urllib.request.urlopen(url).read()
    assert s3.get_object(Bucket="objects", Key="presigned")["Body"].read() == b"by url"
