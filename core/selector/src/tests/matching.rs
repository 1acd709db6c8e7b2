use opentrail_event::{Region, View};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::reference::selects;
use super::{advanced, basic, field, of_data};
use crate::field::{FIELDS, Field, Operator};
use crate::{AdvancedSelector, BasicSelector, DataEvent, EventSelectors, FieldSelector, For, ReadWrite};

const KINDS: [&str; 6] = [
    "AWS::S3::Object",
    "AWS::S3::Bucket",
    "AWS::Lambda::Function",
    "AWS::DynamoDB::Table",
    "AWS::DynamoDB::Stream",
    "AWS::EC2::Snapshot",
];
/// Of no type in particular: a wrong pair is as good a case as a right one.
const ARNS: [&str; 12] = [
    "arn:aws:s3:::b/k",
    "arn:aws:s3:::b/k/2",
    "arn:aws:s3:::b/",
    "arn:aws:s3:::b",
    "arn:aws:s3:::bb/k",
    "arn:aws:lambda:us-east-1:123456789012:function:f",
    "arn:aws:lambda:us-east-1:123456789012:function:ff",
    "arn:aws:dynamodb:us-east-1:123456789012:table/t",
    "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2026",
    "arn:aws:dynamodb:us-east-1:123456789012:table/tt/stream/2026",
    "arn:aws:ec2:us-east-1::snapshot/snap-1",
    "arn:aws:ec2:us-east-1::snapshot/snap-11",
];
const CATEGORIES: [&str; 4] = ["Management", "Data", "NetworkActivity", "Insight"];
const SOURCES: [&str; 5] =
    ["s3.amazonaws.com", "kms.amazonaws.com", "rdsdata.amazonaws.com", "ec2.amazonaws.com", "ec2.amazonaws.com.cn"];
const NAMES: [&str; 6] = ["GetObject", "GetObjectAcl", "PutObject", "Get", "Object", "ü"];
const OTHERS: [&str; 4] = ["VpceAccessDenied", "vpce-1", "vpce-11", "AwsApiCall"];
const USERS: [&str; 3] =
    ["arn:aws:iam::123456789012:user/a", "arn:aws:iam::123456789012:user/aa", "arn:aws:iam::1:root"];

fn event() -> impl Strategy<Value = Value> {
    let resource = (
        proptest::option::weighted(0.9, select(&KINDS[..])),
        proptest::option::weighted(0.8, select(&ARNS[..])),
        any::<bool>(),
    );
    let optional = |from: &'static [&'static str]| proptest::option::of(select(from));
    (
        (select(&CATEGORIES[..]), select(&SOURCES[..]), select(&NAMES[..]), proptest::option::of(any::<bool>())),
        (optional(&USERS), optional(&OTHERS), optional(&OTHERS), optional(&OTHERS), optional(&["true"])),
        prop::collection::vec(resource, 0..4),
    )
        .prop_map(|((category, source, name, read_only), (user, error, vpce, kind, console), resources)| {
            let mut event = json!({
                "eventTime": "2026-03-01T10:20:30Z",
                "awsRegion": "us-east-1",
                "eventID": "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6",
                "eventCategory": category, "eventSource": source, "eventName": name,
            });
            let mut put = |name: &str, value: Option<&str>| {
                value.into_iter().for_each(|value| event[name] = json!(value));
            };
            put("errorCode", error);
            put("vpcEndpointId", vpce);
            put("eventType", kind);
            put("sessionCredentialFromConsole", console);
            read_only.into_iter().for_each(|flag| event["readOnly"] = json!(flag));
            user.into_iter().for_each(|user| event["userIdentity"] = json!({"type": "IAMUser", "arn": user}));
            let resource = |(kind, arn, prefix): (Option<&str>, Option<&str>, bool)| {
                let mut one = json!({});
                kind.into_iter().for_each(|kind| one["type"] = json!(kind));
                arn.into_iter().for_each(|arn| one[if prefix { "ARNPrefix" } else { "ARN" }] = json!(arn));
                one
            };
            event["resources"] = resources.into_iter().map(resource).collect();
            event
        })
}

