//! The tables of `spec/policy.md`, a naive reader beside ours, and what must not take long.

mod callers;
mod documents;

use std::collections::BTreeMap;

use opentrail_event::{AccountId, Arn};
use proptest::prelude::*;

use super::*;

const A: &str = "111111111111";
const B: &str = "222222222222";

fn account(id: &str) -> AccountId {
    id.parse().expect("an account")
}

fn user(account_id: &str, name: &str) -> Caller {
    let id = account(account_id);
    Caller::User { account: id, arn: Arn::user(id, "/", name), unique_id: format!("AIDA{name}") }
}

fn root(account_id: &str) -> Caller {
    Caller::Root { account: account(account_id) }
}

fn service(name: &str) -> Caller {
    Caller::Service { name: name.into() }
}

fn bucket() -> Kind {
    Kind::Bucket { bucket: "b".into() }
}

/// Of a bucket `b`, users bound to their ids.
fn of_bucket(statements: &str) -> Policy {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let policy = Policy::parse(text.as_bytes(), &bucket()).unwrap_or_else(|e| panic!("{text}: {e} ({})", e.detail));
    let bindings: BTreeMap<String, String> = policy
        .named()
        .into_iter()
        .filter_map(|named| match &named {
            Named::User { name, .. } => Some((named.text(), format!("AIDA{name}"))),
            Named::Role { name, .. } => Some((named.text(), format!("AROA{name}"))),
            Named::Canonical(id) => Some((id.clone(), A.to_owned())),
            Named::Account(_) | Named::Session { .. } | Named::UniqueId(_) | Named::Provider { .. } => None,
        })
        .collect();
    policy.bind(&bindings)
}

fn ask(policy: &Policy, caller: &Caller, action: &str, resource: &str, context: &Context) -> char {
    match policy.evaluate(&Request { caller, action, resource, context }) {
        Verdict::Denied { .. } => 'd',
        Verdict::Silent { .. } => '-',
        Verdict::Allowed { reach: Reach::Direct, .. } => 'A',
        Verdict::Allowed { reach: Reach::Anyone, .. } => '*',
        Verdict::Allowed { reach: Reach::Owner, .. } => 'o',
        Verdict::Allowed { reach: Reach::Account, .. } => 'a',
    }
}

