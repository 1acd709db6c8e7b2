//! STS over a catalog in memory.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use futures::executor::block_on;
use opentrail_catalog::memory::MemoryCatalog;
use opentrail_event::{AccountId, Region};
use opentrail_policy::{
    Context, Directory, Draft, Identities, Principal, PrincipalKind, Seal, SealError, SessionRefused, Sessions,
    mfa_code, rows,
};
use opentrail_protocol::{Document, Models};
use opentrail_wire::{Cx, Fault, Operation, RpcAnswer, Service, Touched};
use opentrail_world::{SimClock, World};

use super::*;

/// Not a secret: it shows that the context is kept with the bytes, and that they are as they were.
struct Labelled;

impl Seal for Labelled {
    fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let sum = plain.iter().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte));
        [context.as_bytes(), b"\0", &[sum], plain].concat()
    }

    fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let rest = sealed.strip_prefix(context.as_bytes()).and_then(|rest| rest.strip_prefix(b"\0"));
        let (_, plain) = rest.and_then(<[u8]>::split_first).ok_or(SealError)?;
        if self.seal(context, plain) == sealed { Ok(plain.to_vec()) } else { Err(SealError) }
    }
}

const MINE: &str = "111122223333";
const THEIRS: &str = "444455556666";
const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

mod web_identity;

struct House {
    desk: Arc<StsDesk>,
    issuer: web_identity::Issuer,
    clock: Arc<SimClock>,
    catalog: MemoryCatalog,
}

impl House {
    fn open() -> Self {
        let (world, clock) = World::simulated(7, "2026-11-21T10:00:00Z".parse().expect("a time"));
        let seal: Arc<dyn Seal> = Arc::new(Labelled);
        let catalog = MemoryCatalog::default();
        let opened = Directory::open(Arc::new(catalog.clone()), seal.clone(), world.clone());
        let directory = block_on(opened).expect("opened");
        for account in [MINE, THEIRS] {
            block_on(directory.create_account(account, Some(id(account)))).expect("made");
        }
        let sessions = Arc::new(Sessions::new(seal, directory.clone(), world.clone()));
        let issuer = web_identity::Issuer::new();
        let issuers = issuer.keys();
        Self {
            desk: Arc::new(StsDesk { directory, sessions, issuers, saml_audiences: Vec::new(), world }),
            issuer,
            clock,
            catalog,
        }
    }

    fn user(&self, name: &str) -> Principal {
        let directory = &self.desk.directory;
        let user = block_on(directory.create_user(id(MINE), name, "/", None)).expect("made");
        let kind = PrincipalKind::User { name: user.name, path: user.path, unique_id: user.unique_id };
        Principal { kind, account: id(MINE), access_key_id: "AKIAX".into(), session: None }
    }

    fn put<T: opentrail_catalog::Stored>(&self, account: &str, key: opentrail_catalog::Key, record: &T) {
        let mut draft: Draft<'_, ()> = self.desk.directory.draft(id(account));
        draft.put(key, record);
        block_on(draft.commit()).expect("committed");
    }

    fn role(&self, name: &str) -> rows::RoleRow {
        let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["sts:AssumeRole","sts:TagSession"]}}"#;
        let role = rows::RoleRow {
            name: name.into(),
            path: "/p/".into(),
            unique_id: format!("AROA{}", name.to_uppercase()),
            created_s: 0,
            grants: Default::default(),
            tags: vec![rows::Tag { key: "tier".into(), value: "gold".into() }],
            trust: trust.into(),
            trusted: Default::default(),
            description: None,
            max_session_s: 7_200,
            linked_to: None,
        };
        self.put(THEIRS, rows::role_key(id(THEIRS), name), &role);
        role
    }

    /// The serial number of a device of that user's, whose seed is [`SEED`].
    fn device(&self, user: &Principal) -> String {
        let serial = format!("arn:aws:iam::{MINE}:mfa/ana");
        let device = rows::MfaRow {
            serial: serial.clone(),
            created_s: 0,
            sealed: self.desk.directory.seal_text(&format!("mfa/{serial}"), SEED),
            owner: Some(user.unique_id()),
            enabled_s: Some(0),
            last_step: None,
            drift: 0,
            tags: Vec::new(),
        };
        self.put(MINE, rows::mfa_key(id(MINE), "ana"), &device);
        serial
    }

    fn operation(&self, name: &str) -> Box<dyn Operation> {
        let found = sts::operations(&self.desk).into_iter().find(|operation| operation.facts().name == name);
        found.expect("an operation")
    }

    fn touch(&self, name: &str, who: &Principal, input: &Document) -> Result<Touched, Fault> {
        block_on(self.operation(name).touches(&self.cx(who), input))
    }

    fn run(&self, name: &str, who: &Principal, input: &Document) -> Result<RpcAnswer, Fault> {
        block_on(self.operation(name).run(&self.cx(who), input))
    }

    /// Whom the credentials of an answer prove.
    fn proven(&self, answer: &RpcAnswer) -> Result<Principal, SessionRefused> {
        let given = answer.output.get("Credentials").expect("credentials");
        let text = |name: &str| given.text(name).expect("a text").to_owned();
        let found = block_on(self.desk.sessions.find_session(&text("AccessKeyId"), &text("SessionToken")))?;
        assert_eq!(found.secret.expose(), text("SecretAccessKey"));
        Ok(found.principal.clone())
    }

    fn cx(&self, who: &Principal) -> Cx {
        Cx {
            principal: Arc::new(who.clone()),
            region: Region::us_east_1(),
            request_id: String::new(),
            received_at: self.desk.world.now(),
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: None,
            tls: None,
            presigned: false,
        }
    }

    fn after(&self, seconds: u64) {
        self.clock.advance(std::time::Duration::from_secs(seconds));
    }
}

