//! A decision costs no memory: twenty policies of 5 KB, conditions, variables and all, counted by an allocator that counts. What
//! leads up to it, who has which rights, costs little.

use std::sync::Arc;

use futures::executor::block_on;
use opentrail_catalog::memory::MemoryCatalog;
use opentrail_event::{AccountId, Arn};
use opentrail_policy::{
    Attached, Authority, Caller, Case, Context, Decide, Decision, Directory, Kind, Policy, Principal, PrincipalKind,
    Question, ResourceKind, Rights, Ruling, Seal, SealError, Source, judge, rows,
};
use opentrail_world::World;

/// Of a call that is authorised: the caller's names, the question's way to the rights that are kept, and a context of its own where
/// tags of the caller go into it. None of it grows with the policies.
const ALLOCATIONS_MAX: u64 = 64;

fn policy(text: &str, kind: &Kind) -> Arc<Policy> {
    Arc::new(Policy::reload(text.as_bytes(), kind).unwrap_or_else(|e| panic!("{text}: {}", e.detail)))
}

/// Statements of every sort, until the document has 5 KB.
fn document(number: usize) -> String {
    let mut statements: Vec<String> = Vec::new();
    let mut bytes = 0;
    while bytes < 5_000 {
        let i = statements.len();
        let statement = format!(
            r#"{{"Sid":"S{i}","Effect":"{}","Action":["s3:Get*","s3:PutObject","iam:*{number}","ec2:D?scribe*","x{i}:*"],
              "Resource":["arn:aws:s3:::b{i}/${{aws:username}}/*","arn:aws:*:*:1*:a/?/*"],
              "Condition":{{"StringLike":{{"aws:userid":["A*:${{aws:username}}","*x"]}},
                "StringEqualsIgnoreCase":{{"aws:PrincipalTag/team":"${{aws:username}}"}},
                "NumericLessThan":{{"s3:max-keys":"{i}"}},"IpAddress":{{"aws:SourceIp":"10.{i}.0.0/16"}},
                "DateGreaterThan":{{"aws:CurrentTime":"2026-01-01T00:00:00Z"}},
                "ArnLike":{{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}},
                "ForAnyValue:StringEquals":{{"aws:TagKeys":["a","b"]}},"Bool":{{"aws:SecureTransport":"true"}},
                "Null":{{"aws:TokenIssueTime":"true"}}}}}}"#,
            if i.is_multiple_of(3) { "Deny" } else { "Allow" }
        );
        bytes += statement.len();
        statements.push(statement);
    }
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

#[test]
fn a_decision_allocates_nothing() {
    let account: AccountId = "111111111111".parse().expect("an account");
    let caller = Caller::User { account, arn: Arn::user(account, "/", "ann"), unique_id: "AIDAANN".into() };
    let source = |name: &str| Source::Given(name.to_owned());
    let attached = |text: &str| Attached { source: source("given"), policy: policy(text, &Kind::Identity) };
    let mut identity: Vec<Attached> = (0..19).map(|number| attached(&document(number))).collect();
    let own = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/*"}}"#;
    identity.push(attached(own));
    let level = || vec![attached(r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#)];
    let rights = Rights {
        identity,
        boundary: Some(attached(own)),
        service_control: vec![level(), level()],
        ..Rights::default()
    };
    let session = level();
    let of_bucket = r#"{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["111111111111","AIDAANN"]},"Action":"s3:*","Resource":"*"}}"#;
    let of_bucket = policy(of_bucket, &Kind::Bucket { bucket: "b".into() });
    let mut context = Context::new()
        .with("aws:username", "ann")
        .with("aws:userid", "AIDAANN:ann")
        .with("aws:PrincipalTag/team", "Ann")
        .with("aws:PrincipalArn", "arn:aws:iam::111111111111:user/ann")
        .with("aws:SourceIp", "10.3.0.1")
        .with("aws:CurrentTime", "2026-02-03T04:05:06Z")
        .with("aws:SecureTransport", "true")
        .with("s3:max-keys", "3");
    context.add("aws:TagKeys", "b");
    context.add("aws:TagKeys", "c");
    let check = |action: &str, arns: &[Arn], expect: bool| {
        let case = Case {
            session: Some(&session),
            resources: arns,
            resource_account: Some(account),
            resource_policy: Some(&of_bucket),
            ..Case::new(&caller, &rights, action, &context)
        };
        let mut ruling = None;
        let counted = allocation_counter::measure(|| ruling = Some(judge(&case)));
        assert_eq!(ruling.as_ref().is_some_and(Ruling::is_allowed), expect, "{action}: {ruling:?}");
        assert_eq!(counted.count_total, 0, "{action}");
    };
    check("s3:GetObject", &[Arn::object("b", "ann/k")], true);
    check("s3:GetObject", &[Arn::object("b", "ann/k"), Arn::object("b4", "ann/k")], false);
    check("s3:GetObject", &[Arn::object("b3", "ann/k")], false);
    check("s3:ListBucket", &[Arn::bucket("b")], false);
    check("ec2:DescribeInstances", &[], false);
    check("x9:Y", &[], false);
}

struct Open;

impl Seal for Open {
    fn seal(&self, _context: &str, plain: &[u8]) -> Vec<u8> {
        plain.to_vec()
    }

    fn open(&self, _context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(sealed.to_vec())
    }
}

/// Allocations of one authorised call of a user with so many policies, its rights compiled before.
fn authorised(policies: usize) -> u64 {
    let (world, _) = World::simulated(1, jiff::Timestamp::UNIX_EPOCH);
    let opened = Directory::open(Arc::new(MemoryCatalog::default()), Arc::new(Open), world);
    let directory = block_on(opened).expect("opened");
    let account: AccountId = "111111111111".parse().expect("an account");
    block_on(directory.create_account("a", Some(account))).expect("made");
    let user = block_on(directory.create_user(account, "ann", "/", None)).expect("made");
    let key = rows::user_key(account, "ann");
    let mut draft = directory.draft::<()>(account);
    let mut row: rows::UserRow = block_on(draft.get(&key)).expect("read").expect("a user");
    let own = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/*"}}"#;
    row.grants.inline.insert("own".into(), own.into());
    row.grants.inline.extend((1..policies).map(|n| (format!("p{n}"), document(n))));
    row.tags.push(rows::Tag { key: "team".into(), value: "red".into() });
    draft.put(key, &row);
    block_on(draft.commit()).expect("committed");
    let kind = PrincipalKind::User { name: "ann".into(), path: "/".into(), unique_id: user.unique_id };
    let principal = Principal { kind, account, access_key_id: "AKIAX".into(), session: None };
    let authority = Authority::new(directory);
    let context = Context::new().with("aws:username", "ann").with("aws:SourceIp", "10.9.0.1");
    let resources = [Arn::object("b", "ann/k")];
    let question = Question {
        principal: &principal,
        action: "s3:GetObject",
        resources: &resources,
        resource_account: None,
        policy: None,
        kind: ResourceKind::Ordinary,
        context: &context,
    };
    assert_eq!(block_on(authority.decide(question.clone())), Decision::Allow);
    let mut decision = None;
    let counted = allocation_counter::measure(|| decision = Some(block_on(authority.decide(question))));
    assert_eq!(decision, Some(Decision::Allow));
    counted.count_total
}

#[test]
fn an_authorised_call_allocates_little_however_many_policies_there_are() {
    let (few, many) = (authorised(1), authorised(20));
    assert_eq!(few, many);
    assert!(many <= ALLOCATIONS_MAX, "{many} allocations");
}