/// Whole values, their beginnings and their ends.
fn values(whole: &'static [&'static str], operator: Operator) -> BoxedStrategy<Vec<String>> {
    let pick = prop::collection::vec((select(whole), 1usize..60), 0..4);
    pick.prop_map(move |picked| {
        let cut = |(text, at): (&str, usize)| {
            let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0).max(1);
            let at = if text.is_char_boundary(at) { at } else { text.len() };
            match operator {
                Operator::Equals | Operator::NotEquals => text.to_owned(),
                Operator::StartsWith | Operator::NotStartsWith => text[..at].to_owned(),
                Operator::EndsWith | Operator::NotEndsWith => {
                    let tail = &text[at..];
                    if tail.is_empty() { text.to_owned() } else { tail.to_owned() }
                }
            }
        };
        picked.into_iter().map(cut).collect()
    })
    .boxed()
}

/// A field with any of its operators, at least one of them.
fn any_operators(name: &'static str, whole: &'static [&'static str]) -> BoxedStrategy<Option<FieldSelector>> {
    let mut lists = Vec::new();
    for operator in Operator::ALL {
        // Whole ARNs must be of the selector's type; here it is one that takes any.
        lists.push(prop_oneof![2 => Just(Vec::new()), 1 => values(whole, operator)].boxed());
    }
    let made = lists.prop_map(move |lists| {
        let mut lists = lists.into_iter();
        let mut next = || lists.next().unwrap_or_default();
        let field = FieldSelector {
            field: name.to_owned(),
            equals: next(),
            starts_with: next(),
            ends_with: next(),
            not_equals: next(),
            not_starts_with: next(),
            not_ends_with: next(),
        };
        let given = crate::field::values(&field).iter().any(|(_, list)| !list.is_empty());
        given.then_some(field)
    });
    prop_oneof![1 => Just(None), 1 => made].boxed()
}

/// `Equals` or `NotEquals` with one of these.
fn one_of(
    name: &'static str,
    operator: &'static str,
    from: &'static [&'static str],
) -> BoxedStrategy<Option<FieldSelector>> {
    proptest::option::of(select(from).prop_map(move |value| field(name, &[(operator, &[value])]))).boxed()
}

fn selector() -> impl Strategy<Value = AdvancedSelector> {
    let always = |name: &'static str, value: &'static str| Just(Some(field(name, &[("Equals", &[value])]))).boxed();
    let management = vec![
        always("eventCategory", "Management"),
        one_of("readOnly", "Equals", &["true", "false"]),
        one_of("eventSource", "NotEquals", &["kms.amazonaws.com", "rdsdata.amazonaws.com"]),
    ];
    let data = |kind: &'static str, arns: BoxedStrategy<Option<FieldSelector>>| {
        vec![
            always("eventCategory", "Data"),
            one_of("readOnly", "Equals", &["true", "false"]),
            always("resources.type", kind),
            arns,
            any_operators("eventSource", &SOURCES),
            any_operators("eventName", &NAMES),
            any_operators("eventType", &OTHERS),
            any_operators("userIdentity.arn", &USERS),
            one_of("sessionCredentialFromConsole", "Equals", &["true", "false"]),
        ]
    };
    let network = vec![
        always("eventCategory", "NetworkActivity"),
        select(&["ec2.amazonaws.com", "s3.amazonaws.com"][..])
            .prop_map(|source| Some(field("eventSource", &[("Equals", &[source])])))
            .boxed(),
        any_operators("eventName", &NAMES),
        one_of("errorCode", "Equals", &["VpceAccessDenied"]),
        any_operators("vpcEndpointId", &OTHERS),
    ];
    // Few fields at a time, or nothing would ever pass all of them.
    let some = |fields: Vec<BoxedStrategy<Option<FieldSelector>>>, required: usize| {
        let count = fields.len();
        (fields, subsequence((required..count).collect::<Vec<_>>(), 0..=(count - required).min(2))).prop_map(
            move |(fields, kept)| {
                let keep =
                    |(at, field): (usize, Option<FieldSelector>)| field.filter(|_| at < required || kept.contains(&at));
                let fields = fields.into_iter().enumerate().filter_map(keep).collect();
                AdvancedSelector { name: None, fields }
            },
        )
    };
    let s3_arns: &[&str] = &["arn:aws:s3:::b/k", "arn:aws:s3:::b/k/2", "arn:aws:s3:::b/", "arn:aws:s3:::bb/k"];
    prop_oneof![
        1 => some(management, 1),
        3 => some(data("AWS::EC2::Snapshot", any_operators("resources.ARN", &ARNS)), 3),
        3 => some(data("AWS::S3::Object", any_operators("resources.ARN", s3_arns)), 3),
        1 => some(network, 2),
    ]
}

