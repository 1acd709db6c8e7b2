#![allow(clippy::print_stderr, reason = "figures and skips are for whoever runs the tests")]

use std::io::Read;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn sample() -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDA", "arn": "arn:aws:iam::123456789012:user/anna",
            "accountId": "123456789012", "accessKeyId": "AKIA1", "userName": "anna"},
        "eventTime": "2026-03-01T10:20:30Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": "DeleteUser",
        "awsRegion": "us-east-1",
        "requestParameters": {"userName": "bob"},
        "responseElements": null,
        "eventID": "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6",
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "123456789012",
        "eventCategory": "Management"
    })
}

fn with(name: &str, value: Value) -> Vec<u8> {
    let mut sample = sample();
    sample[name] = value;
    sample.to_string().into_bytes()
}

fn without(names: &[&str]) -> Vec<u8> {
    let mut sample = sample();
    for name in names {
        sample.as_object_mut().expect("an object").remove(*name);
    }
    sample.to_string().into_bytes()
}

#[test]
fn a_head_says_what_the_record_says() {
    let bytes = sample().to_string();
    let head = Head::parse(bytes.as_bytes()).expect("a record");
    assert_eq!(head.event_id.to_string(), "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6");
    assert_eq!(head.event_time_s, 1_772_360_430);
    assert_eq!(
        (&*head.event_source, &*head.event_name, &*head.region),
        ("iam.amazonaws.com", "DeleteUser", "us-east-1")
    );
    assert_eq!(head.recipient_account.as_str(), "123456789012");
    assert!(!head.read_only);
    assert_eq!(head.category, Category::Management);
    assert_eq!(head.username.as_deref(), Some("anna"));
    assert_eq!(head.access_key_id.as_deref(), Some("AKIA1"));
    assert_eq!(head.error_code, None);
    assert!(matches!(head.event_name, Cow::Borrowed(_)));
}

