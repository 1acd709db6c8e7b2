//! Calls that somebody else answers, and that could be something else, or somebody else's, than they say.

use http::Method;
use opentrail_policy::Secret;
use opentrail_wire::{Allowed, PassageSettings, Signing};

use crate::house::{Ask, House};
use crate::onward::{Onward, STRANGER, delete_table, foreign, list_tables, pieces};

/// A key with an account in its id: 029608264753.
const FAR_KEY: &str = "AKIAQNZGKIQY56JQ7WML";

fn signing(actions: &[&str]) -> impl FnOnce(&mut PassageSettings) {
    let actions = actions.iter().map(|action| (*action).to_owned()).collect();
    move |settings| {
        settings.signing = Some(Signing {
            access_key_id: "AKIDUPSTREAM".into(),
            secret: Secret::new("upstream's".into()),
            token: None,
            allowed: vec![Allowed { principal: "*".into(), actions }],
        });
    }
}

fn form(query: &str, body: &str) -> Ask {
    Ask::new(Method::POST, &format!("/{query}"))
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .body(body.as_bytes())
}

async fn allowing(actions: &[&str]) -> Onward {
    Onward::open(signing(actions), |_| Ok((200, &[], pieces(&["<R/>"])))).await
}

#[tokio::test]
async fn what_names_two_operations_does_not_go_on() {
    let onward = Onward::answering(200, "<R/>").await;
    let stop = "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1";
    for ask in [
        form("?Action=DescribeInstances&Version=2016-11-15", stop),
        form("", &format!("Action=DescribeInstances&{stop}")),
        form("", stop).header("x-amz-target", "Any.DescribeInstances"),
        form("?Version=1", stop),
    ] {
        let reply = onward.house.send(&ask.sign("ec2", onward.house.now())).await;
        assert_eq!((reply.status, onward.asked()), (400, 0));
    }
    let own = form("", stop).sign("ec2", onward.house.now());
    assert_eq!((onward.house.send(&own).await.status, onward.asked()), (200, 1));
}

#[tokio::test]
async fn an_escaped_name_is_the_name() {
    let onward = Onward::answering(200, "<R/>").await;
    let ask = form("", "%41ction=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1");
    onward.house.send(&ask.sign("ec2", onward.house.now())).await;
    assert_eq!(onward.house.diary.all()[0], "begin TerminateInstances (intent)");
}

#[tokio::test]
async fn what_nobody_knows_is_announced_whatever_it_says() {
    let onward = Onward::answering(200, "{}").await;
    for ask in [
        Ask::new(Method::GET, "/nowhere").sign("lambda", onward.house.now()),
        form("", "Action=DescribeEverything").sign("ec2", onward.house.now()),
        list_tables().sign("teleport", onward.house.now()),
    ] {
        onward.house.send(&ask).await;
    }
    let diary = onward.house.diary.all();
    let begun: Vec<_> = diary.iter().filter(|line| line.starts_with("begin")).collect();
    assert_eq!(begun, ["begin GET (intent)", "begin DescribeEverything (intent)", "begin ListTables (intent)"]);
}

#[tokio::test]
async fn a_long_form_is_recognised_by_its_beginning_and_not_believed_to_read() {
    let onward = Onward::answering(200, "<R/>").await;
    let body = format!("Action=DescribeInstances&Version=2016-11-15&Pad={}", "x".repeat(3000));
    let ask = form("", &body).sign("ec2", onward.house.now());
    assert_eq!(onward.house.send(&ask).await.status, 200);
    assert_eq!(onward.house.diary.all()[0], "begin DescribeInstances (intent)");
    assert_eq!(onward.upstream.asked.lock().unwrap()[0].3.as_deref().map(<[u8]>::len), Ok(body.len()));
    let signing = allowing(&["ec2:*"]).await;
    let reply = signing.house.send(&form("", &body).sign("ec2", signing.house.now())).await;
    assert_eq!((reply.status, signing.asked()), (403, 0));
}

