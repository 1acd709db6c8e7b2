"""Forged, missing, late and foreign signatures; and every refusal in the protocol that the caller spoke."""

import datetime
import json
import re
import time
import urllib.request

import boto3
import pytest
from botocore.exceptions import ClientError
from signing import lookup_request, plain, signed

STS = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
WHO = b"Action=GetCallerIdentity&Version=2011-06-15"


def code(answer):
    status, headers, body = answer
    if body.startswith(b"{"):
        assert headers["x-amzn-requestid"]
        return status, json.loads(body)["__type"].split("#")[-1]
    text = body.decode()
    assert headers.get("x-amzn-requestid") or headers.get("x-amz-request-id")
    return status, text.split("<Code>")[1].split("</Code>")[0]


def each(server, expect, keys=None, **more):
    """The same mistake in awsJson, Query and S3; `expect` is (status, code) of each."""
    keys = keys or server.credentials()
    json_ = signed(server.endpoint, "cloudtrail", keys, body=b"{}", headers=lookup_request(), **more)
    query = signed(server.endpoint, "sts", keys, body=WHO, headers=STS, **more)
    s3 = signed(server.endpoint, "s3", keys, method="GET", **more)
    assert [code(json_), code(query), code(s3)] == expect


def test_a_right_signature_in_each_protocol(server):
    keys = server.credentials()
    assert signed(server.endpoint, "cloudtrail", keys, body=b"{}", headers=lookup_request())[0] == 200
    assert signed(server.endpoint, "sts", keys, body=WHO, headers=STS)[0] == 200
    assert signed(server.endpoint, "s3", keys, method="GET")[0] == 200


def test_no_signature(server):
    assert code(plain(server.endpoint, "POST", "/", b"{}", lookup_request())) == (400, "MissingAuthenticationTokenException")
    assert code(plain(server.endpoint, "POST", "/", WHO, STS)) == (403, "MissingAuthenticationToken")
    assert code(plain(server.endpoint, "GET", "/some-bucket")) == (403, "AccessDenied")


def test_an_unknown_key(server):
    keys = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    expect = [(400, "UnrecognizedClientException"), (403, "InvalidClientTokenId"), (403, "InvalidAccessKeyId")]
    each(server, expect, keys=keys)


def test_a_wrong_secret(server):
    keys = (server.credentials()[0], "not/the/secret")
    expect = [(400, "InvalidSignatureException"), (403, "SignatureDoesNotMatch"), (403, "SignatureDoesNotMatch")]
    each(server, expect, keys=keys)


def test_a_disabled_and_a_deleted_key(server):
    keys = server.user("disabled-one", "--policy", "admin")
    signed(server.endpoint, "s3", keys, method="GET")
    server.opentrail("key", "disable", keys[0], profile="opentrail")
    expect = [(400, "UnrecognizedClientException"), (403, "InvalidClientTokenId"), (403, "InvalidAccessKeyId")]
    each(server, expect, keys=keys)
    server.opentrail("key", "enable", keys[0], profile="opentrail")
    assert signed(server.endpoint, "s3", keys, method="GET")[0] == 200
    server.opentrail("key", "delete", keys[0], profile="opentrail")
    each(server, expect, keys=keys)


def test_a_signature_of_long_ago_or_of_tomorrow(server):
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    expect = [(400, "InvalidSignatureException"), (403, "SignatureDoesNotMatch"), (403, "RequestTimeTooSkewed")]
    each(server, expect, at=now - datetime.timedelta(minutes=16))
    each(server, expect, at=now + datetime.timedelta(minutes=16))
    # Ten minutes are too many for everything but S3.
    keys = server.credentials()
    late = now - datetime.timedelta(minutes=10)
    assert signed(server.endpoint, "s3", keys, method="GET", at=late)[0] == 200
    assert code(signed(server.endpoint, "sts", keys, body=WHO, headers=STS, at=late))[1] == "SignatureDoesNotMatch"


def test_a_header_that_is_not_signed(server):
    def smuggle(headers):
        headers["x-amz-meta-owner"] = "somebody else"

    status, _, body = signed(server.endpoint, "s3", server.credentials(), method="GET", spoil=smuggle)
    assert status == 403 and b"<Code>AccessDenied</Code>" in body and b"x-amz-meta-owner" in body


def test_a_body_that_is_not_the_one_signed(server):
    def swap(headers):
        headers["Content-Length"] = "2"

    import botocore.awsrequest

    keys = server.credentials()
    # Signed for one body, sent with another of the same length.
    captured = {}
    signed(server.endpoint, "sts", keys, body=WHO, headers=STS, spoil=captured.update)
    other = WHO.replace(b"2011-06-15", b"2011-06-16")
    assert code(plain(server.endpoint, "POST", "/", other, captured))[1] == "SignatureDoesNotMatch"
    captured = {}
    signed(server.endpoint, "s3", keys, method="PUT", path="/swapped-body", spoil=captured.update)
    captured = {}
    signed(server.endpoint, "s3", keys, method="PUT", path="/swapped-body/k", body=b"aaaa", spoil=captured.update)
    assert code(plain(server.endpoint, "PUT", "/swapped-body/k", b"bbbb", captured)) == (400, "XAmzContentSHA256Mismatch")
    assert b"aaaa" == signed(server.endpoint, "s3", keys, method="GET", path="/swapped-body/k")[2]