fn basic_selector() -> impl Strategy<Value = BasicSelector> {
    let data = prop_oneof![
        (
            Just("AWS::S3::Object"),
            subsequence(
                &["arn:aws:s3", "arn:aws:s3:::", "arn:aws:s3:::b", "arn:aws:s3:::b/k", "arn:aws:s3:::b/"][..],
                1..3
            )
        ),
        (Just("AWS::Lambda::Function"), subsequence(&["arn:aws:lambda", ARNS[5], ARNS[6]][..], 1..3)),
        (Just("AWS::DynamoDB::Table"), subsequence(&["arn:aws:dynamodb", ARNS[7]][..], 1..3)),
    ];
    let read_write = select(&[ReadWrite::All, ReadWrite::ReadOnly, ReadWrite::WriteOnly][..]);
    let exclude = subsequence(&["kms.amazonaws.com", "rdsdata.amazonaws.com"][..], 0..=2);
    (read_write, any::<bool>(), prop::collection::vec(data, 0..3), exclude).prop_map(
        |(read_write, include_management, data, exclude)| {
            let data: Vec<_> = data.iter().map(|(kind, values)| (*kind, values.as_slice())).collect();
            let exclude = if include_management { exclude } else { Vec::new() };
            BasicSelector {
                read_write,
                include_management,
                exclude_sources: exclude.into_iter().map(str::to_owned).collect(),
                ..basic(&data)
            }
        },
    )
}

fn selectors() -> impl Strategy<Value = EventSelectors> {
    prop_oneof![
        3 => prop::collection::vec(selector(), 1..5).prop_map(EventSelectors::Advanced),
        1 => prop::collection::vec(basic_selector(), 1..5).prop_map(EventSelectors::Basic),
    ]
}

/// What all texts begin with.
fn shared<'a>(texts: &[&'a str]) -> &'a str {
    let Some(first) = texts.first() else { return "" };
    let fits = |at: &usize| first.is_char_boundary(*at) && texts.iter().all(|text| text.starts_with(&first[..*at]));
    &first[..(0..=first.len()).rev().find(fits).unwrap_or(0)]
}