#[tokio::test]
async fn with_the_upstreams_keys_nothing_goes_on_that_is_not_known_or_mints() {
    let onward = allowing(&["*"]).await;
    let version = "&Version=2010-05-08&UserName=eve";
    for (service, ask) in [
        ("deadline", Ask::new(Method::GET, "/2023-10-12/farms/f/fleets/g/read-roles")),
        ("ec2", form("", "Action=CreateEverything&Version=2016-11-15")),
        ("ec2", form("", "%41ction=CreateKeyPair&Version=2016-11-15&KeyName=k")),
        (
            "api.ecr",
            Ask::new(Method::POST, "/")
                .header("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken")
                .body(b"{}"),
        ),
        ("ssm", Ask::new(Method::POST, "/").header("x-amz-target", "AmazonSSM.GetAccessToken").body(b"{}")),
        ("teleport", Ask::new(Method::POST, "/").header("x-amz-target", "DynamoDB_20120810.ListTables").body(b"{}")),
        ("teleport", form("", &format!("Action=ListUsers{version}"))),
    ] {
        let reply = onward.house.send(&ask.sign(service, onward.house.now())).await;
        let (_, outcome) = onward.house.record();
        assert_eq!((outcome.error_code.as_deref(), onward.asked()), (Some("AccessDenied"), 0), "{service}");
        assert!(matches!(reply.status, 400 | 403), "{service}: {}", reply.status);
    }
    let known = form("", "Action=DescribeInstances&Version=2016-11-15").sign("ec2", onward.house.now());
    assert_eq!((onward.house.send(&known).await.status, onward.asked()), (200, 1));
}

#[tokio::test]
async fn a_bucket_is_the_same_in_the_record_in_the_rule_and_on_the_wire() {
    let host = |ask: Ask, host: &str| ask.without("host").header("host", host);
    let delete = |at: &str| host(Ask::new(Method::DELETE, "/real-bucket"), at);
    let aws = "fake.s3.us-east-1.amazonaws.com";
    // What another's host means to the upstream nobody here knows.
    for change in [None, Some(signing(&["s3:*"]))] {
        let answer = |_: &opentrail_delivery::UpstreamCall| Ok((204, &[][..], pieces(&[])));
        let onward =
            Onward::named(&["s3"], |settings| change.into_iter().for_each(|change| change(settings)), answer).await;
        let reply = onward.house.send(&delete(aws).sign("s3", onward.house.now())).await;
        assert_eq!((reply.status, onward.asked(), onward.house.records()), (400, 0, 0));
    }
    let onward = Onward::named(&["s3"], signing(&["s3:DeleteObject"]), |_| Ok((204, &[], pieces(&[])))).await;
    let reply = onward.house.send(&delete("fake.localhost").sign("s3", onward.house.now())).await;
    assert_eq!(reply.status, 204);
    let (call, _) = onward.house.record();
    let parameters = String::from_utf8_lossy(call.request_parameters.unwrap().as_bytes()).into_owned();
    assert!(call.event_name == "DeleteObject" && parameters.contains("fake") && parameters.contains("real-bucket"));
    assert_eq!(onward.upstream.asked.lock().unwrap()[0].1, "/fake/real-bucket");
    let reply = onward.house.send(&delete("localhost").sign("s3", onward.house.now())).await;
    assert_eq!((reply.status, onward.asked()), (403, 1), "DeleteBucket is not allowed");
}

#[tokio::test]
async fn many_headers_go_on_though_few_are_taken_for_our_own() {
    let onward = Onward::answering(200, "{}").await;
    let many = |mut ask: Ask| {
        for n in 0..150 {
            ask = ask.header(&format!("x-note-{n}"), "v");
        }
        ask
    };
    let ask = many(list_tables().sign("dynamodb", onward.house.now()));
    assert_eq!(onward.house.send(&ask).await.status, 200);
    let own = House::with(crate::house::settings()).await;
    let ask = many(Ask::json("DescribeTrails", "{}").sign("cloudtrail", own.now()));
    assert_eq!(own.send(&ask).await.status, 431);
}

#[tokio::test]
async fn a_service_that_callers_make_up_is_no_name_of_a_series() {
    let onward = Onward::answering(200, "{}").await;
    let ask = list_tables().sign("made-up-service", onward.house.now());
    assert_eq!(onward.house.send(&ask).await.status, 200);
    assert_eq!(onward.house.record().0.event_source, "made-up-service.amazonaws.com");
}

