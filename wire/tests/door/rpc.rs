//! Services that are tables: which operation is asked for, and what is wrong with its input.

use http::Method;

use crate::house::{Ask, House};
use crate::toys::{KEY, SECRET};

#[tokio::test]
async fn operations_are_found_by_either_form_of_their_target() {
    let house = House::open().await;
    for target in
        ["CloudTrail_20131101.LookupEvents", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"]
    {
        let reply =
            house.send(&Ask::json("", "{}").header("x-amz-target", target).sign("cloudtrail", house.now())).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "{}"), "{target}");
        assert_eq!(reply.header("content-type"), Some("application/x-amz-json-1.1"));
    }
    for target in
        ["CloudTrail_20131101.Nothing", "Other_20131101.LookupEvents", "LookupEvents", ".", "CloudTrail_20131101."]
    {
        let reply =
            house.send(&Ask::json("", "{}").header("x-amz-target", target).sign("cloudtrail", house.now())).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "UnknownOperationException"), "{target}");
    }
    let reply =
        house.send(&Ask::json("LookupEvents", "{}").without("x-amz-target").sign("cloudtrail", house.now())).await;
    assert_eq!(reply.code(), "UnknownOperationException");
    let reply = house
        .send(&Ask::json("LookupEvents", "{}").header("content-type", "text/xml").sign("cloudtrail", house.now()))
        .await;
    assert_eq!(reply.code(), "SerializationException");
    let get = Ask { method: Method::GET, ..Ask::json("LookupEvents", "{}") };
    assert_eq!(house.send(&get.sign("cloudtrail", house.now())).await.code(), "UnknownOperationException");
    // Nothing of this is a call of an operation that exists.
    assert_eq!(house.records(), 2);
}

#[tokio::test]
async fn an_operation_that_is_not_built_is_named_and_recorded() {
    let house = House::open().await;
    let reply = house.send(&Ask::json("GetTrail", "{\"Name\":\"abc\"}").sign("cloudtrail", house.now())).await;
    assert_eq!((reply.status, reply.code().as_str()), (501, "NotImplementedException"));
    assert_eq!(reply.message(), "operation GetTrail of cloudtrail is not built in this version of OpenTrail");
    let (call, outcome) = house.record();
    assert_eq!(
        (call.event_name.as_str(), outcome.error_code.as_deref()),
        ("GetTrail", Some("NotImplementedException"))
    );
    assert_eq!(format!("{:?}", call.request_parameters.unwrap()), "{\"name\":\"abc\"}");
    let reply = house.send(&Ask::query("Action=GetSessionToken&Version=2011-06-15").sign("sts", house.now())).await;
    assert_eq!((reply.status, reply.code().as_str()), (501, "NotImplemented"));
    assert_eq!(house.record().0.event_name, "GetSessionToken");
}

#[tokio::test]
async fn what_is_wrong_with_an_input_is_said_and_recorded() {
    let house = House::open().await;
    let check = async |operation: &str, body: &str, code: &str, message: &str| {
        let reply = house.send(&Ask::json(operation, body).sign("cloudtrail", house.now())).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, code), "{body}: {}", reply.body);
        assert!(reply.message().contains(message), "{body}: {}", reply.body);
        assert_eq!(house.record().1.error_code.as_deref(), Some(code), "{body}");
    };
    check("LookupEvents", "{", "SerializationException", "").await;
    check("LookupEvents", "{\"MaxResults\":\"many\"}", "SerializationException", "").await;
    check("LookupEvents", "{\"MaxResults\":51}", "InvalidMaxResultsException", "between 1 and 50").await;
    check("StartLogging", "{}", "ValidationException", "1 validation error detected: Value null at 'name'").await;
    assert!(house.diary.all().iter().all(|line| !line.starts_with("run")));
}

#[tokio::test]
async fn query_speaks_forms_and_xml() {
    let house = House::open().await;
    let ask = async |form: &str| house.send(&Ask::query(form).sign("sts", house.now())).await;
    let reply = ask("Action=GetCallerIdentity&Version=2011-06-15").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/xml")));
    assert_eq!(reply.element("Arn").as_deref(), Some("arn:aws:iam::111122223333:user/ana"));
    assert_eq!(reply.element("RequestId").as_deref(), reply.header("x-amzn-requestid"));
    assert_eq!(house.record().1.response_elements, None);
    let get = Ask::new(Method::GET, "/?Action=GetCallerIdentity&Version=2011-06-15").sign("sts", house.now());
    assert_eq!(house.send(&get).await.status, 200);
    let reply = ask("Action=Nothing&Version=2011-06-15").await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidAction"));
    assert_eq!(reply.message(), "Could not find operation Nothing for version 2011-06-15");
    assert_eq!(reply.element("Type").as_deref(), Some("Sender"));
    assert!(ask("Action=GetCallerIdentity").await.message().ends_with("for version NO_VERSION_SPECIFIED"));
    assert_eq!(ask("Version=2011-06-15").await.code(), "MissingAction");
    let reply = house.send(&Ask::query("Action=x").header("content-type", "text/plain").sign("sts", house.now())).await;
    assert_eq!(reply.code(), "MalformedInput");
}

#[tokio::test]
async fn calls_of_a_global_service_are_recorded_in_its_home() {
    let house = House::open().await;
    let check = async |form: &str, service: &str, region: &str| {
        house.send(&Ask::query(form).sign_as(KEY, SECRET, "eu-west-1", service, house.now())).await;
        let (call, _) = house.record();
        assert_eq!((call.event_source, call.region.as_str()), (format!("{service}.amazonaws.com"), region));
    };
    check("Action=ListUsers&Version=2010-05-08", "iam", "us-east-1").await;
    check("Action=GetCallerIdentity&Version=2011-06-15", "sts", "eu-west-1").await;
}
