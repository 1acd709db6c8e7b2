//! Operations on event data stores.

#[path = "../../../../destinations/lake/src/tests/memory.rs"]
mod memory;

use opentrail_lake::{Lake, Stores};

use super::*;
use memory::MemoryTables;

/// A Lake without stores.
pub(crate) fn lake(world: &World) -> Arc<Lake> {
    let catalog: Arc<dyn Catalog> = Arc::new(opentrail_catalog::memory::MemoryCatalog::default());
    let (_, ends) = tokio::sync::watch::channel(Positions::default());
    block_on(async {
        let stores = Stores::open(catalog.clone(), ends, world.clone()).await.expect("stores");
        let parts = opentrail_lake::Parts {
            stores,
            tables: Arc::new(MemoryTables::default()),
            world: world.clone(),
            clock_is_believed: Arc::new(|| true),
        };
        Lake::open(parts, Positions::default(), opentrail_lake::Settings::default()).await.expect("a lake")
    })
}

impl House {
    /// The ARN of a new store that nothing protects.
    fn store(&self, name: &str) -> String {
        let made = self.call("CreateEventDataStore", &json!({"Name": name, "TerminationProtectionEnabled": false}));
        made["EventDataStoreArn"].as_str().expect("an ARN").to_owned()
    }
}

fn id(arn: &str) -> &str {
    arn.rsplit('/').next().expect("an id")
}

