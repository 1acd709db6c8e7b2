"""What an operator decides of calls that are passed on: what becomes of them while nothing can be recorded, with whose keys they
go on and who may send them, and whose word counts for where they came from."""

import json
import re

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from conftest import Server, free
from signing import signed
from trails import wait_for
from upstreams import Scripted, answer, body

STRANGER = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
FLOOR = 24 << 20


def dynamodb(operation, **more):
    return {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}", **more}


@pytest.fixture
def upstream():
    def script(connection, request):
        request.data = body(connection, request)
        return answer(connection, data=b"" if request.line.startswith("PUT") else b"{}")

    upstream = Scripted(script)
    yield upstream
    upstream.close()


def ask(server, operation, keys=None, **more):
    """One call to DynamoDB; its status and its answer."""
    keys = keys or server.credentials()
    status, _, got = signed(server.endpoint, "dynamodb", keys, body=b"{}", headers=dynamodb(operation), **more)
    return status, got


class Full:
    """A disk that has no more room than its floor, until it is freed."""

    def __init__(self, folder):
        self.ballast = folder / "ballast"
        with open(self.ballast, "wb") as ballast:
            while (left := free(folder) - FLOOR) > 0:
                ballast.write(b"\0" * min(left, 1 << 20))
                ballast.flush()

    def free(self):
        self.ballast.unlink()


def until_full(server):
    """Waits until nothing can be recorded."""

    def refused():
        status, _, _ = signed(server.endpoint, "s3", server.credentials(), method="PUT", path="/bucket")
        return status == 503

    wait_for("a refusal", refused)


def test_nothing_goes_on_while_nothing_can_be_recorded(disk, upstream):
    disk, servers = disk
    server = Server(disk, f"upstream.url={upstream.endpoint}", f"disk.free_floor={FLOOR}")
    servers.append(server.start())
    assert ask(server, "UpdateTable")[0] == 200
    full = Full(disk)
    until_full(server)
    asked = len(upstream.asked)
    for keys in (server.credentials(), STRANGER):
        status, got = ask(server, "UpdateTable", keys)
        assert status == 503 and b"cannot be recorded" in got, got
    assert len(upstream.asked) == asked
    # A read has nothing to announce; what it is answered is not given out.
    status, got = ask(server, "DescribeTable")
    assert status == 503 and b"cannot be recorded" in got
    full.free()
    wait_for("room", lambda: ask(server, "DeleteTable")[0] == 200)
    assert server.record("DeleteTable")["eventSource"] == "dynamodb.amazonaws.com"
    # Nothing was let by, and so there is no gap.
    assert server.records(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "RecordingGap"}], within=0.3) == []
    assert server.stop() == 0


@pytest.mark.parametrize("restarted", [False, True], ids=["when there is room again", "after a restart"])
def test_calls_go_on_unrecorded_where_the_operator_says_so_and_the_gap_is_told(disk, upstream, restarted):
    disk, servers = disk
    settings = [f"upstream.url={upstream.endpoint}", f"disk.free_floor={FLOOR}", "capture.on_failure=pass"]
    server = Server(disk, *settings)
    servers.append(server.start())
    ana = server.user("ana")
    assert ask(server, "UpdateTable", ana)[0] == 200
    full = Full(disk)
    # What is ours is refused all the same.
    until_full(server)
    asked = len(upstream.asked)
    for _ in range(5):
        assert ask(server, "UpdateTable", ana)[0] == 200
        assert ask(server, "DescribeTable", ana)[0] == 200
    assert len(upstream.asked) == asked + 10
    full.free()
    if restarted:
        assert server.stop() == 0
        server.start()

    def gaps():
        try:
            found = server.records(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "RecordingGap"}], within=0.3)
        except server.client("cloudtrail").exceptions.ClientError:
            # It takes a moment until the room is seen.
            return None
        return found if sum(r["serviceEventDetails"]["callsNotRecorded"] for r in found) >= 10 else None

    found = wait_for("the gap", gaps)
    assert sum(record["serviceEventDetails"]["callsNotRecorded"] for record in found) == 10
    for record in found:
        assert record["eventSource"] == "opentrail.amazonaws.com" and record["eventType"] == "AwsServiceEvent"
        details = record["serviceEventDetails"]
        assert details["from"] <= details["to"] == record["eventTime"]
    updates = server.records(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "UpdateTable"}])
    assert len(updates) == 1
    assert ask(server, "DeleteTable", ana)[0] == 200
    assert server.record("DeleteTable")["userIdentity"]["userName"] == "ana"
    assert server.stop() == 0


UPSTREAM_KEYS = ("AKIDUPSTREAMEXAMPLE1", "the-upstreams-own-secret-0123456789abcdef")


