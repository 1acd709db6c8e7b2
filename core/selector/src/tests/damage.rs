//! Selectors that nobody checked: they are refused or taken, and never panic. The same is a target of `fuzz/`.

use opentrail_event::View;
use proptest::prelude::*;
use serde_json::json;

use crate::{AdvancedSelector, BasicSelector, DataResource, EventSelectors, FieldSelector, For, ReadWrite};

fn text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(
        &[
            "eventCategory",
            "resources.type",
            "resources.ARN",
            "readOnly",
            "eventSource",
            "eventName",
            "sessionCredentialFromConsole",
            "Data",
            "Management",
            "AWS::S3::Object",
            "arn:aws:s3:::b/k",
            "arn:aws:s3",
            "s3.amazonaws.com",
            "true",
            "",
        ][..],
    );
    prop_oneof![3 => known.prop_map(str::to_owned), 1 => "\\PC{0,8}", 1 => "(arn|aws|s3|:|/|é){0,9}"]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text(), 0..4)
}

fn field() -> impl Strategy<Value = FieldSelector> {
    (text(), [texts(), texts(), texts()], [texts(), texts(), texts()]).prop_map(
        |(field, [equals, starts_with, ends_with], [not_equals, not_starts_with, not_ends_with])| FieldSelector {
            field,
            equals,
            starts_with,
            ends_with,
            not_equals,
            not_starts_with,
            not_ends_with,
        },
    )
}

fn selectors() -> impl Strategy<Value = EventSelectors> {
    let fields = prop::collection::vec(field(), 0..5);
    let one = (proptest::option::of(text()), fields).prop_map(|(name, fields)| AdvancedSelector { name, fields });
    let data = (text(), texts()).prop_map(|(kind, values)| DataResource { kind, values });
    let basic = (any::<bool>(), prop::collection::vec(data, 0..4), texts()).prop_map(|(include, data, exclude)| {
        BasicSelector {
            read_write: ReadWrite::All,
            include_management: include,
            data_resources: data,
            exclude_sources: exclude,
        }
    });
    prop_oneof![
        prop::collection::vec(one, 0..4).prop_map(EventSelectors::Advanced),
        prop::collection::vec(basic, 0..7).prop_map(EventSelectors::Basic),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn unchecked_selectors_do_no_harm(selectors in selectors(), arn in text(), kind in text()) {
        let _ = selectors.check(For::Trail);
        let compiled = selectors.compile();
        for category in ["Management", "Data", "NetworkActivity", "Insight"] {
            let event = json!({"eventTime": "2026-03-01T10:20:30Z", "awsRegion": "us-east-1",
                "eventID": "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6", "eventCategory": category,
                "eventSource": arn, "eventName": kind, "resources": [{"type": kind, "ARN": arn}, {"type": kind}]})
            .to_string();
            let selected = compiled.matches(&View::parse(event.as_bytes()).expect("a record"));
            prop_assert!(!selected || category != "Insight");
        }
    }

    /// They come back from the catalog as they were put.
    #[test]
    fn selectors_survive_being_stored(selectors in selectors()) {
        let bytes = serde_json::to_vec(&selectors).expect("selectors");
        prop_assert_eq!(serde_json::from_slice::<EventSelectors>(&bytes).expect("the same"), selectors);
    }
}
