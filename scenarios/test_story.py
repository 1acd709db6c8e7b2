"""The story: with the unmodified aws CLI someone makes a bucket and puts objects; a second later they find who did it."""

import datetime
import re

from conftest import Server  # noqa: F401  (the fixture's type)

UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
# The order in which recorded AWS writes a management record's members.
ORDER = [
    "eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent",
    "errorCode", "errorMessage", "requestParameters", "responseElements", "additionalEventData", "requestID", "eventID",
    "readOnly", "resources", "eventType", "apiVersion", "managementEvent", "recipientAccountId", "sharedEventID",
    "eventCategory", "tlsDetails",
]  # fmt: skip


def check_frame(record, name, source, account, read_only):
    """What every record of ours has, member by member."""
    assert [m for m in ORDER if m in record] == list(record), "members out of order, or unknown"
    assert record["eventVersion"] == "1.11"
    assert record["eventName"] == name
    assert record["eventSource"] == source
    assert record["awsRegion"] == "us-east-1"
    assert record["sourceIPAddress"] == "127.0.0.1"
    assert record["readOnly"] is read_only
    assert record["eventType"] == "AwsApiCall"
    assert record["managementEvent"] is True
    assert record["eventCategory"] == "Management"
    assert record["recipientAccountId"] == account
    assert UUID.match(record["eventID"])
    at = datetime.datetime.strptime(record["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    assert abs((datetime.datetime.now(datetime.timezone.utc) - at).total_seconds()) < 60
    assert "tlsDetails" not in record, "the connection was plain"


def root_identity(account, key):
    return {
        "type": "Root",
        "principalId": account,
        "arn": f"arn:aws:iam::{account}:root",
        "accountId": account,
        "accessKeyId": key,
    }


def test_the_story_through_the_aws_cli(server, tmp_path):
    me = server.aws("sts", "get-caller-identity")
    account = me["Account"]
    assert me == {"UserId": account, "Account": account, "Arn": f"arn:aws:iam::{account}:root"}

    server.aws("s3", "mb", "s3://story-bucket")
    (tmp_path / "hello.txt").write_text("hello, trail")
    server.aws("s3", "cp", str(tmp_path / "hello.txt"), "s3://story-bucket/a/hello.txt")
    assert "hello.txt" in server.aws("s3", "ls", "s3://story-bucket/a/")
    server.aws("s3", "cp", "s3://story-bucket/a/hello.txt", str(tmp_path / "back.txt"))
    assert (tmp_path / "back.txt").read_text() == "hello, trail"

    found = server.aws(
        "cloudtrail", "lookup-events",
        "--lookup-attributes", "AttributeKey=ResourceName,AttributeValue=story-bucket",
    )["Events"]  # fmt: skip
    assert [e["EventName"] for e in found] == ["CreateBucket"], "object calls are data events that nobody selected"
    event = found[0]
    assert event["Username"] == "root"
    assert event["ReadOnly"] == "false"
    assert event["EventSource"] == "s3.amazonaws.com"
    assert event["AccessKeyId"] == server.credentials()[0]
    assert {"ResourceType": "AWS::S3::Bucket", "ResourceName": "story-bucket"} in event["Resources"]


def test_the_record_of_create_bucket_member_by_member(server):
    client = server.client("s3", region="us-east-1")
    answer = client.create_bucket(Bucket="record-bucket")
    account = server.client("sts").get_caller_identity()["Account"]
    record = server.record("CreateBucket", until=lambda found: "record-bucket" in str(found))
    check_frame(record, "CreateBucket", "s3.amazonaws.com", account, read_only=False)
    assert record["userIdentity"] == root_identity(account, server.credentials()[0])
    assert list(record["userIdentity"]) == list(root_identity(account, ""))
    assert record["requestID"] == answer["ResponseMetadata"]["RequestId"]
    assert re.fullmatch(r"[0-9A-Z]{16}", record["requestID"])
    assert record["userAgent"].startswith("[Boto3/") and record["userAgent"].endswith("]")
    assert record["requestParameters"] == {"bucketName": "record-bucket", "Host": server.endpoint.split("//")[1]}
    assert record["responseElements"] is None
    assert record["resources"] == [
        {"accountId": account, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::record-bucket"}
    ]
    additional = record["additionalEventData"]
    assert additional["SignatureVersion"] == "SigV4"
    assert additional["AuthenticationMethod"] == "AuthHeader"
    assert additional["bytesTransferredIn"] == 0 and additional["httpStatusCode"] == 200
    assert 0 <= additional["endTime"] - additional["startTime"] < 60_000
    assert additional["x-amz-id-2"] == answer["ResponseMetadata"]["HostId"]
    assert "errorCode" not in record and "apiVersion" not in record


def test_the_record_of_a_bucket_with_a_location(server):
    client = server.client("s3", region="eu-west-1")
    client.create_bucket(Bucket="far-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    record = server.record("CreateBucket", region="eu-west-1")
    assert record["awsRegion"] == "eu-west-1"
    assert record["requestParameters"]["CreateBucketConfiguration"] == {
        "LocationConstraint": "eu-west-1",
        "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
    }
    assert "far-bucket" not in str(server.records()), "history is kept per region"


def test_the_record_of_a_read_has_no_response(server):
    answer = server.client("sts").get_caller_identity()
    record = server.record("GetCallerIdentity", until=lambda r: answer["ResponseMetadata"]["RequestId"] in str(r))
    check_frame(record, "GetCallerIdentity", "sts.amazonaws.com", answer["Account"], read_only=True)
    assert record["requestParameters"] is None and record["responseElements"] is None
    assert record["additionalEventData"] == {
        "RequestDetails": {"awsServingRegion": "us-east-1", "endpointType": "regional"}
    }
    assert record["requestID"] == answer["ResponseMetadata"]["RequestId"]
    assert record["userAgent"].startswith("Boto3/")


def test_looking_up_is_itself_on_record(server):
    when = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    answer = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "ReadOnly", "AttributeValue": "false"}], StartTime=when, MaxResults=3
    )
    record = server.record("LookupEvents", until=lambda r: answer["ResponseMetadata"]["RequestId"] in str(r))
    record = [
        r for r in server.records(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "LookupEvents"}])
        if r["requestID"] == answer["ResponseMetadata"]["RequestId"]
    ][0]  # fmt: skip
    assert record["requestParameters"] == {
        "lookupAttributes": [{"attributeKey": "ReadOnly", "attributeValue": "false"}],
        "startTime": "2026-01-02T03:04:05Z",
        "maxResults": 3,
    }
    assert record["responseElements"] is None and record["readOnly"] is True
    assert "resources" not in record