fn id(account: &str) -> AccountId {
    account.parse().expect("an account")
}

fn assume(role: &str) -> Document {
    Document::structure().with("RoleArn", format!("arn:aws:iam::{THEIRS}:role/p/{role}")).with("RoleSessionName", "ana")
}

#[test]
fn iam_is_global_and_sts_is_where_it_was_asked() {
    let house = House::open();
    let desk = StsDesk {
        directory: house.desk.directory.clone(),
        sessions: house.desk.sessions.clone(),
        issuers: house.desk.issuers.clone(),
        saml_audiences: Vec::new(),
        world: house.desk.world.clone(),
    };
    let services = services(&Models::builtin(), desk);
    let global: Vec<_> = services.iter().map(|s| (s.signing_name(), s.global())).collect();
    assert_eq!(global, [("sts", false), ("iam", true)]);
}

#[test]
fn a_role_is_assumed_with_everything_that_goes_along() {
    let house = House::open();
    let (ana, role) = (house.user("ana"), house.role("ops"));
    let tag = Document::structure().with("Key", "team").with("Value", "red");
    let input = assume("ops")
        .with("ExternalId", "x-1")
        .with("SourceIdentity", "ana@example")
        .with("Tags", Document::List(vec![tag]))
        .with("TransitiveTagKeys", Document::List(vec!["team".into()]));
    let touched = house.touch("AssumeRole", &ana, &input).expect("found out");
    assert_eq!(touched.owner, Some(id(THEIRS)));
    assert!(touched.policy.is_some());
    for (key, value) in [
        ("sts:ExternalId", "x-1"),
        ("sts:RoleSessionName", "ana"),
        ("aws:RequestTag/team", "red"),
        ("aws:TagKeys", "team"),
        ("sts:TransitiveTagKeys", "team"),
        ("aws:ResourceTag/tier", "gold"),
    ] {
        assert_eq!(touched.context.single(key), Some(value), "{key}");
    }
    let also: Vec<&str> = touched.also.iter().map(|need| &*need.action).collect();
    assert_eq!(also, ["sts:TagSession", "sts:SetSourceIdentity"]);
    assert!(touched.also.iter().all(|need| need.policy.is_some() && need.owner == Some(id(THEIRS))));

    let answer = house.run("AssumeRole", &ana, &input).expect("assumed");
    let arn = format!("arn:aws:sts::{THEIRS}:assumed-role/ops/ana");
    let user = answer.output.get("AssumedRoleUser").expect("a user");
    assert_eq!(user.text("Arn"), Some(arn.as_str()));
    assert_eq!(user.text("AssumedRoleId"), Some(format!("{}:ana", role.unique_id).as_str()));
    assert!(answer.output.int("PackedPolicySize").is_some_and(|percent| (1..20).contains(&percent)));
    let proven = house.proven(&answer).expect("a session");
    assert_eq!(proven.arn().as_str(), arn);
    assert_eq!(proven.entity_arn().as_str(), format!("arn:aws:iam::{THEIRS}:role/p/ops"));
    let identity = serde_json::to_value(proven.user_identity()).expect("JSON");
    let expect = serde_json::json!({
        "type": "AssumedRole",
        "principalId": format!("{}:ana", role.unique_id),
        "arn": arn,
        "accountId": THEIRS,
        "accessKeyId": proven.access_key_id,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role.unique_id,
                "arn": format!("arn:aws:iam::{THEIRS}:role/p/ops"),
                "accountId": THEIRS,
                "userName": "ops",
            },
            "attributes": {"creationDate": "2026-11-21T10:00:00Z", "mfaAuthenticated": "false"},
            "sourceIdentity": "ana@example",
        },
    });
    assert_eq!(identity, expect);

    // Down the chain: tags and source identity stay, and cannot be replaced.
    house.role("next");
    let touched = house.touch("AssumeRole", &proven, &assume("next")).expect("found out");
    assert_eq!(touched.context.single("aws:RequestTag/team"), Some("red"));
    assert_eq!(touched.also.len(), 2);
    let other = assume("next").with("SourceIdentity", "bo");
    assert_eq!(house.touch("AssumeRole", &proven, &other).expect_err("refused").code, "AccessDenied");
    let chained = house.run("AssumeRole", &proven, &assume("next")).expect("assumed");
    let chained = house.proven(&chained).expect("a session").session.expect("a session");
    assert_eq!(chained.source_identity.as_deref(), Some("ana@example"));
    assert_eq!(chained.tags, [("team".to_owned(), "red".to_owned())]);
}

