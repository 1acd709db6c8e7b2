//! How principals of policies name callers of every kind (`spec/policy.md` 1.3).

use super::*;

fn session(account_id: &str, role: &str, id: &str, name: &str) -> Caller {
    let text = |text: String| serde_json::from_value::<Arn>(text.into()).expect("a name");
    Caller::Role {
        account: account(account_id),
        role_arn: text(format!("arn:aws:iam::{account_id}:role/p/{role}")),
        role_id: id.into(),
        session_arn: text(format!("arn:aws:sts::{account_id}:assumed-role/{role}/{name}")),
        session_name: name.into(),
    }
}

fn federated(maker: Option<&str>) -> Caller {
    let arn = serde_json::from_value("arn:aws:sts::111111111111:federated-user/f".into()).expect("a name");
    Caller::Federated { account: account(A), arn, user_id: maker.map(str::to_owned) }
}

#[track_caller]
fn check(principal: &str, caller: &Caller, expect: char) {
    let text = format!(
        r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}}}}"#
    );
    let policy = Policy::parse(text.as_bytes(), &bucket()).unwrap_or_else(|e| panic!("{text}: {} ({})", e, e.detail));
    let bindings = [("arn:aws:iam::111111111111:role/p/r", "AROAR"), ("arn:aws:iam::111111111111:user/u", "AIDAU")];
    let policy = policy.bind(&bindings.into_iter().map(|(arn, id)| (arn.to_owned(), id.to_owned())).collect());
    assert_eq!(ask(&policy, caller, "s3:GetObject", "arn:aws:s3:::b/k", &Context::new()), expect, "{principal}");
}

fn aws(text: &str) -> String {
    format!(r#"{{"AWS":"{text}"}}"#)
}

#[test]
fn sessions_of_roles() {
    let x = session(A, "r", "AROAR", "x");
    check(&aws("arn:aws:iam::111111111111:role/p/r"), &x, 'o');
    check(&aws("AROAR"), &x, 'o');
    check(&aws("arn:aws:sts::111111111111:assumed-role/r/x"), &x, 'A');
    check(&aws("arn:aws:sts::111111111111:assumed-role/r/y"), &x, '-');
    check(&aws(A), &x, 'a');
    check(&aws(B), &x, '-');
    check(r#""*""#, &x, '*');
    check(&aws("arn:aws:iam::111111111111:user/u"), &x, '-');
    // Made again under the old name, or unbound: not the one that was meant.
    check(&aws("arn:aws:iam::111111111111:role/p/r"), &session(A, "r", "AROANEW", "x"), '-');
    check(&aws("arn:aws:iam::111111111111:role/r"), &x, '-');
    // The strongest of several.
    check(r#"{"AWS":["111111111111","AROAR","arn:aws:sts::111111111111:assumed-role/r/x"]}"#, &x, 'A');
    check(r#"{"AWS":["111111111111","AROAR"]}"#, &x, 'o');
    check(r#"{"AWS":["*","AROAR"]}"#, &x, '*');
}

#[test]
fn federated_users() {
    let f = federated(Some("AIDAU"));
    check(&aws("arn:aws:sts::111111111111:federated-user/f"), &f, 'A');
    check(&aws("arn:aws:sts::111111111111:federated-user/g"), &f, '-');
    check(&aws("arn:aws:iam::111111111111:user/u"), &f, 'o');
    check(&aws("AIDAU"), &f, 'o');
    check(&aws("AIDAU"), &user(A, "u"), '-');
    check(&aws("AIDAU"), &federated(None), '-');
    check(&aws(A), &federated(None), 'a');
}

#[test]
fn holders_of_tokens() {
    let oidc = "arn:aws:iam::111111111111:oidc-provider/h/p";
    let provider = |text: &str| format!(r#"{{"Federated":"{text}"}}"#);
    let holder = Caller::WebIdentity { provider: oidc.into() };
    check(&provider(oidc), &holder, 'A');
    check(&provider("arn:aws:iam::111111111111:oidc-provider/h"), &holder, '-');
    check(&provider("www.amazon.com"), &Caller::WebIdentity { provider: "www.amazon.com".into() }, 'A');
    check(r#""*""#, &holder, '-');
    check(r#""*""#, &Caller::Saml { provider: "arn:aws:iam::111111111111:saml-provider/s".into() }, '-');
    check(&aws(A), &holder, '-');
}

#[test]
fn what_is_no_principal() {
    for text in [
        "arn:aws:iam::111111111111:group/g",
        "arn:aws:iam::111111111111:role/",
        "arn:aws:iam::111111111111:role/*",
        "arn:aws:sts::111111111111:assumed-role/r",
        "arn:aws:sts::111111111111:assumed-role/p/r/x",
        "arn:aws:sts::111111111111:assumed-role//x",
        "arn:aws:sts::111111111111:federated-user/",
        "arn:aws:sts:us-east-1:111111111111:federated-user/f",
        "AIDA",
        "AROAlower",
        "u",
    ] {
        assert_eq!(principal::Principal::read("AWS", text), None, "{text}");
    }
    for text in ["", "*", "x", "arn:aws:iam::111111111111:oidc-provider/", "arn:aws:iam::111111111111:user/u"] {
        assert_eq!(principal::Principal::read("Federated", text), None, "{text}");
    }
}

/// Whom a policy names, each to be looked up before it is taken.
#[test]
fn names_to_look_up() {
    let text = r#"{"Statement":{"Effect":"Allow","Action":"sts:*","Principal":{
        "AWS":["111111111111","arn:aws:iam::111111111111:role/p/r","arn:aws:sts::111111111111:assumed-role/r/x","AROAX","*",
          "arn:aws:sts::111111111111:federated-user/f","arn:aws:iam::111111111111:user/u","arn:aws:iam::111111111111:user/u"],
        "Federated":["www.amazon.com","arn:aws:iam::111111111111:saml-provider/s"],"Service":"x.amazonaws.com"}}}"#;
    let policy = Policy::parse(text.as_bytes(), &Kind::Trust).expect("taken");
    let (account, text) = (account(A), str::to_owned);
    let role = "arn:aws:iam::111111111111:role/p/r";
    let session = "arn:aws:sts::111111111111:assumed-role/r/x";
    assert_eq!(
        policy.named(),
        [
            Named::Account(account),
            Named::Role { account, name: text("r"), arn: text(role) },
            Named::Session { account, role: text("r"), arn: text(session) },
            Named::UniqueId(text("AROAX")),
            Named::User { account, name: text("u"), arn: text("arn:aws:iam::111111111111:user/u") },
            Named::Provider { account, arn: text("arn:aws:iam::111111111111:saml-provider/s") },
        ]
    );
    assert_eq!(policy.named()[1].refusal(), format!("Invalid principal in policy: \"AWS\":\"{role}\""));
}
