//! The vectors of `spec/policy.md` 6, by their numbers.

use super::*;

const U: &str = r#"{"AWS":"arn:aws:iam::111111111111:user/u"}"#;
const R: &str = r#"{"AWS":"arn:aws:iam::111111111111:role/r"}"#;
const S: &str = r#"{"AWS":"arn:aws:sts::111111111111:assumed-role/r/x"}"#;
const SQS: &str = "arn:aws:sqs:us-east-1:111111111111:q";

fn u() -> Scene {
    Scene::of(user(A, "u"))
}

fn s() -> Scene {
    Scene::of(role(A, "r"))
}

/// A user of another account at A's bucket.
fn v() -> Scene {
    Scene::of(user(B, "v"))
}

fn all() -> String {
    allow("*", "*")
}

#[track_caller]
fn check(number: u8, seen: String, expect: &str) {
    assert_eq!(seen, expect, "vector {number}");
}

#[test]
fn one_policy() {
    check(1, u().get(), "deny Identity");
    let get = || u().identity(allow("s3:Get*", "arn:aws:s3:::b/*"));
    check(2, get().ask("S3:getobject", "arn:aws:s3:::b/k"), "allow Identity");
    check(3, get().ask("s3:GetObject", "arn:aws:s3:::B/k"), "deny Identity");
    let both = u().identity(all()).identity(deny("s3:DeleteObject", "*"));
    check(4, both.ask("s3:DeleteObject", "arn:aws:s3:::b/k"), "DENY Identity");
    let not = |effect: &str| format!(r#"{{"Effect":"{effect}","NotAction":["iam:*"],"Resource":"*"}}"#);
    check(5, u().identity(not("Allow")).ask("sqs:SendMessage", SQS), "allow Identity");
    check(6, u().identity(not("Deny")).identity(all()).ask("s3:ListBucket", "arn:aws:s3:::b"), "DENY Identity");
    let secret = u().identity(r#"{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b/secret/*"}"#.into());
    check(7, secret.ask("s3:GetObject", "arn:aws:s3:::b/secret/x"), "deny Identity");
    check(7, secret.ask("s3:GetObject", "arn:aws:s3:::b/other"), "allow Identity");
    let objects = u().identity(allow("s3:ListBucket", "arn:aws:s3:::b/*"));
    check(8, objects.ask("s3:ListBucket", "arn:aws:s3:::b"), "deny Identity");
}

#[test]
fn the_policy_of_what_is_touched() {
    let lacks_s3 = || allow("sqs:*", "*");
    check(9, u().resource(grants(U, "s3:GetObject")).get(), "allow Resource");
    check(10, u().resource(grants(U, "s3:GetObject")).boundary(lacks_s3()).get(), "allow Resource");
    check(11, s().resource(grants(R, "s3:GetObject")).boundary(lacks_s3()).get(), "deny Boundary");
    check(12, s().resource(grants(R, "s3:GetObject")).get(), "allow Resource");
    check(13, s().resource(grants(S, "s3:GetObject")).session(lacks_s3()).get(), "allow Resource");
    check(14, s().resource(grants(R, "s3:GetObject")).session(lacks_s3()).get(), "deny Session");
    let account = r#"{"AWS":"arn:aws:iam::111111111111:root"}"#;
    check(15, u().resource(grants(account, "s3:GetObject")).get(), "deny Identity");
    check(16, u().resource(grants("\"*\"", "s3:GetObject")).boundary(lacks_s3()).get(), "allow Resource");
    let only_r = || {
        let condition = r#","Principal":"*","Condition":{"StringNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/r"}}"#;
        says("Deny", "s3:*", "*", condition)
    };
    let session = |caller: Caller| {
        let Caller::Role { role_arn, .. } = &caller else { panic!("a role") };
        let own = role_arn.to_string();
        Scene::of(caller).identity(all()).resource(only_r()).with("aws:PrincipalArn", &own)
    };
    check(17, session(role(A, "r")).get(), "allow Identity");
    check(18, session(role(A, "p/r")).get(), "DENY Resource");
}

#[test]
fn across_accounts() {
    let account = r#"{"AWS":"arn:aws:iam::222222222222:root"}"#;
    let named = r#"{"AWS":"arn:aws:iam::222222222222:user/v"}"#;
    check(19, v().resource(grants(account, "s3:GetObject")).get(), "deny Identity");
    check(20, v().resource(grants(account, "s3:GetObject")).identity(all()).get(), "allow Identity");
    check(21, v().identity(all()).get(), "deny Resource");
    let bounded = v().resource(grants(named, "s3:*")).identity(all()).boundary(allow("sqs:*", "*"));
    check(22, bounded.get(), "deny Boundary");
}

#[test]
fn organizations_boundaries_and_sessions() {
    let only_s3 = [allow("s3:*", "*")];
    check(23, u().identity(all()).service_control(&only_s3).ask("sqs:SendMessage", SQS), "DENY ServiceControl");
    let no_ec2 = [all(), deny("ec2:*", "*")];
    check(24, Scene::of(root(A)).service_control(&no_ec2).ask("ec2:RunInstances", "*"), "DENY ServiceControl");
    let bounded = u().identity(all()).boundary(allow("s3:*", "*"));
    check(25, bounded.ask("sqs:SendMessage", SQS), "deny Boundary");
    check(26, u().boundary(all()).get(), "deny Identity");
    let narrowed = s().identity(allow("s3:*", "*")).session(allow("sqs:*", "*"));
    check(27, narrowed.get(), "deny Session");
    check(27, narrowed.ask("sqs:SendMessage", SQS), "deny Identity");
    let f = || Scene::of(federated(A, Some("u"))).identity(allow("s3:*", "*"));
    check(28, f().get(), "deny Session");
    let getting = f().session(allow("s3:GetObject", "*"));
    check(29, getting.get(), "allow Identity");
    check(29, getting.ask("s3:PutObject", "arn:aws:s3:::b/k"), "deny Session");
    let by_name = r#"{"AWS":"arn:aws:sts::111111111111:federated-user/f"}"#;
    check(30, f().resource(grants(by_name, "s3:GetObject")).get(), "allow Resource");
}

#[test]
fn conditions() {
    let red = r#"{"aws:PrincipalTag/team":"red"}"#;
    let when = |operator: &str, keys: &str| format!(r#""{operator}":{keys}"#);
    let only = |operator: &str, keys: &str| u().identity(allow_if(&when(operator, keys)));
    let but = |operator: &str, keys: &str| u().identity(all()).identity(deny_if(&when(operator, keys)));
    check(31, only("StringEquals", red).get(), "deny Identity");
    check(32, but("StringNotEquals", red).get(), "DENY Identity");
    check(33, but("StringNotEqualsIfExists", red).get(), "DENY Identity");
    check(34, only("StringEqualsIfExists", red).get(), "allow Identity");
    let no_mfa = r#"{"aws:MultiFactorAuthPresent":"false"}"#;
    check(35, but("BoolIfExists", no_mfa).get(), "DENY Identity");
    check(36, but("Bool", no_mfa).get(), "allow Identity");
    let every = || only("ForAllValues:StringEquals", r#"{"aws:TagKeys":["a","b"]}"#);
    check(37, every().with("aws:TagKeys", "a").get(), "allow Identity");
    check(37, every().with("aws:TagKeys", "a").with("aws:TagKeys", "c").get(), "deny Identity");
    check(37, every().get(), "allow Identity");
    let any = || only("ForAnyValue:StringEquals", r#"{"aws:TagKeys":["a"]}"#);
    check(38, any().with("aws:TagKeys", "a").with("aws:TagKeys", "c").get(), "allow Identity");
    check(38, any().get(), "deny Identity");
    let regions = || but("StringNotEquals", r#"{"aws:RequestedRegion":["x","y"]}"#);
    check(39, regions().with("aws:RequestedRegion", "y").get(), "allow Identity");
    check(39, regions().with("aws:RequestedRegion", "z").get(), "DENY Identity");
    let prefix = || only("StringLike", r#"{"s3:prefix":"home/${*}"}"#);
    check(43, prefix().with("s3:prefix", "home/*").get(), "allow Identity");
    check(43, prefix().with("s3:prefix", "home/x").get(), "deny Identity");
    let (pattern, name) = ("arn:aws:x:*:1:f/*", "arn:aws:x:r:9:s/a:1:f/d");
    let like =
        |operator: &str| only(operator, &format!(r#"{{"aws:SourceArn":"{pattern}"}}"#)).with("aws:SourceArn", name);
    check(44, like("ArnLike").get(), "deny Identity");
    check(44, like("StringLike").get(), "allow Identity");
    let range = r#"{"aws:SourceIp":"10.0.0.0/8"}"#;
    check(45, only("IpAddress", range).with("aws:VpcSourceIp", "10.1.1.1").get(), "deny Identity");
    check(46, but("NotIpAddress", range).with("aws:VpcSourceIp", "10.1.1.1").get(), "DENY Identity");
    let long_term = || only("Null", r#"{"aws:TokenIssueTime":"true"}"#);
    check(47, long_term().get(), "allow Identity");
    check(47, long_term().with("aws:TokenIssueTime", "2026-01-02T03:04:05Z").get(), "deny Identity");
    let few = || only("NumericLessThanEquals", r#"{"s3:max-keys":"10"}"#);
    check(48, few().with("s3:max-keys", "10").get(), "allow Identity");
    check(48, few().get(), "deny Identity");
    let later = || only("DateGreaterThan", r#"{"aws:CurrentTime":"1561987214"}"#);
    check(49, later().with("aws:CurrentTime", "2019-07-01T13:20:15Z").get(), "allow Identity");
    check(49, later().with("aws:CurrentTime", "2019-07-01T13:20:14Z").get(), "deny Identity");
}

#[test]
fn variables() {
    let own = allow("s3:*", "arn:aws:s3:::b/${aws:username}/*");
    for (version, expect) in [(NEWEST, "allow Identity"), ("", "deny Identity")] {
        let mut scene = Scene::of(user(A, "ann")).with("aws:username", "ann");
        let policy = Arc::new(read(version, std::slice::from_ref(&own), &Kind::Identity));
        scene.rights.identity.push(Attached { source: managed("i"), policy });
        check(40, scene.ask("s3:GetObject", "arn:aws:s3:::b/ann/k"), expect);
    }
    let team = u().identity(allow("s3:*", "arn:aws:s3:::b-${aws:PrincipalTag/team, 'all'}"));
    check(41, team.ask("s3:ListBucket", "arn:aws:s3:::b-all"), "allow Identity");
    let tag = u().identity(allow("s3:*", "arn:aws:s3:::b/${aws:PrincipalTag/t}/*"));
    check(42, tag.ask("s3:GetObject", "arn:aws:s3:::b//k"), "deny Identity");
    check(42, tag.ask("s3:GetObject", "arn:aws:s3:::b/${aws:PrincipalTag/t}/k"), "deny Identity");
}

#[test]
fn services_and_roots() {
    let topic = "arn:aws:sns:us-east-1:111111111111:t";
    let principal =
        format!(r#"{{"Service":"sns.amazonaws.com"}},"Condition":{{"ArnEquals":{{"aws:SourceArn":"{topic}"}}}}"#);
    let sent = |caller: Caller, source: &str| {
        Scene::of(caller)
            .resource(grants(&principal, "sqs:SendMessage"))
            .with("aws:SourceArn", source)
            .ask("sqs:SendMessage", SQS)
    };
    check(50, sent(service("sns.amazonaws.com"), topic), "allow Resource");
    check(50, sent(service("sns.amazonaws.com"), "arn:aws:sns:us-east-1:222222222222:t"), "deny Resource");
    check(50, sent(user(A, "u"), topic), "deny Identity");
    let locked = |caller: Caller| Scene::of(caller).identity(all()).resource(forbids("\"*\"", "*"));
    check(51, locked(root(A)).ask("sqs:SetQueueAttributes", SQS), "allow Identity");
    check(51, locked(root(A)).ask("sqs:SendMessage", SQS), "DENY Resource");
    check(51, locked(user(A, "u")).ask("sqs:SetQueueAttributes", SQS), "DENY Resource");
}

#[test]
fn trust() {
    let assume = || allow("sts:AssumeRole", "*");
    let everybody_of_a = format!(r#"{{"AWS":"{A}"}}"#);
    check(52, u().trust(trusts(&everybody_of_a)).assume(), "deny Identity");
    check(52, u().trust(trusts(&everybody_of_a)).identity(assume()).assume(), "allow Identity");
    check(53, u().trust(trusts(U)).assume(), "allow Trust");
    check(53, u().trust(trusts(U)).identity(deny("sts:*", "*")).assume(), "DENY Identity");
    let again = Caller::User { account: account(A), arn: Arn::user(account(A), "/", "u"), unique_id: "AIDANEW".into() };
    check(54, Scene::of(again).trust(trusts(U)).identity(assume()).assume(), "deny Trust");
}
