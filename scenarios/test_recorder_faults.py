"""Upstreams that lie, stall and die: no hung client, no lost record, no invented identity."""

import http.client
import json
import random
import socket
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from conftest import Server
from signing import plain, raw, signed
from upstreams import Scripted, answer, body, some_bytes

STRANGER = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
JSON = {"Content-Type": "application/x-amz-json-1.0"}


def dynamodb(operation):
    return {**JSON, "X-Amz-Target": f"DynamoDB_20120810.{operation}"}


class Act:
    """What the upstream does next."""

    def __init__(self):
        self.now = lambda connection, request: answer(connection, data=b"{}")

    def __call__(self, connection, request):
        return self.now(connection, request)


@pytest.fixture(scope="module")
def act():
    return Act()


@pytest.fixture(scope="module")
def upstream(act):
    upstream = Scripted(act)
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory, upstream):
    quick = ["upstream.answer_timeout=1", "upstream.idle_timeout=1", "upstream.connect_timeout=1"]
    server = Server(tmp_path_factory.mktemp("server"), f"upstream.url={upstream.endpoint}", *quick).start()
    yield server
    if server.process.poll() is None:
        assert server.stop() == 0


def named(server, name, count):
    """So many records of an event name."""
    return server.records(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
        within=5,
        until=lambda found: len(found) >= count,
    )


def test_the_plug_is_pulled_a_hundred_times(server, act):
    dice = random.Random(11)
    payload = some_bytes(3_000_000)
    keys, outcomes = server.credentials(), []

    def dies(at, framing, reset):
        def script(connection, request):
            body(connection, request)
            if framing == "length":
                wire = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(payload) + payload
            else:
                parts = [payload[i : i + 50_000] for i in range(0, len(payload), 50_000)]
                wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                wire += b"".join(b"%x\r\n" % len(p) + p + b"\r\n" for p in parts) + b"0\r\n\r\n"
            connection.sendall(wire[: int(at * (len(wire) - 1))])
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            return False

        return script

    for n in range(100):
        at = 0.0 if n % 10 == 0 else dice.random()
        act.now = dies(at, dice.choice(["length", "chunked"]), dice.random() < 0.5)
        began = time.monotonic()
        try:
            status, _, got = signed(server.endpoint, "dynamodb", keys, body=b"{}", headers=dynamodb("UpdateTable"))
            outcomes.append(status)
            assert status == 502 and b"BadGateway" in got, (n, status, got[:100])
        except (OSError, http.client.HTTPException):
            outcomes.append("broken")
        assert time.monotonic() - began < 15
    assert outcomes.count("broken") > 50 and len(outcomes) == 100
    records = named(server, "UpdateTable", 100)
    assert len(records) == 100
    for record in records:
        assert record["errorCode"] == "BadGateway" and record["additionalEventData"]["upstreamError"]
        assert record["additionalEventData"]["outcome"] == "unknown"
        assert record["userIdentity"]["type"] == "Root" and "identityVerified" not in record["additionalEventData"]


def test_nobody_answers_in_time(server, act):
    act.now = lambda connection, request: time.sleep(4)
    status, _, got = signed(server.endpoint, "dynamodb", server.credentials(), body=b"{}", headers=dynamodb("DeleteTable"))
    assert status == 504 and json.loads(got)["__type"] == "GatewayTimeout"
    record = named(server, "DeleteTable", 1)[0]
    assert record["errorCode"] == "GatewayTimeout" and record["additionalEventData"]["outcome"] == "unknown"


def test_nobody_is_there(tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = Server(tmp_path, f"upstream.url=http://127.0.0.1:{port}").start()
    for service, headers, shape in [
        ("dynamodb", dynamodb("DeleteTable"), b'{"__type":"BadGateway"'),
        ("ec2", {"Content-Type": "application/x-www-form-urlencoded"}, b"<Response><Errors><Error><Code>BadGateway</Code>"),
        ("sqs", {**JSON, "X-Amz-Target": "AmazonSQS.ListQueues"}, b'{"__type":"BadGateway"'),
    ]:
        data = b"Action=RebootInstances&Version=2016-11-15&InstanceId.1=i-1" if service == "ec2" else b"{}"
        status, _, got = signed(server.endpoint, service, server.credentials(), body=data, headers=headers)
        assert status == 502 and shape in got, (service, got)
    assert "outcome" not in server.record("DeleteTable")["additionalEventData"]
    assert server.stop() == 0


def test_a_stranger_is_counted_and_not_recorded(server, act, upstream):
    refused = json.dumps({"__type": "UnrecognizedClientException", "message": "no"}).encode()

    def script(connection, request):
        body(connection, request)
        return answer(connection, 400, data=refused, reason="Bad Request")

    act.now = script
    for _ in range(5):
        status, _, got = signed(server.endpoint, "dynamodb", STRANGER, body=b"{}", headers=dynamodb("CreateTable"))
        assert status == 400 and got == refused
    assert named(server, "CreateTable", 1) == []
    # An intent that was taken back stays so, whatever happens.
    server.kill()
    server.start()
    assert named(server, "CreateTable", 1) == []


def test_an_unsigned_call_goes_nowhere(server, upstream):
    asked = len(upstream.asked)
    status, _, _ = plain(server.endpoint, "POST", "/", b"{}", dynamodb("ListTables"))
    assert status in (400, 403) and len(upstream.asked) == asked


def test_what_could_be_read_in_two_ways_goes_nowhere(server, upstream):
    asked = len(upstream.asked)
    host = urllib.parse.urlsplit(server.endpoint).netloc.encode()
    claim = b"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00\r\n"
    head = b"POST / HTTP/1.1\r\nHost: " + host + b"\r\n" + claim
    for lines in [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx",
        b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    ]:
        got = raw(server.endpoint, head + lines)
        assert not got.startswith(b"HTTP/1.1 2"), got[:100]
    assert len(upstream.asked) == asked


def test_large_objects_pass_with_flat_memory(server, act, tmp_path):
    size = 200 << 20
    block = some_bytes(1 << 20)

    def script(connection, request):
        if request.line.startswith("PUT"):
            left = size - len(request.rest)
            while left > 0:
                piece = connection.recv(1 << 20)
                if not piece:
                    return False
                left -= len(piece)
            return answer(connection, headers=[("ETag", '"x"')])
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size >> 20):
            connection.sendall(block)
        return True

    act.now = script

    def resident():
        status = open(f"/proc/{server.process.pid}/status").read()
        return int(status.split("VmRSS:")[1].split()[0]) << 10

    class Blocks:
        """A body that nobody holds."""

        def __iter__(self):
            return (block for _ in range(size >> 20))

    before = resident()
    request = botocore.awsrequest.AWSRequest(
        method="PUT", url=server.endpoint + "/b/k", headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    )
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(*STRANGER), "mediastore", "us-east-1")
    signer.add_auth(request)
    parts = urllib.parse.urlsplit(server.endpoint)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request("PUT", "/b/k", body=iter(Blocks()), headers={**dict(request.headers), "Content-Length": str(size)})
    assert connection.getresponse().status == 200
    connection.close()
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    request = botocore.awsrequest.AWSRequest(method="GET", url=server.endpoint + "/b/k")
    signer.add_auth(request)
    connection.request("GET", "/b/k", headers=dict(request.headers))
    got, left = connection.getresponse(), size
    while left:
        left -= len(got.read(1 << 20))
    connection.close()
    assert resident() - before < 64 << 20