def is_signed_by(request, keys, service):
    """Whether what an upstream heard is signed by these keys, as botocore would sign it."""
    method, target, _ = request.line.split(" ")
    claim = request.headers["authorization"]
    names = re.search("SignedHeaders=([^,]+)", claim)[1].split(";")
    headers = {name: request.headers[name] for name in names}
    again = botocore.awsrequest.AWSRequest(
        method=method, url=f"http://{request.headers['host']}{target}", headers=headers, data=request.data
    )
    again.context["timestamp"] = request.headers["x-amz-date"]
    signer = (botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth)(
        botocore.credentials.Credentials(*keys), service, "us-east-1"
    )
    canonical = signer.canonical_request(again)
    signature = signer.signature(signer.string_to_sign(again, canonical), again)
    day = request.headers["x-amz-date"][:8]
    return claim.startswith(f"AWS4-HMAC-SHA256 Credential={keys[0]}/{day}/us-east-1/{service}/aws4_request") and claim.endswith(
        f"Signature={signature}"
    )


@pytest.fixture
def keyed(tmp_path, upstream):
    """A server with keys of the upstream's own."""
    file = tmp_path / "keys"
    file.write_text(f"[default]\naws_access_key_id = {UPSTREAM_KEYS[0]}\naws_secret_access_key = {UPSTREAM_KEYS[1]}\n")
    both = [f"upstream.url={upstream.endpoint}", f"upstream.s3={upstream.endpoint}"]
    server = Server(tmp_path, *both, f"upstream.credentials={file}").start()
    account = server.client("sts").get_caller_identity()["Account"]
    ana, bo = server.user("ana"), server.user("bo")
    assert server.stop() == 0
    allow = [{"principal": f"arn:aws:iam::{account}:user/ana", "actions": ["dynamodb:List*", "ecr:*", "s3:PutObject"]}]
    server.settings += ["--set", f"upstream.allow={json.dumps(allow)}"]
    server.start()
    yield server, ana, bo
    assert server.stop() == 0


def test_calls_go_on_with_the_upstreams_keys_and_only_those_that_are_allowed(keyed, upstream):
    server, ana, bo = keyed
    tables = server.client("dynamodb", keys=ana)
    tables.list_tables(Limit=7)
    request = upstream.asked[-1]
    assert is_signed_by(request, UPSTREAM_KEYS, "dynamodb")
    assert json.loads(request.data) == {"Limit": 7} and ana[0] not in request.head.decode()
    told = server.record("ListTables")
    assert told["userIdentity"]["userName"] == "ana" and told["userIdentity"]["accessKeyId"] == ana[0]
    # A body that streams.
    server.client("s3", keys=ana).put_object(Bucket="wares", Key="a b/c", Body=b"x" * 3_000_000)
    request = upstream.asked[-1]
    assert request.line.startswith("PUT /wares/a%20b/c") and request.data == b"x" * 3_000_000
    assert is_signed_by(request, UPSTREAM_KEYS, "s3")

    asked = len(upstream.asked)

    def denied(service, keys, operation, **parameters):
        client = server.client(service, keys=keys)
        with pytest.raises(client.exceptions.ClientError) as refused:
            getattr(client, operation)(**parameters)
        return refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]

    # Another operation, another caller, and what hands out credentials, whatever the list says.
    code, message = denied("dynamodb", ana, "delete_table", TableName="orders")
    assert code == "AccessDeniedException" and "user/ana is not authorized to perform: dynamodb:DeleteTable" in message
    assert denied("dynamodb", bo, "list_tables")[0] == "AccessDeniedException"
    assert denied("ecr", ana, "get_authorization_token")[0] == "AccessDeniedException"
    told = server.record("DeleteTable")
    assert told["errorCode"] == "AccessDenied" and told["requestParameters"] is None
    assert server.record("GetAuthorizationToken")["errorCode"] == "AccessDenied"
    # Keys that nobody here knows, and wrong signatures, are not even recorded.
    assert denied("dynamodb", STRANGER, "list_tables")[0] == "UnrecognizedClientException"
    assert denied("dynamodb", (ana[0], "x" * 40), "list_tables")[0] == "InvalidSignatureException"
    assert len(upstream.asked) == asked
    text = json.dumps(server.records())
    assert UPSTREAM_KEYS[0] not in text and UPSTREAM_KEYS[1] not in text


def test_only_trusted_proxies_say_where_a_call_came_from(tmp_path, upstream):
    server = Server(tmp_path, f"upstream.url={upstream.endpoint}")

    def source(operation, said):
        status, _ = ask(server, operation, spoil=lambda headers: headers.update({"X-Forwarded-For": said}))
        assert status == 200
        return server.record(operation)["sourceIPAddress"]

    server.start()
    assert source("UpdateTable", "192.0.2.7") == "127.0.0.1"
    assert server.stop() == 0
    server.start("--set", "listen.trusted_proxies=127.0.0.0/8,198.51.100.0/24")
    # The last that is not itself a trusted proxy; what stands before it anybody may have written.
    assert source("DeleteTable", "203.0.113.9, 192.0.2.7, 198.51.100.3") == "192.0.2.7"
    assert source("CreateTable", "2001:db8::7") == "2001:db8::7"
    assert source("ListTables", "nonsense, 10") == "127.0.0.1"
    # The upstream sees what came.
    assert upstream.asked[-1].headers["x-forwarded-for"] == "nonsense, 10"
    assert server.stop() == 0
