//! The operation over a history in memory, called as the door calls it: JSON in, JSON out.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use opentrail_event::{AccountId, EventId, Region};
use opentrail_history::{Settings, schema};
use opentrail_journal::{Entry, Follower, Frame, Kind, Partition, Position, Urgency};
use opentrail_policy::{Principal, PrincipalKind};
use opentrail_protocol::Models;
use opentrail_wire::{AnswerBody, RequestBody, RequestHead, RpcService, Service};
use serde_json::{Value, json};

use super::*;
use crate::tests::memory::{MemoryCatalog, MemoryTable};

const NOW: &str = "2026-06-01T00:00:00.500Z";
const ANNA: &str = "123456789012";
const EVE: &str = "999999999999";

struct House {
    history: Arc<History>,
    service: RpcService,
    world: World,
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn house() -> House {
    let (world, _) = World::simulated(5, NOW.parse().expect("a time"));
    let table = MemoryTable::new(schema(), world.clone());
    let catalog: Arc<dyn opentrail_catalog::Catalog> = Arc::new(MemoryCatalog::default());
    let history = Arc::new(History::new(table, catalog, world.clone(), Settings::default()));
    let token_key = TokenKey::new(&[7; 32]);
    let lake = crate::tests::lake::lake(&world);
    let parts = crate::Parts {
        history: history.clone(),
        trails: crate::tests::desk(&world),
        lake,

        world: world.clone(),
        token_key,
    };
    let service = crate::service(&Models::builtin(), parts);
    House { history, service, world }
}

fn id(n: usize) -> EventId {
    let mut bytes = [4; 16];
    bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
    EventId::from_bytes(bytes)
}

/// A record of `seconds` before now, with `members` in place of the usual ones.
fn record(n: usize, seconds: i64, members: Value) -> Bytes {
    let time = NOW.parse::<Timestamp>().expect("a time").as_second() - seconds;
    let time = Timestamp::from_second(time).expect("a time").strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "userName": "anna", "accessKeyId": "AKIA1"},
        "eventTime": time, "eventSource": "s3.amazonaws.com", "eventName": "CreateBucket", "awsRegion": "us-east-1",
        "requestParameters": {"bucketName": format!("b{n}")}, "eventID": id(n).to_string(), "readOnly": false,
        "recipientAccountId": ANNA, "eventCategory": "Management"
    });
    for (name, value) in members.as_object().expect("an object") {
        record[name] = value.clone();
    }
    record.to_string().into()
}

impl House {
    fn take_in(&self, records: &[Bytes]) {
        let frame = |(n, bytes): (usize, &Bytes)| Frame {
            position: Position { partition: Partition(0), offset: n as u64 },
            appended_at: Timestamp::UNIX_EPOCH,
            entry: Entry {
                kind: Kind::Record,
                urgency: Urgency::Normal,
                account: ANNA.parse().expect("an account"),
                region: Region::us_east_1(),
                event_id: id(n),
                bytes: bytes.clone(),
            },
        };
        let frames: Vec<Frame> = records.iter().enumerate().map(frame).collect();
        block_on(self.history.apply(&frames)).expect("applies");
    }

