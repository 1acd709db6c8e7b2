//! The reasons in AWS's words (`spec/policy.md` 5).

use super::*;

#[track_caller]
fn check(scene: &Scene, expect: &str, named: &str) {
    let resources = [arn(&format!("arn:aws:iam::{A}:role/r"))];
    let ruling = judge(&scene.case("s3:GetObject", &resources));
    assert_eq!(ruling.because("s3:GetObject", false).as_deref().unwrap_or("allowed"), expect);
    let tail = if named.is_empty() { String::new() } else { format!(": arn:aws:iam::{A}:policy/{named}") };
    let expect = format!("{expect}{tail}");
    assert_eq!(ruling.because("s3:GetObject", true).as_deref().unwrap_or("allowed"), expect);
}

#[test]
fn every_reason() {
    let (all, none, other) = (|| allow("*", "*"), || deny("*", "*"), || allow("x:y", "*"));
    let u = || Scene::of(user(A, "u")).identity(all());
    check(&u(), "allowed", "");
    check(&Scene::of(user(A, "u")), "because no identity-based policy allows the s3:GetObject action", "");
    check(&u().identity(none()), "with an explicit deny in an identity-based policy", "i");
    check(&u().owner(B), "because no resource-based policy allows the s3:GetObject action", "");
    check(&u().resource(forbids("\"*\"", "*")), "with an explicit deny in a resource-based policy", "");
    check(&u().boundary(other()), "because no permissions boundary allows the s3:GetObject action", "");
    check(&u().boundary(none()), "with an explicit deny in a permissions boundary", "b");
    check(&u().session(other()), "because no session policy allows the s3:GetObject action", "");
    // A session policy that was handed over has no name.
    check(&u().session(none()), "with an explicit deny in a session policy", "");
    check(&u().service_control(&[none()]), "with an explicit deny in a service control policy", "scp");
    check(&u().service_control(&[other()]), "with an explicit deny in a service control policy", "");
    check(&u().resource_control(&[other()]), "because no resource control policy allows the s3:GetObject action", "");
    check(&u().resource_control(&[none()]), "with an explicit deny in a resource control policy", "rcp");
    let r = r#"{"AWS":"arn:aws:iam::111111111111:role/r"}"#;
    check(&u().trust(trusts(r)), "because no role trust policy allows the s3:GetObject action", "");
    let denied = r#"{"Effect":"Deny","Principal":"*","Action":"*"}"#;
    check(&u().trust(denied.into()), "with an explicit deny in the role trust policy", "");
}
