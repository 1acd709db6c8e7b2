//! The operations over a directory and a history in memory, called as the door calls them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use futures::future::{BoxFuture, FutureExt, ready};
use jiff::Timestamp;
use opentrail_catalog::memory::MemoryCatalog;
use opentrail_event::{AccountId, Arn, Region};
use opentrail_journal::{Partition, Position, Positions};
use opentrail_policy::{Principal, PrincipalKind, Seal, SealError, UserPolicy};
use opentrail_protocol::Document;
use opentrail_table::{Cursor, Order};
use opentrail_wire::{Cx, Fault, RpcAnswer};
use opentrail_world::SimClock;

use super::*;

/// Not a secret: tests read the directory, not the seal.
struct NoSeal;

impl Seal for NoSeal {
    fn seal(&self, _context: &str, plain: &[u8]) -> Vec<u8> {
        plain.to_vec()
    }

    fn open(&self, _context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(sealed.to_vec())
    }
}

/// Nothing has a policy of its own.
struct NoPolicies;

impl Policies for NoPolicies {
    fn of<'a>(&'a self, _arn: &'a str) -> BoxFuture<'a, Result<Known, String>> {
        async { Ok(Known::default()) }.boxed()
    }
}

/// Rows of (account, place, record), and the questions that were asked.
#[derive(Default)]
struct Shelf {
    rows: Mutex<Vec<(AccountId, Cursor, String)>>,
    asked: Mutex<Vec<Ask>>,
}

impl Shelf {
    fn put(&self, account: AccountId, time_s: i64, seq: u64, name: &str) {
        // "Poll" is a look-up of the tail's own, "Lookup" one that is not.
        let (name, extra) = match name {
            "Poll" => ("Lookup", r#""requestParameters":{"follow":true},"userIdentity":{"accessKeyId":"AKIAX"},"#),
            name => (name, r#""userIdentity":{"accessKeyId":"AKIAX"},"#),
        };
        let record = format!(
            r#"{{"eventVersion":"1.11",{extra}"eventTime":"2026-11-21T10:00:00Z","eventSource":"{}","eventName":"{name}","awsRegion":"us-east-1","eventID":"6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6","recipientAccountId":"{account}","eventCategory":"Management"}}"#,
            if name == "Lookup" { "opentrail.amazonaws.com" } else { "s3.amazonaws.com" }
        );
        self.rows.lock().expect("no panic").push((account, Cursor { time_s, seq }, record));
    }
}

impl Find for Shelf {
    fn find(&self, ask: Ask) -> BoxFuture<'_, Result<FoundPage, FindError>> {
        self.asked.lock().expect("no panic").push(ask.clone());
        let mut rows = self.rows.lock().expect("no panic").clone();
        rows.sort_by_key(|(_, at, _)| *at);
        if ask.order == Order::NewestFirst {
            rows.reverse();
        }
        let behind = |at: &Cursor| match (ask.after, ask.order) {
            (None, _) => true,
            (Some(after), Order::OldestFirst) => *at > after,
            (Some(after), Order::NewestFirst) => *at < after,
        };
        let mut found: Vec<Found> = rows
            .into_iter()
            .filter(|(account, at, _)| {
                ask.account.is_none_or(|a| a == *account) && (ask.from_s..=ask.to_s).contains(&at.time_s) && behind(at)
            })
            .map(|(_, at, record)| Found { at, place: place(at.seq), record: record.into() })
            .take(ask.limit + 1)
            .collect();
        let more = found.len() > ask.limit;
        found.truncate(ask.limit);
        let next = if more { found.last().map(|f| f.at) } else { None };
        ready(Ok(FoundPage { records: found, next })).boxed()
    }

    fn end(&self) -> Positions {
        let mut end = Positions::default();
        self.rows.lock().expect("no panic").iter().for_each(|(_, at, _)| end.pass(place(at.seq)));
        end
    }
}

/// A row's place in these tests: a million for each partition.
fn place(seq: u64) -> Position {
    Position { partition: Partition((seq / 1_000_000) as u32), offset: seq % 1_000_000 }
}

struct Bench {
    operations: Vec<Box<dyn Operation>>,
    desk: Arc<Desk>,
    shelf: Arc<Shelf>,
    clock: Arc<SimClock>,
    account: AccountId,
}

const NOW_S: i64 = 1_795_000_000;

fn bench() -> Bench {
    let (world, clock) = World::simulated(3, Timestamp::from_second(NOW_S).expect("a time"));
    let directory = Directory::open(Arc::new(MemoryCatalog::default()), Arc::new(NoSeal), world.clone());
    let directory = block_on(directory).expect("it opens");
    let account = block_on(directory.starters()).expect("starters").account.id;
    let shelf = Arc::new(Shelf::default());
    let tokens = TokenKey::new(&[9; 32]);
    let desk = Arc::new(Desk {
        authority: Arc::new(Authority::new(directory.clone())),
        directory,
        find: shelf.clone(),
        policies: Arc::new(NoPolicies),
        world,
        tokens,
        turns: turns::Turns::default(),
    });
    Bench { operations: operations(desk.clone()), desk, shelf, clock, account }
}

fn cx(kind: PrincipalKind, account: AccountId) -> Cx {
    Cx {
        principal: Arc::new(Principal { kind, account, access_key_id: "AKIAX".into(), session: None }),
        region: Region::us_east_1(),
        request_id: "r".into(),
        received_at: Timestamp::UNIX_EPOCH,
        source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        user_agent: None,
        tls: None,
        presigned: false,
    }
}

impl Bench {
    fn operator(&self) -> Cx {
        cx(PrincipalKind::Operator, AccountId::OPERATOR)
    }

