//! Every rule of evaluation, each with the decision that it leads to (`spec/policy.md` 4).

use super::*;

const U: &str = r#"{"AWS":"arn:aws:iam::111111111111:user/u"}"#;
const R: &str = r#"{"AWS":"arn:aws:iam::111111111111:role/r"}"#;
const S: &str = r#"{"AWS":"arn:aws:sts::111111111111:assumed-role/r/x"}"#;
const F: &str = r#"{"AWS":"arn:aws:sts::111111111111:federated-user/f"}"#;
const ANYONE: &str = "\"*\"";

fn of_account(id: &str) -> String {
    format!(r#"{{"AWS":"{id}"}}"#)
}

fn all() -> String {
    allow("*", "*")
}

fn none() -> String {
    deny("*", "*")
}

fn other() -> String {
    allow("x:y", "*")
}

#[track_caller]
fn check(scene: Scene, expect: &str) {
    assert_eq!(scene.get(), expect);
}

/// A caller with everything, from whom one layer takes it.
fn full(caller: Caller) -> Scene {
    Scene::of(caller)
        .identity(all())
        .boundary(all())
        .session(all())
        .service_control(&[all()])
        .resource_control(&[all()])
}

#[test]
fn a_deny_ends_it_wherever_it_stands() {
    for caller in [user(A, "u"), role(A, "r"), federated(A, Some("u"))] {
        let full = || full(caller.clone()).resource(grants(ANYONE, "*"));
        check(full(), "allow Resource");
        check(full().identity(none()), "DENY Identity");
        check(full().boundary(none()), "DENY Boundary");
        check(full().session(none()), "DENY Session");
        check(full().resource(forbids(ANYONE, "*")), "DENY Resource");
        check(full().service_control(&[none()]), "DENY ServiceControl");
        check(full().resource_control(&[none()]), "DENY ResourceControl");
    }
}

#[test]
fn each_layer_must_allow() {
    for caller in [user(A, "u"), role(A, "r"), federated(A, Some("u"))] {
        let full = || full(caller.clone());
        check(full(), "allow Identity");
        check(Scene { rights: Rights { identity: vec![], ..full().rights }, ..full() }, "deny Identity");
        check(full().boundary(other()), "deny Boundary");
        check(Scene { session: Some(vec![]), ..full() }, "deny Session");
        check(full().service_control(&[other()]), "DENY ServiceControl");
        check(full().resource_control(&[other()]), "deny ResourceControl");
        // Levels are an intersection, policies of a level are a union.
        check(full().service_control(&[all()]).service_control(&[other(), all()]), "allow Identity");
        // Session policies are a union too.
        check(full().session(other()), "allow Identity");
    }
}

/// Of several that deny, one is told.
#[test]
fn the_order_of_reasons() {
    let mut scene = Scene::of(user(B, "v"))
        .session(none())
        .boundary(none())
        .identity(none())
        .resource(forbids(ANYONE, "*"))
        .resource_control(&[none()])
        .service_control(&[none()]);
    check(scene.clone(), "DENY ServiceControl");
    scene.rights.service_control = vec![vec![attached(managed("scp"), &[other()])]];
    check(scene.clone(), "DENY ResourceControl");
    scene.resource_control.clear();
    check(scene.clone(), "DENY Resource");
    scene = scene.resource(grants(r#"{"AWS":"111111111111"}"#, "*"));
    check(scene.clone(), "DENY Identity");
    scene.rights.identity.clear();
    check(scene.clone(), "DENY Boundary");
    scene = scene.boundary(other());
    check(scene.clone(), "DENY Session");
    scene.session = Some(vec![]);
    check(scene.clone(), "DENY ServiceControl");
    scene.rights.service_control.clear();
    check(scene.clone(), "deny Resource");
    scene = scene.resource(grants(ANYONE, "*"));
    check(scene.clone(), "deny Identity");
    scene = scene.identity(all());
    check(scene.clone(), "deny Boundary");
    scene = scene.boundary(all());
    check(scene.clone(), "deny Session");
    scene.session = None;
    check(scene, "allow Identity");
}

/// What an Allow of the resource's policy is worth within an account, by how it names the caller.
#[test]
fn the_resources_policy_within_an_account() {
    // None of its own; its boundary and session say nothing.
    let bare = |caller: Caller| Scene::of(caller).boundary(other()).session(other());
    let (u, s, f) = (user(A, "u"), role(A, "r"), federated(A, Some("u")));
    for caller in [&u, &s, &f] {
        check(bare(caller.clone()).resource(grants(ANYONE, "*")), "allow Resource");
        check(bare(caller.clone()).resource(grants(r#"{"AWS":"*"}"#, "*")), "allow Resource");
        check(bare(caller.clone()).resource(grants(&of_account(A), "*")), "deny Identity");
        check(bare(caller.clone()).resource(grants(&of_account(B), "*")), "deny Identity");
        let not = says("Allow", "*", "*", &format!(r#","NotPrincipal":{}"#, of_account(B)));
        check(bare(caller.clone()).resource(not), "allow Resource");
    }
    check(bare(u.clone()).resource(grants(U, "*")), "allow Resource");
    check(bare(u).resource(grants(r#"{"AWS":"AIDAU"}"#, "*")), "allow Resource");
    check(bare(s.clone()).resource(grants(S, "*")), "allow Resource");
    check(bare(f.clone()).resource(grants(F, "*")), "allow Resource");
    // A session named by its role or its maker has no more than an Allow of its own.
    for (caller, owner) in [(&s, R), (&s, r#"{"AWS":"AROAR"}"#), (&f, U)] {
        let named = || Scene::of(caller.clone()).resource(grants(owner, "*"));
        check(bare(caller.clone()).resource(grants(owner, "*")), "deny Boundary");
        check(named().session(all()), "allow Resource");
        check(named().session(other()), "deny Session");
        check(named().boundary(all()).session(all()), "allow Resource");
    }
    check(Scene::of(s).resource(grants(R, "*")), "allow Resource");
    // Nobody says what a federated user may.
    check(Scene::of(f).resource(grants(U, "*")), "deny Session");
    // Another session of the role, another role, another user.
    let other_session = r#"{"AWS":"arn:aws:sts::111111111111:assumed-role/r/y"}"#;
    check(Scene::of(role(A, "r")).resource(grants(other_session, "*")), "deny Identity");
    check(Scene::of(role(A, "q")).resource(grants(R, "*")), "deny Identity");
    check(Scene::of(user(A, "w")).resource(grants(U, "*")), "deny Identity");
}

#[test]
fn across_accounts_both_sides_must_allow() {
    let (u, s, f) = (user(B, "u"), role(B, "r"), federated(B, Some("u")));
    let by_name = |caller: &Caller| match caller {
        Caller::User { arn, .. } | Caller::Federated { arn, .. } => format!(r#"{{"AWS":"{arn}"}}"#),
        Caller::Role { session_arn, .. } => format!(r#"{{"AWS":"{session_arn}"}}"#),
        _ => panic!("nobody else"),
    };
    for caller in [&u, &s, &f] {
        for principal in [ANYONE.to_owned(), of_account(B), by_name(caller)] {
            let theirs = || Scene::of(caller.clone()).resource(grants(&principal, "*")).session(all());
            check(theirs().identity(all()), "allow Identity");
            check(theirs(), "deny Identity");
            check(theirs().identity(all()).boundary(other()), "deny Boundary");
            check(Scene { session: Some(vec![]), ..theirs().identity(all()) }, "deny Session");
        }
        check(full(caller.clone()), "deny Resource");
        check(full(caller.clone()).resource(grants(&of_account(A), "*")), "deny Resource");
        check(full(caller.clone()).resource(forbids(&of_account(B), "*")), "DENY Resource");
    }
    // A role that is named does not stand in for its own Allow here.
    let named = grants(r#"{"AWS":"arn:aws:iam::222222222222:role/r"}"#, "*");
    check(Scene::of(s).resource(named), "deny Identity");
    check(Scene::of(root(B)).resource(grants(&of_account(B), "*")), "allow Identity");
    check(Scene::of(root(B)), "deny Resource");
}

/// The owner may stand in the ARN, and AWS's own things are nobody's.
#[test]
fn whose_a_thing_is() {
    let ask = |arn: &str| {
        let mut scene = Scene::of(user(A, "u")).identity(all());
        scene.owner = None;
        scene.ask("a:b", arn)
    };
    assert_eq!(ask("arn:aws:iam::222222222222:role/r"), "deny Resource");
    assert_eq!(ask("arn:aws:iam::111111111111:role/r"), "allow Identity");
    assert_eq!(ask("arn:aws:iam::aws:policy/ReadOnlyAccess"), "allow Identity");
    assert_eq!(ask("arn:aws:s3:::b"), "allow Identity");
    assert_eq!(ask("*"), "allow Identity");
}

#[test]
fn roots() {
    check(Scene::of(root(A)), "allow Identity");
    check(Scene::of(root(A)).resource(forbids(ANYONE, "*")), "DENY Resource");
    check(Scene::of(root(A)).service_control(&[other()]), "DENY ServiceControl");
    check(Scene::of(root(A)).resource_control(&[none()]), "DENY ResourceControl");
    // A session can have less than the root that it is of.
    check(Scene::of(root(A)).session(other()), "deny Session");
    check(Scene::of(federated(A, None)).session(all()), "allow Identity");
    check(Scene::of(federated(A, None)), "deny Session");
    // Its own buckets' policies are never out of reach, unless the organization takes them.
    let bucket = "arn:aws:s3:::b";
    let locked = || Scene::of(root(A)).resource(forbids(ANYONE, "*"));
    for action in ["s3:PutBucketPolicy", "s3:GetBucketPolicy", "s3:DeleteBucketPolicy", "sqs:SetQueueAttributes"] {
        assert_eq!(locked().ask(action, bucket), "allow Identity");
        assert_eq!(locked().service_control(&[none()]).ask(action, bucket), "DENY ServiceControl");
    }
    assert_eq!(locked().ask("s3:PutObject", bucket), "DENY Resource");
    assert_eq!(locked().owner(B).ask("s3:PutBucketPolicy", bucket), "DENY Resource");
    assert_eq!(Scene::of(root(A)).key().ask("kms:Decrypt", "*"), "deny Resource");
    assert_eq!(
        Scene::of(root(A)).resource(grants(&of_account(A), "*")).key().ask("kms:Decrypt", "*"),
        "allow Resource"
    );
}

#[test]
fn services_and_the_anonymous() {
    let sns = || Scene::of(service("sns.amazonaws.com"));
    let named = r#"{"Service":"sns.amazonaws.com"}"#;
    check(sns(), "deny Resource");
    check(sns().resource(grants(named, "*")), "allow Resource");
    check(sns().resource(grants(ANYONE, "*")), "allow Resource");
    check(sns().resource(forbids(ANYONE, "*")), "DENY Resource");
    check(sns().resource(grants(r#"{"Service":"sqs.amazonaws.com"}"#, "*")), "deny Resource");
    // Whatever its account's organization says to its principals; not what it says of its resources.
    check(sns().resource(grants(named, "*")).service_control(&[none()]), "allow Resource");
    check(sns().resource(grants(named, "*")).resource_control(&[none()]), "DENY ResourceControl");
    // Rights that nobody has are nobody's.
    check(sns().identity(all()), "deny Resource");
    let linked = role(A, "aws-service-role/x.amazonaws.com/AWSServiceRoleForX");
    check(Scene::of(linked.clone()).identity(all()).service_control(&[none()]), "allow Identity");
    check(Scene::of(linked).identity(all()).resource_control(&[none()]), "allow Identity");
    check(Scene::of(Caller::Anonymous), "deny Resource");
    check(Scene::of(Caller::Anonymous).identity(all()), "deny Resource");
    check(Scene::of(Caller::Anonymous).resource(grants(ANYONE, "*")), "allow Resource");
    check(Scene::of(Caller::Anonymous).resource(grants(&of_account(A), "*")), "deny Resource");
}

#[test]
fn trust_policies_are_needed() {
    #[track_caller]
    fn check(scene: Scene, expect: &str) {
        assert_eq!(scene.assume(), expect);
    }
    let u = || Scene::of(user(A, "u"));
    check(u().identity(all()).trust(trusts(R)), "deny Trust");
    check(u().trust(trusts(U)), "allow Trust");
    check(u().trust(trusts(ANYONE)), "allow Trust");
    check(u().trust(trusts(&of_account(A))), "deny Identity");
    check(u().trust(trusts(&of_account(A))).identity(all()), "allow Identity");
    check(u().trust(trusts(&of_account(A))).identity(all()).boundary(other()), "deny Boundary");
    check(u().identity(all()).trust(trusts(U).replace("Allow", "Deny")), "DENY Trust");
    // A chain of roles: the role that is named stands for an Allow of the session's own.
    let chained = || Scene::of(role(A, "r")).trust(trusts(R));
    check(chained(), "allow Trust");
    check(chained().session(other()), "deny Session");
    // Another account's user.
    let v = || Scene::of(user(B, "v"));
    check(v().trust(trusts(&of_account(B))), "deny Identity");
    check(v().trust(trusts(&of_account(B))).identity(all()), "allow Identity");
    check(v().identity(all()).trust(trusts(&of_account(A))), "deny Trust");
    // Holders of tokens are let in by the name of their provider, and by nothing else.
    let oidc = "arn:aws:iam::111111111111:oidc-provider/token.example.com";
    let saml = "arn:aws:iam::111111111111:saml-provider/corp";
    let named = |provider: &str| trusts(&format!(r#"{{"Federated":"{provider}"}}"#));
    for (caller, provider) in [
        (Caller::WebIdentity { provider: oidc.into() }, oidc),
        (Caller::WebIdentity { provider: "accounts.google.com".into() }, "accounts.google.com"),
        (Caller::Saml { provider: saml.into() }, saml),
    ] {
        let holder = || Scene::of(caller.clone());
        check(holder().trust(named(provider)), "allow Trust");
        check(holder().trust(named("www.amazon.com")), "deny Trust");
        check(holder().trust(trusts(ANYONE)), "deny Trust");
        check(holder().trust(trusts(&of_account(A))), "deny Trust");
        check(holder().trust(trusts(&of_account(B)).replace("\"Principal\"", "\"NotPrincipal\"")), "deny Trust");
        check(holder().trust(trusts(ANYONE).replace("Allow", "Deny")), "DENY Trust");
    }
    let lambda = || Scene::of(service("lambda.amazonaws.com"));
    check(lambda().trust(trusts(r#"{"Service":"lambda.amazonaws.com"}"#)), "allow Trust");
    check(lambda().trust(trusts(ANYONE)), "deny Trust");
    check(Scene::of(Caller::Anonymous).trust(trusts(ANYONE)), "deny Trust");
}

#[test]
fn key_policies_are_needed() {
    let u = || Scene::of(user(A, "u"));
    check(u().identity(all()).key(), "deny Resource");
    check(u().resource(grants(U, "*")).key(), "allow Resource");
    check(u().resource(grants(&of_account(A), "*")).key(), "deny Identity");
    check(u().resource(grants(&of_account(A), "*")).identity(all()).key(), "allow Identity");
}

/// A Deny with NotPrincipal spares a session only where it, its role and its account are all named.
#[test]
fn not_principals_that_deny() {
    let deny_but = |names: &str| says("Deny", "*", "*", &format!(r#","NotPrincipal":{{"AWS":[{names}]}}"#));
    let session = || Scene::of(role(A, "r")).identity(all());
    let (own, role_arn) = (r#""arn:aws:sts::111111111111:assumed-role/r/x""#, r#""arn:aws:iam::111111111111:role/r""#);
    check(session().resource(deny_but(&format!("{own},{role_arn},\"{A}\""))), "allow Identity");
    check(session().resource(deny_but(&format!("{role_arn},\"{A}\""))), "DENY Resource");
    check(session().resource(deny_but(&format!("{own},\"{A}\""))), "DENY Resource");
    check(session().resource(deny_but(&format!("{own},{role_arn}"))), "DENY Resource");
    check(Scene::of(Caller::Anonymous).resource(deny_but(own)), "DENY Resource");
}

/// All that is touched must be allowed, and a statement's denial is told before a lack.
#[test]
fn several_resources() {
    let scene =
        Scene::of(user(A, "u")).identity(allow("*", "arn:aws:s3:::b/*")).identity(deny("*", "arn:aws:s3:::b/no"));
    let ask = |names: &[&str]| {
        let resources: Vec<Arn> = names.iter().map(|name| arn(&format!("arn:aws:s3:::{name}"))).collect();
        word_of(&judge(&scene.case("s3:GetObject", &resources)))
    };
    assert_eq!(ask(&["b/1", "b/2"]), "allow Identity");
    assert_eq!(ask(&["b/1", "c/2"]), "deny Identity");
    assert_eq!(ask(&["c/1", "b/2"]), "deny Identity");
    assert_eq!(ask(&["c/1", "b/no"]), "DENY Identity");
    assert_eq!(ask(&["b/no", "c/1"]), "DENY Identity");
}