    fn call_as(&self, account: &str, region: &str, input: &Value) -> Result<Value, (String, Option<Value>)> {
        let account: AccountId = account.parse().expect("an account");
        let principal = Principal { kind: PrincipalKind::Root, account, access_key_id: "AKIA1".into(), session: None };
        let cx = Cx {
            principal: Arc::new(principal),
            region: region.parse().expect("a region"),
            request_id: "r".into(),
            received_at: self.world.now(),
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: None,
            tls: None,
            presigned: false,
        };
        let mut headers = http::HeaderMap::new();
        let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
        headers.insert("x-amz-target", http::HeaderValue::from_static(target));
        headers.insert("content-type", http::HeaderValue::from_static("application/x-amz-json-1.1"));
        let (raw_path, raw_query) = ("/".into(), String::new());
        let head = RequestHead { method: http::Method::POST, raw_path, raw_query, headers };
        let body = Bytes::from(input.to_string());
        block_on(async {
            let announced = self.service.announce(&cx, &head, Some(&body)).await;
            let mut announced = announced.map_err(|rejected| {
                let parameters = rejected.known.and_then(|known| known.request_parameters);
                let parameters = parameters.map(|p| serde_json::from_slice(p.as_bytes()).expect("JSON"));
                (rejected.fault.code.into_owned(), parameters)
            })?;
            assert!(announced.class.read_only && announced.action == "cloudtrail:LookupEvents");
            let run = self.service.run(&cx, &head, &mut announced, RequestBody::Whole(body.clone())).await;
            let answer = run.map_err(|fault| (fault.code.into_owned(), None))?;
            assert!(answer.response_elements.is_none());
            let AnswerBody::Whole(bytes) = answer.body else { panic!("a JSON answer is whole") };
            Ok(serde_json::from_slice(&bytes).expect("JSON"))
        })
    }

    fn call(&self, input: &Value) -> Value {
        self.call_as(ANNA, "us-east-1", input).unwrap_or_else(|fault| panic!("{fault:?} for {input}"))
    }

    fn ids(&self, input: &Value) -> Vec<String> {
        let events = self.call(input)["Events"].as_array().expect("a list").clone();
        events.iter().map(|event| event["EventId"].as_str().expect("an id").to_owned()).collect()
    }

    fn fault(&self, input: &Value) -> String {
        self.call_as(ANNA, "us-east-1", input).expect_err(&format!("a fault for {input}")).0
    }
}