#[test]
fn principals() {
    let check = |principal: &str, caller: &Caller, expect: char| {
        let policy = of_bucket(&format!(
            r#"{{"Effect":"Allow",{principal},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}"#
        ));
        let seen = ask(&policy, caller, "s3:GetObject", "arn:aws:s3:::b/k", &Context::new());
        assert_eq!(seen, expect, "{principal} {caller:?}");
    };
    let (ann, bob, ros) = (user(A, "ann"), user(A, "bob"), user(B, "ann"));
    let aws = |value: &str| format!(r#""Principal":{{"AWS":"{value}"}}"#);
    check(r#""Principal":"*""#, &ann, '*');
    check(r#""Principal":"*""#, &service("x.amazonaws.com"), '*');
    check(r#""Principal":"*""#, &Caller::Anonymous, '*');
    check(&aws("*"), &ros, '*');
    check(&aws(A), &ann, 'a');
    check(&aws(A), &root(A), 'A');
    check(&aws(A), &ros, '-');
    check(&aws("arn:aws:iam::111111111111:root"), &ann, 'a');
    check(&aws("arn:aws:iam::111111111111:user/ann"), &ann, 'A');
    check(&aws("arn:aws:iam::111111111111:user/ann"), &bob, '-');
    check(&aws("arn:aws:iam::111111111111:user/ann"), &ros, '-');
    check(&aws("arn:aws:iam::111111111111:user/ann"), &root(A), '-');
    check(&aws("arn:aws:iam::111111111111:role/r"), &ann, '-');
    let again =
        Caller::User { account: account(A), arn: Arn::user(account(A), "/", "ann"), unique_id: "AIDAnew".into() };
    check(&aws("arn:aws:iam::111111111111:user/ann"), &again, '-');
    let canonical = "0123456789abcdef".repeat(4);
    check(&format!(r#""Principal":{{"CanonicalUser":"{canonical}"}}"#), &ann, 'a');
    check(&format!(r#""Principal":{{"CanonicalUser":"{canonical}"}}"#), &ros, '-');
    let trail = r#""Principal":{"Service":["cloudtrail.amazonaws.com","logs.eu-west-1.amazonaws.com"]}"#;
    check(trail, &service("cloudtrail.amazonaws.com"), 'A');
    check(trail, &service("sns.amazonaws.com"), '-');
    check(trail, &ann, '-');
    check(r#""Principal":{"AWS":"222222222222","Service":"sns.amazonaws.com"}"#, &ros, 'a');
    let not_ann = r#""NotPrincipal":{"AWS":"arn:aws:iam::111111111111:user/ann"}"#;
    check(not_ann, &ann, '-');
    check(not_ann, &bob, '*');
    check(not_ann, &Caller::Anonymous, '*');
    check(r#""NotPrincipal":{"AWS":"111111111111"}"#, &ann, '-');
    check(r#""NotPrincipal":{"AWS":"111111111111"}"#, &ros, '*');
}

/// A Deny with NotPrincipal spares a user only where its account is named too.
#[test]
fn not_principals_that_deny() {
    let check = |list: &str, caller: &Caller, expect: char| {
        let policy = of_bucket(&format!(
            r#"{{"Effect":"Deny","NotPrincipal":{{"AWS":[{list}]}},"Action":"s3:*","Resource":"arn:aws:s3:::b"}}"#
        ));
        assert_eq!(
            ask(&policy, caller, "s3:ListBucket", "arn:aws:s3:::b", &Context::new()),
            expect,
            "{list} {caller:?}"
        );
    };
    let both = r#""111111111111","arn:aws:iam::111111111111:user/ann""#;
    check(both, &user(A, "ann"), '-');
    check(both, &user(A, "bob"), 'd');
    check(both, &root(A), '-');
    check(both, &user(B, "ann"), 'd');
    check(r#""arn:aws:iam::111111111111:user/ann""#, &user(A, "ann"), 'd');
    check(r#""111111111111""#, &user(A, "ann"), 'd');
}

#[test]
fn actions_and_resources() {
    let identity =
        |text: &str| Policy::parse(text.as_bytes(), &Kind::Identity).unwrap_or_else(|e| panic!("{text}: {e}"));
    let check = |statement: &str, action: &str, resource: &str, expect: char| {
        let policy = identity(&format!(r#"{{"Version":"2012-10-17","Statement":{{{statement}}}}}"#));
        assert_eq!(ask(&policy, &user(A, "u"), action, resource, &Context::new()), expect, "{statement} {action}");
    };
    let get = r#""Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/*""#;
    check(get, "S3:getobject", "arn:aws:s3:::b/k", 'A');
    check(get, "s3:GetObject", "arn:aws:s3:::B/k", '-');
    check(get, "s3:PutObject", "arn:aws:s3:::b/k", '-');
    check(get, "s3:GetBucketAcl", "arn:aws:s3:::b", '-');
    let not_iam = r#""Effect":"Allow","NotAction":"iam:*","Resource":"*""#;
    check(not_iam, "sqs:SendMessage", "arn:aws:sqs:r:1:q", 'A');
    check(not_iam, "iam:CreateUser", "*", '-');
    let not_secret = r#""Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b/secret/*""#;
    check(not_secret, "s3:GetObject", "arn:aws:s3:::b/secret/x", '-');
    check(not_secret, "s3:GetObject", "arn:aws:s3:::b/other", 'A');
    check(r#""Effect":"Deny","Action":["a:b","*"],"Resource":["arn:aws:s3:::x","*"]"#, "s3:GetObject", "*", 'd');
    let denied = identity(
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
            {"Sid":"no","Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}]}"#,
    );
    let context = Context::new();
    let caller = user(A, "u");
    let request =
        Request { caller: &caller, action: "s3:DeleteObject", resource: "arn:aws:s3:::b/k", context: &context };
    assert_eq!(denied.evaluate(&request).to_string(), "statement no denies it");
    assert_eq!(ask(&denied, &caller, "s3:PutObject", "arn:aws:s3:::b/k", &context), 'A');
    // Version 2008 and none know no variables.
    for (version, expect) in [(r#""Version":"2012-10-17","#, 'A'), (r#""Version":"2008-10-17","#, '-'), ("", '-')] {
        let text = format!(
            r#"{{{version}"Statement":{{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${{aws:username}}/*"}}}}"#
        );
        let context = Context::new().with("aws:username", "ann");
        let seen = ask(&identity(&text), &user(A, "ann"), "s3:GetObject", "arn:aws:s3:::b/ann/k", &context);
        assert_eq!(seen, expect, "{version}");
    }
    let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b-${aws:PrincipalTag/team, 'all'}"}}"#;
    assert_eq!(ask(&identity(text), &user(A, "u"), "s3:ListBucket", "arn:aws:s3:::b-all", &Context::new()), 'A');
}

#[test]
fn conditions() {
    let check = |condition: &str, context: &[(&str, &str)], expect: bool| {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{{condition}}}}}}}"#
        );
        let policy = Policy::parse(text.as_bytes(), &Kind::Identity).unwrap_or_else(|e| panic!("{text}: {}", e.detail));
        let mut has = Context::new();
        for (key, value) in context {
            has.add(key, *value);
        }
        assert_eq!(ask(&policy, &user(A, "u"), "s3:x", "*", &has) == 'A', expect, "{condition} {context:?}");
    };
    check(r#""StringEquals":{"aws:PrincipalTag/team":"red"}"#, &[], false);
    check(r#""StringEquals":{"aws:PrincipalTag/team":"red"}"#, &[("AWS:principaltag/Team", "red")], true);
    check(r#""StringEquals":{"k:a":"r*"}"#, &[("k:a", "red")], false);
    check(r#""StringEquals":{"k:a":"r*"}"#, &[("k:a", "r*")], true);
    check(r#""StringNotEquals":{"k:a":"red"}"#, &[], true);
    check(r#""StringNotEqualsIfExists":{"k:a":"red"}"#, &[], true);
    check(r#""StringNotEqualsIfExists":{"k:a":"red"}"#, &[("k:a", "red")], false);
    check(r#""StringEqualsIfExists":{"k:a":"red"}"#, &[], true);
    check(r#""StringEqualsIgnoreCase":{"k:a":["X","RED"]}"#, &[("k:a", "Red")], true);
    check(r#""StringEqualsIgnoreCase":{"k:a":"${k:b}"}"#, &[("k:a", "Red"), ("k:b", "rED")], true);
    check(r#""StringNotEqualsIgnoreCase":{"k:a":"RED"}"#, &[("k:a", "Red")], false);
    check(r#""StringLike":{"s3:prefix":"home/${*}"}"#, &[("s3:prefix", "home/*")], true);
    check(r#""StringLike":{"s3:prefix":"home/${*}"}"#, &[("s3:prefix", "home/x")], false);
    check(r#""StringLike":{"s3:prefix":["","home/*"]}"#, &[("s3:prefix", "")], true);
    check(r#""StringNotLike":{"k:a":["r*","b*"]}"#, &[("k:a", "blue")], false);
    check(r#""StringNotEquals":{"aws:RequestedRegion":["x","y"]}"#, &[("aws:RequestedRegion", "y")], false);
    check(r#""StringNotEquals":{"aws:RequestedRegion":["x","y"]}"#, &[("aws:RequestedRegion", "z")], true);
    check(r#""StringEquals":{"k:a":"${k:none}"}"#, &[("k:a", "")], false);
    check(r#""StringNotEquals":{"k:a":"${k:none}"}"#, &[("k:a", "x")], true);
    check(r#""BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}"#, &[], true);
    check(r#""Bool":{"aws:MultiFactorAuthPresent":false}"#, &[], false);
    check(r#""Bool":{"aws:SecureTransport":["TRUE"]}"#, &[("aws:SecureTransport", "true")], true);
    check(r#""ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}"#, &[("aws:TagKeys", "a")], true);
    check(
        r#""ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}"#,
        &[("aws:TagKeys", "a"), ("aws:TagKeys", "c")],
        false,
    );
    check(r#""ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}"#, &[], true);
    check(r#""ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}"#, &[("aws:TagKeys", "")], true);
    check(r#""ForAllValues:StringNotEquals":{"k:a":"x"}"#, &[("k:a", "y"), ("k:a", "x")], false);
    check(r#""ForAnyValue:StringEquals":{"aws:TagKeys":["a"]}"#, &[("aws:TagKeys", "c"), ("aws:TagKeys", "a")], true);
    check(r#""ForAnyValue:StringEquals":{"aws:TagKeys":["a"]}"#, &[], false);
    check(r#""ForAnyValue:StringEquals":{"aws:TagKeys":["a",""]}"#, &[("aws:TagKeys", "")], false);
    check(r#""ForAnyValue:StringNotEquals":{"k:a":"x"}"#, &[("k:a", "x"), ("k:a", "y")], true);
    check(r#""ForAnyValue:StringNotEquals":{"k:a":"x"}"#, &[("k:a", "x")], false);
    check(r#""ForAnyValue:StringEqualsIfExists":{"k:a":"x"}"#, &[], true);
    check(r#""ArnLike":{"k:a":"arn:aws:x:*:1:f/*"}"#, &[("k:a", "arn:aws:x:r:9:s/a:1:f/d")], false);
    check(
        r#""ArnEquals":{"k:a":"arn:aws:cloudtrail:*:111111111111:trail/*"}"#,
        &[("k:a", "arn:aws:cloudtrail:r:111111111111:trail/t")],
        true,
    );
    check(r#""ArnNotEquals":{"k:a":"arn:aws:x:r:1:a"}"#, &[("k:a", "arn:aws:x:r:1:a")], false);
    check(r#""ArnNotLike":{"k:a":"arn:aws:x:r:1:a"}"#, &[], true);
    check(r#""IpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, &[], false);
    check(r#""IpAddress":{"aws:SourceIp":["10.0.0.0/8","::1"]}"#, &[("aws:SourceIp", "::1")], true);
    check(r#""NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, &[], true);
    check(r#""NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, &[("aws:SourceIp", "10.1.1.1")], false);
    check(r#""Null":{"aws:TokenIssueTime":"true"}"#, &[], true);
    check(r#""Null":{"aws:TokenIssueTime":true}"#, &[("aws:TokenIssueTime", "2026-01-01T00:00:00Z")], false);
    check(r#""Null":{"k:a":"false"}"#, &[("k:a", "x")], true);
    check(r#""NumericLessThanEquals":{"s3:max-keys":10}"#, &[("s3:max-keys", "10")], true);
    check(r#""NumericLessThanEquals":{"s3:max-keys":"10"}"#, &[], false);
    check(r#""NumericGreaterThan":{"k:a":"9.5"}"#, &[("k:a", "10")], true);
    check(r#""NumericNotEquals":{"k:a":"1"}"#, &[("k:a", "many")], true);
    check(r#""NumericEquals":{"k:a":"1"}"#, &[("k:a", "many")], false);
    check(
        r#""DateGreaterThan":{"aws:CurrentTime":"1561987214"}"#,
        &[("aws:CurrentTime", "2019-07-01T13:20:15Z")],
        true,
    );
    check(r#""DateLessThan":{"aws:CurrentTime":"2019-07-01"}"#, &[("aws:CurrentTime", "2019-07-01T13:20:15Z")], false);
    check(r#""BinaryEquals":{"k:a":"QUI="}"#, &[("k:a", "QUI=")], true);
    // All operators and all keys must hold.
    let both = r#""StringEquals":{"k:a":"1","k:b":"2"},"StringLike":{"k:a":"*"}"#;
    check(both, &[("k:a", "1"), ("k:b", "2")], true);
    check(both, &[("k:a", "1")], false);
    check(r#""AnyName":{},"DateGreaterThan":{"k:a":[]}"#, &[("k:a", "1")], false);
    check("", &[], true);
}

#[test]
fn what_identity_policies_are_refused_for() {
    let check = |text: &str, expect: &str| {
        let seen = Policy::parse(text.as_bytes(), &Kind::Identity).err().map(|e| e.message);
        assert_eq!(seen.as_deref().unwrap_or("taken"), expect, "{text}");
    };
    let with = |effect: &str, action: &str, resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Action":{action},"Resource":{resource}}}]}}"#
        )
    };
    let syntax = "Syntax errors in policy.";
    for text in
        ["", "[]", "{}", r#"{"Statement":[]}"#, r#"{"Statement":{},"x":1}"#, r#"{"Version":"2012","Statement":{}}"#]
    {
        check(text, syntax);
    }
    check(&with("Maybe", "\"*\"", "\"*\""), syntax);
    check(&with("Allow", "1", "\"*\""), syntax);
    check(r#"{"Statement":{"Effect":"Allow","Action":[],"NotAction":"a:b","Resource":"*"}}"#, syntax);
    check(r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":[]}}"#, syntax);
    check(
        r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"StringIs":{"a":"b"}}}}"#,
        syntax,
    );
    check(
        r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"ForAnyValue::StringLike":{"a":"b"}}}}"#,
        syntax,
    );
    check(&with("allow", "\"*\"", "\"*\""), "The policy failed legacy parsing");
    check(&with("Allow", "\"*\"", "\"arn:aws:s3::bucket\""), "The policy failed legacy parsing");
    check(&with("Allow", "[]", "\"*\""), "Policy statement must contain actions.");
    check(&with("Allow", "\"*\"", "[]"), "Policy statement must contain resources.");
    check(&with("Allow", "\"*\"", "\"bucket\""), "Resource bucket must be in ARN format or \"*\".");
    check(
        &with("Allow", "\"*\"", "\"arn:mars:s3:::b\""),
        "Partition \"mars\" is not valid for resource \"arn:mars:s3:::b\".",
    );
    check(
        &with("Allow", "\"*\"", "\"arn:aws\""),
        "Resource vendor must be fully qualified and cannot contain regexes.",
    );
    check(
        &with("Allow", "\"*\"", "\"arn:aws:s3:r::b\""),
        "Resource arn:aws:s3:r::b can not contain region information.",
    );
    check(
        &with("Allow", "\"get\"", "\"*\""),
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    );
    check(&with("Allow", "\"a a:b\"", "\"*\""), "Vendor a a is not valid");
    check(&with("Allow", "\"a:b:c\"", "\"*\""), "Actions/Condition can contain only one colon.");
    check(&with("Allow", "[\"iam: asdf x \",\"iam:*AccessKey*\"]", "\"*\""), "taken");
    let sid = |sid: &str| format!(r#"{{"Sid":"{sid}","Effect":"Allow","Action":"a:b","Resource":"*"}}"#);
    let twice = "Statement IDs (SID) in a single policy must be unique.";
    check(&format!(r#"{{"Statement":[{},{}]}}"#, sid("x"), sid("x")), twice);
    check(&format!(r#"{{"Id":"i","Statement":[{},{}]}}"#, sid(""), sid("")), "taken");
    let principal = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"a:b","Resource":"*"}}"#;
    check(principal, "Policy document should not specify a principal.");
}

#[test]
fn what_bucket_policies_are_refused_for() {
    let check = |text: &str, expect: &str| {
        let seen = Policy::parse(text.as_bytes(), &bucket()).err();
        let seen = seen.map_or_else(|| "taken".to_owned(), |e| format!("{} | {}", e.message, e.detail));
        assert!(seen.starts_with(expect), "{text}: {seen}");
    };
    let with = |members: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{{{members}}}]}}"#);
    check("", "Policies must be valid JSON and the first byte must be '{' | byte 0");
    check(" {}", "Policies must be valid JSON and the first byte must be '{'");
    check("{}", "Missing required field Statement");
    check(r#"{"Statement":[]}"#, "Could not parse the policy: Statement is empty!");
    check(r#"{"Version":"2012-10-18","Statement":{}}"#, "The policy must contain a valid version string");
    check(r#"{"version":"2012-10-17","Statement":{}}"#, "Unknown field version");
    let base = r#""Effect":"Allow","Principal":{"AWS":"111111111111"}"#;
    let ok = r#""Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#;
    check(&with(&format!("{base},{ok}")), "taken");
    check(&with(&format!(r#""Effect":"allow","Principal":"*",{ok}"#)), "Invalid effect: allow | byte ");
    check(&with(&format!(r#""Principal":"*",{ok}"#)), "Missing required field Effect");
    check(&with(&format!(r#""Effect":"Deny",{ok}"#)), "Missing required field Principal");
    check(&with(&format!(r#"{base},"Resource":"arn:aws:s3:::b/*""#)), "Missing required field Action");
    check(&with(&format!(r#"{base},"Action":"s3:*""#)), "Missing required field Resource");
    check(&with(&format!(r#"{base},{ok},"Principle":"*""#)), "Unknown field Principle");
    check(&with(&format!(r#"{base},{ok},"NotAction":"s3:*""#)), "Invalid policy syntax.");
    for bad in [
        "\"anna\"",
        "{}",
        "[]",
        r#"{"AWS":[]}"#,
        r#"{"AWS":"arn:aws:iam::111111111111:user/*"}"#,
        r#"{"AWS":"arn:aws:iam::111111111111:group/g"}"#,
        r#"{"AWS":"1111"}"#,
        r#"{"Service":"*"}"#,
        r#"{"Service":"cloudtrail"}"#,
        r#"{"CanonicalUser":"zz"}"#,
        r#"{"aws":"*"}"#,
        r#"{"Federated":"*"}"#,
    ] {
        check(&with(&format!(r#""Effect":"Allow","Principal":{bad},{ok}"#)), "Invalid principal in policy | ");
    }
    for bad in ["GetObject", "s3:Fetch*", "sqs:*", "s3:", ""] {
        check(
            &with(&format!(r#"{base},"Action":"{bad}","Resource":"arn:aws:s3:::b/*""#)),
            "Policy has invalid action | statement 1: ",
        );
    }
    for bad in [
        "*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::bb/*",
        "arn:aws:s3:::bb",
        "arn:aws:s3:::B/*",
        "b/*",
        "arn:aws:s3:us-east-1::b/*",
    ] {
        check(
            &with(&format!(r#"{base},"Action":"s3:*","Resource":"{bad}""#)),
            "Policy has invalid resource | statement 1: ",
        );
    }
    let applies = "Action does not apply to any resource(s) in statement | statement 1: ";
    check(&with(&format!(r#"{base},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::b/*""#)), applies);
    check(&with(&format!(r#"{base},"Action":["s3:Get*","s3:PutObject"],"Resource":"arn:aws:s3:::b""#)), applies);
    for good in ["s3:*", "*", "s3:getobject", "S3:Get*", "s3:List*"] {
        check(
            &with(&format!(r#"{base},"Action":"{good}","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/x/*"]"#)),
            "taken",
        );
    }
    check(&with(&format!(r#"{base},"Action":["s3:ListBucket","s3:GetObject"],"Resource":"arn:aws:s3:::b*""#)), "taken");
    let condition = |condition: &str| with(&format!(r#"{base},{ok},"Condition":{{{condition}}}"#));
    check(&condition(r#""StringIs":{"aws:SourceIp":"x"}"#), "Invalid Condition type : StringIs");
    for key in ["aws:SourceIpp", "s3:prefixes", "SourceIp", "ec2:Region", "s3:ExistingObjectTag/a", "aws:PrincipalTag/"]
    {
        check(
            &condition(&format!(r#""StringLike":{{"{key}":"x"}}"#)),
            "Policy has an invalid condition key | statement 1: ",
        );
    }
    check(&condition(r#""StringLike":{"aws:PrincipalTag/a":"x","S3:PREFIX":"y"}"#), "taken");
    check(&condition(r#""IpAddress":{"aws:SourceIp":"10.0.0.0/99"}"#), "Invalid policy syntax. | byte ");
    check(&condition(r#""Null":{"aws:SourceIp":"perhaps"}"#), "Invalid policy syntax.");
    check(&condition(r#""StringLike":{"aws:SourceIp":{"a":1}}"#), "Invalid policy syntax.");
    let long = with(&format!(r#"{base},{ok},"Sid":"{}""#, "x".repeat(BUCKET_POLICY_BYTES_MAX)));
    check(&long, "Policy exceeds the maximum allowed document size.");
}

#[test]
fn what_is_open_to_everybody() {
    let check = |principal: &str, condition: &str, expect: bool| {
        let policy = of_bucket(&format!(
            r#"{{"Effect":"Allow",{principal},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{{{condition}}}}}"#
        ));
        assert_eq!(policy.is_public(), expect, "{principal} {condition}");
    };
    let anyone = r#""Principal":"*""#;
    check(anyone, "", true);
    check(r#""Principal":{"AWS":"*"}"#, "", true);
    check(r#""NotPrincipal":{"AWS":"111111111111"}"#, "", true);
    check(r#""Principal":{"AWS":"111111111111"}"#, "", false);
    check(r#""Principal":{"Service":"x.amazonaws.com"}"#, "", false);
    check(anyone, r#""StringEquals":{"aws:SourceAccount":"111111111111"}"#, false);
    check(anyone, r#""StringEqualsIfExists":{"aws:SourceAccount":"111111111111"}"#, true);
    check(anyone, r#""StringNotEquals":{"aws:SourceAccount":"111111111111"}"#, true);
    check(anyone, r#""ForAllValues:StringEquals":{"aws:SourceAccount":"111111111111"}"#, true);
    check(anyone, r#""StringLike":{"aws:SourceAccount":"*"}"#, true);
    check(anyone, r#""StringEquals":{"aws:PrincipalAccount":"${aws:SourceAccount}"}"#, true);
    check(anyone, r#""ArnLike":{"aws:SourceArn":"arn:aws:sns:*:111111111111:*"}"#, false);
    check(anyone, r#""ArnLike":{"aws:SourceArn":"arn:aws:sns:r:*:t"}"#, true);
    check(anyone, r#""StringEquals":{"aws:SourceAccount":[]}"#, true);
    check(anyone, r#""IpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, false);
    check(anyone, r#""IpAddress":{"aws:SourceIp":["10.0.0.0/8","0.0.0.0/0"]}"#, true);
    check(anyone, r#""IpAddress":{"aws:SourceIp":"2001::/16"}"#, true);
    check(anyone, r#""StringEquals":{"s3:prefix":"x"}"#, true);
    check(anyone, r#""Bool":{"aws:SecureTransport":"true"}"#, true);
    let denied = of_bucket(r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b"}"#);
    assert!(!denied.is_public());
}

#[test]
fn silence_is_explained() {
    let policy = of_bucket(
        r#"{"Sid":"Others","Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"s3:*","Resource":"arn:aws:s3:::b"},
           {"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"},
           {"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b/x"},
           {"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b/k",
            "Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}"#,
    );
    let (caller, context) = (user(A, "u"), Context::new());
    let request = Request { caller: &caller, action: "s3:PutObject", resource: "arn:aws:s3:::b/k", context: &context };
    assert_eq!(
        policy.evaluate(&request).to_string(),
        "statement Others is about other principals; statement 2 is about other actions; statement 3 is about other \
         resources; statement 4 has the condition StringEquals s3:x-amz-acl, which does not hold"
    );
}

/// The policy that AWS documents for trails, asked by the right trail, another one, and somebody else.
#[test]
fn a_trails_policy() {
    let policy = of_bucket(
        r#"{"Sid":"AWSCloudTrailWrite20150319","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},
            "Action":"s3:PutObject","Resource":"arn:aws:s3:::b/p/AWSLogs/111111111111/*",
            "Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control",
              "aws:SourceArn":"arn:aws:cloudtrail:us-east-1:111111111111:trail/T"}}}"#,
    );
    let check = |caller: &Caller, trail: &str, acl: &str, key: &str, expect: char| {
        let arn = format!("arn:aws:cloudtrail:us-east-1:111111111111:trail/{trail}");
        let context = Context::new().with("aws:SourceArn", arn).with("s3:x-amz-acl", acl);
        let resource = format!("arn:aws:s3:::b/{key}");
        assert_eq!(ask(&policy, caller, "s3:PutObject", &resource, &context), expect, "{caller:?} {trail} {acl} {key}");
    };
    let (trail, acl, key) =
        (service("cloudtrail.amazonaws.com"), "bucket-owner-full-control", "p/AWSLogs/111111111111/x");
    check(&trail, "T", acl, key, 'A');
    check(&trail, "U", acl, key, '-');
    check(&trail, "T", "private", key, '-');
    check(&trail, "T", acl, "p/AWSLogs/222222222222/x", '-');
    check(&root(A), "T", acl, key, '-');
}

#[test]
fn actions_have_one_place_each() {
    let mut all: Vec<&str> = bucket::actions().collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

/// Thousands of statements, hostile patterns and variables that name one another: a matcher that tried every way to match
/// would not come to its end in a lifetime.
#[test]
fn hostile_policies_are_asked_in_linear_time() {
    let statement = |i: usize| {
        format!(
            r#"{{"Effect":"Allow","Action":"a:*b*{i}","Resource":"*","Condition":{{"StringLike":{{"k:a":"*a*a*a*a*${{k:b}}{i}"}}}}}}"#
        )
    };
    let all: Vec<String> = (0..1_100).map(statement).collect();
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, all.join(","));
    let policy = Policy::parse(text.as_bytes(), &Kind::Identity).expect("it is a policy");
    // Values are never read as patterns again, so nothing goes in circles.
    let context = Context::new().with("k:a", "a".repeat(1_000)).with("k:b", "${k:a}").with("k:c", "${k:c}");
    for _ in 0..20 {
        assert_eq!(ask(&policy, &user(A, "u"), "a:xbx9", "*", &context), '-');
    }
    let stars = "*a?".repeat(30_000);
    let text = format!(r#"{{"Statement":{{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:a:::{stars}y"}}}}"#);
    let policy = Policy::parse(text.as_bytes(), &Kind::Identity).expect("it is a policy");
    let resource = format!("arn:aws:a:::{}", "a".repeat(10_000));
    assert_eq!(ask(&policy, &user(A, "u"), "a:b", &resource, &context), '-');
}

/// Whether it allows, its actions, its resources, and a condition on `s3:prefix`: negated or not, and its value.
type Plain = (bool, Vec<String>, Vec<String>, Option<(bool, String)>);

/// As one would write it without thinking of time: condition by condition, value by value.
fn naive(statements: &[Plain], action: &str, resource: &str, prefix: Option<&str>) -> char {
    fn like(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|n| like(rest, &text[n..])),
            Some((b'?', rest)) => !text.is_empty() && like(rest, &text[1..]),
            Some((c, rest)) => text.first() == Some(c) && like(rest, &text[1..]),
        }
    }
    let arn = |pattern: &String| {
        let (a, b): (Vec<&str>, Vec<&str>) = (pattern.splitn(6, ':').collect(), resource.splitn(6, ':').collect());
        pattern == "*" || (0..6).all(|i| like(a.get(i).unwrap_or(&"*").as_bytes(), b[i].as_bytes()))
    };
    let mut verdict = '-';
    for (allow, actions, resources, condition) in statements {
        let about = actions.iter().any(|a| like(a.to_lowercase().as_bytes(), action.to_lowercase().as_bytes()))
            && resources.iter().any(arn)
            && condition.as_ref().is_none_or(|(negated, wanted)| {
                prefix.map_or(*negated, |prefix| like(wanted.as_bytes(), prefix.as_bytes()) != *negated)
            });
        match (about, allow) {
            (true, false) => return 'd',
            (true, true) => verdict = 'A',
            (false, _) => {}
        }
    }
    verdict
}

proptest! {
    #[test]
    fn as_the_naive_reader_says(
        statements in prop::collection::vec(
            (
                any::<bool>(),
                prop::collection::vec("s3:[GP*?][*e]?t[*O?]{0,2}", 1..3),
                prop::collection::vec("arn:aws:s3:::b/[ab*?/]{0,4}", 1..3),
                prop::option::of((any::<bool>(), "[ab*?]{0,3}")),
            ),
            1..5,
        ),
        action in prop::sample::select(vec!["s3:GetO", "s3:Put", "S3:gett", "s3:Got"]),
        key in "[ab/]{0,4}",
        prefix in prop::option::of("[ab]{1,3}"),
    ) {
        let text = |texts: &[String]| format!("[{}]", texts.iter().map(|t| format!("\"{t}\"")).collect::<Vec<_>>().join(","));
        let written: Vec<String> = statements.iter().map(|(allow, actions, resources, condition)| {
            let condition = condition.as_ref().map_or(String::new(), |(negated, wanted)| {
                let operator = if *negated { "StringNotLike" } else { "StringLike" };
                format!(r#","Condition":{{"{operator}":{{"s3:prefix":"{wanted}"}}}}"#)
            });
            let effect = if *allow { "Allow" } else { "Deny" };
            format!(r#"{{"Effect":"{effect}","Action":{},"Resource":{}{condition}}}"#, text(actions), text(resources))
        }).collect();
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, written.join(","));
        let policy = Policy::parse(document.as_bytes(), &Kind::Identity).expect("it is a policy");
        let mut context = Context::new();
        if let Some(prefix) = &prefix {
            context.set("s3:prefix", prefix.as_str());
        }
        let resource = format!("arn:aws:s3:::b/{key}");
        prop_assert_eq!(
            ask(&policy, &user(B, "u"), action, &resource, &context),
            naive(&statements, action, &resource, prefix.as_deref())
        );
    }

    #[test]
    fn no_text_panics(text in r#"\{"(Version|Statement|Id)":[\[\]{}",:a-zA-Z0-9$*? ]{0,60}"#) {
        let _ = Policy::parse(text.as_bytes(), &Kind::Identity);
        let _ = Policy::parse(text.as_bytes(), &bucket());
    }
}
