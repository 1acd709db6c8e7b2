//! Calls that somebody else answers: who may send them, what is recorded, and in which order.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use http::{HeaderMap, Method};
use opentrail_catalog::memory::MemoryCatalog;
use opentrail_delivery::{
    Upstream, UpstreamAnswer, UpstreamBody, UpstreamCall, UpstreamError, UpstreamPieces, UpstreamPlace,
};
use opentrail_policy::{PassedSessions, Seal, SealError, Secret};
use opentrail_protocol::atlas::Atlas;
use opentrail_wire::{Allowed, OnFailure, Passage, PassageSettings, Signing};

use crate::house::{Ask, House, settings};
use crate::toys::{Diary, KEY, OLD_TOKEN, SECRET, SESSION_KEY, TOKEN};

pub(crate) const STRANGER: &str = "AKIAIOSFODNN7EXAMPLE";

struct Open;

impl Seal for Open {
    fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        [context.as_bytes(), b"\0", plain].concat()
    }

    fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let plain = sealed.strip_prefix(context.as_bytes()).and_then(|rest| rest.strip_prefix(b"\0"));
        plain.map(<[u8]>::to_vec).ok_or(SealError)
    }
}

type Answering = dyn Fn(&UpstreamCall) -> Result<(u16, &'static [(&'static str, &'static str)], UpstreamPieces), UpstreamError>
    + Send
    + Sync;

/// A call as it was heard; the body, or why it broke off.
pub(crate) type Heard = (Method, String, HeaderMap, Result<Bytes, String>);

/// Notes what it is asked, reads the body, and answers as told.
pub(crate) struct ToyUpstream {
    diary: Diary,
    pub(crate) asked: Mutex<Vec<Heard>>,
    answering: Box<Answering>,
}

impl Upstream for ToyUpstream {
    fn authority(&self, place: &UpstreamPlace) -> String {
        format!("{}.{}.toys", place.endpoint_prefix, place.region)
    }

    fn send(&self, _: UpstreamPlace, call: UpstreamCall) -> BoxFuture<'_, Result<UpstreamAnswer, UpstreamError>> {
        async move {
            self.diary.note("upstream asked");
            let answer = (self.answering)(&call);
            let UpstreamCall { method, target, headers, body } = call;
            let body = match body {
                UpstreamBody::Whole(bytes) => Ok(bytes),
                UpstreamBody::Stream { bytes, .. } => bytes.try_concat_bytes().await.map_err(|error| error.to_string()),
            };
            let broken = body.is_err();
            self.asked.lock().unwrap().push((method, target, headers, body));
            if broken {
                return Err(UpstreamError::Broken("the request ended early".into()));
            }
            let (status, pairs, body) = answer?;
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            let length = headers.get("content-length").map(|v| v.to_str().unwrap().parse().unwrap());
            Ok(UpstreamAnswer { status, headers, length, body })
        }
        .boxed()
    }
}

trait ConcatBytes {
    fn try_concat_bytes(self) -> BoxFuture<'static, Result<Bytes, Box<dyn std::error::Error + Send + Sync>>>;
}

impl ConcatBytes for futures::stream::BoxStream<'static, Result<Bytes, Box<dyn std::error::Error + Send + Sync>>> {
    fn try_concat_bytes(self) -> BoxFuture<'static, Result<Bytes, Box<dyn std::error::Error + Send + Sync>>> {
        self.try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .map(|all| all.map(Bytes::from))
        .boxed()
    }
}

pub(crate) struct Onward {
    pub(crate) house: House,
    pub(crate) upstream: Arc<ToyUpstream>,
}

