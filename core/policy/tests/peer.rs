//! Generated policies and requests, judged here and by the crate `iam-rs`: they must agree.
//!
//! Left out, because the peer does otherwise than AWS documents or is not able to:
//! - `Arn*` operators with wildcards: it matches over colons, and `ArnEquals` knows no wildcards there.
//! - Variables: in conditions it leaves them as text; in resources one without a value is empty, and values are read as patterns.
//!   What remains is a variable in a resource, with a value without wildcards.
//! - Keys with several values under plain operators, and `IfExists` with set operators.
//! - Principals of accounts and sessions, boundaries, session policies and two accounts: it unites policies, and nothing else.
//!   What remains are identity policies, and resource policies that name a user, a service or anybody.
//! - `BinaryEquals`, dates of other forms than RFC 3339 and whole seconds, `Bool` against anything but a truth value.

use std::sync::Arc;

use iam_rs::{ContextValue, Decision, IAMPolicy, IAMRequest, PrincipalId, evaluate_policies};
use opentrail_event::{AccountId, Arn};
use opentrail_policy::{Attached, Caller, Case, Context, Kind, Policy, Rights, Ruling, Source, judge};
use proptest::prelude::*;

const USER: &str = "arn:aws:iam::111111111111:user/ann";

fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<&'static str> {
    prop::sample::select(texts).boxed()
}

/// A text, or several, as JSON.
fn texts(one: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    let quoted = one.prop_map(|text| format!("\"{text}\"")).boxed();
    prop_oneof![quoted.clone(), prop::collection::vec(quoted, 1..4).prop_map(|all| format!("[{}]", all.join(",")))]
        .boxed()
}

fn action() -> impl Strategy<Value = String> {
    prop_oneof!["(s3|S3|sqs)", Just("s3".to_owned())].prop_flat_map(|service| {
        prop_oneof!["[GP*?][*e]?t[*O?]{0,2}", Just("*".to_owned())].prop_map(move |name| format!("{service}:{name}"))
    })
}

fn resource() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("*".to_owned()),
        "[ab*?/]{1,5}".prop_map(|key| format!("arn:aws:s3:::{key}")),
        "[ab*?]{1,3}".prop_map(|key| format!("arn:aws:s3:::a/${{aws:username}}/{key}")),
        "[12*?]{0,3}".prop_map(|account| format!("arn:aws:s3:*:{account}:a*")),
    ]
}

