//! The order of effects: intent, run, record, answer; whatever the client or the service does meanwhile.

use std::time::Duration;

use http::Method;
use tokio::io::AsyncWriteExt;

use crate::house::{Ask, House, Reply};

async fn until(what: &str, ready: impl Fn() -> bool) {
    for _ in 0..500 {
        if ready() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn a_change_is_announced_run_and_recorded_before_it_is_answered() {
    let house = House::open().await;
    let reply = house.send(&Ask::new(Method::PUT, "/logs/a").body(b"hello").sign("s3", house.now())).await;
    // The capture writes before it returns, so what is written when the answer is here was written before it.
    assert_eq!(house.diary.all(), ["begin PutObject (intent)", "run PutObject /logs/a", "finish PutObject: ok"]);
    assert_eq!(reply.status, 200);
    house.send(&Ask::json("LookupEvents", "{}").sign("cloudtrail", house.now())).await;
    assert_eq!(
        house.diary.all()[3..],
        ["begin LookupEvents (no intent)", "run LookupEvents", "finish LookupEvents: ok"]
    );
}

#[tokio::test]
async fn records_of_s3_say_how_it_was_transferred() {
    let house = House::open().await;
    let put = Ask::new(Method::PUT, "/logs/a").body(b"hello").header("user-agent", "toy/1 (x)");
    let reply = house.send(&put.sign("s3", house.now())).await;
    let (call, outcome) = house.record();
    assert_eq!(call.user_agent.as_deref(), Some("[toy/1 (x)]"));
    assert_eq!(call.source_ip_address, "127.0.0.1");
    assert_eq!(Some(call.request_id.as_str()), reply.header("x-amz-request-id"));
    let now = house.now().as_millisecond();
    let expect = format!(
        "{{\"SignatureVersion\":\"SigV4\",\"bytesTransferredIn\":5,\"SSEApplied\":\"Default_SSE_S3\",\
         \"AuthenticationMethod\":\"AuthHeader\",\"x-amz-id-2\":\"{}\",\"bytesTransferredOut\":{},\"httpStatusCode\":200,\"startTime\":{now},\"endTime\":{now}}}",
        reply.header("x-amz-id-2").unwrap(),
        reply.body.len()
    );
    assert_eq!(format!("{:?}", outcome.additional_event_data.unwrap()), expect);
    let json = Ask::json("LookupEvents", "{}").header("user-agent", "toy/1 (x)");
    let reply = house.send(&json.sign("cloudtrail", house.now())).await;
    let (call, outcome) = house.record();
    assert_eq!((call.user_agent.as_deref(), outcome.additional_event_data), (Some("toy/1 (x)"), None));
    assert_eq!(Some(call.request_id.as_str()), reply.header("x-amzn-requestid"));
    assert_eq!(
        (call.event_source.as_str(), call.api_version.as_deref()),
        ("cloudtrail.amazonaws.com", Some("2013-11-01"))
    );
}

#[tokio::test]
async fn a_denial_is_answered_and_recorded_and_nothing_runs() {
    let house = House::open().await;
    let reply = house.send(&Ask::new(Method::PUT, "/logs/denied").body(b"x").sign("s3", house.now())).await;
    let words = "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: s3:PutObject on resource: \
                 &quot;arn:aws:s3:::toys//logs/denied&quot; because no identity-based policy allows the s3:PutObject action";
    assert_eq!((reply.status, reply.code().as_str(), reply.message().as_str()), (403, "AccessDenied", words));
    let (call, outcome) = house.record();
    assert!(call.request_parameters.is_some() && !outcome.hide_parameters);
    assert_eq!(outcome.error_code.as_deref(), Some("AccessDenied"));
    let reply = house.send(&Ask::json("StopLogging", "{\"Name\":\"abc\"}").sign("cloudtrail", house.now())).await;
    let words = "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: cloudtrail:StopLogging \
                 because no identity-based policy allows the cloudtrail:StopLogging action";
    assert_eq!((reply.status, reply.code().as_str(), reply.message().as_str()), (400, "AccessDeniedException", words));
    let (call, outcome) = house.record();
    assert_eq!((outcome.error_code.as_deref(), outcome.error_message.as_deref()), (Some("AccessDenied"), Some(words)));
    assert!(outcome.hide_parameters && call.resources.is_empty() && call.api_version.is_none());
    assert!(house.diary.all().iter().all(|line| !line.starts_with("run")));
}

#[tokio::test]
async fn what_nobody_decided_is_no_denial() {
    let house = House::open().await;
    let words = "Whether you may do this cannot be found out just now. Please try again.";
    let s3 = |path: &str| Ask::new(Method::PUT, path).body(b"x").sign("s3", house.now());
    let query = |form: &str| Ask::query(form).sign("iam", house.now());
    let asks = [
        (s3("/logs/undecided"), "ServiceUnavailable"),
        // What a policy of its owner says is not known, and so the owner reads nothing of it.
        (s3("/foreign-policy/explicit-undecided"), "ServiceUnavailable"),
        (Ask::json("ListTrails", "{}").sign("cloudtrail", house.now()), "ServiceUnavailableException"),
        (query("Action=ListGroups&Version=2010-05-08"), "ServiceUnavailable"),
    ];
    for (ask, code) in asks {
        let reply = house.send(&ask).await;
        assert_eq!((reply.status, reply.code().as_str(), reply.message().as_str()), (503, code, words));
        let (call, outcome) = house.record();
        let seen = (outcome.error_code.as_deref(), outcome.error_message.as_deref());
        assert_eq!(seen, (Some(code), Some(words)), "{}", call.event_name);
        assert!(!outcome.hide_parameters && call.copy_for.is_none() && outcome.copy_for.is_none());
    }
    assert!(house.diary.all().iter().all(|line| !line.starts_with("run")));
}

#[tokio::test]
async fn a_call_that_does_not_run_leaves_a_record_and_little_else() {
    let house = House::open().await;
    let check = async |path: &str, code: &str, kept: bool| {
        let reply = house.send(&Ask::new(Method::PUT, path).sign("s3", house.now())).await;
        assert_eq!(reply.code(), code, "{path}");
        let diary = house.diary.all();
        let finish = format!("finish PutObject: {code}");
        assert_eq!(diary[diary.len() - 2..], ["begin PutObject (no intent)", finish.as_str()], "{path}");
        assert_eq!(house.record().0.request_parameters.is_some(), kept, "{path}");
    };
    check("/logs/denied", "AccessDenied", true).await;
    check("/logs/denied?long", "AccessDenied", false).await;
    check("/logs/rejected", "InvalidArgument", true).await;
    check("/logs/rejected?long", "InvalidArgument", false).await;
    // A call that runs keeps them.
    house.send(&Ask::new(Method::PUT, "/logs/fails?long").sign("s3", house.now())).await;
    assert!(house.record().0.request_parameters.is_some());
}

#[tokio::test]
async fn a_failure_is_recorded_with_its_code() {
    let house = House::open().await;
    let reply = house.send(&Ask::new(Method::GET, "/logs/fails").sign("s3", house.now())).await;
    assert_eq!((reply.status, reply.element("BucketName").as_deref()), (404, Some("x")));
    assert_eq!(house.record().1.error_code.as_deref(), Some("NoSuchBucket"));
    let reply = house.send(&Ask::new(Method::GET, "/logs/rejected").sign("s3", house.now())).await;
    assert_eq!((reply.status, reply.element("ArgumentName").as_deref()), (400, Some("x")));
    assert_eq!(house.diary.all().last().map(String::as_str), Some("finish GetObject: InvalidArgument"));
    house.send(&Ask::json("StartLogging", "{\"Name\":\"missing-trail\"}").sign("cloudtrail", house.now())).await;
    assert_eq!(house.record().1.error_code.as_deref(), Some("TrailNotFoundException"));
}

#[tokio::test]
async fn a_panic_is_answered_and_recorded_and_harms_nobody_else() {
    let house = House::open().await;
    let reply = house.send(&Ask::new(Method::PUT, "/logs/panic").body(b"x").sign("s3", house.now())).await;
    assert_eq!((reply.status, reply.code().as_str()), (500, "InternalError"));
    assert_eq!(house.record().1.error_code.as_deref(), Some("InternalError"));
    let reply = house.send(&Ask::new(Method::PUT, "/logs/announce-panic").sign("s3", house.now())).await;
    assert_eq!((reply.status, reply.code().as_str()), (500, "InternalError"));
    let reply = house.send(&Ask::new(Method::GET, "/logs/a").sign("s3", house.now())).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn what_cannot_be_recorded_does_not_run_or_is_not_confirmed() {
    let house = House::open().await;
    let put = || Ask::new(Method::PUT, "/logs/a").body(b"x").sign("s3", house.now());
    let start = || Ask::json("StartLogging", "{\"Name\":\"abc\"}").sign("cloudtrail", house.now());
    *house.capture.refuse_begin.lock().unwrap() = true;
    let reply = house.send(&put()).await;
    assert_eq!((reply.status, reply.code().as_str()), (503, "SlowDown"));
    let reply = house.send(&start()).await;
    assert_eq!((reply.status, reply.code().as_str()), (503, "ServiceUnavailableException"));
    assert_eq!(house.diary.all(), Vec::<String>::new());
    *house.capture.refuse_begin.lock().unwrap() = false;
    *house.capture.refuse_finish.lock().unwrap() = true;
    assert_eq!(house.send(&put()).await.code(), "SlowDown");
    assert_eq!(house.send(&start()).await.code(), "ServiceUnavailableException");
    assert_eq!(house.diary.all().iter().filter(|line| line.starts_with("run")).count(), 2);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_take_its_call_back() {
    let house = House::open().await;
    let mut stream = house.connect().await;
    stream.write_all(&Ask::new(Method::PUT, "/logs/waits").sign("s3", house.now()).bytes()).await.unwrap();
    until("the call runs", || house.diary.all().len() == 2).await;
    drop(stream);
    tokio::time::sleep(Duration::from_millis(50)).await;
    house.go_on.notify_one();
    until("the call is recorded", || house.records() == 1).await;
    assert_eq!(house.diary.all().last().map(String::as_str), Some("finish PutObject: ok"));
}

#[tokio::test]
async fn a_stop_lets_running_calls_end() {
    let house = House::open().await;
    let (mut stream, idle) = (house.connect().await, house.connect().await);
    stream.write_all(&Ask::new(Method::PUT, "/logs/waits").sign("s3", house.now()).bytes()).await.unwrap();
    let diary = house.diary.clone();
    until("the call runs", || diary.all().len() == 2).await;
    let House { running, go_on, address, .. } = house;
    let stop = tokio::spawn(running.stop());
    until("nobody listens", || std::net::TcpStream::connect(address).is_err()).await;
    assert!(!stop.is_finished());
    go_on.notify_one();
    let reply = Reply::read(&mut stream).await;
    assert_eq!(reply.status, 200);
    tokio::time::timeout(Duration::from_secs(5), stop).await.expect("the stop ends").unwrap();
    drop(idle);
    assert_eq!(diary.all().last().map(String::as_str), Some("finish PutObject: ok"));
}

#[tokio::test]
async fn one_connection_serves_many_calls() {
    let house = House::open().await;
    let mut stream = house.connect().await;
    let one = |n: usize| {
        let ask = Ask::new(Method::PUT, &format!("/logs/{n}")).body(&vec![b'x'; n * 1000]).sign("s3", house.now());
        String::from_utf8(ask.bytes()).unwrap().replace("connection: close\r\n", "")
    };
    // All at once, as a pipelining client would.
    let all: String = (0..20).map(one).collect();
    stream.write_all(all.as_bytes()).await.unwrap();
    until("all are served", || house.records() == 20).await;
    let last = Ask::new(Method::GET, "/logs/last").sign("s3", house.now());
    stream.write_all(&last.bytes()).await.unwrap();
    let mut out = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut out).await.unwrap();
    let text = String::from_utf8_lossy(&out).into_owned();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 21, "{text}");
    for n in 0..20 {
        assert!(text.contains(&format!("PUT /logs/{n}? {}", n * 1000)), "{n}");
    }
}