#[test]
fn what_cannot_be_assumed() {
    let house = House::open();
    let ana = house.user("ana");
    house.role("ops");
    // Of a role that is not there, or has another path, nothing is told but what was asked for.
    for arn in ["role/p/nobody", "role/ops", "user/ana"] {
        let arn = format!("arn:aws:iam::{THEIRS}:{arn}");
        let input = Document::structure().with("RoleArn", arn.as_str()).with("RoleSessionName", "ana");
        let touched = house.touch("AssumeRole", &ana, &input).expect("found out");
        assert!(touched.policy.is_none() && touched.shown.as_deref() == Some(&arn));
        assert_eq!(touched.kind, opentrail_policy::ResourceKind::Trust);
    }
    let root = Principal { kind: PrincipalKind::Root, ..ana.clone() };
    let refused = house.touch("AssumeRole", &root, &assume("ops")).expect_err("refused");
    assert_eq!(refused.message, "Roles may not be assumed by root accounts.");

    let long = |seconds: i64| assume("ops").with("DurationSeconds", seconds);
    let refused = |who: &Principal, input: &Document| house.run("AssumeRole", who, input).expect_err("refused");
    assert!(refused(&ana, &long(7_201)).message.contains("MaxSessionDuration set for this role"));
    let token = house.run("GetSessionToken", &ana, &Document::structure()).expect("a session");
    let session = house.proven(&token).expect("a session");
    assert!(refused(&session, &long(3_601)).message.contains("1 hour session limit"));
    assert_eq!(refused(&ana, &assume("ops").with("Policy", "{}")).code, "MalformedPolicyDocument");
    let noise: String = (0..1_900u64).map(|n| char::from(b'a' + (n * n * 7_919 % 251 % 26) as u8)).collect();
    let policy = |noise: &str| {
        format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:{noise}","Resource":"*"}}}}"#)
    };
    let large = refused(&ana, &assume("ops").with("Policy", policy(&noise.repeat(2))));
    assert_eq!(large.code, "ValidationError");
    let tag = |n: usize| {
        Document::structure()
            .with("Key", format!("k{n}"))
            .with("Value", house.desk.world.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 250))
    };
    let many = assume("ops").with("Tags", Document::List((0..50).map(tag).collect()));
    let large = refused(&ana, &many);
    assert_eq!(large.code, "PackedPolicyTooLarge");
    assert!(large.message.starts_with("Packed size of session tags consumes "), "{}", large.message);
    let unknown = Document::structure().with("arn", "arn:aws:iam::aws:policy/NoSuch");
    assert_eq!(refused(&ana, &assume("ops").with("PolicyArns", Document::List(vec![unknown]))).code, "ValidationError");
}

/// A trust policy that cannot be read keeps nobody out: it is not known what it says.
#[test]
fn what_cannot_be_read_denies_nobody() {
    let house = House::open();
    let ana = house.user("ana");
    house.role("ops");
    let session = house.proven(&house.run("GetSessionToken", &ana, &Document::structure()).expect("one"));
    let answer = house.run("AssumeRole", &ana, &assume("ops")).expect("assumed");
    house.catalog.fail_reads_after(0);
    for fault in [
        house.touch("AssumeRole", &ana, &assume("ops")).expect_err("unreadable"),
        house.run("AssumeRole", &ana, &assume("ops")).expect_err("unreadable"),
    ] {
        assert_eq!((fault.status, fault.code.as_ref(), fault.hide_parameters), (503, "ServiceUnavailable", false));
    }
    // Nor is a session of a role refused that may be there.
    assert!(matches!(house.proven(&answer), Err(SessionRefused::Unavailable(_))));
    house.catalog.mend_reads();
    assert!(house.touch("AssumeRole", &ana, &assume("ops")).expect("found out").policy.is_some());
    assert!(house.proven(&answer).is_ok() && session.is_ok());
}

