"""LookupEvents: eight attributes, time bounds, pages, and every refusal by its AWS name."""

import datetime
import json
import time

import pytest
from botocore.exceptions import ClientError
from signing import lookup_request, signed


@pytest.fixture(scope="module")
def acted(server):
    """A server on which something happened: 60 buckets by a user of its own."""
    keys = server.user("looker", "--policy", "admin")
    client = server.client("s3", keys=keys)
    for i in range(60):
        client.create_bucket(Bucket=f"lookup-{i:02}")
    server.records(until=lambda r: len([x for x in r if x["eventName"] == "CreateBucket"]) == 60)
    return keys


def lookup(server, key=None, value=None, **more):
    attributes = {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]} if key else {}
    return server.client("cloudtrail").lookup_events(**attributes, **more)


def refused(server, code, **request):
    with pytest.raises(ClientError) as error:
        # botocore would refuse some of these itself; the server must do it too.
        client = server.client("cloudtrail", parameter_validation=False)
        client.lookup_events(**request)
    assert error.value.response["Error"]["Code"] == code, error.value.response
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error.value.response["Error"]["Message"]


def test_every_attribute_finds_its_events(server, acted):
    one = lookup(server, "ResourceName", "lookup-07")["Events"]
    assert [e["EventName"] for e in one] == ["CreateBucket"]
    event = one[0]
    assert event["Username"] == "looker"
    for key, value in [
        ("EventId", event["EventId"]),
        ("EventName", "CreateBucket"),
        ("ReadOnly", "false"),
        ("Username", "looker"),
        ("ResourceType", "AWS::S3::Bucket"),
        ("EventSource", "s3.amazonaws.com"),
        ("AccessKeyId", acted[0]),
    ]:
        pages = server.client("cloudtrail").get_paginator("lookup_events").paginate(
            LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}]
        )
        ids = [e["EventId"] for page in pages for e in page["Events"]]
        assert ids.count(event["EventId"]) == 1, key
    assert lookup(server, "EventName", "createbucket")["Events"] == [], "values are case-sensitive"
    assert lookup(server, "ResourceType", "AWS::No::Thing")["Events"] == []


def test_pages_hold_fifty_and_miss_nothing(server, acted):
    first = lookup(server, "EventName", "CreateBucket")
    assert len(first["Events"]) == 50
    second = lookup(server, "EventName", "CreateBucket", NextToken=first["NextToken"])
    assert "NextToken" not in second
    names = [json.loads(e["CloudTrailEvent"])["requestParameters"]["bucketName"] for e in first["Events"] + second["Events"]]
    assert names == [f"lookup-{i:02}" for i in reversed(range(60))], "newest first, each once"


def test_a_token_is_good_for_its_own_question_only(server, acted):
    token = lookup(server, "EventName", "CreateBucket", MaxResults=5)["NextToken"]
    same = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateBucket"}], "MaxResults": 5}
    assert server.client("cloudtrail").lookup_events(NextToken=token, **same)["Events"]
    refused(server, "InvalidNextTokenException", NextToken=token)
    refused(server, "InvalidNextTokenException", NextToken=token[:-4] + "AAAA", **same)
    refused(server, "InvalidNextTokenException", NextToken="not a token", **same)
    with pytest.raises(ClientError) as error:
        server.client("cloudtrail", region="eu-west-1").lookup_events(NextToken=token, **same)
    assert error.value.response["Error"]["Code"] == "InvalidNextTokenException"


def test_time_bounds_are_inclusive(server, acted):
    event = lookup(server, "ResourceName", "lookup-30")["Events"][0]
    at = event["EventTime"]
    hit = lookup(server, "ResourceName", "lookup-30", StartTime=at, EndTime=at)["Events"]
    assert [e["EventId"] for e in hit] == [event["EventId"]]
    second = datetime.timedelta(seconds=1)
    time.sleep(max(0, (at + 2 * second - datetime.datetime.now(at.tzinfo)).total_seconds()))  # no bound in the future
    assert lookup(server, "ResourceName", "lookup-30", EndTime=at - second)["Events"] == []
    assert lookup(server, "ResourceName", "lookup-30", StartTime=at + second)["Events"] == []


def test_what_is_refused(server):
    now = datetime.datetime.now(datetime.timezone.utc)
    hour = datetime.timedelta(hours=1)
    attribute = {"AttributeKey": "EventName", "AttributeValue": "CreateBucket"}
    refused(server, "InvalidMaxResultsException", MaxResults=51)
    refused(server, "InvalidMaxResultsException", MaxResults=0)
    refused(server, "InvalidLookupAttributesException", LookupAttributes=[attribute, attribute])
    refused(server, "InvalidLookupAttributesException", LookupAttributes=[{"AttributeKey": "ReadOnly", "AttributeValue": "True"}])
    refused(server, "InvalidLookupAttributesException", LookupAttributes=[{"AttributeKey": "Colour", "AttributeValue": "red"}])
    refused(server, "InvalidTimeRangeException", StartTime=now, EndTime=now - hour)
    refused(server, "InvalidTimeRangeException", StartTime=now + hour)
    refused(server, "InvalidEventCategoryException", EventCategory="management")
    assert server.client("cloudtrail").lookup_events(EventCategory="insight")["Events"] == []


def test_wrong_types_are_named(server):
    for body in [b'{"MaxResults":"many"}', b'{"LookupAttributes":"EventName"}', b'{"StartTime":{}}', b'{"LookupAttributes":[7]}']:
        answer = signed(server.endpoint, "cloudtrail", server.credentials(), body=body, headers=lookup_request())
        assert answer[0] == 400 and json.loads(answer[2])["__type"] == "SerializationException", answer
        assert json.loads(answer[2])["message"]


def test_words_several_attributes_and_formats_on_our_own_command_line(server, acted):
    rows = json.loads(
        server.opentrail(
            "lookup", "--event-name", "CreateBucket", "--username", "looker", "--since", "1h", "--format", "json", "lookup-41",
            profile="opentrail",
        )  # fmt: skip
    )["Records"]
    assert [r["requestParameters"]["bucketName"] for r in rows] == ["lookup-41"]
    csv = server.opentrail("lookup", "--resource-name", "lookup-41", "--format", "csv", profile="opentrail").splitlines()
    assert len(csv) == 2 and "CreateBucket" in csv[1]
    table = server.opentrail("lookup", "--resource-name", "lookup-41", profile="opentrail")
    assert "CreateBucket" in table and "looker" in table


def test_the_operator_sees_every_account(server, acted):
    mine = server.client("sts").get_caller_identity()["Account"]
    rows = json.loads(
        server.opentrail("lookup", "--account", mine, "--resource-name", "lookup-41", "--format", "json")
    )["Records"]
    assert len(rows) == 1
    complaint = server.opentrail("lookup", "--account", "123456789012", profile="opentrail", fails=True)
    assert "AccessDenied" in complaint


def test_a_formula_in_a_user_agent_stays_text_in_csv(server):
    import botocore.config

    client = server.client("s3", user_agent="=cmd|'/c calc'!A1")
    client.create_bucket(Bucket="formula-bucket")
    server.record("CreateBucket", until=lambda r: "formula-bucket" in str(r))
    csv = server.opentrail("lookup", "--resource-name", "formula-bucket", "--format", "csv", profile="opentrail")
    assert ",=cmd" not in csv and "\n=cmd" not in csv
