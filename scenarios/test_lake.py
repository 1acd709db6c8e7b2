"""Event data stores through the aws CLI and boto3."""

import pytest
from lake import store
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


def test_ingestion_and_sizes_through_boto3(cloudtrail):
    arn, _ = store(cloudtrail, "sizes")
    cloudtrail.stop_event_data_store_ingestion(EventDataStore=arn)
    assert fault(cloudtrail.stop_event_data_store_ingestion, EventDataStore=arn)[0] == "InvalidEventDataStoreStatus"
    cloudtrail.start_event_data_store_ingestion(EventDataStore=arn)
    assert cloudtrail.put_event_configuration(EventDataStore=arn, MaxEventSize="Large")["MaxEventSize"] == "Large"
    assert cloudtrail.get_event_configuration(EventDataStore=arn)["MaxEventSize"] == "Large"
    cloudtrail.delete_event_data_store(EventDataStore=arn)
    assert fault(cloudtrail.put_event_configuration, EventDataStore=arn, MaxEventSize="Large")[0] == "InactiveEventDataStore"


def test_another_account_sees_nothing(server, cloudtrail):
    arn, name = store(cloudtrail, "mine")
    _, keys = server.account("lake-eve")
    eve = server.client("cloudtrail", keys=keys)
    assert eve.list_event_data_stores()["EventDataStores"] == []
    assert fault(eve.get_event_data_store, EventDataStore=arn)[0] == "AccessDenied", "it is another's"
    assert fault(eve.get_event_data_store, EventDataStore=name)[0] == "EventDataStoreNotFound"
