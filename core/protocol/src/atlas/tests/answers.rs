//! What is made of answers, failures, resources, and of what no model explains.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, Method};
use opentrail_event::{AccountId, Owner, Region};
use proptest::prelude::*;

use super::Sent;
use crate::atlas::{Atlas, Recognised};

fn dynamodb(target: &'static str, body: &'static [u8]) -> Sent<'static> {
    let headers: &'static [(&'static str, &'static str)] = match target {
        "PutItem" => &[("x-amz-target", "DynamoDB_20120810.PutItem")],
        "Levitate" => &[("x-amz-target", "DynamoDB_20120810.Levitate")],
        _ => &[("x-amz-target", "DynamoDB_20120810.DeleteTable")],
    };
    Sent { service: "dynamodb", headers, body, ..Sent::default() }
}

fn query(service: &'static str, body: &'static [u8]) -> Sent<'static> {
    Sent { service, body, ..Sent::default() }
}

fn elements(what: &Recognised, body: &[u8]) -> Option<String> {
    let answer = what.read_answer(200, &HeaderMap::new(), Some(body));
    what.response_elements(&answer).map(|json| String::from_utf8_lossy(json.as_bytes()).into_owned())
}

#[test]
fn answers_are_shown_as_records_show_them() {
    let atlas = Atlas::builtin();
    // What only wraps the answer is not shown.
    let what = query("rds", b"Action=DeleteDBInstance&Version=2014-10-31&DBInstanceIdentifier=d").recognised(&atlas);
    let body = b"<DeleteDBInstanceResponse><DeleteDBInstanceResult><DBInstance><DBInstanceIdentifier>d</DBInstanceIdentifier><PendingModifiedValues><MasterUserPassword>hush</MasterUserPassword></PendingModifiedValues></DBInstance></DeleteDBInstanceResult></DeleteDBInstanceResponse>";
    assert_eq!(
        elements(&what, body).as_deref(),
        Some(
            r#"{"dBInstanceIdentifier":"d","pendingModifiedValues":{"masterUserPassword":"HIDDEN_DUE_TO_SECURITY_REASONS"}}"#
        )
    );
    // Reads have none, but for sessions; those hide their token.
    let what = query("rds", b"Action=DescribeDBInstances&Version=2014-10-31").recognised(&atlas);
    assert_eq!(elements(&what, b"<R><DescribeDBInstancesResult/></R>"), None);
    let what = query("sts", b"Action=AssumeRole&Version=2011-06-15&RoleArn=r&RoleSessionName=s").recognised(&atlas);
    let body = b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>hush</SecretAccessKey><SessionToken>hush</SessionToken></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    assert_eq!(
        elements(&what, body).as_deref(),
        Some(r#"{"credentials":{"accessKeyId":"ASIA","sessionToken":"HIDDEN_DUE_TO_SECURITY_REASONS"}}"#)
    );
    // The recorder reads them all the same.
    let answer = what.read_answer(200, &HeaderMap::new(), Some(body));
    let credentials = answer.document.get("Credentials").expect("credentials");
    assert_eq!(credentials.text("SecretAccessKey"), Some("hush"));
    // Customers' data is not repeated.
    assert_eq!(elements(&dynamodb("PutItem", b"{}").recognised(&atlas), br#"{"Attributes":{"a":{"S":"x"}}}"#), None);
    let put = Sent { service: "s3", method: Method::PUT, path: "/b/k", ..Sent::default() }.recognised(&atlas);
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-version-id", HeaderValue::from_static("v1"));
    let answer = put.read_answer(200, &headers, None);
    let written = put.response_elements(&answer).expect("elements");
    assert_eq!(written.as_bytes(), br#"{"x-amz-version-id":"v1"}"#);
}

#[test]
fn failures_are_named_as_in_records() {
    let atlas = Atlas::builtin();
    let check = |what: &Recognised, status: u16, body: &str, code: &str, message: Option<&str>| {
        let failure = what.failure(status, &HeaderMap::new(), Some(body.as_bytes()));
        assert_eq!((failure.code.as_str(), failure.message.as_deref()), (code, message), "{body}");
    };
    let table = dynamodb("DeleteTable", b"{}").recognised(&atlas);
    check(
        &table,
        400,
        r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"gone"}"#,
        "ResourceNotFoundException",
        Some("gone"),
    );
    check(&table, 400, r#"{"__type":"AccessDeniedException","Message":"no"}"#, "AccessDenied", Some("no"));
    check(&table, 500, "", "InternalFailure", None);
    check(&table, 400, r#"{"__type":["odd"],"message":7}"#, "BadRequest", None);
    let user = query("iam", b"Action=GetUser&Version=2010-05-08&UserName=u").recognised(&atlas);
    check(
        &user,
        404,
        "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>gone</Message></Error></ErrorResponse>",
        "NoSuchEntityException",
        Some("gone"),
    );
    let run = query("ec2", b"Action=RunInstances&Version=2016-11-15").recognised(&atlas);
    check(
        &run,
        400,
        "<Response><Errors><Error><Code>InvalidAMIID.NotFound</Code><Message>gone</Message></Error></Errors></Response>",
        "Client.InvalidAMIID.NotFound",
        Some("gone"),
    );
    let get = Sent { service: "s3", method: Method::HEAD, path: "/b/k", ..Sent::default() }.recognised(&atlas);
    check(&get, 404, "", "NoSuchKey", None);
    check(&get, 403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>", "AccessDenied", Some("no"));
}

#[test]
fn engines_tell_services_apart_that_share_everything() {
    let atlas = Atlas::builtin();
    let check = |body: &'static [u8], expect: &str| {
        let what = query("rds", body).recognised(&atlas);
        assert_eq!((what.service.as_str(), what.event_source.as_str()), (expect, "rds.amazonaws.com"));
        assert!(!what.aliases.is_empty());
    };
    check(b"Action=CreateDBCluster&Version=2014-10-31&Engine=docdb", "docdb");
    check(b"Action=CreateDBCluster&Version=2014-10-31&Engine=neptune", "neptune");
    check(b"Action=CreateDBCluster&Version=2014-10-31&Engine=aurora-mysql", "rds");
    check(b"Action=CreateDBCluster&Version=2014-10-31", "rds");
}

#[test]
fn queues_are_asked_in_forms_by_older_clients() {
    let atlas = Atlas::builtin();
    let sent = query("sqs", b"Action=SetQueueAttributes&Version=2012-11-05&QueueUrl=u");
    assert_eq!(sent.recognised(&atlas).event_name, "SetQueueAttributes");
    assert_eq!(sent.parameters(&atlas).as_deref(), Some(r#"{"queueUrl":"u"}"#));
}

#[test]
fn buckets_in_host_names_are_found() {
    let atlas = Atlas::builtin();
    let check = |host: &str, path: &str, bucket: Option<&str>, key: Option<&str>| {
        let what = Sent { service: "s3", method: Method::GET, host, path, ..Sent::default() }.recognised(&atlas);
        let call = what.s3().expect("a call of S3");
        assert_eq!((call.bucket.as_deref(), call.key.as_deref()), (bucket, key), "{host}{path}");
    };
    check("my.bucket.s3.eu-west-1.amazonaws.com", "/k", Some("my.bucket"), Some("k"));
    check("b.s3.amazonaws.com", "/", Some("b"), None);
    check("b.s3-eu-west-1.amazonaws.com:443", "/k/l", Some("b"), Some("k/l"));
    check("b.localhost:4566", "/k", Some("b"), Some("k"));
    check("s3.eu-west-1.amazonaws.com", "/b/k", Some("b"), Some("k"));
    check("localhost:4566", "/b/k", Some("b"), Some("k"));
    check("localhost:4566", "/", None, None);
}

#[test]
fn resources_are_named_where_records_name_them() {
    let atlas = Atlas::builtin();
    let account: AccountId = "111122223333".parse().expect("an account");
    let region: Region = "eu-west-1".parse().expect("a region");
    let check = |sent: Sent<'_>, expect: &[(&str, &str)]| {
        let found = sent.with(|head| {
            let what = atlas.recognise(head, sent.body);
            let request = what.read_request(head, Some(sent.body));
            what.resources(&request, None, account, &region)
        });
        let found: Vec<(&str, &str)> = found.iter().map(|r| (r.kind, r.arn.as_str())).collect();
        assert_eq!(found, expect);
    };
    check(
        dynamodb("PutItem", br#"{"TableName":"t","Item":{}}"#),
        &[("AWS::DynamoDB::Table", "arn:aws:dynamodb:eu-west-1:111122223333:table/t")],
    );
    check(dynamodb("DeleteTable", br#"{"TableName":"t"}"#), &[]);
    check(
        Sent { service: "lambda", path: "/2015-03-31/functions/f/invocations", body: b"{}", ..Sent::default() },
        &[("AWS::Lambda::Function", "arn:aws:lambda:eu-west-1:111122223333:function:f")],
    );
    check(
        Sent { service: "s3", method: Method::GET, path: "/b/k", ..Sent::default() },
        &[("AWS::S3::Bucket", "arn:aws:s3:::b"), ("AWS::S3::Object", "arn:aws:s3:::b/k")],
    );
    check(
        Sent {
            service: "sqs",
            headers: &[("x-amz-target", "AmazonSQS.SendMessage")],
            body: br#"{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/444455556666/q","MessageBody":"hush"}"#,
            ..Sent::default()
        },
        &[("AWS::SQS::Queue", "arn:aws:sqs:eu-west-1:444455556666:q")],
    );
    check(
        query(
            "sts",
            b"Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::444455556666:role/r&RoleSessionName=s",
        ),
        &[("AWS::IAM::Role", "arn:aws:iam::444455556666:role/r")],
    );
    let metric = query("monitoring", b"Action=PutMetricData&Version=2010-08-01&Namespace=n");
    check(metric, &[("AWS::CloudWatch::Metric", "")]);
    let owners = dynamodb("PutItem", br#"{"TableName":"arn:aws:dynamodb:eu-west-1:444455556666:table/t"}"#);
    let found = owners.with(|head| {
        let what = atlas.recognise(head, owners.body);
        what.resources(&what.read_request(head, Some(owners.body)), None, account, &region)
    });
    assert_eq!(found[0].owner, Owner::Account("444455556666".parse().expect("an account")));
}

#[test]
fn what_is_not_understood_is_outlined() {
    let atlas = Atlas::builtin();
    let check = |sent: Sent<'_>, source: &str, event: &str, parameters: Option<&str>| {
        let what = sent.recognised(&atlas);
        assert_eq!((what.event_source.as_str(), what.event_name.as_str()), (source, event));
        assert_eq!(sent.parameters(&atlas).as_deref(), parameters);
    };
    // An operation that no model has.
    check(
        dynamodb("Levitate", br#"{"Height":"hush","To":{"a":[1,2]}}"#),
        "dynamodb.amazonaws.com",
        "Levitate",
        Some(r#"{"unmodelled":{"bodyBytes":34,"members":[{"name":"Height","bytes":6},{"name":"To","bytes":11}]}}"#),
    );
    // A service that no atlas has.
    check(
        Sent { service: "teleport", body: b"Action=Beam&Who=hush", ..Sent::default() },
        "teleport.amazonaws.com",
        "Beam",
        Some(r#"{"unmodelled":{"bodyBytes":20,"members":[{"name":"Action","bytes":4},{"name":"Who","bytes":4}]}}"#),
    );
    check(
        Sent { service: "teleport", method: Method::GET, path: "/x", ..Sent::default() },
        "teleport.amazonaws.com",
        "GET",
        None,
    );
    // A body that does not fit, and one that is too deep.
    check(
        dynamodb("DeleteTable", br#"{"TableName":{"hush":1}}"#),
        "dynamodb.amazonaws.com",
        "DeleteTable",
        Some(r#"{"unmodelled":{"bodyBytes":24,"members":[{"name":"TableName","bytes":10}]}}"#),
    );
    let deep = format!("{{\"TableName\":{}1{}}}", "[".repeat(100), "]".repeat(100));
    let headers: &[(&'static str, &str)] = &[("x-amz-target", "DynamoDB_20120810.DeleteTable")];
    check(
        Sent { service: "dynamodb", headers, body: deep.as_bytes(), ..Sent::default() },
        "dynamodb.amazonaws.com",
        "DeleteTable",
        Some(r#"{"unmodelled":{"bodyBytes":215,"members":[]}}"#),
    );
    // Names that are none are not repeated.
    let what = Sent { service: "Tele port\"", method: Method::GET, ..Sent::default() }.recognised(&atlas);
    assert_eq!(what.event_source, "unknown.amazonaws.com");
}

#[test]
fn a_file_that_is_no_atlas_is_refused() {
    let check = |file: &[u8]| assert!(Atlas::open(file.to_vec()).is_err());
    check(b"");
    check(b"opentrail-atlas 1\n");
    check(b"opentrail-atlas 2\n\0\0\0\0\0\0\0\0");
    check(b"opentrail-atlas 1\n\xff\xff\xff\xff\xff\xff\xff\xff");
    check(b"opentrail-atlas 1\n\x04\0\0\0\x04\0\0\0abcd");
    // Damage in one table leaves the others as they are.
    let mut file = super::super::BUILTIN.to_vec();
    let end = file.len() - 100;
    file[end..].fill(0);
    let atlas = Atlas::open(file).expect("its index is whole");
    assert!(atlas.service("xray").is_none());
    assert!(atlas.service("dynamodb").is_some());
}

/// One for all cases: tables are unpacked once.
static ATLAS: LazyLock<Atlas> = LazyLock::new(Atlas::builtin);

proptest! {
    #[test]
    fn no_request_and_no_answer_panics(
        service in "(s3|ec2|dynamodb|lambda|rds|monitoring|apigateway|route53|bedrock|x)",
        target in "(DynamoDB_20120810\\.)?(PutItem|[A-Za-z.]{0,9})",
        path in "/[ -~]{0,40}",
        query in "[ -~]{0,40}",
        body in prop::collection::vec(any::<u8>(), 0..80),
        named in any::<bool>(),
    ) {
        let headers: &[(&'static str, &str)] = if named { &[("x-amz-target", &target)] } else { &[] };
        let sent = Sent { service: &service, path: &path, query: &query, headers, body: &body, ..Sent::default() };
        sent.with(|head| {
            let what = ATLAS.recognise(head, &body);
            let request = what.read_request(head, Some(&body));
            let _ = what.request_parameters(&request);
            let answer = what.read_answer(200, head.headers, Some(&body));
            let _ = what.response_elements(&answer);
            let _ = what.failure(400, head.headers, Some(&body));
        });
    }
}