#[test]
fn a_store_is_made_with_aws_s_defaults() {
    let house = house();
    let made = house.done("CreateEventDataStore", &json!({"Name": "audit", "TagsList": [{"Key": "k", "Value": "v"}]}));
    assert_eq!((made.read_only, made.action.as_str()), (false, "cloudtrail:CreateEventDataStore"));
    let answer = made.answer.expect("made");
    let arn = answer["EventDataStoreArn"].as_str().expect("an ARN");
    let selectors = json!([{
        "Name": "Default management events",
        "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}],
    }]);
    let now = house.world.now().as_second();
    let mut expect = json!({
        "EventDataStoreArn": arn, "Name": "audit", "Status": "CREATED", "AdvancedEventSelectors": selectors,
        "MultiRegionEnabled": true, "OrganizationEnabled": false, "RetentionPeriod": 366,
        "TerminationProtectionEnabled": true, "CreatedTimestamp": now, "UpdatedTimestamp": now,
        "BillingMode": "EXTENDABLE_RETENTION_PRICING",
    });
    let members = expect.as_object_mut().expect("an object");
    members.insert("TagsList".into(), json!([{"Key": "k", "Value": "v"}]));
    assert_eq!(as_numbers(answer.clone()), expect);
    let members = expect.as_object_mut().expect("an object");
    members.remove("TagsList");
    members.insert("Status".into(), json!("ENABLED"));
    let listed = house.call("ListEventDataStores", &json!({}));
    let mut in_list = expect.clone();
    in_list.as_object_mut().expect("an object").remove("BillingMode");
    assert_eq!(as_numbers(listed["EventDataStores"][0].clone()), in_list);
    expect["FederationStatus"] = json!("DISABLED");
    for named in [arn, id(arn)] {
        let shown = house.done("GetEventDataStore", &json!({"EventDataStore": named}));
        assert_eq!((as_numbers(shown.answer.expect("shown")), shown.arns), (expect.clone(), vec![arn.to_owned()]));
    }
    let fixed = json!({"Name": "fixed", "BillingMode": "FIXED_RETENTION_PRICING", "StartIngestion": false});
    assert_eq!(house.call("CreateEventDataStore", &fixed)["RetentionPeriod"], 2557);
    let listed = house.call("ListEventDataStores", &json!({"MaxResults": 1}));
    assert_eq!(listed["EventDataStores"][0]["Name"], "audit");
    let rest = house.call("ListEventDataStores", &json!({"NextToken": listed["NextToken"]}));
    assert_eq!(rest["EventDataStores"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["EventDataStores"][0]["Status"], "STOPPED_INGESTION");
    assert_eq!(rest.get("NextToken"), None);
}

/// Times without their fraction, which a float has.
fn as_numbers(mut value: Value) -> Value {
    for member in ["CreatedTimestamp", "UpdatedTimestamp"] {
        let seconds = value[member].as_f64().expect("a time");
        value[member] = json!(seconds as i64);
    }
    value
}

#[test]
fn a_store_is_changed_stopped_deleted_and_restored() {
    let house = house();
    let arn = house.store("one");
    let named = json!({"EventDataStore": arn});
    let with = |more: Value| {
        let mut input = named.clone();
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        input
    };
    assert_eq!(house.code("UpdateEventDataStore", &named), "InvalidParameter");
    let writes = json!([{"FieldSelectors": [
        {"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "readOnly", "Equals": ["false"]},
    ]}]);
    let change =
        json!({"Name": "uno", "RetentionPeriod": 90, "AdvancedEventSelectors": writes, "MultiRegionEnabled": false});
    let updated = house.call("UpdateEventDataStore", &with(change));
    assert_eq!((&updated["Name"], &updated["RetentionPeriod"]), (&json!("uno"), &json!(90)));
    assert_eq!((&updated["AdvancedEventSelectors"], &updated["MultiRegionEnabled"]), (&writes, &json!(false)));
    assert_eq!(updated["Status"], "ENABLED");

    assert_eq!(house.call("StopEventDataStoreIngestion", &named), json!({}));
    assert_eq!(house.code("StopEventDataStoreIngestion", &named), "InvalidEventDataStoreStatus");
    assert_eq!(house.call("GetEventDataStore", &named)["Status"], "STOPPED_INGESTION");
    assert_eq!(house.call("StartEventDataStoreIngestion", &named), json!({}));
    assert_eq!(house.code("StartEventDataStoreIngestion", &named), "InvalidEventDataStoreStatus");
    assert_eq!(house.code("RestoreEventDataStore", &named), "InvalidEventDataStoreStatus");

    assert_eq!(house.call("DeleteEventDataStore", &named), json!({}));
    assert_eq!(house.call("GetEventDataStore", &named)["Status"], "PENDING_DELETION");
    for (operation, more) in [
        ("DeleteEventDataStore", json!({})),
        ("UpdateEventDataStore", json!({"RetentionPeriod": 30})),
        ("StopEventDataStoreIngestion", json!({})),
        ("PutEventConfiguration", json!({"MaxEventSize": "Large"})),
    ] {
        assert_eq!(house.code(operation, &with(more)), "InactiveEventDataStore", "{operation}");
    }
    assert_eq!(
        house.code("AddTags", &json!({"ResourceId": arn, "TagsList": [{"Key": "k"}]})),
        "InactiveEventDataStore"
    );
    assert_eq!(house.call("RestoreEventDataStore", &named)["Status"], "ENABLED");
    assert_eq!(house.call("ListEventDataStores", &json!({}))["EventDataStores"][0]["Status"], "ENABLED");
}

#[test]
fn what_a_store_cannot_be_is_refused_by_name() {
    let house = house();
    let create = |more: Value| {
        let mut input = json!({"Name": "one"});
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        house.code("CreateEventDataStore", &input)
    };
    for (more, code) in [
        (json!({"Name": "ab"}), "InvalidParameter"),
        (json!({"Name": "a b c"}), "InvalidParameter"),
        (json!({"RetentionPeriod": 6}), "InvalidParameter"),
        (json!({"RetentionPeriod": 3654}), "InvalidParameter"),
        (json!({"RetentionPeriod": 2558, "BillingMode": "FIXED_RETENTION_PRICING"}), "InvalidParameter"),
        (json!({"BillingMode": "FREE"}), "InvalidParameter"),
        (json!({"OrganizationEnabled": true}), "OrganizationsNotInUse"),
        (json!({"KmsKeyId": "alias/k"}), "InsufficientEncryptionPolicy"),
        (json!({"TagsList": [{"Key": "aws:k", "Value": "v"}]}), "InvalidTagParameter"),
        (json!({"AdvancedEventSelectors": []}), "InvalidEventSelectors"),
        (
            json!({"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Weather"]}]}]}),
            "InvalidEventSelectors",
        ),
    ] {
        assert_eq!(create(more.clone()), code, "{more}");
    }
    house.store("one");
    assert_eq!(create(json!({})), "EventDataStoreAlreadyExists");
    for n in 2..=10 {
        house.store(&format!("store-{n}"));
    }
    assert_eq!(create(json!({"Name": "eleven"})), "EventDataStoreMaxLimitExceeded");

    let arn = house.call("ListEventDataStores", &json!({}))["EventDataStores"][0]["EventDataStoreArn"].clone();
    let update = |more: Value| {
        let mut input = json!({"EventDataStore": arn});
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        house.code("UpdateEventDataStore", &input)
    };
    assert_eq!(update(json!({"BillingMode": "FIXED_RETENTION_PRICING"})), "InvalidParameter");
    assert_eq!(update(json!({"Name": "store-2"})), "EventDataStoreAlreadyExists");
    let insight = json!([{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Insight"]}]}]);
    assert_eq!(update(json!({"AdvancedEventSelectors": insight})), "InvalidEventSelectors");
    let protect = json!({"EventDataStore": arn, "TerminationProtectionEnabled": true});
    house.call("UpdateEventDataStore", &protect);
    assert_eq!(
        house.code("DeleteEventDataStore", &json!({"EventDataStore": arn})),
        "EventDataStoreTerminationProtected"
    );

    let no_such = "00000000-0000-0000-0000-000000000000";
    for operation in ["GetEventDataStore", "DeleteEventDataStore", "RestoreEventDataStore"] {
        assert_eq!(house.code(operation, &json!({"EventDataStore": no_such})), "EventDataStoreNotFound", "{operation}");
        for bad in ["audit", "arn:aws:cloudtrail:us-east-1:111111111111:trail/one"] {
            assert_eq!(
                house.code(operation, &json!({"EventDataStore": bad})),
                "EventDataStoreARNInvalid",
                "{operation}"
            );
        }
        let foreign = house.done_as(EVE, "us-east-1", operation, &json!({"EventDataStore": arn}));
        assert_eq!(foreign.answer.expect_err("foreign").0, "EventDataStoreARNInvalidException", "{operation}");
        let by_id = json!({"EventDataStore": id(arn.as_str().expect("an ARN"))});
        let foreign = house.done_as(EVE, "us-east-1", operation, &by_id);
        assert_eq!(foreign.answer.expect_err("foreign").0, "EventDataStoreNotFoundException", "{operation}");
        let (code, _) = house.fault_in("eu-west-1", operation, &by_id);
        assert_eq!(code, "EventDataStoreNotFoundException", "{operation}: it is at home elsewhere");
    }
}

#[test]
fn families_and_event_sizes() {
    let house = house();
    let audit = json!([{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["ActivityAuditLog"]}]}]);
    let made = house.call("CreateEventDataStore", &json!({"Name": "audit", "AdvancedEventSelectors": audit}));
    let named = json!({"EventDataStore": made["EventDataStoreArn"]});
    assert_eq!(house.code("StopEventDataStoreIngestion", &named), "InvalidEventDataStoreCategory");
    let shown = house.call("GetEventConfiguration", &named);
    assert_eq!((&shown["MaxEventSize"], &shown["ContextKeySelectors"]), (&json!("Standard"), &json!([])));
    let put = |more: Value| {
        let mut input = named.clone();
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        house.done("PutEventConfiguration", &input).answer.map_err(|(code, _)| code)
    };
    assert_eq!(put(json!({"MaxEventSize": "Large"})).expect("put")["MaxEventSize"], "Large");
    assert_eq!(house.call("GetEventConfiguration", &named)["MaxEventSize"], "Large");
    let keys = json!({"MaxEventSize": "Large", "ContextKeySelectors": [{"Type": "TagContext", "Equals": ["team"]}]});
    assert_eq!(put(keys), Err("UnsupportedOperationException".into()));
    assert_eq!(put(json!({"TrailName": "one"})), Err("InvalidParameterCombinationException".into()));
    assert_eq!(put(json!({})), Err("InvalidParameterException".into()));
    house.make("one", json!({}));
    let trail = house.call("GetEventConfiguration", &json!({"TrailName": "one"}));
    assert_eq!(trail, json!({"TrailARN": arn("us-east-1", "one"), "AggregationConfigurations": []}));
    let aggregated = json!({"TrailName": "one", "AggregationConfigurations": [{"EventCategory": "Data", "Templates": ["API_ACTIVITY"]}]});
    assert_eq!(house.code("PutEventConfiguration", &aggregated), "UnsupportedOperation");
}

#[test]
fn stores_have_tags_like_trails() {
    let house = house();
    let arn = house.store("one");
    house.call(
        "AddTags",
        &json!({"ResourceId": arn, "TagsList": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}),
    );
    house.call("RemoveTags", &json!({"ResourceId": arn, "TagsList": [{"Key": "a"}]}));
    let listed = house.done("ListTags", &json!({"ResourceIdList": [arn]}));
    let expect = json!({"ResourceTagList": [{"ResourceId": arn, "TagsList": [{"Key": "b", "Value": "2"}]}]});
    assert_eq!((listed.answer, listed.arns), (Ok(expect), vec![arn.clone()]));
    let other = arn.replace(id(&arn), "00000000-0000-0000-0000-000000000000");
    assert_eq!(house.code("ListTags", &json!({"ResourceIdList": [other]})), "EventDataStoreNotFound");
}