def test_a_region_that_is_not_served(server):
    expect = [(400, "InvalidSignatureException"), (403, "SignatureDoesNotMatch"), (400, "AuthorizationHeaderMalformed")]
    each(server, expect, region="mars-north-1")


def test_old_and_foreign_kinds_of_signatures(server):
    header = {"Authorization": "AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=", "Date": "Tue, 27 Mar 2007 19:36:42 +0000"}
    status, _, body = plain(server.endpoint, "GET", "/b", b"", header)
    assert status == 400 and b"AWS4-HMAC-SHA256" in body
    status, _, body = plain(server.endpoint, "GET", "/b?AWSAccessKeyId=A&Expires=1&Signature=x")
    assert status in (400, 403) and b"<Error>" in body


def test_presigned_urls_work_and_expire(server):
    client = server.client("s3")
    client.create_bucket(Bucket="presigned")
    client.put_object(Bucket="presigned", Key="k", Body=b"by url")
    url = client.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": "k"}, ExpiresIn=1)
    assert urllib.request.urlopen(url).read() == b"by url"
    time.sleep(2.1)
    status, _, body = plain(server.endpoint, "GET", url.split(server.endpoint)[1])
    assert status == 403 and b"Request has expired" in body
    status, _, body = plain(server.endpoint, "GET", url.split(server.endpoint)[1].replace("Expires=1", "Expires=604801"))
    assert (status, b"AuthorizationQueryParametersError" in body) == (400, True)


def test_unknown_and_unbuilt_operations(server):
    keys = server.credentials()
    ask = lambda name: code(signed(server.endpoint, "cloudtrail", keys, body=b"{}", headers=lookup_request(name)))  # noqa: E731
    assert ask("NoSuchThing") == (400, "UnknownOperationException")
    with pytest.raises(ClientError) as error:
        server.client("cloudtrail").create_channel(Name="channel", Source="Custom", Destinations=[{"Type": "EVENT_DATA_STORE", "Location": "x-y-z"}])
    assert "CreateChannel" in error.value.response["Error"]["Message"]
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    record = server.record("CreateChannel")
    assert record["errorCode"] == error.value.response["Error"]["Code"]


def test_every_operation_of_the_models_answers_honestly(server):
    """What is not built says so by name; nothing of the public models pretends to succeed."""
    trails = "LookupEvents|(Create|Update|Delete|Get)Trail|(Describe|List)Trails|GetTrailStatus|(Start|Stop)Logging"
    stores = "(Create|Update|Delete|Restore|Get)EventDataStore|ListEventDataStores|(Start|Stop)EventDataStoreIngestion|(Put|Get)EventConfiguration"
    unbuilt = {
        "cloudtrail": f"(?!({trails}|{stores}|(Put|Get)EventSelectors|ListPublicKeys|AddTags|RemoveTags|ListTags)$)",
        "sts": "AssumeRoot|GetDelegatedAccessToken|GetWebIdentityToken",
        "iam": ".*(ServerCertificate|SigningCertificate|SSHPublicKey|ServiceSpecificCredential|Delegation|Organizations|OutboundWeb|LastAccessed"
        "|GrantingServiceAccess|AccountProperties|HumanReadable|AcquireRole|RoleTemplate)",
    }
    for service, pattern in unbuilt.items():
        model = boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x").meta.service_model
        keys = server.credentials()
        for name in filter(re.compile(pattern).match, model.operation_names):
            if model.protocol == "json":
                answer = signed(server.endpoint, service, keys, body=b"{}", headers=lookup_request(name))
            else:
                form = f"Action={name}&Version={model.api_version}".encode()
                answer = signed(server.endpoint, service, keys, body=form, headers=STS)
            assert answer[0] == 501 and name.encode() in answer[2], (service, name, answer)


def test_a_service_that_is_not_here_is_named(server):
    keys = server.credentials()
    status, _, body = signed(
        server.endpoint, "dynamodb", keys, body=b"{}",
        headers={"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"},
    )  # fmt: skip
    assert status >= 400 and b"dynamodb" in body


def test_a_stranger_leaves_no_trace(server):
    """Thousands of unproven calls fill neither journal nor log."""
    import concurrent.futures

    def size():
        return sum(f.stat().st_size for f in server.data.rglob("*") if f.is_file())

    before, log_before = size(), len(server.log_text())
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: plain(server.endpoint, "PUT", f"/bucket-{i}", b"x" * 1000)[0], range(3000)))
    assert set(answers) <= {403, 503}
    assert size() - before < 256 * 1024
    assert len(server.log_text()) - log_before < 16 * 1024


def test_health_and_metrics(server):
    status, _, body = plain(server.endpoint, "GET", "/health")
    assert status == 200 and b"lag" not in body and len(body) < 64
    status, _, body = signed(server.endpoint, "opentrail", server.credentials("opentrail-operator"), method="GET", path="/health")
    followers = json.loads(body)["followers"]
    assert status == 200 and "history" in json.dumps(followers)
    assert plain(server.endpoint, "GET", "/metrics")[0] in (401, 403, 503)
    assert signed(server.endpoint, "opentrail", server.credentials(), method="GET", path="/metrics")[0] == 403
    status, _, body = signed(server.endpoint, "opentrail", server.credentials("opentrail-operator"), method="GET", path="/metrics")
    assert status == 200 and b"# TYPE" in body