#[test]
fn second_factors_are_taken_once() {
    let house = House::open();
    let ana = house.user("ana");
    house.role("ops");
    let serial = house.device(&ana);
    let now_s = house.desk.world.now().as_second();
    let code = |at_s: i64| mfa_code(SEED, at_s.unsigned_abs() / 30).expect("a code");
    let with = |code: &str| assume("ops").with("SerialNumber", serial.as_str()).with("TokenCode", code);
    let touched = house.touch("AssumeRole", &ana, &with(&code(now_s))).expect("taken");
    assert_eq!(touched.context.single("aws:MultiFactorAuthPresent"), Some("true"));
    let refused = |input: &Document| house.touch("AssumeRole", &ana, input).expect_err("refused").message;
    assert!(
        refused(&with(&code(now_s)))
            .starts_with("MultiFactorAuthentication failed with invalid MFA one time pass code.")
    );
    assert!(refused(&with("abcdef")).contains("invalid MFA one time pass code"));
    assert!(refused(&assume("ops").with("TokenCode", "123456")).contains("must provide both"));
    let other = assume("ops").with("SerialNumber", "arn:aws:iam::111122223333:mfa/bo").with("TokenCode", "123456");
    assert!(refused(&other).contains("unable to validate MFA code.  Please verify"));

    // A user's own session with a second factor hands it on; a role's does not.
    house.after(60);
    let input = Document::structure().with("SerialNumber", serial.as_str()).with("TokenCode", code(now_s + 60));
    let session = house.proven(&house.run("GetSessionToken", &ana, &input).expect("a session")).expect("a session");
    assert_eq!(session.user_identity().session_context.expect("a session").attributes.mfa_authenticated, "true");
    assert!(is_known_to_iam(&session));
    let first = house.proven(&house.run("AssumeRole", &session, &assume("ops")).expect("assumed")).expect("a session");
    assert_eq!(first.session.as_ref().and_then(|session| session.mfa_s), Some(now_s + 60));
    let second = house.proven(&house.run("AssumeRole", &first, &assume("ops")).expect("assumed")).expect("a session");
    assert_eq!(second.session.and_then(|session| session.mfa_s), None);
    let mut context = Context::new().with("aws:MultiFactorAuthPresent", "true").with("aws:MultiFactorAuthAge", "5");
    context.merge(house.touch("AssumeRole", &first, &assume("ops")).expect("looked at").context);
    assert_eq!(context.single("aws:MultiFactorAuthPresent"), Some("false"));
    assert!(context.values("aws:MultiFactorAuthAge").is_empty(), "a policy that asks only how long ago is not met");
}

/// Who holds a user's key and not the device does not come by a second factor by trying.
#[test]
fn second_factors_are_not_guessed() {
    let house = House::open();
    let ana = house.user("ana");
    house.role("ops");
    let serial = house.device(&ana);
    let now_s = house.desk.world.now().as_second();
    let right = |at_s: i64| mfa_code(SEED, at_s.unsigned_abs() / 30).expect("a code");
    let with = |code: &str| Document::structure().with("SerialNumber", serial.as_str()).with("TokenCode", code);
    let refused = |code: &str| house.run("GetSessionToken", &ana, &with(code)).expect_err("refused").message;
    for _ in 0..10 {
        assert!(refused("abcdef").contains("invalid MFA one time pass code"));
    }
    assert!(refused(&right(now_s)).contains("too many wrong codes"), "even the right one, and by any call");
    let assumed = assume("ops").with("SerialNumber", serial.as_str()).with("TokenCode", right(now_s));
    assert!(house.touch("AssumeRole", &ana, &assumed).expect_err("refused").message.contains("too many wrong codes"));
    house.after(600);
    house.run("GetSessionToken", &ana, &with(&right(now_s + 600))).expect("the window is over");
    for _ in 0..9 {
        assert!(refused("abcdef").contains("invalid MFA one time pass code"));
    }
    house.after(60);
    house.run("GetSessionToken", &ana, &with(&right(now_s + 660))).expect("a right code in time");
    assert!(refused("abcdef").contains("invalid MFA one time pass code"), "and the count begins anew");
}