fn agrees(selectors: &EventSelectors, event: &Value) {
    let compiled = selectors.compile();
    let bytes = event.to_string();
    let view = View::parse(bytes.as_bytes()).expect("a record");
    let selected = compiled.matches(&view);
    assert_eq!(selected, selects(selectors, event), "{selectors:?}\n{event}");
    if event["eventCategory"] != "Data" {
        return;
    }
    // Asked by each type the event touches: whoever asks knows one of them, so one yes must be among the answers.
    let wants = |kind: &str| {
        let of_kind = view.resources.iter().filter(|one| one.kind.as_deref() == Some(kind));
        let arns: Vec<&str> = of_kind.filter_map(|one| one.arn.as_deref()).collect();
        compiled.may_want(&DataEvent {
            account: "123456789012".parse().expect("an account"),
            region: &Region::us_east_1(),
            event_source: &view.event_source,
            event_name: &view.event_name,
            read_only: view.read_only,
            resource_type: kind,
            resource_arn: shared(&arns),
        })
    };
    let wanted = view.resources.iter().filter_map(|one| one.kind.as_deref()).any(wants);
    assert!(wanted || !selected, "not wanted, but selected: {selectors:?}\n{event}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn selecting_is_as_the_rules_say(selectors in selectors(), events in prop::collection::vec(event(), 24)) {
        prop_assert_eq!(selectors.check(For::Trail), Ok(()));
        for event in &events {
            agrees(&selectors, event);
        }
    }

    /// Order and repetition of selectors change nothing, neither in what is selected nor in what it is compared by.
    #[test]
    fn equal_selectors_compile_alike(list in prop::collection::vec(selector(), 1..4)) {
        let mut other = list.clone();
        other.reverse();
        other.push(list[0].clone());
        prop_assert_eq!(EventSelectors::Advanced(list).compile(), EventSelectors::Advanced(other).compile());
    }
}

/// Every field of every category, with every operator it takes, hits and misses.
#[test]
fn each_operator_of_each_field_hits_and_misses() {
    use opentrail_event::Category;
    let member = |field: Field, value: &str| match field {
        Field::EventCategory | Field::ResourceType => json!({}),
        Field::ReadOnly => json!({"readOnly": value == "true"}),
        Field::EventSource => json!({"eventSource": value}),
        Field::EventName => json!({"eventName": value}),
        Field::EventType => json!({"eventType": value}),
        Field::FromConsole => json!({"sessionCredentialFromConsole": value}),
        Field::IdentityArn => json!({"userIdentity": {"arn": value}}),
        Field::ResourceArn => json!({"resources": [{"type": "AWS::S3::Object", "ARN": value}]}),
        Field::ErrorCode => json!({"errorCode": value}),
        Field::VpcEndpointId => json!({"vpcEndpointId": value}),
    };
    let mut tried = 0;
    for category in [Category::Management, Category::Data, Category::NetworkActivity] {
        for (which, name) in FIELDS {
            for operator in which.operators(category, For::Trail).unwrap_or_default() {
                let (value, other) = match which {
                    Field::EventCategory | Field::ResourceType => continue,
                    Field::ReadOnly | Field::FromConsole => ("true", "false"),
                    Field::EventSource => ("kms.amazonaws.com", "s3.amazonaws.org"),
                    Field::ErrorCode => ("VpceAccessDenied", "AccessDenied"),
                    Field::ResourceArn => ("arn:aws:s3:::b/k", "arn:aws:s4:::b/"),
                    _ => ("value", "other-than"),
                };
                let given = match operator {
                    Operator::StartsWith | Operator::NotStartsWith => &value[..value.len() - 1],
                    Operator::EndsWith | Operator::NotEndsWith => &value[1..],
                    Operator::Equals | Operator::NotEquals => value,
                };
                let mut fields = vec![field("eventCategory", &[("Equals", &[category.as_str()])])];
                if category == Category::Data {
                    fields.push(field("resources.type", &[("Equals", &["AWS::S3::Object"])]));
                }
                if category == Category::NetworkActivity && which != Field::EventSource {
                    fields.push(field("eventSource", &[("Equals", &["s3.amazonaws.com"])]));
                }
                fields.push(field(name, &[(operator.name(), &[given])]));
                let selectors = advanced(fields);
                assert_eq!(selectors.check(For::Trail), Ok(()), "{selectors:?}");
                let negative = operator.name().starts_with("Not");
                for (text, hits) in [(value, !negative), (other, negative)] {
                    let mut event = json!({
                        "eventTime": "2026-03-01T10:20:30Z", "awsRegion": "us-east-1",
                        "eventID": "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6",
                        "eventCategory": category.as_str(), "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
                        "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"}],
                    });
                    for (name, value) in member(which, text).as_object().expect("an object") {
                        event[name] = value.clone();
                    }
                    assert_eq!(selects(&selectors, &event), hits, "{selectors:?}\n{event}");
                    agrees(&selectors, &event);
                }
                tried += 1;
            }
        }
    }
    // Management 2; data 5 with six operators, 1 with one and 1 with two; network 2 with six and 2 with one.
    assert_eq!(tried, 2 + 33 + 14);
}