    fn root(&self) -> Cx {
        cx(PrincipalKind::Root, self.account)
    }

    fn user(&self, name: &str) -> Cx {
        cx(PrincipalKind::User { name: name.into(), path: "/".into(), unique_id: "AIDAX".into() }, self.account)
    }

    fn run(&self, name: &str, cx: &Cx, input: &Document) -> Result<RpcAnswer, Fault> {
        let operation = self.operations.iter().find(|o| o.facts().name == name).expect("in the table");
        block_on(operation.run(cx, input))
    }

    fn refused(&self, name: &str, cx: &Cx, input: &Document, code: &str) {
        let fault = self.run(name, cx, input).expect_err("refused");
        assert_eq!(fault.code, code, "{fault}");
    }
}

fn input() -> Document {
    Document::structure()
}

#[test]
fn its_calls_are_recorded_in_one_region() {
    let Desk { directory, find, authority, policies, world, .. } = &*bench().desk;
    let parts = Parts {
        directory: directory.clone(),
        find: find.clone(),
        authority: authority.clone(),
        policies: policies.clone(),
        world: world.clone(),
        tokens: TokenKey::new(&[9; 32]),
    };
    let service = service(&Models::builtin(), parts);
    assert!(opentrail_wire::Service::global(&service));
}

#[test]
fn every_operation_of_the_model_is_in_the_table_and_says_its_errors() {
    let bench = bench();
    let model = Models::builtin().by_signing_name("opentrail").expect("built in");
    let names: Vec<&str> = bench.operations.iter().map(|o| o.facts().name).collect();
    for operation in model.operations() {
        assert!(names.contains(&operation.name.as_str()), "{}", operation.name);
    }
    for operation in &bench.operations {
        let facts = operation.facts();
        assert_eq!(facts.action, format!("opentrail:{}", facts.name));
        let known = model.operation(facts.name).expect("in the model");
        assert_eq!(facts.read_only, known.read_only, "{}", facts.name);
    }
}

#[test]
fn a_change_by_the_operator_is_copied_to_its_account() {
    let bench = bench();
    let made = bench.run("CreateAccount", &bench.operator(), &input().with("AccountName", "acme")).expect("made");
    let id = made.output.get("Account").and_then(|a| a.text("AccountId")).expect("an id").to_owned();
    assert_eq!(made.copy_for.map(|a| a.to_string()), Some(id.clone()));
    let secret = made.output.get("AccessKey").and_then(|k| k.text("SecretAccessKey")).expect("a secret");
    assert_eq!(secret.len(), 40);

    let ana = input().with("UserName", "ana").with("AccountId", id.as_str()).with("Policy", "admin");
    let made = bench.run("CreateUser", &bench.operator(), &ana).expect("made");
    assert_eq!(made.copy_for.map(|a| a.to_string()), Some(id.clone()));
    let resource = &made.resources.expect("a resource")[0];
    assert_eq!(resource.arn.as_str(), format!("arn:aws:iam::{id}:user/ana"));

    // One's own account needs no copy.
    let own = bench.run("CreateUser", &bench.root(), &input().with("UserName", "ben")).expect("made");
    assert_eq!(own.copy_for, None);
    bench.refused("CreateUser", &bench.root(), &input().with("UserName", "BEN"), "EntityAlreadyExistsException");
}

#[test]
fn what_the_operator_fails_to_change_is_copied_too_where_there_is_such_an_account() {
    let bench = bench();
    let account = bench.account.to_string();
    let fails = |name: &str, cx: &Cx, input: &Document| bench.run(name, cx, input).expect_err("fails").copy_for;
    let gone = input().with("AccountId", account.as_str()).with("UserName", "gone");
    for name in ["DeleteUser", "CreateAccessKey"] {
        assert_eq!(fails(name, &bench.operator(), &gone), Some(bench.account), "{name}");
        assert_eq!(fails(name, &bench.root(), &gone), None, "{name}: its own");
    }
    let nobodys = input().with("AccountId", "999999999999").with("UserName", "ana");
    assert_eq!(fails("CreateUser", &bench.operator(), &nobodys), None);
}

#[test]
fn changes_of_keys_name_the_key_and_its_user() {
    let bench = bench();
    bench.run("CreateUser", &bench.root(), &input().with("UserName", "ana").with("Path", "/ops/")).expect("made");
    let resources = |answer: RpcAnswer| -> Vec<(&'static str, String)> {
        let resources = answer.resources.expect("resources");
        resources
            .into_iter()
            .map(|r| (r.kind, r.arn.as_str().rsplit_once("::").expect("an ARN").1.to_owned()))
            .collect()
    };
    let made = bench.run("CreateAccessKey", &bench.root(), &input().with("UserName", "ana")).expect("made");
    let id = made.output.get("AccessKey").and_then(|k| k.text("AccessKeyId")).expect("an id").to_owned();
    let account = bench.account;
    let expect = vec![
        ("AWS::IAM::AccessKey", format!("{account}:access-key/{id}")),
        ("AWS::IAM::User", format!("{account}:user/ops/ana")),
    ];
    assert_eq!(resources(made), expect);
    let off = input().with("AccessKeyId", id.as_str()).with("Status", "Inactive");
    assert_eq!(resources(bench.run("UpdateAccessKey", &bench.root(), &off).expect("off")), expect);
    assert_eq!(resources(bench.run("DeleteAccessKey", &bench.root(), &off).expect("gone")), expect);
    let roots = bench.run("CreateAccessKey", &bench.root(), &input()).expect("made");
    assert_eq!(resources(roots).len(), 1, "a root's key has no user");
}

#[test]
fn another_account_stands_in_the_arn_that_the_decider_sees() {
    let bench = bench();
    let other = input()
        .with("AccountId", "999999999999")
        .with("UserName", "x")
        .with("Principal", "arn:aws:iam::999999999999:user/x");
    for operation in &bench.operations {
        let name = operation.facts().name;
        if matches!(name, "CreateAccount" | "ListAccounts" | "WhoAmI") {
            continue;
        }
        let arns = operation.arns(&bench.root(), &other);
        assert!(arns[0].as_str().contains(":999999999999:"), "{name}: {arns:?}");
        assert!(operation.arns(&bench.root(), &input())[0].as_str().contains(bench.account.as_str()), "{name}");
    }
    let everyone = input().with("AllAccounts", true);
    let lookup = bench.operations.iter().find(|o| o.facts().name == "Lookup").expect("in the table");
    assert!(lookup.arns(&bench.root(), &everyone)[0].as_str().contains(":000000000000:"));
}

#[test]
fn keys_are_ones_own_unless_a_user_is_named() {
    let bench = bench();
    bench.run("CreateUser", &bench.root(), &input().with("UserName", "ana")).expect("made");
    let user_of = |cx: &Cx, input: &Document| {
        let made = bench.run("CreateAccessKey", cx, input).expect("made").output;
        made.get("AccessKey").expect("a key").text("UserName").map(str::to_owned)
    };
    assert_eq!(user_of(&bench.root(), &input()), None);
    assert_eq!(user_of(&bench.user("ana"), &input()).as_deref(), Some("ana"));
    assert_eq!(user_of(&bench.root(), &input().with("UserName", "ana")).as_deref(), Some("ana"));
    assert_eq!(user_of(&bench.operator(), &input()).as_deref(), Some("operator"));
    bench.refused("CreateAccessKey", &bench.user("ana"), &input(), "LimitExceededException");
    bench.refused("CreateAccessKey", &bench.root(), &input().with("UserName", "gone"), "NoSuchEntityException");
}

#[test]
fn iam_must_allow_what_it_does_itself() {
    let bench = bench();
    block_on(bench.desk.directory.create_user(bench.account, "ana", "/team/", None)).expect("made");
    let touches = |name: &str, cx: &Cx, input: &Document| {
        let operation = bench.operations.iter().find(|o| o.facts().name == name).expect("in the table");
        let needs = block_on(operation.touches(cx, input))?.also;
        let one = |need: &opentrail_wire::Need| {
            let arns: Vec<&str> = need.arns.iter().map(Arn::as_str).collect();
            format!("{} {}", need.action, arns.join(" "))
        };
        Ok::<_, Fault>(needs.iter().map(one).collect::<Vec<_>>())
    };
    let (user, ana) = (bench.user("bo"), input().with("UserName", "ana"));
    let arn = format!("arn:aws:iam::{}:user/team/ana", bench.account);
    for (ours, theirs) in [
        ("CreateAccessKey", "iam:CreateAccessKey"),
        ("ListAccessKeys", "iam:ListAccessKeys"),
        ("DeleteUser", "iam:DeleteUser"),
    ] {
        assert_eq!(touches(ours, &user, &ana), Ok(vec![format!("{theirs} {arn}")]));
        // The operator needs nothing: the users of all accounts are the operator's to make.
        assert_eq!(touches(ours, &bench.operator(), &ana), Ok(Vec::new()));
    }
    assert_eq!(touches("Lookup", &user, &input()), Ok(vec!["cloudtrail:LookupEvents ".into()]));
    assert_eq!(touches("Lookup", &bench.operator(), &input()), Ok(Vec::new()));
    let evil = ana.clone().with("Policy", "admin").with("Path", "/team/");
    let both = vec![format!("iam:CreateUser {arn}"), format!("iam:AttachUserPolicy {arn}")];
    assert_eq!(touches("CreateUser", &user, &evil), Ok(both));
    let key = bench.run("CreateAccessKey", &bench.root(), &ana).expect("made").output;
    let key = key.get("AccessKey").and_then(|key| key.text("AccessKeyId")).expect("an id").to_owned();
    let key = input().with("AccessKeyId", key);
    assert_eq!(touches("DeleteAccessKey", &user, &key), Ok(vec![format!("iam:DeleteAccessKey {arn}")]));
    assert_eq!(touches("UpdateAccessKey", &user, &key), Ok(vec![format!("iam:UpdateAccessKey {arn}")]));
    // A session is known to IAM only with a second factor, a federated user never.
    let session = |kind: &PrincipalKind, mfa_s| {
        let mut cx = cx(kind.clone(), bench.account);
        let session = opentrail_policy::Session { mfa_s, ..Default::default() };
        cx.principal = Arc::new(Principal { session: Some(Arc::new(session)), ..(*cx.principal).clone() });
        cx
    };
    let federated = PrincipalKind::Federated { name: "guest".into(), by: Box::new(user.principal.kind.clone()) };
    for kind in [user.principal.kind.clone(), PrincipalKind::Root, federated.clone()] {
        let fault = touches("CreateAccessKey", &session(&kind, None), &ana).expect_err("denied");
        assert_eq!((fault.code.as_ref(), fault.hide_parameters), ("AccessDeniedException", true));
    }
    assert!(touches("CreateAccessKey", &session(&PrincipalKind::Root, Some(1)), &ana).is_ok());
    assert!(touches("ListUsers", &session(&federated, Some(1)), &ana).is_err());
}

#[test]
fn a_user_does_not_touch_the_roots_keys() {
    let bench = bench();
    let key = block_on(bench.desk.directory.create_access_key(bench.account, None)).expect("made").key.id;
    let off = input().with("AccessKeyId", key.as_str()).with("Status", "Inactive");
    bench.refused("UpdateAccessKey", &bench.user("ana"), &off, "AccessDeniedException");
    bench.refused("DeleteAccessKey", &bench.user("ana"), &off, "AccessDeniedException");
    bench.run("UpdateAccessKey", &bench.root(), &off).expect("its own");
    // The operator need not say whose key it is; the owner gets a copy.
    let gone = bench.run("DeleteAccessKey", &bench.operator(), &input().with("AccessKeyId", key.as_str()));
    assert_eq!(gone.expect("deleted").copy_for, Some(bench.account));
}

#[test]
fn listings_are_paged_by_tokens_of_ones_own() {
    let bench = bench();
    for name in ["a", "b", "c"] {
        bench.run("CreateUser", &bench.root(), &input().with("UserName", name)).expect("made");
    }
    let names = |page: &Document| -> Vec<String> {
        page.list("Users").iter().filter_map(|u| u.text("UserName").map(str::to_owned)).collect()
    };
    let first = bench.run("ListUsers", &bench.root(), &input().with("MaxResults", 2)).expect("listed").output;
    assert_eq!(names(&first), ["a", "b"]);
    let token = first.text("NextToken").expect("more").to_owned();
    let next = input().with("NextToken", token.as_str());
    let second = bench.run("ListUsers", &bench.root(), &next).expect("listed").output;
    assert_eq!((names(&second), second.text("NextToken")), (vec!["c".to_owned()], None));
    bench.refused(
        "ListUsers",
        &bench.operator(),
        &next.clone().with("AccountId", bench.account.as_str()),
        "InvalidNextTokenException",
    );
    bench.refused("ListAccounts", &bench.operator(), &next, "InvalidNextTokenException");
    bench.refused("Lookup", &bench.root(), &next, "InvalidNextTokenException");
}

fn shown(answer: &RpcAnswer) -> Vec<String> {
    let records = answer.output.list("Records").iter();
    let name = |record: &Document| match record {
        Document::Text(text) => {
            text.split("\"eventName\":\"").nth(1).map(|rest| rest.split('"').next().unwrap_or_default().to_owned())
        }
        _ => None,
    };
    records.filter_map(name).collect()
}

#[test]
fn a_look_up_asks_for_what_the_caller_may_see() {
    let bench = bench();
    let asked = |cx: &Cx, input: &Document| {
        bench.run("Lookup", cx, input).expect("answered");
        bench.shelf.asked.lock().expect("no panic").pop().expect("asked").account
    };
    assert_eq!(asked(&bench.root(), &input()), Some(bench.account));
    assert_eq!(asked(&bench.operator(), &input()), Some(AccountId::OPERATOR));
    assert_eq!(asked(&bench.operator(), &input().with("AllAccounts", true)), None);
    let named = input().with("AccountId", bench.account.as_str());
    assert_eq!(asked(&bench.operator(), &named), Some(bench.account));
    bench.refused("Lookup", &bench.operator(), &named.with("AllAccounts", true), "InvalidInputException");
}

#[test]
fn a_look_up_is_paged_in_either_order_and_bound_to_its_question() {
    let bench = bench();
    for n in 0..5 {
        bench.shelf.put(bench.account, 100 + n, n as u64, &format!("E{n}"));
    }
    let ask = input().with("MaxResults", 2);
    let first = bench.run("Lookup", &bench.root(), &ask).expect("answered");
    assert_eq!(shown(&first), ["E4", "E3"]);
    let token = first.output.text("NextToken").expect("more").to_owned();
    // The size of a page is not part of the question.
    let rest = bench.run("Lookup", &bench.root(), &input().with("NextToken", token.as_str())).expect("answered");
    assert_eq!(
        (shown(&rest).as_slice(), rest.output.text("NextToken")),
        (["E2", "E1", "E0"].map(String::from).as_slice(), None)
    );
    for other in [
        input().with("Order", "OldestFirst"),
        input().with("Words", vec![Document::from("x")]),
        input().with("StartTime", Timestamp::UNIX_EPOCH),
        input().with("Region", "us-east-1"),
    ] {
        bench.refused("Lookup", &bench.root(), &other.with("NextToken", token.as_str()), "InvalidNextTokenException");
    }
    bench.refused("Lookup", &bench.operator(), &input().with("NextToken", token.as_str()), "InvalidNextTokenException");
    let oldest = bench.run("Lookup", &bench.root(), &ask.with("Order", "OldestFirst")).expect("answered");
    assert_eq!(shown(&oldest), ["E0", "E1"]);
}

#[test]
fn a_tail_shows_each_event_once_also_those_that_come_late_and_never_itself() {
    let bench = bench();
    let follow = input().with("Follow", true);
    bench.shelf.put(bench.account, NOW_S - 1, 7, "Before");
    let mut answer = bench.run("Lookup", &bench.root(), &follow).expect("answered");
    assert!(shown(&answer).is_empty());
    let mut step = |names: &[(&str, i64, u64)], expect: &[&str]| {
        for (name, time_s, seq) in names {
            bench.shelf.put(bench.account, *time_s, *seq, name);
        }
        let token = answer.output.text("NextToken").expect("a tail always goes on").to_owned();
        answer = bench.run("Lookup", &bench.root(), &follow.clone().with("NextToken", token)).expect("answered");
        assert_eq!(shown(&answer), expect);
    };
    step(&[("A", NOW_S + 1, 8), ("B", NOW_S + 2, 9)], &["A", "B"]);
    step(&[("Late", NOW_S + 1, 10), ("Poll", NOW_S + 2, 11)], &["Late"]);
    step(&[("Poll", NOW_S + 3, 12)], &[]);
    step(&[("Lookup", NOW_S + 3, 13)], &["Lookup"]);
    step(&[("C", NOW_S + 3, 14)], &["C"]);
    step(&[], &[]);
    bench.refused("Lookup", &bench.root(), &follow.with("Order", "OldestFirst"), "InvalidInputException");
}

/// A tail, look by look.
struct Tail<'a> {
    bench: &'a Bench,
    ask: Document,
    token: String,
}