pub(crate) fn pieces(parts: &[&'static str]) -> UpstreamPieces {
    let parts: Vec<_> = parts.iter().map(|part| Ok(Bytes::from_static(part.as_bytes()))).collect();
    futures::stream::iter(parts).boxed()
}

impl Onward {
    pub(crate) async fn open(
        change: impl FnOnce(&mut PassageSettings),
        answering: impl Fn(
            &UpstreamCall,
        ) -> Result<(u16, &'static [(&'static str, &'static str)], UpstreamPieces), UpstreamError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self::named(&[], change, answering).await
    }

    /// One that is the general upstream, and the one of these services.
    pub(crate) async fn named(
        services: &'static [&'static str],
        change: impl FnOnce(&mut PassageSettings),
        answering: impl Fn(
            &UpstreamCall,
        ) -> Result<(u16, &'static [(&'static str, &'static str)], UpstreamPieces), UpstreamError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let diary = Diary::default();
        let upstream =
            Arc::new(ToyUpstream { diary: diary.clone(), asked: Mutex::default(), answering: Box::new(answering) });
        let general = upstream.clone();
        let house = House::passing(settings(), diary, move |world| {
            let mut settings = PassageSettings {
                account: "999999999999".parse().unwrap(),
                anonymous: false,
                body_bytes_max: 1000,
                guests_max: 64,
                on_failure: OnFailure::Refuse,
                signing: None,
            };
            change(&mut settings);
            let catalog = Arc::new(MemoryCatalog::default());
            let named =
                services.iter().map(|name| ((*name).to_owned(), general.clone() as Arc<dyn Upstream>)).collect();
            Passage {
                atlas: Atlas::builtin(),
                named,
                general: Some(general),
                sessions: Arc::new(PassedSessions::new(catalog, Arc::new(Open), world.clone())),
                settings,
            }
        })
        .await;
        Self { house, upstream }
    }

    pub(crate) async fn answering(status: u16, body: &'static str) -> Self {
        Self::open(|_| {}, move |_| Ok((status, &[("x-amzn-requestid", "UP-1")], pieces(&[body])))).await
    }

    pub(crate) fn asked(&self) -> usize {
        self.upstream.asked.lock().unwrap().len()
    }
}

pub(crate) fn delete_table() -> Ask {
    Ask::new(Method::POST, "/")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.DeleteTable")
        .body(br#"{"TableName":"orders"}"#)
}

pub(crate) fn list_tables() -> Ask {
    Ask::new(Method::POST, "/")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.ListTables")
        .body(b"{}")
}

pub(crate) fn foreign(ask: Ask, house: &House) -> Ask {
    ask.sign_as(STRANGER, "whatever", "us-east-1", "dynamodb", house.now())
}

/// As SDKs sign for services other than S3: no hash of the body is sent, the signature is over the body itself.
fn signed_by_body(ask: Ask, secret: &str, date: &str) -> Ask {
    use aws_lc_rs::{digest, hmac};

    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let sha = |bytes: &[u8]| hex(digest::digest(&digest::SHA256, bytes).as_ref());
    let mac =
        |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec();
    let ask = ask.header("x-amz-date", date);
    let target = ask.headers["x-amz-target"].to_str().unwrap().to_owned();
    let canonical = format!(
        "POST\n/\n\nhost:127.0.0.1\nx-amz-date:{date}\nx-amz-target:{target}\n\nhost;x-amz-date;x-amz-target\n{}",
        sha(&ask.body)
    );
    let scope = format!("{}/us-east-1/dynamodb/aws4_request", &date[..8]);
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha(canonical.as_bytes()));
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [&date[..8], "us-east-1", "dynamodb", "aws4_request"] {
        key = mac(&key, part);
    }
    let signature = hex(&mac(&key, &to_sign));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders=host;x-amz-date;x-amz-target, Signature={signature}"
    );
    ask.header("authorization", &authorization)
}

#[tokio::test]
async fn a_change_is_announced_passed_on_recorded_and_only_then_answered() {
    let onward = Onward::answering(200, r#"{"TableDescription":{"TableName":"orders"}}"#).await;
    let ask = delete_table().sign("dynamodb", onward.house.now());
    let reply = onward.house.send(&ask).await;
    assert_eq!((reply.status, reply.header("x-amzn-requestid")), (200, Some("UP-1")));
    let expect = ["begin DeleteTable (intent)", "upstream asked", "finish DeleteTable: ok"];
    assert_eq!(onward.house.diary.all(), expect);
    let (call, outcome) = onward.house.record();
    assert_eq!((call.event_source.as_str(), call.request_id.as_str()), ("dynamodb.amazonaws.com", "UP-1"));
    assert!(call.identity_verified && call.user_identity.user_name.as_deref() == Some("ana"));
    let parameters = call.request_parameters.expect("parameters");
    assert!(String::from_utf8_lossy(parameters.as_bytes()).contains("orders"));
    assert!(outcome.response_elements.is_some());
    let asked = onward.upstream.asked.lock().unwrap();
    let (method, target, headers, body) = &asked[0];
    assert_eq!((method, target.as_str(), body.as_deref()), (&Method::POST, "/", Ok(&br#"{"TableName":"orders"}"#[..])));
    assert_eq!(headers["authorization"], ask.headers["authorization"]);
    assert_eq!(headers["host"], "127.0.0.1");
    assert!(!headers.contains_key("connection"));
}

#[tokio::test]
async fn what_is_compressed_goes_on_as_it_is_and_is_read_for_the_record() {
    let gzip = |plain: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, plain).unwrap();
        encoder.finish().unwrap()
    };
    let answer = Bytes::from(gzip(br#"{"TableDescription":{"TableName":"orders"}}"#));
    let onward = Onward::open(
        |_| {},
        move |_| {
            let whole = futures::stream::iter([Ok(answer.clone())]).boxed();
            Ok((200, &[("content-encoding", "gzip")], whole))
        },
    )
    .await;
    let body = gzip(br#"{"TableName":"orders"}"#);
    let ask = delete_table().body(&body).header("content-encoding", "gzip").sign("dynamodb", onward.house.now());
    let reply = onward.house.send(&ask).await;
    assert_eq!((reply.status, reply.header("content-encoding")), (200, Some("gzip")));
    assert_eq!(onward.upstream.asked.lock().unwrap()[0].3.as_deref(), Ok(&body[..]));
    let (call, outcome) = onward.house.record();
    let shown = |json: Option<opentrail_event::RawJson>| String::from_utf8(json.unwrap().as_bytes().to_vec()).unwrap();
    assert_eq!(shown(call.request_parameters), r#"{"tableName":"orders"}"#);
    assert_eq!(shown(outcome.response_elements), r#"{"tableDescription":{"tableName":"orders"}}"#);
}

#[tokio::test]
async fn a_known_key_is_proven_or_refused() {
    let onward = Onward::answering(200, "{}").await;
    let wrong = delete_table().sign_as(KEY, "another", "us-east-1", "dynamodb", onward.house.now());
    let reply = onward.house.send(&wrong).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidSignatureException"));
    let inactive =
        delete_table().sign_as(crate::toys::INACTIVE_KEY, SECRET, "us-east-1", "dynamodb", onward.house.now());
    assert_eq!(onward.house.send(&inactive).await.code(), "UnrecognizedClientException");
    let reply = onward.house.send(&delete_table()).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "MissingAuthenticationTokenException"));
    assert_eq!((onward.asked(), onward.house.records()), (0, 0));
}

#[tokio::test]
async fn what_claims_to_be_ours_is_ours_or_nobodys() {
    // Of an account of ours, as they would be issued here: a session's, and a key that was deleted.
    const GONE: [&str; 2] = ["ASIARTX3GSDSVIASGRLH", "AKIARTX3GSDSVIASGRLH"];
    const ELSEWHERE: &str = "ASIA6RVFFB77VIASGRLH";
    let asked = |key: &'static str, token: Option<&'static str>, secret: &'static str| {
        move |onward: &Onward| {
            let ask = list_tables();
            let ask = if let Some(token) = token { ask.header("x-amz-security-token", token) } else { ask };
            ask.sign_as(key, secret, "us-east-1", "dynamodb", onward.house.now())
        }
    };
    let onward = Onward::answering(200, "{}").await;
    let check = async |ask: &dyn Fn(&Onward) -> Ask, code: &str| {
        let reply = onward.house.send(&ask(&onward)).await;
        assert_eq!(reply.code(), code);
        assert_eq!((onward.asked(), onward.house.records()), (0, 0), "{code}");
    };
    // A token that says that it was made here, and was changed, is over, or is signed with another secret.
    check(&asked(SESSION_KEY, Some("token/of+a=sessioN"), SECRET), "UnrecognizedClientException").await;
    check(&asked(ELSEWHERE, Some(TOKEN), SECRET), "UnrecognizedClientException").await;
    check(&asked(SESSION_KEY, Some(OLD_TOKEN), SECRET), "ExpiredTokenException").await;
    check(&asked(SESSION_KEY, Some(TOKEN), "another"), "InvalidSignatureException").await;
    // Keys that can only have come from here.
    for key in GONE {
        check(&asked(key, None, SECRET), "UnrecognizedClientException").await;
        check(&asked(key, Some("any"), SECRET), "UnrecognizedClientException").await;
    }
    // What says nothing of us goes on.
    for token in [None, Some("any")] {
        assert_eq!(onward.house.send(&asked(ELSEWHERE, token, SECRET)(&onward)).await.status, 200);
        assert!(!onward.house.record().0.identity_verified);
    }
    // And where somebody else issues sessions for the same accounts, they may be theirs.
    let theirs = Onward::named(&["sts"], |_| {}, |_| Ok((200, &[], pieces(&["{}"])))).await;
    let send = async |key, token| theirs.house.send(&asked(key, token, SECRET)(&theirs)).await.status;
    assert_eq!((send(GONE[0], Some("any")).await, send(GONE[1], None).await), (200, 400));
    assert_eq!(send(SESSION_KEY, Some("token/of+a=sessioN")).await, 400);
}

#[tokio::test]
async fn a_key_that_is_not_known_is_attributed_once_the_upstream_took_it_in() {
    let onward = Onward::answering(200, "{}").await;
    assert_eq!(onward.house.send(&foreign(delete_table(), &onward.house)).await.status, 200);
    let (call, _) = onward.house.record();
    assert!(!call.identity_verified && call.account.as_str() == "999999999999");
    assert_eq!(call.user_identity.access_key_id.as_deref(), Some(STRANGER));
    assert!(call.user_identity.arn.is_empty() && call.request_parameters.is_some());
}

#[tokio::test]
async fn whom_the_upstream_does_not_know_leaves_no_record() {
    let onward = Onward::answering(400, r#"{"__type":"UnrecognizedClientException","message":"no"}"#).await;
    let reply = onward.house.send(&foreign(delete_table(), &onward.house)).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "UnrecognizedClientException"));
    assert_eq!(onward.house.diary.all(), ["begin DeleteTable (intent)", "upstream asked", "withdraw DeleteTable"]);
    // Who guesses is slowed down before the upstream hears of it.
    for _ in 0..250 {
        onward.house.send(&foreign(list_tables(), &onward.house)).await;
    }
    assert!(onward.asked() <= 201, "{}", onward.asked());
    assert_eq!(onward.house.records(), 0);
    // A known key is not slowed down by strangers.
    let asked = onward.asked();
    onward.house.send(&list_tables().sign("dynamodb", onward.house.now())).await;
    assert_eq!(onward.asked(), asked + 1);
}

#[tokio::test]
async fn a_denial_is_on_record_and_a_stranger_without_a_name_is_not() {
    let onward =
        Onward::open(|s| s.anonymous = true, |_| Ok((403, &[], pieces(&["<Error><Code>AccessDenied</Code></Error>"]))))
            .await;
    let get = || Ask::new(Method::GET, "/wares?policy");
    assert_eq!(onward.house.send(&get()).await.status, 403);
    assert_eq!((onward.asked(), onward.house.records()), (0, 0), "s3 is ours");
    let denied = Onward::answering(400, r#"{"__type":"x#AccessDeniedException","Message":"no"}"#).await;
    denied.house.send(&foreign(list_tables(), &denied.house)).await;
    let (call, outcome) = denied.house.record();
    assert_eq!((outcome.error_code.as_deref(), outcome.hide_parameters), (Some("AccessDenied"), true));
    assert!(!call.identity_verified && call.api_version.is_none());
}

#[tokio::test]
async fn a_dead_upstream_is_a_clean_answer_and_a_record() {
    for (error, status, code) in [
        (UpstreamError::Unreachable("refused".into()), 502, "BadGateway"),
        (UpstreamError::Late { what: "answer", seconds: 60 }, 504, "GatewayTimeout"),
        (UpstreamError::Broken("reset".into()), 502, "BadGateway"),
    ] {
        let ran = error.may_have_run();
        let onward = Onward::open(|_| {}, move |_| Err(error.clone())).await;
        let reply = onward.house.send(&delete_table().sign("dynamodb", onward.house.now())).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code));
        let (_, outcome) = onward.house.record();
        assert_eq!(outcome.error_code.as_deref(), Some(code));
        let data = String::from_utf8_lossy(outcome.additional_event_data.expect("data").as_bytes()).into_owned();
        assert!(data.contains("upstreamError") && data.contains(r#""outcome":"unknown""#) == ran, "{data}");
        // Of somebody who is not proven only what may have changed something is told, and without a name.
        let before = onward.house.records();
        onward.house.send(&foreign(list_tables(), &onward.house)).await;
        assert_eq!(onward.house.records(), before);
        onward.house.send(&foreign(delete_table(), &onward.house)).await;
        assert_eq!(onward.house.records(), before + usize::from(ran));
        if ran {
            assert_eq!(onward.house.record().0.user_identity.access_key_id, None);
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_seen_and_recorded_as_broken() {
    let onward = Onward::open(
        |_| {},
        |_| {
            let first = futures::stream::iter([Ok(Bytes::from(vec![b'x'; 600]))]);
            let end = futures::stream::iter([Err(UpstreamError::Broken("gone".into()))]);
            Ok((200, &[("content-length", "5000")], first.chain(end).boxed()))
        },
    )
    .await;
    let reply = onward.house.send(&list_tables().sign("dynamodb", onward.house.now())).await;
    assert_eq!((reply.status, reply.body.len()), (200, 600));
    let (_, outcome) = onward.house.record();
    assert_eq!(outcome.error_code.as_deref(), Some("BadGateway"));
}

#[tokio::test]
async fn the_last_bytes_wait_for_the_record() {
    let onward = Onward::open(
        |_| {},
        |_| {
            let parts: Vec<_> = (0..5).map(|_| Ok(Bytes::from(vec![b'x'; 1000]))).collect();
            Ok((200, &[("content-length", "5000")], futures::stream::iter(parts).boxed()))
        },
    )
    .await;
    let ask = || list_tables().sign("dynamodb", onward.house.now());
    assert_eq!(onward.house.send(&ask()).await.body.len(), 5000);
    *onward.house.capture.refuse_finish.lock().unwrap() = true;
    assert_eq!(onward.house.send(&ask()).await.body.len(), 4000);
}

#[tokio::test]
async fn nothing_goes_on_that_cannot_be_recorded_unless_the_operator_says_so() {
    let onward = Onward::answering(200, "{}").await;
    *onward.house.capture.refuse_begin.lock().unwrap() = true;
    let reply = onward.house.send(&delete_table().sign("dynamodb", onward.house.now())).await;
    assert_eq!((reply.status, onward.asked()), (503, 0));
    let open = Onward::open(|s| s.on_failure = OnFailure::Pass, |_| Ok((200, &[], pieces(&["{}"])))).await;
    *open.house.capture.refuse_begin.lock().unwrap() = true;
    let reply = open.house.send(&delete_table().sign("dynamodb", open.house.now())).await;
    assert_eq!((reply.status, open.asked()), (200, 1));
    assert_eq!(open.house.diary.all(), ["upstream asked", "missed 111122223333"]);
}

#[tokio::test]
async fn a_body_too_long_to_be_held_proves_its_sender_on_its_way() {
    let onward = Onward::answering(200, "{}").await;
    let long = format!(r#"{{"TableName":"{}"}}"#, "o".repeat(5000));
    let signed = |secret: &str| signed_by_body(delete_table().body(long.as_bytes()), secret, "20260102T030405Z");
    assert_eq!(onward.house.send(&signed(SECRET)).await.status, 200);
    let (call, _) = onward.house.record();
    assert!(call.identity_verified && call.user_identity.user_name.as_deref() == Some("ana"));
    assert_eq!(onward.upstream.asked.lock().unwrap()[0].3.as_deref().map(<[u8]>::len), Ok(long.len()));
    let reply = onward.house.send(&signed("another")).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidSignatureException"));
    assert!(onward.upstream.asked.lock().unwrap()[1].3.is_err(), "the last of it did not go on");
    assert_eq!(onward.house.records(), 1);
    assert_eq!(onward.house.diary.all().last().map(String::as_str), Some("withdraw DeleteTable"));
}

#[tokio::test]
async fn with_keys_of_the_upstreams_own_a_call_is_allowed_and_signed_anew() {
    let signing = Signing {
        access_key_id: "AKIDUPSTREAM".into(),
        secret: Secret::new("upstream's".into()),
        token: Some(Secret::new("token".into())),
        allowed: vec![Allowed {
            principal: "arn:aws:iam::111122223333:user/ana".into(),
            actions: vec!["dynamodb:List*".into()],
        }],
    };
    let onward = Onward::open(|s| s.signing = Some(signing), |_| Ok((200, &[], pieces(&["{}"])))).await;
    let reply = onward.house.send(&list_tables().sign("dynamodb", onward.house.now())).await;
    assert_eq!(reply.status, 200);
    {
        let asked = onward.upstream.asked.lock().unwrap();
        let headers = &asked[0].2;
        let authorization = headers["authorization"].to_str().unwrap();
        assert!(authorization.contains("Credential=AKIDUPSTREAM/20260102/us-east-1/dynamodb/aws4_request"));
        assert_eq!(
            (&headers["host"], &headers["x-amz-security-token"]),
            (&"dynamodb.us-east-1.toys".parse().unwrap(), &"token".parse().unwrap())
        );
    }
    let reply = onward.house.send(&delete_table().sign("dynamodb", onward.house.now())).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "AccessDeniedException"));
    assert_eq!(onward.house.record().1.error_code.as_deref(), Some("AccessDenied"));
    // What nobody knows may be anything, whatever it is called.
    let odd = list_tables().header("x-amz-target", "DynamoDB_20120810.ListSecrets");
    assert_eq!(onward.house.send(&odd.sign("dynamodb", onward.house.now())).await.code(), "AccessDeniedException");
    let reply = onward.house.send(&foreign(list_tables(), &onward.house)).await;
    assert_eq!((reply.code().as_str(), onward.asked()), ("UnrecognizedClientException", 1));
}

#[tokio::test]
async fn where_a_request_came_from_is_taken_from_proxies_that_are_trusted() {
    let onward = Onward::answering(200, "{}").await;
    let ask = |house: &House| list_tables().header("x-forwarded-for", "192.0.2.7").sign("dynamodb", house.now());
    onward.house.send(&ask(&onward.house)).await;
    assert_eq!(onward.house.record().0.source_ip_address, "127.0.0.1");
    let trusting = opentrail_wire::DoorSettings { trusted_proxies: vec!["127.0.0.1".parse().unwrap()], ..settings() };
    let house = House::with(trusting).await;
    let ask = Ask::json("DescribeTrails", "{}").header("x-forwarded-for", "192.0.2.7").sign("cloudtrail", house.now());
    house.send(&ask).await;
    assert_eq!(house.record().0.source_ip_address, "192.0.2.7");
}

#[tokio::test]
async fn headers_of_64_kib_go_on() {
    let onward = Onward::answering(200, "{}").await;
    let ask = list_tables().header("x-long", &"a".repeat(64 * 1024)).sign("dynamodb", onward.house.now());
    assert_eq!(onward.house.send(&ask).await.status, 200);
    let own = Ask::json("DescribeTrails", "{}").header("x-long", &"a".repeat(20 * 1024));
    assert_eq!(onward.house.send(&own.sign("cloudtrail", onward.house.now())).await.status, 431);
}