#[test]
fn may_want_says_no_where_names_decide() {
    let check = |selectors: &EventSelectors, name: &str, read_only: bool, kind: &str, arn: &str, expect: bool| {
        let event = DataEvent {
            account: "123456789012".parse().expect("an account"),
            region: &Region::us_east_1(),
            event_source: "s3.amazonaws.com",
            event_name: name,
            read_only,
            resource_type: kind,
            resource_arn: arn,
        };
        assert_eq!(selectors.compile().may_want(&event), expect, "{selectors:?} {name} {arn}");
    };
    let s3 = "AWS::S3::Object";
    check(&EventSelectors::default_for_trail(), "GetObject", true, s3, "arn:aws:s3:::b/k", false);
    let bucket = EventSelectors::Basic(vec![BasicSelector {
        read_write: ReadWrite::WriteOnly,
        ..basic(&[(s3, &["arn:aws:s3:::b/pre"])])
    }]);
    check(&bucket, "PutObject", false, s3, "arn:aws:s3:::b/pre/1", true);
    check(&bucket, "DeleteObjects", false, s3, "arn:aws:s3:::b/", true);
    check(&bucket, "PutObject", false, s3, "arn:aws:s3:::c/pre", false);
    check(&bucket, "GetObject", true, s3, "arn:aws:s3:::b/pre/1", false);
    check(&bucket, "PutObject", false, "AWS::S3::AccessPoint", "arn:aws:s3:::b/pre/1", false);
    let not = |name: &str, operator: &str, value: &str| of_data(s3, vec![field(name, &[(operator, &[value])])]);
    check(
        &not("resources.ARN", "NotStartsWith", "arn:aws:s3:::logs/"),
        "PutObject",
        false,
        s3,
        "arn:aws:s3:::logs/1",
        false,
    );
    check(
        &not("resources.ARN", "NotStartsWith", "arn:aws:s3:::logs/"),
        "PutObject",
        false,
        s3,
        "arn:aws:s3:::logs",
        true,
    );
    check(&not("resources.ARN", "NotEquals", "arn:aws:s3:::b/k"), "PutObject", false, s3, "arn:aws:s3:::b/k", true);
    check(&not("eventName", "NotEquals", "HeadObject"), "HeadObject", true, s3, "arn:aws:s3:::b/k", false);
    check(&not("eventSource", "Equals", "s3.amazonaws.com"), "GetObject", true, s3, "", true);
}

#[test]
fn five_hundred_values_are_found() {
    let arns: Vec<String> = (0..498).map(|n| format!("arn:aws:s3:::bucket-{n}/")).collect();
    let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
    for operator in ["Equals", "StartsWith"] {
        let selectors = of_data("AWS::S3::Object", vec![field("resources.ARN", &[(operator, &arns)])]);
        assert_eq!(selectors.check(For::Trail), Ok(()));
        for (arn, expect) in
            [("arn:aws:s3:::bucket-0/", true), ("arn:aws:s3:::bucket-497/", true), ("arn:aws:s3:::bucket-498/", false)]
        {
            let event = json!({"eventTime": "2026-03-01T10:20:30Z", "awsRegion": "us-east-1",
                "eventID": "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6", "eventCategory": "Data",
                "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
                "resources": [{"type": "AWS::S3::Object", "ARN": arn}]});
            assert_eq!(selects(&selectors, &event), expect);
            agrees(&selectors, &event);
        }
    }
}
