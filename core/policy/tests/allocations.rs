//! A decision costs no memory: twenty policies of 5 KB, conditions, variables and all, counted by an allocator that counts.

use std::sync::Arc;

use opentrail_event::{AccountId, Arn};
use opentrail_policy::{Attached, Caller, Case, Context, Kind, Policy, Rights, Ruling, Source, judge};

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
