//! What holds whatever the policies say.

use proptest::prelude::*;

use super::*;

/// A statement of few words, so that many are about the request.
fn statement() -> impl Strategy<Value = String> {
    let action = prop::sample::select(vec!["*", "s3:*", "s3:Get*", "s3:GetObject", "s3:PutObject", "sqs:*"]);
    let resource = prop::sample::select(vec!["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::c/*"]);
    let condition = prop::sample::select(vec![
        "",
        r#","Condition":{"StringEquals":{"aws:username":"u"}}"#,
        r#","Condition":{"StringNotEquals":{"aws:username":"u"}}"#,
        r#","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#,
    ]);
    (prop::bool::weighted(0.8), action, resource, condition)
        .prop_map(|(allow, action, resource, more)| says(if allow { "Allow" } else { "Deny" }, action, resource, more))
}

fn principal() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "\"*\"",
        r#"{"AWS":"111111111111"}"#,
        r#"{"AWS":"222222222222"}"#,
        r#"{"AWS":"arn:aws:iam::111111111111:user/u"}"#,
        r#"{"AWS":"arn:aws:iam::222222222222:role/r"}"#,
        r#"{"AWS":"arn:aws:iam::111111111111:role/r"}"#,
        r#"{"AWS":"arn:aws:sts::111111111111:federated-user/f"}"#,
        r#"{"Service":"sns.amazonaws.com"}"#,
    ])
}

fn of_resource() -> impl Strategy<Value = String> {
    (statement(), principal())
        .prop_map(|(statement, principal)| format!(r#"{{"Principal":{principal},{}"#, &statement[1..]))
}

fn caller() -> impl Strategy<Value = Caller> {
    prop::sample::select(vec![
        root(A),
        root(B),
        user(A, "u"),
        user(B, "v"),
        role(A, "r"),
        role(B, "r"),
        federated(A, Some("u")),
        federated(A, None),
        service("sns.amazonaws.com"),
        Caller::Anonymous,
    ])
}

prop_compose! {
    fn scene()(
        caller in caller(),
        identity in prop::collection::vec(statement(), 0..3),
        boundary in prop::option::of(statement()),
        session in prop::option::of(prop::collection::vec(statement(), 0..3)),
        resource in prop::option::of(of_resource()),
        service_control in prop::collection::vec(prop::collection::vec(statement(), 1..3), 0..2),
        key in any::<bool>(),
        named in any::<bool>(),
    ) -> Scene {
        let mut scene = identity.into_iter().fold(Scene::of(caller), Scene::identity);
        if let Some(statement) = boundary {
            scene = scene.boundary(statement);
        }
        if let Some(statements) = session {
            scene.session = Some(Vec::new());
            scene = statements.into_iter().fold(scene, Scene::session);
        }
        if let Some(statement) = resource {
            scene = scene.resource(statement);
        }
        for level in service_control {
            scene = scene.service_control(&level);
        }
        if key {
            scene = scene.key();
        }
        if named { scene.with("aws:username", "u") } else { scene }
    }
}

fn allows(scene: &Scene) -> bool {
    scene.get().starts_with("allow")
}

fn no_allow_among(policies: &[Attached], scene: &Scene) -> bool {
    let bare = Scene { rights: Rights { identity: policies.to_vec(), ..Rights::default() }, ..Scene::of(user(A, "x")) };
    !allows(&Scene { context: scene.context.clone(), ..bare })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_deny_more_never_allows(scene in scene(), more in statement()) {
        let more = more.replace("\"Allow\"", "\"Deny\"");
        let before = allows(&scene);
        let as_identity = allows(&scene.clone().identity(more.clone()));
        let as_session = scene.session.is_some() && allows(&scene.clone().session(more.clone()));
        let as_level = allows(&scene.clone().service_control(&[allow("*", "*"), more]));
        prop_assert!(before || !(as_identity || as_session || as_level));
    }

    #[test]
    fn an_allow_more_never_denies(scene in scene(), more in statement()) {
        let more = more.replace("\"Deny\"", "\"Allow\"");
        let before = allows(&scene);
        prop_assert!(!before || allows(&scene.clone().identity(more)));
    }

    #[test]
    fn a_boundary_only_takes(scene in scene(), boundary in statement()) {
        let mut free = scene.clone();
        free.rights.boundary = None;
        prop_assert!(!allows(&scene.boundary(boundary)) || allows(&free));
    }

    #[test]
    fn a_session_policy_only_takes(scene in scene(), session in statement()) {
        prop_assume!(!matches!(scene.caller, Caller::Federated { .. }));
        let free = Scene { session: None, ..scene.clone() };
        let narrowed = Scene { session: Some(vec![]), ..scene }.session(session);
        prop_assert!(!allows(&narrowed) || allows(&free));
    }

    #[test]
    fn across_accounts_both_are_needed(
        scene in scene(),
        caller in prop::sample::select(vec![root(B), user(B, "v"), role(B, "r")]),
        principal in prop::sample::select(vec!["\"*\"", r#"{"AWS":"222222222222"}"#]),
    ) {
        let scene = Scene { caller, ..scene }.resource(grants(principal, "s3:GetObject"));
        if !allows(&scene) {
            return Ok(());
        }
        let unasked = Scene { resource: None, ..scene.clone() };
        prop_assert!(!allows(&unasked));
        let is_root = matches!(scene.caller, Caller::Root { .. });
        prop_assert!(is_root || !no_allow_among(&scene.rights.identity, &scene));
        let none = Scene { rights: Rights { identity: vec![], ..scene.rights.clone() }, ..scene };
        prop_assert!(is_root || !allows(&none));
    }

    /// What a denial names is there, and what denied by no statement would be allowed by everything.
    #[test]
    fn reasons_are_true(scene in scene()) {
        let resources = [arn("arn:aws:s3:::b/k")];
        let case = scene.case("s3:GetObject", &resources);
        if let Ruling::Deny { layer, explicit: true, by: Some(by) } = judge(&case) {
            let explained = explain(&case).remove(0);
            let told = explained.steps.iter().filter(|step| step.layer == layer && step.outcome == Outcome::Denies);
            let told: Vec<_> = told.flat_map(|step| &step.opinions).filter(|o| o.source == by.source).collect();
            prop_assert!(told.iter().any(|o| o.matched.iter().any(|m| m.statement.number == by.statement)));
        }
    }
}