#[test]
fn tokens_prove_only_what_they_were_made_for() {
    let house = House::open();
    let ana = house.user("ana");
    let input = Document::structure().with("DurationSeconds", 900i64);
    let answer = house.run("GetSessionToken", &ana, &input).expect("a session");
    assert_eq!(house.proven(&answer).expect("a session").kind, ana.kind);
    assert!(!is_known_to_iam(&house.proven(&answer).expect("a session")));
    let given = answer.output.get("Credentials").expect("credentials");
    let (key, token) = (given.text("AccessKeyId").expect("a key"), given.text("SessionToken").expect("a token"));
    let find = |key: &str, token: &str| block_on(house.desk.sessions.find_session(key, token)).map(|_| ());
    assert!(key.starts_with("ASIA") && token.len() <= opentrail_policy::SESSION_TOKEN_BYTES_MAX);
    assert_eq!(find(key, token), Ok(()));
    for (at, _) in token.char_indices() {
        let mut edited = token.to_owned();
        edited.replace_range(at..=at, if token.as_bytes()[at] == b'A' { "B" } else { "A" });
        // Without its mark it is anybody's.
        let refused = if at < 12 { SessionRefused::Foreign } else { SessionRefused::Token };
        assert_eq!(find(key, &edited), Err(refused), "edited at {at}");
    }
    assert_eq!(find("ASIAQNZGKIQY56JQ7WML", token), Err(SessionRefused::Token));
    assert_eq!(find(key, ""), Err(SessionRefused::Foreign));
    assert_eq!(find(key, &"A".repeat(40_000)), Err(SessionRefused::Foreign));
    assert_eq!(find(key, &format!("{token}{}", "A".repeat(40_000))), Err(SessionRefused::Token));
    // It ends with its time, and with its user, even if another takes the name.
    house.after(899);
    assert_eq!(find(key, token), Ok(()));
    house.after(1);
    assert_eq!(find(key, token), Err(SessionRefused::Expired));
    let again = house.run("GetSessionToken", &ana, &input).expect("a session");
    house.proven(&again).expect("a session");
    block_on(house.desk.directory.delete_user(id(MINE), "ana")).expect("deleted");
    assert_eq!(house.proven(&again), Err(SessionRefused::Token));
    house.user("ana");
    assert_eq!(house.proven(&again), Err(SessionRefused::Token));
}

#[test]
fn sessions_make_no_sessions_of_their_user() {
    let house = House::open();
    let ana = house.user("ana");
    let name = Document::structure().with("Name", "guest");
    let answer = house.run("GetFederationToken", &ana, &name).expect("a session");
    assert_eq!(answer.output.int("PackedPolicySize"), Some(0));
    let guest = house.proven(&answer).expect("a session");
    assert_eq!(guest.arn().as_str(), format!("arn:aws:sts::{MINE}:federated-user/guest"));
    assert_eq!(guest.unique_id(), format!("{MINE}:guest"));
    let issuer = guest.user_identity().session_context.expect("a session").session_issuer.expect("an issuer");
    assert_eq!((issuer.kind, issuer.user_name.as_deref()), ("IAMUser", Some("ana")));
    assert!(!is_known_to_iam(&guest));
    for who in
        [&guest, &house.proven(&house.run("GetSessionToken", &ana, &Document::structure()).expect("one")).expect("one")]
    {
        let refused = house.run("GetSessionToken", who, &Document::structure()).expect_err("refused");
        assert_eq!(refused.message, "Cannot call GetSessionToken with session credentials");
        let refused = house.touch("GetFederationToken", who, &name).expect_err("refused");
        assert_eq!(refused.message, "Cannot call GetFederationToken with session credentials");
    }
    assert_eq!(house.touch("AssumeRole", &guest, &assume("ops")).expect_err("refused").code, "AccessDenied");
    // A root's last an hour at most.
    let root = Principal { kind: PrincipalKind::Root, ..ana };
    let answer = house.run("GetSessionToken", &root, &Document::structure()).expect("a session");
    let session = house.proven(&answer).expect("a session").session.expect("a session");
    assert_eq!(session.expires_s - session.issued_s, 3_600);
}

#[test]
fn keys_tell_their_account() {
    let house = House::open();
    let ana = house.user("ana");
    let ask = |id: &str| house.run("GetAccessKeyInfo", &ana, &Document::structure().with("AccessKeyId", id));
    assert_eq!(ask("ASIAQNZGKIQY56JQ7WML").expect("an answer").output.text("Account"), Some("029608264753"));
    assert_eq!(ask("nonsense-nonsense").expect_err("refused").code, "ValidationError");
    let refused = house.run("DecodeAuthorizationMessage", &ana, &Document::structure()).expect_err("refused");
    assert_eq!(refused.code, "InvalidAuthorizationMessageException");
}
