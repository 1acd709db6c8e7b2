//! Explanations: every step, what each policy said, and where its statements stand.

use super::*;
use crate::{Effect, Verdict};

fn given(text: &str) -> Attached {
    let policy = Policy::parse(text.as_bytes(), &Kind::Managed).unwrap_or_else(|e| panic!("{text}: {}", e.detail));
    Attached { source: Source::Given("PolicyInputList.1".into()), policy: Arc::new(policy) }
}

/// The positions of AWS's own example of `simulate-custom-policy`.
#[test]
fn statements_have_places() {
    let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}"#;
    let mut scene = Scene::of(user(A, "u"));
    scene.rights.identity.push(given(text));
    let later = scene.clone().with("aws:CurrentTime", "2019-04-25T11:00:00Z");
    let explained = explain(&later.case("dynamodb:CreateBackup", &[])).remove(0);
    assert!(explained.ruling.is_allowed());
    let identity = explained.steps.iter().find(|step| step.layer == Layer::Identity).expect("asked");
    let matched = &identity.opinions[0].matched;
    let place = |at: crate::Position| (at.line, at.column);
    assert_eq!((place(matched[0].span.start), place(matched[0].span.end)), ((1, 38), (1, 167)));
    assert!(explained.missing().is_empty());
    let bare = explain(&scene.case("dynamodb:CreateBackup", &[])).remove(0);
    assert_eq!((bare.ruling.is_allowed(), bare.missing()), (false, vec!["aws:CurrentTime"]));
    let lines = "{\"Version\":\"2012-10-17\",\n \"Statement\":[\n  {\"Sid\":\"é\",\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"},\n  {\"Effect\":\"Allow\",\"Action\":\"*\",\n   \"Resource\":\"arn:aws:s3:::${aws:username}\"}]}";
    let mut scene = Scene::of(user(A, "u"));
    scene.rights.identity.push(given(lines));
    let explained = explain(&scene.case("s3:ListBucket", &[])).remove(0);
    let opinion = &explained.steps.iter().find(|step| step.layer == Layer::Identity).expect("asked").opinions[0];
    assert_eq!(opinion.missing, ["aws:username"]);
    assert_eq!(opinion.matched.len(), 1);
    assert_eq!(opinion.matched[0].effect, Effect::Deny);
    let span = opinion.matched[0].span;
    assert_eq!((place(span.start), place(span.end)), ((3, 4), (3, 58)));
}

#[test]
fn every_step_is_told() {
    let mut scene = Scene::of(role(A, "r"))
        .identity(allow("s3:*", "*"))
        .boundary(allow("s3:Get*", "*"))
        .session(allow("sqs:*", "*"))
        .resource(grants(r#"{"AWS":"222222222222"}"#, "s3:*"))
        .service_control(&[allow("*", "*")])
        .service_control(&[allow("*", "*")]);
    scene.rights.identity[0].source = Source::Inline { of: Holder::Role("r".into()), name: "p".into() };
    let resources = [arn("arn:aws:s3:::b/k")];
    let explained = explain(&scene.case("s3:GetObject", &resources)).remove(0);
    assert_eq!(
        explained.to_string(),
        "service control policies: allows\n\
         \x20 policy arn:aws:iam::111111111111:policy/scp: statement 1 allows it\n\
         service control policies, level 2: allows\n\
         \x20 policy arn:aws:iam::111111111111:policy/scp: statement 1 allows it\n\
         resource-based policy: does not allow\n\
         \x20 the policy of the resource: statement 1 is about other principals\n\
         identity-based policies: allows\n\
         \x20 inline policy p of role r: statement 1 allows it\n\
         permissions boundary: allows\n\
         \x20 policy arn:aws:iam::111111111111:policy/b: statement 1 allows it\n\
         session policies: does not allow\n\
         \x20 the session's policy: statement 1 is about other actions\n\
         denied on arn:aws:s3:::b/k"
    );
    let root = Scene::of(root(A)).identity(deny("*", "*"));
    let explained = explain(&root.case("s3:GetObject", &resources)).remove(0);
    let identity = explained.steps.iter().find(|step| step.layer == Layer::Identity).expect("told");
    assert_eq!(identity.outcome, Outcome::NotAsked("the root of an account needs none"));
    assert!(identity.opinions.is_empty() && explained.ruling.is_allowed());
}

/// Simulations show what was outweighed as well.
#[test]
fn all_that_matches_is_told() {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
        {"Sid":"no","Effect":"Deny","Action":"s3:*","Resource":"*"},{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}"#;
    let mut scene = Scene::of(user(A, "u"));
    scene.rights.identity.push(given(text));
    let explained = explain(&scene.case("s3:GetObject", &[])).remove(0);
    let opinion = &explained.steps.iter().find(|step| step.layer == Layer::Identity).expect("asked").opinions[0];
    let numbers: Vec<_> = opinion.matched.iter().map(|matched| matched.statement.number).collect();
    assert_eq!(numbers, [1, 2]);
    let determining = |explained: &Explanation<'_>| {
        explained.determining().iter().map(|(_, _, matched)| matched.statement.number).collect::<Vec<_>>()
    };
    assert_eq!(determining(&explained), [2]);
    assert_eq!(determining(&explain(&scene.case("sqs:SendMessage", &[])).remove(0)), [1, 3]);
    assert!(matches!(&opinion.verdict, Verdict::Denied { by } if by.sid.as_deref() == Some("no")));
}