#[tokio::test]
async fn only_an_answer_that_a_known_caller_gets_attributes_a_call() {
    for (status, body, whose) in [
        (400, r#"{"__type":"x#UnknownOperationException"}"#, None),
        (400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#, None),
        (404, r#"{"message":"no such page"}"#, None),
        (301, "<html>moved</html>", None),
        (413, r#"{"__type":"RequestEntityTooLargeException","message":"x"}"#, None),
        (403, r#"{"message":"Forbidden"}"#, None),
        (500, r#"{"__type":"ResourceNotFoundException"}"#, None),
        (403, r#"{"__type":"AccessDeniedException","message":"no"}"#, Some(FAR_KEY)),
        (400, r#"{"__type":"ResourceNotFoundException","message":"no"}"#, Some(FAR_KEY)),
        (200, "{}", Some(FAR_KEY)),
    ] {
        let onward = Onward::answering(status, body).await;
        let far = |ask: Ask| ask.sign_as(FAR_KEY, "wrong", "us-east-1", "dynamodb", onward.house.now());
        onward.house.send(&far(delete_table())).await;
        let (call, _) = onward.house.record();
        let account = if whose.is_some() { "029608264753" } else { "999999999999" };
        assert_eq!(
            (call.account.as_str(), call.user_identity.access_key_id.as_deref()),
            (account, whose),
            "{status} {body}"
        );
        assert_eq!(
            (call.user_identity.account_id.as_str(), call.request_parameters.is_some()),
            (account, whose.is_some())
        );
        let told = onward.house.records();
        onward.house.send(&far(list_tables())).await;
        assert_eq!(onward.house.records() - told, usize::from(whose.is_some()), "a read of nobody known: {body}");
        assert!(!whose.is_none() || onward.house.diary.all().contains(&"withdraw DeleteTable".to_owned()));
    }
}

#[tokio::test]
async fn who_only_gets_unclear_answers_is_slowed_down() {
    let onward = Onward::answering(404, "").await;
    for _ in 0..250 {
        onward.house.send(&foreign(list_tables(), &onward.house)).await;
    }
    assert!(onward.asked() <= 201, "{}", onward.asked());
}

#[tokio::test]
async fn guests_have_some_of_the_places_and_are_told_when_there_is_none() {
    let onward = Onward::open(|settings| settings.guests_max = 0, |_| Ok((200, &[], pieces(&["{}"])))).await;
    let reply = onward.house.send(&foreign(list_tables(), &onward.house)).await;
    assert_eq!((reply.status, onward.asked()), (503, 0));
    assert!(reply.body.contains("not known here"));
    assert_eq!(onward.house.send(&list_tables().sign("dynamodb", onward.house.now())).await.status, 200);
}

/// A session as an upstream's STS hands it out.
const SESSION: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAFAR</AccessKeyId>\
    <SecretAccessKey>far</SecretAccessKey><SessionToken>tok</SessionToken><Expiration>2026-01-02T04:00:00Z</Expiration>\
    </Credentials><AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/ci/me</Arn><AssumedRoleId>AROAX:me</AssumedRoleId>\
    </AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>";

fn assume_role() -> Ask {
    form("", "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::111122223333:role/ci&RoleSessionName=me")
}

#[tokio::test]
async fn a_session_is_as_proven_as_whoever_asked_for_it() {
    let sts =
        |call: &opentrail_delivery::UpstreamCall| call.headers["authorization"].to_str().unwrap().contains("/sts/");
    for proven in [true, false] {
        let onward = Onward::named(
            &["sts"],
            |_| {},
            move |call| Ok((200, &[], pieces(&[if sts(call) { SESSION } else { "{}" }]))),
        )
        .await;
        let now = onward.house.now();
        let ask = match proven {
            true => assume_role().sign("sts", now),
            false => assume_role().sign_as(STRANGER, "x", "us-east-1", "sts", now),
        };
        assert_eq!(onward.house.send(&ask).await.status, 200);
        let by_session = || {
            let ask = delete_table().header("x-amz-security-token", "tok");
            ask.sign_as("ASIAFAR", "far", "us-east-1", "dynamodb", now)
        };
        assert_eq!(onward.house.send(&by_session()).await.status, 200);
        let (call, _) = onward.house.record();
        assert_eq!((call.identity_verified, call.account.as_str()), (proven, "111122223333"));
        assert!(call.user_identity.arn.ends_with("assumed-role/ci/me"));
    }
}