#[test]
fn what_old_records_leave_out_is_filled_in() {
    let category = |bytes: &[u8]| Head::parse(bytes).map(|head| head.category);
    assert_eq!(category(&without(&["eventCategory"])), Ok(Category::Management));
    assert_eq!(category(&without(&["eventCategory", "managementEvent", "eventType"])), Ok(Category::Management));
    let mut data = sample();
    for name in ["eventCategory", "managementEvent"] {
        data.as_object_mut().expect("an object").remove(name);
    }
    data["resources"] = json!([{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"}, 7]);
    assert_eq!(category(data.to_string().as_bytes()), Ok(Category::Data));
    let account = |bytes: &[u8]| Head::parse(bytes).map(|head| head.recipient_account.to_string());
    assert_eq!(account(&without(&["recipientAccountId"])), Ok("123456789012".into()));
    assert_eq!(
        account(&without(&["recipientAccountId", "userIdentity"])),
        Err(BadRecord::Missing("recipientAccountId"))
    );
    assert_eq!(Head::parse(&without(&["readOnly"])).map(|head| head.read_only), Ok(false));
    assert_eq!(Head::parse(&with("readOnly", json!("true"))).map(|head| head.read_only), Ok(true));
}

#[test]
fn an_insight_takes_its_names_from_its_details() {
    let mut insight = sample();
    for name in ["eventSource", "eventName", "userIdentity"] {
        insight.as_object_mut().expect("an object").remove(name);
    }
    insight["eventCategory"] = json!("Insight");
    insight["insightDetails"] =
        json!({"eventSource": "ec2.amazonaws.com", "eventName": "RunInstances", "state": "Start"});
    let bytes = insight.to_string();
    let head = Head::parse(bytes.as_bytes()).expect("an insight");
    assert_eq!((&*head.event_source, &*head.event_name), ("ec2.amazonaws.com", "RunInstances"));
}

#[test]
fn the_last_of_two_members_counts() {
    let text = sample().to_string();
    let twice =
        text.replacen('{', r#"{"eventName":"First","userIdentity":{"type":"Root"},"resources":[{"ARN":"x"}],"#, 1);
    let head = Head::parse(twice.as_bytes()).expect("a record");
    assert_eq!(head.event_name, "DeleteUser");
    assert_eq!(head.username.as_deref(), Some("anna"));
    let escaped = text.replacen("\"eventName\"", "\"event\\u004eame\"", 1);
    assert_eq!(Head::parse(escaped.as_bytes()).expect("a record").event_name, "DeleteUser");
}

#[test]
fn what_is_wrong_is_named() {
    let check = |bytes: &[u8], expect: BadRecord| assert_eq!(Head::parse(bytes).expect_err("bad"), expect);
    for name in ["eventID", "eventTime", "eventSource", "eventName", "awsRegion"] {
        check(&without(&[name]), BadRecord::Missing(name));
        check(&with(name, json!(null)), BadRecord::Missing(name));
        check(&with(name, json!(7)), BadRecord::Malformed { name, wanted: "text" });
    }
    let malformed = |name, wanted| BadRecord::Malformed { name, wanted };
    let a_time = "a time like 2026-01-31T23:59:59Z";
    for bad in [
        "",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+00:00",
        "-026-01-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T00:00:é",
    ] {
        check(&with("eventTime", json!(bad)), malformed("eventTime", a_time));
    }
    check(&with("eventID", json!("XXXX")), malformed("eventID", "a UUID in its hyphenated form"));
    check(&with("recipientAccountId", json!("12")), malformed("recipientAccountId", "twelve digits"));
    check(&with("readOnly", json!("True")), malformed("readOnly", "true or false"));
    check(
        &with("eventCategory", json!("Aggregated")),
        malformed("eventCategory", "a category of events of this record form"),
    );
    check(
        &vec![b' '; RECORD_BYTES_MAX + 1],
        BadRecord::TooLarge { bytes: RECORD_BYTES_MAX + 1, max: RECORD_BYTES_MAX },
    );
    let deep = json!("x").to_string().replace("\"x\"", &("[".repeat(200) + &"]".repeat(200)));
    check(format!("{{\"a\":{deep}}}").as_bytes(), BadRecord::TooDeep(crate::DEPTH_MAX));
    for bad in [&b"[]"[..], b"", b"null", b"{}{}", b"{\"a\":\xff}"] {
        assert!(matches!(Head::parse(bad), Err(BadRecord::NotJson(_))), "{}", bad.escape_ascii());
    }
}

#[test]
fn times_are_those_of_the_calendar() {
    let check = |text: &str| {
        let expect: jiff::Timestamp = text.parse().expect("a time");
        assert_eq!(seconds(text), Some(expect.as_second()), "{text}");
    };
    for text in [
        "1970-01-01T00:00:00Z",
        "2000-02-29T12:00:00Z",
        "1900-03-01T00:00:00Z",
        "2024-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "9999-12-30T00:00:00Z",
    ] {
        check(text);
    }
    assert_eq!(seconds("2026-01-01T00:00:00.999Z"), seconds("2026-01-01T00:00:00Z"));
}

#[test]
fn usernames_follow_the_kind_of_caller() {
    let check = |identity: Value, expect: Option<&str>| {
        let bytes = with("userIdentity", identity.clone());
        assert_eq!(Head::parse(&bytes).expect("a record").username.as_deref(), expect, "{identity}");
    };
    check(json!({"type": "Root", "userName": "alias"}), Some("root"));
    check(json!({"type": "AssumedRole", "principalId": "AROA1:session"}), Some("session"));
    check(
        json!({"type": "AssumedRole", "principalId": "AROA1", "arn": "arn:aws:sts::1:assumed-role/R/s\\u00e9"}),
        Some("s\\u00e9"),
    );
    check(json!({"principalId": "AROA1:s", "arn": "arn:aws:sts::1:assumed-role/R/s"}), Some("s"));
    check(json!({"type": "FederatedUser", "principalId": "123456789012:fred"}), Some("fred"));
    check(json!({"type": "AWSService", "invokedBy": "x", "userName": "x"}), None);
    check(json!({"type": "AWSAccount", "principalId": "AIDA", "accountId": "111111111111"}), None);
    check(json!({"type": "SAMLUser", "userName": "saml"}), Some("saml"));
    check(json!({"accountId": "123456789012", "invokedBy": "AWS Internal"}), None);
    check(json!({"type": "IAMUser", "userName": ""}), None);
    check(json!({"type": "IAMUser", "userName": {"a": 1}}), None);
    check(json!(null), None);
}

/// The lines of the shared corpus, where it is there.
fn corpus() -> Option<Vec<Vec<u8>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cloudtrail/events.ndjson.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    };
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut text).expect("gzip");
    Some(text.split(|&b| b == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect())
}

/// Every published event is read or refused for a reason that it gives. What is read agrees with a plain parser.
#[test]
fn real_events_are_read() {
    let Some(events) = corpus() else { return };
    let mut refused = std::collections::BTreeMap::<String, usize>::new();
    let (mut named, mut resources) = (0, 0);
    for line in &events {
        let tree: Value = serde_json::from_slice(line).expect("the corpus is JSON");
        match Head::parse_within(line, 1 << 20) {
            Ok(head) => {
                assert_eq!(tree["eventID"].as_str().map(str::to_lowercase), Some(head.event_id.to_string()));
                assert_eq!(tree["awsRegion"], *head.region);
                let of_call = tree.get("eventName").unwrap_or(&tree["insightDetails"]["eventName"]);
                assert_eq!(*of_call, *head.event_name);
                if tree["userIdentity"]["type"] == "IAMUser" {
                    let user = tree["userIdentity"]["userName"].as_str().filter(|name| !name.is_empty());
                    assert_eq!(user, head.username.as_deref());
                }
                named += usize::from(head.username.is_some());
                resources += usize::from(!head.resources.is_empty());
            }
            Err(why) => *refused.entry(why.to_string()).or_default() += 1,
        }
    }
    let bad: usize = refused.values().sum();
    eprintln!(
        "{} events: {} read, {named} with a user, {resources} with resources; refused {refused:?}",
        events.len(),
        events.len() - bad
    );
    assert!(events.len() > 4_000 && bad < 120, "{bad} refused: {refused:?}");
}

/// Users and resources of published events, checked by hand.
#[test]
fn real_events_show_whom_and_what_they_touched() {
    let Some(events) = corpus() else { return };
    let check = |id: &str, user: Option<&str>, expect: &[&str]| {
        let event = events.iter().find(|event| says(event, id)).expect("an event of the corpus");
        let head = Head::parse(event).expect("a record");
        assert_eq!(head.username.as_deref(), user, "{id}");
        let kind = |resource: &NamedResource<'_>| resource.kind.as_deref().unwrap_or_default().to_owned();
        let listed: Vec<_> = head.resources.iter().map(|r| format!("{}={}", kind(r), r.name)).collect();
        assert_eq!(listed[..listed.len().min(expect.len())], *expect, "{id}");
        assert_eq!(listed.is_empty(), expect.is_empty(), "{id}: {listed:?}");
    };
    check(
        "988f1043-3e3d-4d84-803b-1b4d00e0df90",
        Some("bert-jan"),
        &["AWS::S3::Bucket=stratus-red-team-ctes-bucket-qyxyekjbtk"],
    );
    let user = "AWS::IAM::User=stratus-red-team-backdoor-u-user";
    check(
        "64b7de64-bf53-47ae-b7e3-d30cb1b5136e",
        Some("bert-jan"),
        &["AWS::IAM::AccessKey=AKIATFQR7NSC3ZO6PKAZ", user],
    );
    let policy = "AWS::IAM::Policy=arn:aws:iam::aws:policy/AdministratorAccess";
    check("f4923a37-92d5-4dfd-9786-6caef2b5f33c", Some("bert-jan"), &[policy, "AWS::IAM::User=malicious-iam-user"]);
    let session = "AWS::STS::AssumedRole=CCSSession";
    check("724530b6-fa18-4022-89d8-15801cd89aaf", None, &["AWS::IAM::AccessKey=ASIAILB4XWM6L2UCHPRQ", session]);
    let image = "AWS::EC2::Ami=ami-06116566";
    check(
        "6da8b953-741f-4273-be3f-289b92b4d1fc",
        Some("root"),
        &["AWS::EC2::Instance=i-784cdacd", "AWS::EC2::Instance=i-7b4cdace", image],
    );
    check("57d3eacd-ff87-48f7-b133-a5e9da5d1395", Some("christophe.tafanidereeper"), &[]);
    let parameter = "=arn:aws:ssm:us-east-1:123837392027:parameter/credentials/stratus-red-team/credentials-10";
    check("11badb48-54ce-433e-bef6-40e3a2cf02fe", Some("bert-jan"), &[parameter]);
}

fn says(event: &[u8], id: &str) -> bool {
    event.windows(id.len()).any(|window| window == id.as_bytes())
}

/// Damaged copies of published events: what is read is JSON to another parser too, and nothing panics.
#[test]
fn damaged_real_events_are_read_or_refused() {
    let Some(events) = corpus() else { return };
    let (world, _) = opentrail_world::World::simulated(11, jiff::Timestamp::UNIX_EPOCH);
    for event in events.iter().step_by(3) {
        for _ in 0..8 {
            let mut bytes = event.clone();
            for _ in 0..=world.below(3) {
                let at = world.below(bytes.len() as u64) as usize;
                match world.below(4) {
                    0 => bytes[at] = world.below(256) as u8,
                    1 => bytes[at] ^= 1 << world.below(8),
                    2 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, b"{}[]\",:\\0u"[world.below(10) as usize]),
                }
            }
            if Head::parse_within(&bytes, usize::MAX).is_ok() {
                let agrees = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
                assert!(agrees, "{}", String::from_utf8_lossy(&bytes));
            }
        }
    }
}

/// How many heads a core reads in a second; the bound is loose, for busy machines and unoptimised builds.
/// Seconds that a processor has worked for this thread: what else runs on the machine does not count. `None` where the
/// kernel does not tell.
fn worked_s() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(told.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}

#[test]
fn heads_are_read_quickly() {
    let Some(events) = corpus() else { return };
    let usual: Vec<_> = events.iter().filter(|e| (1_000..2_200).contains(&e.len()) && Head::parse(e).is_ok()).collect();
    let bytes: usize = usual.iter().map(|e| e.len()).sum();
    let Some(start) = worked_s() else { return };
    let rounds = 20;
    let mut reads = 0;
    for _ in 0..rounds {
        for event in &usual {
            reads += usize::from(std::hint::black_box(Head::parse(event)).is_ok());
        }
    }
    let took = worked_s().expect("it was there before") - start;
    let per_second = reads as f64 / took;
    eprintln!("{per_second:.0} heads per second of work, of {} bytes on average", bytes / usual.len());
    assert!(per_second > 20_000.0, "{per_second:.0} heads per second of work");
}

proptest! {
    /// Whatever is done to a record, reading it neither panics nor takes what another parser refuses.
    #[test]
    fn mutated_records_are_read_or_refused(at in 0usize..600, to in any::<u8>(), cut in 0usize..600, insert in any::<bool>()) {
        let mut bytes = sample().to_string().into_bytes();
        let at = at % bytes.len();
        if insert { bytes.insert(at, to) } else { bytes[at] = to }
        let whole = Head::parse(&bytes).is_ok();
        if whole {
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok());
        }
        bytes.truncate(cut % bytes.len());
        prop_assert!(Head::parse(&bytes).is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Head::parse(&bytes);
    }
}