impl<'a> Tail<'a> {
    fn begin(bench: &'a Bench, ask: Document) -> Self {
        let answer = bench.run("Lookup", &bench.root(), &ask).expect("answered");
        assert!(shown(&answer).is_empty());
        let token = answer.output.text("NextToken").expect("a tail always goes on").to_owned();
        Self { bench, ask, token }
    }

    fn look(&mut self) -> Vec<String> {
        let ask = self.ask.clone().with("NextToken", self.token.as_str());
        let answer = self.bench.run("Lookup", &self.bench.root(), &ask).expect("answered");
        self.token = answer.output.text("NextToken").expect("a tail always goes on").to_owned();
        shown(&answer)
    }

    fn put(&self, name: &str, time_s: i64, seq: u64) {
        self.bench.shelf.put(self.bench.account, time_s, seq, name);
    }
}

/// A tail once remembered one place for all partitions, and was blind to those that were shorter.
#[test]
fn a_tail_sees_every_partition() {
    let bench = bench();
    bench.shelf.put(bench.account, NOW_S - 60, 500, "Before");
    bench.shelf.put(bench.account, NOW_S - 60, 1_000_003, "Before");
    let mut tail = Tail::begin(&bench, input().with("Follow", true));
    tail.put("A", NOW_S + 1, 1_000_004);
    tail.put("B", NOW_S + 1, 501);
    tail.put("C", NOW_S + 1, 2_000_000);
    assert_eq!(tail.look(), ["B", "A", "C"]);
    tail.put("D", NOW_S + 1, 1_000_005);
    assert_eq!(tail.look(), ["D"]);
    assert!(tail.look().is_empty());
}

