//! Calls that are not signed, since they carry their proof: who is believed, who is a stranger, and what is on record.

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category, IdentityType};
use opentrail_policy::{Principal, PrincipalKind, Vouched, WebIdentity};
use opentrail_protocol::Document;
use opentrail_wire::{Bearer, Cx, Facts, Fault, Operation, RpcAnswer};

use crate::house::{Ask, House};
use crate::toys::Diary;

static FACTS: Facts = Facts {
    name: "AssumeRoleWithWebIdentity",
    action: "sts:AssumeRoleWithWebIdentity",
    read_only: true,
    category: Category::Management,
    mints_credentials: true,
    open: false,
    errors: &[],
};

/// Believes whoever says `right`.
pub(crate) struct ToyBearer(pub(crate) Diary);

impl Bearer for ToyBearer {
    fn prove<'a>(&'a self, input: &'a Document) -> BoxFuture<'a, Result<Principal, Fault>> {
        async move {
            self.0.note("prove");
            match input.text("WebIdentityToken").unwrap_or_default() {
                "right" => {}
                "trouble" => return Err(Fault::new("ServiceUnavailable", 503, "the store is on fire")),
                "panic" => panic!("a mistake of ours"),
                _ => return Err(Fault::client("InvalidIdentityToken", "no such token")),
            }
            let holder = WebIdentity {
                provider: "arn:aws:iam::111122223333:oidc-provider/h.example".into(),
                issuer: "h.example".into(),
                audience: "app".into(),
                subject: "robot".into(),
                claims: Vec::new(),
                vouched: Vouched::default(),
            };
            let kind = PrincipalKind::WebIdentity(Box::new(holder));
            let account = "111122223333".parse().unwrap();
            Ok(Principal { kind, account, access_key_id: String::new(), session: None })
        }
        .boxed()
    }
}

impl Operation for ToyBearer {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn bearer(&self) -> Option<&dyn Bearer> {
        Some(self)
    }

    fn arns(&self, _cx: &Cx, input: &Document) -> Vec<Arn> {
        vec![Arn::given(input.text("RoleArn").unwrap_or_default())]
    }

    fn run<'a>(&'a self, cx: &'a Cx, _input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            self.0.note(format!("run as {}", cx.principal.unique_id()));
            Ok(Document::structure().with("SubjectFromWebIdentityToken", "robot").into())
        }
        .boxed()
    }
}

const ROBOT: &str = "arn:aws:iam::111122223333:oidc-provider/h.example:app:robot";

fn form(token: &str, role: &str) -> String {
    format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=one&WebIdentityToken={token}\
         &RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2F{role}"
    )
}

#[tokio::test]
async fn what_a_call_carries_proves_its_caller() {
    let house = House::open().await;
    let reply = house.send(&Ask::query(&form("right", "ops"))).await;
    assert_eq!((reply.status, reply.element("SubjectFromWebIdentityToken").as_deref()), (200, Some("robot")));
    assert!(house.diary.all().contains(&format!("run as {ROBOT}")));
    let (call, _) = house.record();
    assert_eq!((call.user_identity.kind, call.region.as_str()), (IdentityType::WebIdentityUser, "us-east-1"));
    assert_eq!(call.account.as_str(), "111122223333");
    // By GET, and where the host says.
    let get = Ask::new(http::Method::GET, &format!("/?{}", form("right", "ops")));
    assert_eq!(house.send(&get.header("host", "sts.eu-west-1.localhost:4566")).await.status, 200);
    assert_eq!(house.record().0.region.as_str(), "eu-west-1");
    // Signed as well: the call is the token's, in the signature's region.
    let signed = Ask::query(&form("right", "ops")).sign("sts", house.now());
    assert_eq!(house.send(&signed).await.status, 200);
    assert_eq!(house.record().0.user_identity.kind, IdentityType::WebIdentityUser);
    assert_eq!(house.records(), 3);
}

#[tokio::test]
async fn what_proves_nobody_is_a_strangers() {
    let house = House::open().await;
    let reply = house.send(&Ask::query(&form("wrong-one", "ops"))).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidIdentityToken"));
    assert!(reply.body.contains("https://sts.amazonaws.com/doc/2011-06-15/"), "{}", reply.body);
    let reply = house.send(&Ask::query("Action=AssumeRoleWithWebIdentity&Version=2011-06-15")).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "ValidationError"));
    let reply = house.send(&Ask::query(&form("trouble", "ops"))).await;
    assert_eq!((reply.status, reply.code().as_str()), (503, "ServiceUnavailable"));
    assert_eq!(house.send(&Ask::query(&form("panic", "ops"))).await.status, 500);
    for other in ["Action=GetCallerIdentity&Version=2011-06-15", "Action=Nothing", "", "%%%"] {
        let reply = house.send(&Ask::query(other)).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "MissingAuthenticationToken"), "{other}");
    }
    // A signature that is wrong is not made up for by a token that is right.
    let unsigned =
        Ask::query(&form("right", "ops")).sign_as(crate::toys::KEY, "another", "us-east-1", "sts", house.now());
    assert_eq!(house.send(&unsigned).await.code(), "SignatureDoesNotMatch");
    let large = Ask::query(&format!("{}&Policy={}", form("right", "ops"), "x".repeat(500_000)));
    assert_eq!(house.send(&large).await.status, 413);
    assert_eq!(house.records(), 0);
}

#[tokio::test]
async fn a_signer_whose_token_is_wrong_has_tried() {
    let house = House::open().await;
    let reply = house.send(&Ask::query(&form("wrong-one", "ops")).sign("sts", house.now())).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidIdentityToken"));
    let (call, outcome) = house.record();
    assert_eq!((call.user_identity.kind, call.runs), (IdentityType::IAMUser, false));
    assert!(outcome.error_code.as_deref().is_some_and(|code| code.starts_with("InvalidIdentityToken")));
    assert_eq!(house.send(&Ask::query(&form("panic", "ops")).sign("sts", house.now())).await.status, 500);
    assert_eq!(house.records(), 1);
}

#[tokio::test]
async fn who_is_proven_and_denied_is_on_record_with_what_was_asked_for() {
    let house = House::open().await;
    let reply = house.send(&Ask::query(&form("right", "denied"))).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "AccessDenied"));
    assert_eq!(reply.message(), "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    let (call, outcome) = house.record();
    assert_eq!(call.user_identity.principal_id, ROBOT);
    let said = (outcome.error_code.as_deref(), outcome.error_message.as_deref(), outcome.hide_parameters);
    assert_eq!(said, (Some("AccessDenied"), Some("An unknown error occurred"), false));
    let parameters = format!("{:?}", call.request_parameters.unwrap());
    assert!(parameters.contains("roleArn") && !parameters.contains("right"), "{parameters}");
}

#[tokio::test]
async fn strangers_are_slowed_down_before_they_are_listened_to() {
    let house = House::open().await;
    let mut last = 0;
    for _ in 0..230 {
        last = house.send(&Ask::query(&form("wrong-one", "ops"))).await.status;
    }
    assert_eq!(last, 503);
    let proven = house.diary.all().iter().filter(|what| *what == "prove").count();
    assert!((200..=201).contains(&proven), "{proven}");
    assert_eq!(house.records(), 0);
}