fn by(key: &str, value: &str) -> Value {
    json!({"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]})
}

#[test]
fn an_event_is_shown_member_by_member() {
    let house = house();
    let exact = record(0, 60, json!({"additionalEventData": {"note": "é \"quoted\" \u{1}"}}));
    house.take_in(std::slice::from_ref(&exact));
    let event = house.call(&json!({}))["Events"][0].clone();
    let expect = json!({
        "EventId": id(0).to_string(), "EventName": "CreateBucket", "ReadOnly": "false", "AccessKeyId": "AKIA1",
        "EventTime": NOW.parse::<Timestamp>().expect("a time").as_second() - 60,
        "EventSource": "s3.amazonaws.com", "Username": "anna",
        "Resources": [{"ResourceType": "AWS::S3::Bucket", "ResourceName": "b0"}],
        "CloudTrailEvent": std::str::from_utf8(&exact).expect("UTF-8")
    });
    for (name, value) in expect.as_object().expect("an object") {
        if name == "EventTime" {
            assert_eq!(event[name].as_f64(), value.as_f64(), "{name}");
        } else {
            assert_eq!(event[name], *value, "{name}");
        }
    }
    assert_eq!(event.as_object().map(serde_json::Map::len), Some(9));
}

#[test]
fn what_a_record_does_not_say_is_not_shown() {
    let house = house();
    let identity = json!({"type": "AWSService", "invokedBy": "events.amazonaws.com"});
    let kms = json!({"userIdentity": identity, "eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "readOnly": true,
        "requestParameters": {"keyId": "alias/x"}});
    house.take_in(&[record(0, 1, kms)]);
    let event = house.call(&json!({}))["Events"][0].clone();
    assert!(event.get("Username").is_none() && event.get("AccessKeyId").is_none());
    assert_eq!(event["Resources"], json!([{"ResourceName": "alias/x"}]));
    assert_eq!(event["ReadOnly"], "true");
    assert!(house.ids(&by("Username", "events.amazonaws.com")).is_empty());
}

#[test]
fn each_attribute_finds_what_has_it() {
    let house = house();
    let other = json!({
        "userIdentity": {"type": "AssumedRole", "principalId": "AROA1:session", "accessKeyId": "ASIA2"},
        "eventSource": "iam.amazonaws.com", "eventName": "DeleteUser", "readOnly": true,
    });
    house.take_in(&[record(0, 5, json!({})), record(1, 4, other), record(2, 3, json!({"eventCategory": "Data"}))]);
    let check = |key: &str, value: &str, expect: &[usize]| {
        let expect: Vec<String> = expect.iter().map(|n| id(*n).to_string()).collect();
        assert_eq!(house.ids(&by(key, value)), expect, "{key}={value}");
    };
    assert_eq!(house.ids(&json!({})), [id(1).to_string(), id(0).to_string()]);
    check("EventId", &id(1).to_string(), &[1]);
    check("EventId", &id(2).to_string(), &[]);
    check("EventId", "no id at all", &[]);
    check("EventName", "CreateBucket", &[0]);
    check("EventName", "createbucket", &[]);
    check("ReadOnly", "true", &[1]);
    check("ReadOnly", "false", &[0]);
    check("Username", "session", &[1]);
    check("Username", "anna", &[0]);
    check("ResourceType", "AWS::S3::Bucket", &[0]);
    check("ResourceType", "AWS::No::Such", &[]);
    check("ResourceName", "b0", &[0]);
    check("EventSource", "iam.amazonaws.com", &[1]);
    check("AccessKeyId", "ASIA2", &[1]);
    check("EventName", &"_".repeat(2_000), &[]);
}

#[test]
fn what_breaks_a_rule_gets_the_error_of_its_name() {
    let house = house();
    let check =
        |input: Value, code: &str| assert_eq!(house.fault(&input), format!("Invalid{code}Exception"), "{input}");
    let pair = json!({"AttributeKey": "EventName", "AttributeValue": "X"});
    check(json!({"LookupAttributes": [pair, pair]}), "LookupAttributes");
    for value in ["True", "yes", "TRUE", " true"] {
        check(by("ReadOnly", value), "LookupAttributes");
    }
    check(by("eventName", "X"), "LookupAttributes");
    check(by("EventName", ""), "LookupAttributes");
    check(by("EventName", &"é".repeat(2_001)), "LookupAttributes");
    check(json!({"LookupAttributes": [{"AttributeKey": "EventName"}]}), "LookupAttributes");
    check(json!({"MaxResults": 0}), "MaxResults");
    check(json!({"MaxResults": 51}), "MaxResults");
    check(json!({"MaxResults": -1}), "MaxResults");
    check(json!({"EventCategory": "management"}), "EventCategory");
    check(json!({"EventCategory": "Insight"}), "EventCategory");
    let now = NOW.parse::<Timestamp>().expect("a time").as_second();
    check(json!({"StartTime": now - 5, "EndTime": now - 6}), "TimeRange");
    check(json!({"StartTime": now + 60}), "TimeRange");
    check(json!({"NextToken": "x"}), "NextToken");
    check(json!({"NextToken": ""}), "NextToken");
    check(json!({"NextToken": "A".repeat(100_000)}), "NextToken");
}

#[test]
fn a_refused_call_is_recorded_with_its_parameters() {
    let fault = house().call_as(ANNA, "us-east-1", &json!({"MaxResults": 51, "StartTime": 1_780_000_000.25}));
    let (code, parameters) = fault.expect_err("a fault");
    assert_eq!(code, "InvalidMaxResultsException");
    let parameters = parameters.expect("known");
    assert_eq!(parameters["maxResults"], 51);
    assert!(parameters["startTime"].is_string());
}

#[test]
fn both_ends_of_the_time_range_belong_to_it() {
    let house = house();
    let records: Vec<Bytes> = (0..5).map(|n| record(n, 10 - n as i64, json!({}))).collect();
    house.take_in(&records);
    let now = NOW.parse::<Timestamp>().expect("a time").as_second();
    let check = |start: f64, end: f64, expect: &[usize]| {
        let expect: Vec<String> = expect.iter().map(|n| id(*n).to_string()).collect();
        assert_eq!(house.ids(&json!({"StartTime": start, "EndTime": end})), expect, "{start}..{end}");
    };
    let at = |back: f64| now as f64 - back;
    check(at(9.0), at(7.0), &[3, 2, 1]);
    check(at(9.0), at(9.0), &[1]);
    check(at(8.5), at(6.5), &[3, 2]);
    check(at(8.6), at(8.4), &[]);
    check(at(90_000_000.0), at(10.0), &[0]);
}

#[test]
fn insights_are_a_category_of_their_own() {
    let house = house();
    house.take_in(&[record(0, 5, json!({}))]);
    let mut insights = json!({"EventCategory": "insight"});
    assert!(house.ids(&insights).is_empty());
    insights["LookupAttributes"] = by("EventName", "X")["LookupAttributes"].clone();
    assert!(house.ids(&insights).is_empty());
    insights["LookupAttributes"] = by("Username", "anna")["LookupAttributes"].clone();
    assert_eq!(house.fault(&insights), "InvalidLookupAttributesException");
}

#[test]
fn nobody_sees_another_account_or_region() {
    let house = house();
    let abroad = json!({"awsRegion": "eu-west-1"});
    house.take_in(&[record(0, 3, json!({})), record(1, 2, json!({"recipientAccountId": EVE})), record(2, 1, abroad)]);
    let seen = |account: &str, region: &str, input: &Value| {
        let events = house.call_as(account, region, input).expect("an answer")["Events"].clone();
        events.as_array().expect("a list").iter().map(|e| e["EventId"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let shown = |n: usize| vec![Some(id(n).to_string())];
    assert_eq!(seen(ANNA, "us-east-1", &json!({})), shown(0));
    assert_eq!(seen(EVE, "us-east-1", &json!({})), shown(1));
    assert_eq!(seen(ANNA, "eu-west-1", &json!({})), shown(2));
    assert!(seen("000000000000", "us-east-1", &json!({})).is_empty());
    assert!(seen(ANNA, "us-east-1", &by("EventId", &id(1).to_string())).is_empty());
}

#[test]
fn pages_go_on_where_the_last_one_ended_and_tokens_are_bound_to_the_question() {
    let house = house();
    // Many in one second, so that the place decides.
    let records: Vec<Bytes> = (0..120).map(|n| record(n, 50 - n as i64 / 40, json!({}))).collect();
    house.take_in(&records);
    let mut question = by("EventName", "CreateBucket");
    question["MaxResults"] = json!(50);
    let mut seen = Vec::new();
    let mut first_token = None;
    loop {
        let page = house.call(&question);
        seen.extend(page["Events"].as_array().expect("a list").iter().map(|e| e["EventId"].clone()));
        match page.get("NextToken") {
            Some(token) => question["NextToken"] = token.clone(),
            None => break,
        }
        first_token.get_or_insert(question["NextToken"].clone());
    }
    let expect: Vec<Value> = (0..120).rev().map(|n| json!(id(n).to_string())).collect();
    assert_eq!(seen, expect);

    question["NextToken"] = first_token.expect("more than one page");
    let check = |account: &str, region: &str, change: &dyn Fn(&mut Value)| {
        let mut changed = question.clone();
        change(&mut changed);
        let fault = house.call_as(account, region, &changed).expect_err("a fault");
        assert_eq!(fault.0, "InvalidNextTokenException", "{account} {region} {changed}");
    };
    assert!(house.call_as(ANNA, "us-east-1", &question).is_ok());
    check(EVE, "us-east-1", &|_| {});
    check(ANNA, "eu-west-1", &|_| {});
    check(ANNA, "us-east-1", &|q| q["MaxResults"] = json!(49));
    check(ANNA, "us-east-1", &|q| drop(q.as_object_mut().expect("an object").remove("MaxResults")));
    check(ANNA, "us-east-1", &|q| q["LookupAttributes"][0]["AttributeValue"] = json!("DeleteBucket"));
    check(ANNA, "us-east-1", &|q| q["LookupAttributes"] = json!([]));
    check(ANNA, "us-east-1", &|q| q["StartTime"] = json!(1));
    check(ANNA, "us-east-1", &|q| q["EventCategory"] = json!("insight"));
    check(ANNA, "us-east-1", &|q| q["NextToken"] = json!(format!("{}A", q["NextToken"].as_str().expect("a token"))));
}
