"""Truncated, oversized, deeply nested, smuggled: a clear error, nothing lost, and the server runs on."""

import json

import pytest
from botocore.exceptions import ClientError
from signing import lookup_request, plain, raw, signed


@pytest.fixture(autouse=True)
def runs_on(server):
    yield
    assert server.process.poll() is None, "the server ended"
    assert server.client("sts").get_caller_identity()["Account"]


def ask(server, body, headers=None):
    status, _, answer = signed(server.endpoint, "cloudtrail", server.credentials(), body=body, headers=headers or lookup_request())
    return status, json.loads(answer)["__type"]


def test_bodies_that_are_no_input(server):
    for body in [b"{", b"[]", b'"text"', b"\xff\xfe", b"{" * 100_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000]:
        answer = signed(server.endpoint, "cloudtrail", server.credentials(), body=body, headers=lookup_request())
        assert answer[0] == 400 and b"SerializationException" in answer[2], (body[:40], answer)


def test_a_body_that_is_too_large(server):
    status, _, body = signed(
        server.endpoint, "cloudtrail", server.credentials(), body=b'{"a":"' + b"x" * 5_000_000 + b'"}', headers=lookup_request()
    )
    assert status in (400, 413) and b"__type" in body


def test_duplicate_keys_are_not_two_answers(server):
    status, code = ask(server, b'{"MaxResults":1,"MaxResults":51}')
    assert (status, code) == (400, "SerializationException")


def test_a_wrong_content_type(server):
    status, _, body = signed(
        server.endpoint, "cloudtrail", server.credentials(), body=b"{}", headers=lookup_request(content_type="text/plain")
    )
    assert status in (400, 415), body


def test_broken_http(server):
    host = server.endpoint.split("//")[1].encode()
    for request in [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: " + host + b"\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n" + b"".join(b"x-%d: y\r\n" % i for i in range(5000)) + b"\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ]:
        answer = raw(server.endpoint, request)
        assert not answer.startswith(b"HTTP/1.1 2"), request[:60]


def test_smuggling(server):
    host = server.endpoint.split("//")[1].encode()
    inner = b"GET /smuggled HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"
    for framing in [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
    ]:
        answer = raw(server.endpoint, b"POST / HTTP/1.1\r\nHost: " + host + b"\r\n" + framing + b"\r\n0\r\n\r\n" + inner)
        assert answer.count(b"HTTP/1.1 ") <= 1, answer
        assert not answer.startswith(b"HTTP/1.1 2")


def test_a_client_that_stops_in_mid_body(server):
    keys = server.credentials()
    server.client("s3").create_bucket(Bucket="torn")
    captured = {}
    signed(server.endpoint, "s3", keys, method="PUT", path="/torn/k", body=b"x" * 1000, spoil=captured.update)
    server.client("s3").delete_object(Bucket="torn", Key="k")
    head = "PUT /torn/k HTTP/1.1\r\nHost: " + server.endpoint.split("//")[1] + "\r\n"
    head += "".join(f"{k}: {v}\r\n" for k, v in captured.items() if k.lower() not in ("host", "content-length"))
    raw(server.endpoint, head.encode() + b"Content-Length: 1000\r\n\r\n" + b"x" * 400)
    with pytest.raises(ClientError) as error:
        server.client("s3").get_object(Bucket="torn", Key="k")
    assert error.value.response["Error"]["Code"] == "NoSuchKey"


HOSTILE_KEYS = [
    "../../etc/passwd", "..", ".", "/leading", "a//b", "a/./b/../c", "tab\there", "new\nline", "carriage\rreturn",
    "\x01control", "quote\"'<&>", "snow☃man", "%2e%2e%2f", "plus+space here", "x" * 1024, "nul\\0", "?query", "#frag",
]  # fmt: skip


def test_hostile_keys_are_only_names(server):
    client = server.client("s3")
    client.create_bucket(Bucket="hostile-keys")
    for i, key in enumerate(HOSTILE_KEYS):
        client.put_object(Bucket="hostile-keys", Key=key, Body=str(i).encode())
    for i, key in enumerate(HOSTILE_KEYS):
        assert client.get_object(Bucket="hostile-keys", Key=key)["Body"].read() == str(i).encode(), key
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="hostile-keys", PaginationConfig={"PageSize": 3})
    listed = [o["Key"] for page in pages for o in page["Contents"]]
    assert listed == sorted(HOSTILE_KEYS, key=lambda k: k.encode())
    names = [str(f.relative_to(server.data)) for f in server.data.rglob("*")]
    assert not any("passwd" in n or "snow" in n for n in names), "a key became a file name"
    for key in HOSTILE_KEYS:
        client.delete_object(Bucket="hostile-keys", Key=key)
    client.delete_bucket(Bucket="hostile-keys")


def test_a_key_that_is_too_long(server):
    client = server.client("s3")
    client.create_bucket(Bucket="long-keys")
    with pytest.raises(ClientError) as error:
        client.put_object(Bucket="long-keys", Key="x" * 1025, Body=b"")
    assert error.value.response["Error"]["Code"] == "KeyTooLongError"
    status, _, body = signed(server.endpoint, "s3", server.credentials(), method="PUT", path="/long-keys/%FF%FE", body=b"")
    assert status == 400 and b"InvalidURI" in body


def test_plain_path_tricks(server):
    for path in ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//", "/\\..\\"]:
        assert plain(server.endpoint, "GET", path)[0] in (400, 403)