/// A tail once looked for new records only behind the newest time it had seen, and was silent until the clock had come there
/// again.
#[test]
fn a_tail_goes_on_when_the_clock_is_set_back() {
    for limit in [1000_i64, 2] {
        let (bench, now, from) = (bench(), NOW_S, 100);
        let mut tail = Tail::begin(&bench, input().with("Follow", true).with("MaxResults", limit));
        let all = |tail: &mut Tail<'_>| {
            let mut all = Vec::new();
            loop {
                let more = tail.look();
                if more.is_empty() {
                    break all;
                }
                all.extend(more);
            }
        };
        tail.put("A", now + 1, from);
        assert_eq!(all(&mut tail), ["A"]);
        // Not shown yet when the clock is set back, and with a time that is to come again.
        tail.put("B", now + 2, from + 1);
        tail.put("C", now + 2, from + 2);
        bench.clock.set_wall(Timestamp::from_second(now - 3_600).expect("a time"));
        for (n, name) in ["D", "E", "F", "G"].into_iter().enumerate() {
            tail.put(name, now - 3_600, from + 3 + n as u64);
        }
        let mut shown = all(&mut tail);
        shown.sort();
        assert_eq!(shown, ["B", "C", "D", "E", "F", "G"], "{limit}");
        bench.clock.set_wall(Timestamp::from_second(now - 7_200).expect("a time"));
        tail.put("H", now - 7_200, from + 7);
        assert_eq!(all(&mut tail), ["H"]);
    }
}