/// An operator with a key that it can be asked about, and its values.
fn condition() -> impl Strategy<Value = String> {
    let text = texts("[abAB*?]{0,3}");
    let plain = one_of(&[
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringEqualsIfExists",
        "StringNotEqualsIfExists",
        "StringLikeIfExists",
    ]);
    let set = one_of(&[
        "ForAllValues:StringEquals",
        "ForAllValues:StringNotEquals",
        "ForAllValues:StringLike",
        "ForAllValues:StringNotLike",
        "ForAnyValue:StringEquals",
        "ForAnyValue:StringNotEquals",
        "ForAnyValue:StringLike",
        "ForAnyValue:StringNotLike",
    ]);
    let order = one_of(&["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]);
    let exists = one_of(&["", "IfExists"]);
    let number = texts("-?[0-3](\\.5)?");
    let date = texts(prop_oneof!["17672251(99|98|97|9)", "2026-01-01T0[01]:00:00(Z|\\+01:00)"]);
    let range = texts("10\\.[01]\\.0\\.0(/8|/16|/30|)");
    let key = one_of(&["k:text", "K:Text", "k:absent"]);
    let of_text = (plain, key, text.clone()).prop_map(|(op, key, values)| (op.to_owned(), key, values));
    let of_set = (set, one_of(&["k:list", "k:text", "k:absent"]), text)
        .prop_map(|(op, key, values)| (op.to_owned(), key, values));
    let of_number = (order.clone(), exists.clone(), one_of(&["k:number", "k:absent"]), number)
        .prop_map(|(order, exists, key, values)| (format!("Numeric{order}{exists}"), key, values));
    let of_date = (order, exists.clone(), one_of(&["k:date", "k:absent"]), date)
        .prop_map(|(order, exists, key, values)| (format!("Date{order}{exists}"), key, values));
    let of_address = (one_of(&["IpAddress", "NotIpAddress"]), one_of(&["k:address", "k:absent"]), range)
        .prop_map(|(op, key, values)| (op.to_owned(), key, values));
    let of_truth = (exists, one_of(&["k:truth", "k:absent"]), one_of(&["\"true\"", "\"false\"", "true"]))
        .prop_map(|(exists, key, value)| (format!("Bool{exists}"), key, value.to_owned()));
    let of_null = (one_of(&["k:text", "k:absent", "k:list"]), one_of(&["\"true\"", "\"false\""]))
        .prop_map(|(key, value)| ("Null".to_owned(), key, value.to_owned()));
    let of_arn = (
        one_of(&["ArnEquals", "ArnNotEquals"]),
        one_of(&["k:arn", "k:absent"]),
        one_of(&[
            "\"arn:aws:iam::111111111111:user/ann\"",
            "[\"arn:aws:iam::111111111111:user/bob\",\"arn:aws:iam::111111111111:user/eve\"]",
        ]),
    )
        .prop_map(|(op, key, value)| (op.to_owned(), key, value.to_owned()));
    prop_oneof![of_text, of_set, of_number, of_date, of_address, of_truth, of_null, of_arn]
        .prop_map(|(operator, key, values)| format!(r#","Condition":{{"{operator}":{{"{key}":{values}}}}}"#))
}

fn statement(principal: Option<&'static [&'static str]>) -> impl Strategy<Value = String> {
    let effect = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
    let actions = (one_of(&["Action", "Action", "Action", "NotAction"]), texts(action()));
    let resources = (one_of(&["Resource", "Resource", "Resource", "NotResource"]), texts(resource()));
    let condition = prop_oneof![Just(String::new()), condition()];
    let principal = one_of(principal.unwrap_or(&[""]));
    (effect, actions, resources, condition, principal).prop_map(|(effect, actions, resources, condition, principal)| {
        let ((action, actions), (resource, resources)) = (actions, resources);
        format!(r#"{{"Effect":"{effect}","{action}":{actions},"{resource}":{resources}{condition}{principal}}}"#)
    })
}

fn documents(principal: Option<&'static [&'static str]>) -> impl Strategy<Value = Vec<String>> {
    let document = prop::collection::vec(statement(principal), 1..4)
        .prop_map(|all| format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, all.join(",")));
    prop::collection::vec(document, 1..4)
}

#[derive(Debug, Clone)]
struct Asked {
    action: &'static str,
    resource: String,
    text: Option<String>,
    list: Vec<String>,
    number: &'static str,
    date: &'static str,
    address: &'static str,
    truth: bool,
}

prop_compose! {
    fn asked()(
        action in one_of(&["s3:GetO", "s3:Put", "S3:gett", "sqs:Get"]),
        resource in prop_oneof!["[ab/]{1,5}", Just("a/ann/b".to_owned())].prop_map(|key| format!("arn:aws:s3:::{key}")),
        text in prop::option::of("[abAB]{1,3}"),
        list in prop::collection::vec("[abAB]{1,2}", 0..3),
        number in one_of(&["0", "1", "-2.5", "3.0"]),
        date in one_of(&["2026-01-01T00:00:00Z", "1767225199", "2025-12-31T23:59:58Z"]),
        address in one_of(&["10.0.0.1", "10.1.0.0", "11.0.0.0", "::1"]),
        truth in any::<bool>(),
    ) -> Asked {
        Asked { action, resource, text, list, number, date, address, truth }
    }
}

impl Asked {
    fn ours(&self) -> Context {
        let mut context = Context::new()
            .with("aws:username", "ann")
            .with("k:number", self.number)
            .with("k:date", self.date)
            .with("k:address", self.address)
            .with("k:truth", self.truth.to_string())
            .with("k:arn", USER);
        if let Some(text) = &self.text {
            context.set("k:text", text.as_str());
        }
        self.list.iter().for_each(|item| context.add("k:list", item.as_str()));
        context
    }

    fn theirs(&self) -> iam_rs::Context {
        let mut context = iam_rs::Context::new();
        let text = |text: &str| ContextValue::String(text.to_owned());
        let mut put = |key: &str, value| context.insert(key.to_owned(), value);
        put("aws:username", text("ann"));
        put("k:number", text(self.number));
        put("k:date", text(self.date));
        put("k:address", text(self.address));
        put("k:truth", ContextValue::Boolean(self.truth));
        put("k:arn", text(USER));
        if let Some(own) = &self.text {
            put("k:text", text(own));
        }
        // A key without values is one that is not there.
        if !self.list.is_empty() {
            put("k:list", ContextValue::StringList(self.list.clone()));
        }
        context
    }
}

fn theirs(documents: &[String], principal: iam_rs::Principal, asked: &Asked) -> Result<Decision, String> {
    let policies: Vec<IAMPolicy> = documents
        .iter()
        .map(|text| serde_json::from_str(text).map_err(|e| format!("{text}: {e}")))
        .collect::<Result<_, _>>()?;
    let resource = iam_rs::Arn::parse(&asked.resource).map_err(|e| e.to_string())?;
    let request = IAMRequest::new_with_context(principal, asked.action, resource, asked.theirs());
    evaluate_policies(&policies, &request).map_err(|e| e.to_string())
}

fn word(ruling: &Ruling<'_>) -> Decision {
    match ruling {
        Ruling::Allow { .. } => Decision::Allow,
        Ruling::Deny { explicit: true, .. } => Decision::Deny,
        Ruling::Deny { explicit: false, .. } => Decision::NotApplicable,
    }
}

fn account() -> AccountId {
    "111111111111".parse().expect("an account")
}

const PRINCIPALS: &[&str] = &[
    r#","Principal":"*""#,
    r#","Principal":{"AWS":"arn:aws:iam::111111111111:user/ann"}"#,
    r#","Principal":{"AWS":["arn:aws:iam::111111111111:user/bob","arn:aws:iam::222222222222:user/ann"]}"#,
    r#","Principal":{"Service":"sns.amazonaws.com"}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn identity_policies(documents in documents(None), asked in asked()) {
        let caller = Caller::User { account: account(), arn: Arn::user(account(), "/", "ann"), unique_id: "AIDAANN".into() };
        let parse = |text: &String| Policy::parse(text.as_bytes(), &Kind::Managed).or_else(|_| Policy::reload(text.as_bytes(), &Kind::Managed));
        let attach = |text| Attached { source: Source::Session, policy: Arc::new(parse(text).expect("a policy")) };
        let rights = Rights { identity: documents.iter().map(attach).collect(), ..Rights::default() };
        let context = asked.ours();
        let resources = [serde_json::from_value(asked.resource.as_str().into()).expect("a name")];
        let case = Case { resources: &resources, ..Case::new(&caller, &rights, asked.action, &context) };
        let principal = iam_rs::Principal::Aws(PrincipalId::String(USER.into()));
        prop_assert_eq!(Ok(word(&judge(&case))), theirs(&documents, principal, &asked));
    }

    #[test]
    fn resource_policies(documents in documents(Some(PRINCIPALS)), asked in asked(), is_service in any::<bool>()) {
        let user = Caller::User { account: account(), arn: Arn::user(account(), "/", "ann"), unique_id: "AIDAANN".into() };
        let caller = if is_service { Caller::Service { name: "sns.amazonaws.com".into() } } else { user };
        let document = &documents[..1];
        let policy = Policy::reload(document[0].as_bytes(), &Kind::Bucket { bucket: "b".into() }).expect("a policy");
        let policy = policy.bind(&[(USER.to_owned(), "AIDAANN".to_owned())].into());
        let (rights, context) = (Rights::default(), asked.ours());
        let resources = [serde_json::from_value(asked.resource.as_str().into()).expect("a name")];
        let case = Case {
            resources: &resources,
            resource_account: Some(account()),
            resource_policy: Some(&policy),
            ..Case::new(&caller, &rights, asked.action, &context)
        };
        let name = if is_service { "sns.amazonaws.com" } else { USER };
        let id = PrincipalId::String(name.into());
        let principal = if is_service { iam_rs::Principal::Service(id) } else { iam_rs::Principal::Aws(id) };
        prop_assert_eq!(Ok(word(&judge(&case))), theirs(document, principal, &asked));
    }
}
