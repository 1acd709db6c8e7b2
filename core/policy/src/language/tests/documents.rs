//! What IAM says of documents that it does not take, and in which order (`spec/policy.md` 3.1).

use super::*;

#[track_caller]
fn check(kind: &Kind, text: &str, expect: &str) {
    let seen = Policy::parse(text.as_bytes(), kind).err().map(|e| e.message);
    assert_eq!(seen.as_deref().unwrap_or("taken"), expect, "{text}");
}

fn of(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

/// A document that is wrong in one way more than the next: the first is told.
#[test]
fn managed_policies_are_looked_over_in_passes() {
    let check = |text: &str, expect: &str| check(&Kind::Managed, text, expect);
    let ok = r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b""#;
    let old = format!(r#"{{"Statement":{{{ok}}}}}"#);
    let version = "Policy document must be version 2012-10-17 or greater.";
    let legacy = "The policy failed legacy parsing";
    check(&old, version);
    check(&old.replace("{\"Statement\"", "{\"Version\":\"2008-10-17\",\"Statement\""), version);
    check(&old.replace("Allow", "allow"), version);
    check(&old.replace("}}", ",\"Extra\":1}}"), "Syntax errors in policy.");
    check(&of(&format!("{{{ok}}}")), "taken");
    check(
        &of(&format!("{{{}}},{{\"Effect\":\"Allow\",\"Sid\":{{}}}}", ok.replace("Allow", "allow"))),
        "Syntax errors in policy.",
    );
    check(&of(&format!(r#"{{"Sid":"s",{}}},{{"Sid":"s","Effect":"Allow"}}"#, ok.replace("Allow", "aLLow"))), legacy);
    let twice = "Statement IDs (SID) in a single policy must be unique.";
    check(&of(&format!(r#"{{"Sid":"s",{ok}}},{{"Sid":"s","Effect":"Allow"}}"#)), twice);
    check(&of(&format!(r#"{{"Sid":"",{ok}}},{{"Sid":"",{ok}}}"#)), "taken");
    let no_action = "Policy statement must contain actions.";
    check(&of(r#"{"Effect":"Deny"},{"Effect":"Allow","Action":"a","Resource":"x"}"#), no_action);
    check(&of(r#"{"Effect":"Allow","Resource":"arn:aws:s3::b"}"#), legacy);
    let no_resource = "Policy statement must contain resources.";
    check(&of(r#"{"Effect":"Allow","Action":"invalid"}"#), no_resource);
    check(&of(r#"{"Effect":"Allow","Action":"invalid","Resource":"x"}"#), "Resource x must be in ARN format or \"*\".");
    check(&of(r#"{"Effect":"Allow","Action":"a b:c:d","Resource":"*"}"#), "Vendor a b is not valid");
    check(
        &of(r#"{"Effect":"Allow","Action":["a:b","s:3:c","x"],"Resource":"*"}"#),
        "Actions/Condition can contain only one colon.",
    );
    check(&of(&format!(r#"{{{ok},"Principal":"*"}}"#)), "Policy document should not specify a principal.");
}

#[test]
fn resources_of_managed_policies() {
    let check = |resource: &str, expect: &str| {
        let text = of(&format!(r#"{{"Effect":"Allow","Action":"s3:ListBucket","Resource":"{resource}"}}"#));
        check(&Kind::Managed, &text, expect);
    };
    let paths = "IAM resource path must either be \"*\", root, or start with user/, federated-user/, role/, group/, \
                 instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, \
                 access-report/.";
    check("arn:aws:iam:::example", paths);
    check("arn:aws:iam::111111111111:key/x", paths);
    for taken in [
        "arn:aws:iam:::user/x",
        "arn:aws:iam::*:root",
        "arn:aws:iam::111111111111:*",
        "arn:aws:iam::111111111111:u*",
        "arn:aws:iam::*:mfa/${aws:username}",
        "arn:aws:fdsasf",
        "arn:aws:s33:::b",
        "arn:aws:s3:us-east-1::accesspoint/a",
    ] {
        check(taken, "taken");
    }
    check("a:b:cad", "Partition \"b\" is not valid for resource \"arn:b:cad:*:*:*\".");
    check("a:b:c:d:e:f:g:h", "Partition \"b\" is not valid for resource \"arn:b:c:d:e:f:g:h\".");
    check("arn:aws", "Resource vendor must be fully qualified and cannot contain regexes.");
    check("arn:aws:iam:us-east-1::x", "IAM resource arn:aws:iam:us-east-1::x cannot contain region information.");
    check("arn:aws:s3:us-east-1::b", "Resource arn:aws:s3:us-east-1::b can not contain region information.");
}

#[test]
fn dates_that_iam_takes() {
    let check = |date: &str, expect: &str| {
        let condition = format!(r#""Condition":{{"DateGreaterThan":{{"aws:CurrentTime":"{date}"}}}}"#);
        let text = of(&format!(r#"{{"Effect":"Allow","Action":"s3:x","Resource":"*",{condition}}}"#));
        check(&Kind::Managed, &text, expect);
    };
    for taken in [
        "2019-07-01T13:20:15Z",
        "2016-12-13T21:20:37.593194+00:00",
        "2016-12-13t2:00:00.593194+23",
        "01T",
        "2019-01T",
        "-292275054",
    ] {
        check(taken, "taken");
    }
    for refused in [
        "sdf",
        "234-13",
        "2016-12-13t2:00:00.593194+1",
        "2016-12-13t2:00:00.1999999999+10:59",
        "9223372036854775808",
        "T",
    ] {
        check(refused, "The policy failed legacy parsing");
    }
}

/// A date that is none is later than nothing, and not earlier either.
#[test]
fn odd_dates_match_nothing() {
    for operator in ["DateGreaterThan", "DateLessThan", "DateEquals"] {
        let text = of(&format!(
            r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"{operator}":{{"aws:CurrentTime":"01T"}}}}}}"#
        ));
        let policy = Policy::parse(text.as_bytes(), &Kind::Managed).expect("taken");
        let context = Context::new().with("aws:CurrentTime", "2026-01-01T00:00:00Z");
        assert_eq!(ask(&policy, &user(A, "u"), "a:b", "*", &context), '-');
    }
}

#[test]
fn inline_policies_may_be_old() {
    let check = |text: &str, expect: &str| check(&Kind::Identity, text, expect);
    let ok = r#"{"Effect":"Allow","Action":"s3:x","Resource":"*"}"#;
    check(&format!(r#"{{"Statement":{ok}}}"#), "taken");
    check(&format!(r#"{{"Version":"2008-10-17","Statement":{ok}}}"#), "taken");
    check(&format!(r#"{{"Version":"2013-10-17","Statement":{ok}}}"#), "Syntax errors in policy.");
}

#[test]
fn trust_policies() {
    let check = |text: &str, expect: &str| check(&Kind::Trust, text, expect);
    let with = |principal: &str, action: &str, more: &str| {
        of(&format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":{action}{more}}}"#))
    };
    let (lambda, assume) = (r#"{"Service":"lambda.amazonaws.com"}"#, r#""sts:AssumeRole""#);
    for text in ["", "x", "[]", "{\"Statement\":}", "{\"a\":1,\"a\":2}"] {
        check(text, "This policy contains invalid Json");
    }
    check(&with(lambda, assume, ""), "taken");
    check(&with(lambda, assume, r#","Condition":{"StringEquals":{"sts:ExternalId":"x"}}"#), "taken");
    check(&with(lambda, r#"["sts:assumerole","sts:TagSession","sts:SetSourceIdentity","sts:*"]"#, ""), "taken");
    check(&with("\"*\"", assume, ""), "taken");
    check(&with(r#"{"AWS":["111111111111","arn:aws:iam::222222222222:role/p/r"]}"#, assume, ""), "taken");
    check(
        &with(r#"{"Federated":"arn:aws:iam::111111111111:saml-provider/x"}"#, r#""sts:AssumeRoleWithSAML""#, ""),
        "taken",
    );
    check(&with(r#"{"Federated":"accounts.google.com"}"#, r#""sts:AssumeRoleWithWebIdentity""#, ""), "taken");
    let only_sts = "AssumeRole policy may only specify STS AssumeRole actions.";
    for action in [r#""s3:GetObject""#, r#""*""#, r#""sts:GetCallerIdentity""#, r#"["sts:AssumeRole","iam:PassRole"]"#]
    {
        check(&with(lambda, action, ""), only_sts);
    }
    check(&with(lambda, assume, "").replace("\"Action\"", "\"NotAction\""), only_sts);
    check(&with(lambda, assume, r#","Resource":"*""#), "Has prohibited field Resource");
    check(&with(lambda, assume, r#","NotResource":"*""#), "Has prohibited field NotResource");
    check(&with(lambda, assume, r#","Extra":"*""#), "Unknown field Extra");
    check(&of(r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#), "Missing required field Principal");
    check(&of(r#"{"Effect":"Allow","Principal":"*"}"#), "Missing required field Action");
    let user = r#"{"AWS":"arn:aws:iam::111111111111:user/*"}"#;
    check(&with(user, assume, ""), "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:user/*\"");
    check(&with(r#"{"Service":"lambda"}"#, assume, ""), "Invalid principal in policy: \"SERVICE\":\"lambda\"");
    check(
        &with(r#"{"Federated":"not one"}"#, assume, ""),
        "Federated principals must be valid domain names or SAML metadata ARNs",
    );
    check(&with(lambda, assume, "").replace("Allow", "allow"), "Invalid effect: allow");
}

/// As people report it: of roles and managed policies by one text, of inline policies by another.
#[test]
fn documents_begin_with_a_brace() {
    let text = of(r#"{"Effect":"Allow","Action":"s3:x","Resource":"*"}"#);
    for space in [" ", "\n", "\t"] {
        let indented = format!("{space}{text}");
        check(&Kind::Managed, &indented, "JSON strings must not have leading spaces");
        check(&Kind::Trust, &indented, "JSON strings must not have leading spaces");
        check(&Kind::Identity, &indented, "The policy failed legacy parsing");
    }
    check(&Kind::Managed, &format!("{text} \n"), "taken");
}

#[test]
fn white_space_is_not_counted() {
    assert_eq!(counted_size(" { \"a b\" :\n\t\"é\" }\r\n"), "{\"ab\":\"é\"}".chars().count());
    assert_eq!(counted_size(""), 0);
}

#[test]
fn keys_of_a_policy() {
    let text =
        of(r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}/${aws:PrincipalTag/t, 'x'}",
            "Condition":{"StringLike":{"s3:Prefix":["${aws:userid}","S3:prefix"],"S3:prefix":"x"},
              "ArnLike":{"aws:SourceArn":"arn:aws:sns:*:${aws:PrincipalAccount}:*"}}}"#);
    let policy = Policy::parse(text.as_bytes(), &Kind::Managed).expect("taken");
    let all =
        ["aws:username", "aws:principaltag/t", "s3:Prefix", "aws:userid", "aws:SourceArn", "aws:principalaccount"];
    assert_eq!(policy.context_keys(), all);
}