#[test]
fn a_tail_can_begin_in_the_past() {
    let bench = bench();
    bench.shelf.put(bench.account, NOW_S - 100, 0, "Old");
    bench.shelf.put(bench.account, NOW_S - 10, 1, "Newer");
    let since = Timestamp::from_second(NOW_S - 50).expect("a time");
    let answer = bench.run("Lookup", &bench.root(), &input().with("Follow", true).with("StartTime", since));
    assert_eq!(shown(&answer.expect("answered")), ["Newer"]);
}

#[test]
fn decisions_are_explained() {
    let bench = bench();
    let directory = &bench.desk.directory;
    block_on(directory.create_user(bench.account, "ro", "/team/", Some(UserPolicy::ReadOnly))).expect("made");
    let arn = format!("arn:aws:iam::{}:user/team/ro", bench.account);
    let check = |principal: &str, action: &str| {
        let input = Document::structure().with("Principal", principal).with("Action", action);
        bench.run("CheckPolicy", &bench.root(), &input)
    };
    let answer = check(&arn, "s3:ListAllMyBuckets").expect("an answer").output;
    assert_eq!(answer.bool("Allowed"), Some(true));
    let answer = check(&arn, "s3:CreateBucket").expect("an answer").output;
    assert_eq!(answer.bool("Allowed"), Some(false));
    let reason = "because no identity-based policy allows the s3:CreateBucket action";
    assert_eq!(answer.text("Reason"), Some(reason));
    let steps = answer.list("Steps");
    let identity = steps.iter().find(|step| step.text("Layer") == Some("identity-based policies")).expect("a step");
    let source = identity.list("Policies").first().and_then(|policy| policy.text("Source"));
    assert_eq!(source, Some("policy arn:aws:iam::aws:policy/ReadOnlyAccess"));
    // Of a root, of nobody, and of what is no name.
    let root = format!("arn:aws:iam::{}:root", bench.account);
    assert_eq!(check(&root, "s3:CreateBucket").expect("an answer").output.bool("Allowed"), Some(true));
    let code = |principal: &str| check(principal, "s3:CreateBucket").expect_err("refused").code;
    assert_eq!(code(&format!("arn:aws:iam::{}:user/ro", bench.account)), "NoSuchEntityException");
    assert_eq!(code(&format!("arn:aws:iam::{}:role/none", bench.account)), "NoSuchEntityException");
    assert_eq!(code("ro"), "InvalidInputException");
}