def test_a_failed_call_is_on_record_with_its_error(server):
    client = server.client("s3")
    try:
        client.delete_bucket(Bucket="no-such-bucket-at-all")
        raise AssertionError("it should have failed")
    except client.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "NoSuchBucket"
        request_id = error.response["ResponseMetadata"]["RequestId"]
    record = server.record("DeleteBucket", until=lambda r: request_id in str(r))
    assert record["errorCode"] == "NoSuchBucket"
    assert record["errorMessage"] == "The specified bucket does not exist"
    assert record["requestParameters"]["bucketName"] == "no-such-bucket-at-all"
    assert "resources" not in record


def test_a_record_of_each_bucket_call(server):
    client = server.client("s3")
    client.create_bucket(Bucket="all-calls")
    client.list_buckets()
    client.get_bucket_location(Bucket="all-calls")
    client.delete_bucket(Bucket="all-calls")
    for name, read_only in [("ListBuckets", True), ("GetBucketLocation", True), ("DeleteBucket", False)]:
        record = server.record(name)
        assert record["readOnly"] is read_only
        assert record["responseElements"] is None
    assert server.record("GetBucketLocation")["requestParameters"]["location"] == ""
    assert "resources" not in server.record("ListBuckets")


def test_the_record_survives_byte_for_byte(server):
    """What is found today and what is found after the part is sealed and the server restarted is one and the same."""
    before = server.client("cloudtrail").lookup_events(MaxResults=50)["Events"]
    assert server.stop() == 0
    server.start()
    after = {e["EventId"]: e["CloudTrailEvent"] for e in server.client("cloudtrail").lookup_events()["Events"]}
    kept = [e for e in before if e["EventId"] in after]
    assert kept
    assert all(after[e["EventId"]] == e["CloudTrailEvent"] for e in kept)
