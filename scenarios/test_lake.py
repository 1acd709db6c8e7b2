"""Event data stores and their queries through the aws CLI and boto3."""

import json
import time

import pytest
from lake import ask, ended, rows, store
from test_trails import fault


@pytest.fixture
def cloudtrail(server):
    return server.client("cloudtrail")


def test_a_store_s_life_through_the_aws_cli(server):
    def eds(*words):
        return server.aws("cloudtrail", *words)

    made = eds("create-event-data-store", "--name", "life", "--retention-period", "90", "--tags-list", "Key=team,Value=a")
    arn = made["EventDataStoreArn"]
    assert (made["Status"], made["RetentionPeriod"], made["TerminationProtectionEnabled"]) == ("CREATED", 90, True)
    shown = eds("get-event-data-store", "--event-data-store", arn)
    assert (shown["Status"], shown["Name"], shown["MultiRegionEnabled"]) == ("ENABLED", "life", True)
    assert shown["AdvancedEventSelectors"][0]["FieldSelectors"] == [{"Field": "eventCategory", "Equals": ["Management"]}]
    updated = eds("update-event-data-store", "--event-data-store", arn, "--no-termination-protection-enabled")
    assert updated["TerminationProtectionEnabled"] is False
    eds("stop-event-data-store-ingestion", "--event-data-store", arn)
    assert eds("get-event-data-store", "--event-data-store", arn)["Status"] == "STOPPED_INGESTION"
    eds("start-event-data-store-ingestion", "--event-data-store", arn)
    eds("put-event-configuration", "--event-data-store", arn, "--max-event-size", "Large")
    assert eds("get-event-configuration", "--event-data-store", arn)["MaxEventSize"] == "Large"
    eds("delete-event-data-store", "--event-data-store", arn)
    assert eds("get-event-data-store", "--event-data-store", arn)["Status"] == "PENDING_DELETION"
    restored = eds("restore-event-data-store", "--event-data-store", arn)
    assert restored["Status"] == "ENABLED"
    assert "life" in [one["Name"] for one in eds("list-event-data-stores")["EventDataStores"]]


def test_what_is_refused(cloudtrail):
    arn, _ = store(cloudtrail, "refusals")
    assert fault(cloudtrail.create_event_data_store, Name="refusals")[0] == "EventDataStoreAlreadyExists"
    assert fault(cloudtrail.update_event_data_store, EventDataStore=arn)[0] == "InvalidParameter"
    missing = "00000000-0000-0000-0000-000000000000"
    assert fault(cloudtrail.get_event_data_store, EventDataStore=missing)[0] == "EventDataStoreNotFound"
    assert fault(cloudtrail.get_event_data_store, EventDataStore="refusals")[0] == "EventDataStoreARNInvalid"
    assert fault(cloudtrail.restore_event_data_store, EventDataStore=arn)[0] == "InvalidEventDataStoreStatus"
    assert fault(cloudtrail.start_query, QueryStatement="DROP TABLE x")[0] == "InvalidQueryStatement"
    assert fault(cloudtrail.start_query, QueryStatement=f"SELECT * FROM {missing}")[0] == "EventDataStoreNotFound"
    assert fault(cloudtrail.describe_query, QueryId=missing)[0] == "QueryIdNotFound"
    assert fault(cloudtrail.get_query_results, QueryId=missing)[0] == "QueryIdNotFound"
    assert fault(cloudtrail.cancel_query, QueryId=missing)[0] == "QueryIdNotFound"


def test_events_are_there_within_a_second_and_as_they_were_recorded(server, cloudtrail):
    arn, name = store(cloudtrail, "fresh")
    answer = server.client("s3").create_bucket(Bucket="lake-fresh")
    request = answer["ResponseMetadata"]["RequestId"]
    found = []
    give_up = time.monotonic() + 1
    while not found and time.monotonic() < give_up:
        found = ask(cloudtrail, f"SELECT eventID, eventJson FROM {name} WHERE requestID = '{request}'")
    [[event, record]] = found
    [looked_up] = cloudtrail.lookup_events(LookupAttributes=[{"AttributeKey": "EventId", "AttributeValue": event}])["Events"]
    assert record == looked_up["CloudTrailEvent"], "byte for byte"
    assert json.loads(record)["eventName"] == "CreateBucket"


def test_a_query_is_followed_paged_and_listed(server, cloudtrail):
    arn, name = store(cloudtrail, "paged")
    s3 = server.client("s3")
    for n in range(25):
        s3.create_bucket(Bucket=f"lake-paged-{n:02}")
    statement = (
        f"SELECT element_at(requestParameters, 'bucketName') AS bucket, errorCode FROM {name} "
        "WHERE eventName = 'CreateBucket' ORDER BY 1"
    )
    query = cloudtrail.start_query(QueryStatement=statement)["QueryId"]
    shown = ended(cloudtrail, query)
    assert (shown["QueryStatus"], shown["QueryString"]) == ("FINISHED", statement)
    assert shown["QueryStatistics"]["EventsMatched"] == 25 and shown["QueryStatistics"]["EventsScanned"] >= 25
    found = rows(cloudtrail, query, page=10)
    assert found == [[("bucket", f"lake-paged-{n:02}"), ("errorCode", "")] for n in range(25)]
    assert query in [one["QueryId"] for one in cloudtrail.list_queries(EventDataStore=arn)["Queries"]]
    assert fault(cloudtrail.cancel_query, QueryId=query)[0] == "InactiveQuery"
    samples = cloudtrail.search_sample_queries(SearchPhrase="buckets")["SearchResults"]
    for sample in samples:
        ask(cloudtrail, sample["SQL"].replace("$EDS_ID", name))


def test_another_account_sees_nothing(server, cloudtrail):
    arn, name = store(cloudtrail, "mine")
    _, keys = server.account("lake-eve")
    eve = server.client("cloudtrail", keys=keys)
    assert eve.list_event_data_stores()["EventDataStores"] == []
    assert fault(eve.get_event_data_store, EventDataStore=arn)[0] == "EventDataStoreARNInvalid"
    assert fault(eve.get_event_data_store, EventDataStore=name)[0] == "EventDataStoreNotFound"
    assert fault(eve.start_query, QueryStatement=f"SELECT * FROM {name}")[0] == "EventDataStoreNotFound"
    query = cloudtrail.start_query(QueryStatement=f"SELECT count(*) FROM {name}")["QueryId"]
    assert fault(eve.get_query_results, QueryId=query)[0] == "QueryIdNotFound"
