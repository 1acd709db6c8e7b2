//! Roles assumed by tokens of a made-up issuer.

use std::sync::Mutex;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_federation::{IssuerKeys, KeySet, NoKeys};

use super::*;

const ISSUER: &str = "token.example.com/realm";

/// Signs tokens; its keys can be had while it says so.
pub(super) struct Issuer {
    pair: EcdsaKeyPair,
    shown: Arc<Shown>,
}

struct Shown(Mutex<Result<Arc<KeySet>, NoKeys>>);

impl IssuerKeys for Shown {
    fn keys<'a>(&'a self, issuer: &'a str) -> BoxFuture<'a, Result<Arc<KeySet>, NoKeys>> {
        let keys =
            if issuer == ISSUER { self.0.lock().expect("not poisoned").clone() } else { Err(NoKeys::NotConfigured) };
        std::future::ready(keys).boxed()
    }
}

impl Issuer {
    pub(super) fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let coded = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        let set = format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}]}}"#, coded(x), coded(y));
        let keys = KeySet::parse(set.as_bytes()).expect("a set");
        Self { pair, shown: Arc::new(Shown(Mutex::new(Ok(Arc::new(keys))))) }
    }

    pub(super) fn keys(&self) -> Arc<dyn IssuerKeys> {
        self.shown.clone()
    }

    fn token(&self, claims: serde_json::Value) -> String {
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("signed");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl House {
    fn provider(&self) {
        let row = rows::OidcRow {
            url: ISSUER.into(),
            client_ids: vec!["app".into()],
            thumbprints: Vec::new(),
            created_s: 0,
            tags: Vec::new(),
        };
        self.put(THEIRS, rows::oidc_key(id(THEIRS), ISSUER), &row);
    }

    fn claims(&self) -> serde_json::Value {
        let now_s = self.desk.world.now().as_second();
        serde_json::json!({"iss": format!("https://{ISSUER}"), "sub": "ana", "aud": "app", "iat": now_s, "exp": now_s + 600})
    }

    fn with(&self, change: serde_json::Value) -> Document {
        let mut claims = self.claims();
        for (name, value) in change.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        assume("ops").with("WebIdentityToken", self.issuer.token(claims))
    }

    fn prove(&self, input: &Document) -> Result<Principal, Fault> {
        let operation = self.operation("AssumeRoleWithWebIdentity");
        block_on(operation.bearer().expect("its proof is within it").prove(input))
    }

    fn refused(&self, input: &Document) -> (String, String) {
        let fault = self.prove(input).expect_err("refused");
        (fault.code.into_owned(), fault.message)
    }
}

#[test]
fn a_token_is_as_good_as_its_issuer_says() {
    let house = House::open();
    house.provider();
    let role = house.role("ops");
    let input = house.with(serde_json::json!({
        "amr": ["pwd", "otp"],
        "repository": "o/r",
        "https://aws.amazon.com/tags": {"principal_tags": {"team": ["red"]}, "transitive_tag_keys": ["team"]},
        "https://aws.amazon.com/source_identity": "ana@example.com",
    }));
    let holder = house.prove(&input).expect("proven");
    assert_eq!((holder.account, holder.is_foreign()), (id(THEIRS), true));
    let provider = format!("arn:aws:iam::{THEIRS}:oidc-provider/{ISSUER}");
    let identity = serde_json::to_value(holder.user_identity()).expect("JSON");
    let expect = serde_json::json!({
        "type": "WebIdentityUser",
        "principalId": format!("{provider}:app:ana"),
        "userName": "ana",
        "identityProvider": provider,
    });
    assert_eq!(identity, expect);

    let touched = house.touch("AssumeRoleWithWebIdentity", &holder, &input).expect("found out");
    assert_eq!(touched.kind, opentrail_policy::ResourceKind::Trust);
    let context = house.cx(&holder).context();
    let also: Vec<&str> = touched.also.iter().map(|need| &*need.action).collect();
    assert_eq!(also, ["sts:SetSourceIdentity", "sts:TagSession"]);
    assert!(touched.policy.is_some() && touched.also.iter().all(|need| need.policy.is_some()));
    for (key, value) in [
        ("token.example.com/realm:aud", "app"),
        ("token.example.com/realm:oaud", "app"),
        ("token.example.com/realm:sub", "ana"),
        ("token.example.com/realm:repository", "o/r"),
        ("aws:FederatedProvider", provider.as_str()),
    ] {
        assert_eq!(context.single(key), Some(value), "{key}");
    }
    assert_eq!(context.values("token.example.com/realm:amr"), ["pwd", "otp"]);
    assert_eq!(context.single("aws:PrincipalAccount"), None);
    for (key, value) in [
        ("sts:RoleSessionName", "ana"),
        ("sts:SourceIdentity", "ana@example.com"),
        ("aws:RequestTag/team", "red"),
        ("sts:TransitiveTagKeys", "team"),
        ("aws:ResourceTag/tier", "gold"),
    ] {
        assert_eq!(touched.context.single(key), Some(value), "{key}");
    }
    let shown: Vec<_> = touched.parameters.iter().map(|(name, json)| (*name, json.as_bytes().to_vec())).collect();
    let expect = [
        ("sourceIdentity", &br#""ana@example.com""#[..]),
        ("principalTags", br#"{"team":"red"}"#),
        ("transitiveTagKeys", br#"["team"]"#),
    ];
    assert_eq!(shown, expect.map(|(name, json)| (name, json.to_vec())));

    let answer = house.run("AssumeRoleWithWebIdentity", &holder, &input).expect("assumed");
    for (member, value) in [
        ("SubjectFromWebIdentityToken", "ana"),
        ("Provider", provider.as_str()),
        ("Audience", "app"),
        ("SourceIdentity", "ana@example.com"),
    ] {
        assert_eq!(answer.output.text(member), Some(value), "{member}");
    }
    assert!(answer.output.int("PackedPolicySize").is_some());
    let session = house.proven(&answer).expect("a session");
    assert_eq!(session.unique_id(), format!("{}:ana", role.unique_id));
    let later = serde_json::to_value(session.user_identity()).expect("JSON");
    let expect = serde_json::json!({"federatedProvider": provider, "attributes": {}});
    assert_eq!(later["sessionContext"]["webIdFederationData"], expect);
    assert_eq!(later["sessionContext"]["sourceIdentity"], "ana@example.com");
    let context = house.cx(&session).context();
    assert_eq!(context.single("token.example.com/realm:sub"), Some("ana"));
    assert_eq!(context.single("aws:FederatedProvider"), Some(provider.as_str()));
    assert_eq!(context.single("aws:PrincipalTag/team"), Some("red"));
}

#[test]
fn a_token_that_is_not_right_proves_nobody() {
    let house = House::open();
    house.role("ops");
    let plain = || house.with(serde_json::json!({}));
    let check = |input: &Document, code: &str, part: &str| {
        let (found, message) = house.refused(input);
        assert!(found == code && message.contains(part), "{found}: {message}");
    };
    let invalid = "InvalidIdentityToken";
    check(&plain(), invalid, &format!("No OpenIDConnect provider found in your account for https://{ISSUER}"));
    house.provider();
    assert!(house.prove(&plain()).is_ok());
    check(&assume("ops").with("WebIdentityToken", "opaque"), invalid, "not a valid JWT");
    check(&house.with(serde_json::json!({"aud": "other"})), invalid, "Incorrect token audience");
    check(&house.with(serde_json::json!({"aud": null})), invalid, "Missing a required claim: aud");
    check(&house.with(serde_json::json!({"iss": format!("http://{ISSUER}")})), invalid, "No OpenIDConnect provider");
    check(&house.with(serde_json::json!({"iss": "https://token.example.com"})), invalid, "No OpenIDConnect provider");
    let tags = serde_json::json!({"principal_tags": {"a": ["1"], "A": ["2"]}});
    check(&house.with(serde_json::json!({"https://aws.amazon.com/tags": tags})), invalid, "Duplicate tag keys");
    let tags = serde_json::json!({"principal_tags": {"aws:x": ["1"]}});
    check(&house.with(serde_json::json!({"https://aws.amazon.com/tags": tags})), invalid, "do not begin with aws:");
    for source in ["aws:x", "x", "a b"] {
        let input = house.with(serde_json::json!({"https://aws.amazon.com/source_identity": source}));
        check(&input, invalid, "Source Identity must match");
    }
    // Signed by another.
    let stranger = Issuer::new();
    check(&assume("ops").with("WebIdentityToken", stranger.token(house.claims())), invalid, "the signature is not");
    check(&plain().with("ProviderId", "www.amazon.com"), invalid, "ProviderId is for");
    let user = Document::structure().with("RoleArn", format!("arn:aws:iam::{THEIRS}:user/ana"));
    check(&user, "ValidationError", "Request ARN is invalid");
    let late = plain();
    house.after(600);
    check(&late, "ExpiredTokenException", "must be before the expiration date/time");
    *house.issuer.shown.0.lock().expect("not poisoned") = Err(NoKeys::Unavailable("no file".into()));
    check(&plain(), "IDPCommunicationError", "no file");
    *house.issuer.shown.0.lock().expect("not poisoned") = Err(NoKeys::NotConfigured);
    check(&plain(), invalid, "sts.issuers has to name a file for https://token.example.com/realm");
}

#[test]
fn who_holds_no_token_is_not_served() {
    let house = House::open();
    house.provider();
    house.role("ops");
    let ana = house.user("ana");
    let input = house.with(serde_json::json!({}));
    assert_eq!(house.touch("AssumeRoleWithWebIdentity", &ana, &input).expect_err("refused").code, "AccessDenied");
    assert_eq!(house.run("AssumeRoleWithWebIdentity", &ana, &input).expect_err("refused").code, "AccessDenied");
    let holder = house.prove(&input).expect("proven");
    assert!(!is_known_to_iam(&holder));
    // A role that is not there is one that nobody may assume.
    let gone = assume("gone").with("WebIdentityToken", house.issuer.token(house.claims()));
    assert!(house.touch("AssumeRoleWithWebIdentity", &holder, &gone).expect("found out").policy.is_none());
    let fault = house.run("AssumeRoleWithWebIdentity", &holder, &gone).expect_err("refused");
    assert_eq!(fault.message, "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    let long = input.with("DurationSeconds", 7_201i64);
    let fault = house.run("AssumeRoleWithWebIdentity", &holder, &long).expect_err("refused");
    assert!(fault.message.contains("MaxSessionDuration"));
}
