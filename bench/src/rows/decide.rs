//! What a decision costs: a user with twenty policies of 5 KB, as they are written, and at their worst. That it allocates
//! nothing is held by a test of `core/policy`, which counts.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use opentrail_event::{AccountId, Arn};
use opentrail_policy::{Attached, Caller, Case, Context, Kind, Policy, Rights, Source, judge};

use super::Bench;
use crate::measure::Process;
use crate::table::{Figure, Goal};

pub(super) const POLICIES: usize = 20;
const POLICY_BYTES: usize = 5_000;
/// Of each service some actions, as people list them.
const SERVICES: [(&str, &[&str]); 12] = [
    ("s3", &["GetObject", "PutObject", "DeleteObject", "ListBucket", "GetBucketLocation"]),
    ("ec2", &["Describe*", "RunInstances", "TerminateInstances", "CreateTags"]),
    ("iam", &["Get*", "List*", "PassRole", "CreateRole", "PutRolePolicy"]),
    ("lambda", &["InvokeFunction", "UpdateFunctionCode", "List*"]),
    ("logs", &["CreateLogGroup", "CreateLogStream", "PutLogEvents"]),
    ("dynamodb", &["BatchGet*", "GetItem", "PutItem", "Query", "UpdateItem"]),
    ("sqs", &["SendMessage", "ReceiveMessage", "DeleteMessage"]),
    ("sns", &["Publish", "Subscribe"]),
    ("kms", &["Decrypt", "GenerateDataKey*"]),
    ("cloudwatch", &["PutMetricData", "Get*"]),
    ("secretsmanager", &["GetSecretValue"]),
    ("cloudtrail", &["LookupEvents", "Get*", "Describe*"]),
];

/// Twenty documents as they are written; the last lets ann do what is asked.
pub(super) fn allowed() -> Vec<String> {
    let own = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::data/${aws:username}/*"}}"#;
    [&written()[..POLICIES - 1], &[own.to_owned()]].concat()
}

fn written() -> Vec<String> {
    documents(|policy, statement| {
        let (service, actions) = SERVICES[(policy + statement) % SERVICES.len()];
        let actions: Vec<String> = actions.iter().map(|action| format!("\"{service}:{action}\"")).collect();
        let effect = if statement % 7 == 6 { "Deny" } else { "Allow" };
        let name = format!("role/team-{policy}-{statement}");
        format!(
            r#"{{"Sid":"S{statement}","Effect":"{effect}","Action":[{}],"Resource":["arn:aws:{service}:*:*:{name}","arn:aws:{service}:*:*:{name}/${{aws:username}}/*"],"Condition":{{"StringEquals":{{"aws:PrincipalTag/team":"red"}}}}}}"#,
            actions.join(",")
        )
    })
}

pub(crate) fn decide(bench: &Bench) -> Result<Vec<Figure>> {
    let (written, allowed) = (written(), allowed());
    // As AWS's policies for readers and auditors are: one statement, some hundred patterns of many services.
    let wide = documents(|_, _| {
        let verbs = ["BatchGet*", "Describe*", "Get*", "List*", "Search*", "View*"];
        let patterns =
            SERVICES.iter().flat_map(|(service, _)| (0..3).map(move |n| format!("{service}{}", "-x".repeat(n))));
        let patterns = patterns.flat_map(|service| verbs.map(|verb| format!("\"{service}:{verb}\"")));
        format!(
            r#"{{"Effect":"Allow","Action":[{}],"Resource":"arn:aws:s3:::*/none"}}"#,
            patterns.collect::<Vec<_>>().join(",")
        )
    });
    // One service and one action throughout, each statement about a bucket of its own.
    let narrow = documents(|policy, statement| {
        let bucket = format!("arn:aws:s3:::team-{policy}-{statement}");
        format!(r#"{{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["{bucket}","{bucket}/*"]}}"#)
    });
    // Nothing of a statement tells at a glance that it is not about this.
    let worst = documents(|policy, statement| {
        format!(
            r#"{{"Effect":"Allow","Action":["s3:G*O*j*t","s3:Get*"],"Resource":["arn:aws:s3:::data-*-{policy}/*","arn:aws:s3:::*/{statement}"]}}"#
        )
    });
    let statements: usize = worst.iter().map(|text| text.matches("Effect").count()).sum();
    let us = |documents: &[String]| ours_us(bench, documents);
    Ok(vec![
        Figure::new("decided over 20 policies of 5 KB, allowed", us(&allowed)?, "µs", Goal::AtMost(20.0))
            .beside("iam-rs", theirs_us(bench, &allowed)?),
        Figure::new("  nothing allows it", us(&written)?, "µs", Goal::AtMost(20.0)),
        Figure::new("  lists of patterns of many services", us(&wide)?, "µs", Goal::AtMost(20.0)),
        Figure::new(
            "  all statements are about the action, each on its bucket",
            us(&narrow)?,
            "µs",
            Goal::AtMost(20.0),
        ),
        Figure::new(
            format!("  all of {statements} statements match but for their last star"),
            us(&worst)?,
            "µs",
            Goal::None,
        )
        .beside("iam-rs", theirs_us(bench, &worst)?),
    ])
}

fn documents(statement: impl Fn(usize, usize) -> String) -> Vec<String> {
    let document = |policy| {
        let mut text = r#"{"Version":"2012-10-17","Statement":["#.to_owned();
        for number in 0.. {
            let more = statement(policy, number);
            if number > 0 && text.len() + more.len() > POLICY_BYTES {
                break;
            }
            text.push_str(if number == 0 { "" } else { "," });
            text.push_str(&more);
        }
        text + "]}"
    };
    (0..POLICIES).map(document).collect()
}

fn ours_us(bench: &Bench, documents: &[String]) -> Result<f64> {
    let account = AccountId::OPERATOR;
    let caller = Caller::User { account, arn: Arn::user(account, "/", "ann"), unique_id: "AIDAANN".into() };
    let attach = |text: &String| {
        let policy = Policy::parse(text.as_bytes(), &Kind::Managed).map_err(|e| anyhow!("{e}: {}", e.detail))?;
        anyhow::Ok(Attached { source: Source::Session, policy: Arc::new(policy) })
    };
    let rights = Rights { identity: documents.iter().map(attach).collect::<Result<_>>()?, ..Rights::default() };
    let context = Context::new().with("aws:username", "ann").with("aws:PrincipalTag/team", "red");
    let resources = [Arn::object("data", "ann/k")];
    let case = Case { resources: &resources, ..Case::new(&caller, &rights, "s3:GetObject", &context) };
    each_us(bench, || judge(black_box(&case)).is_allowed())
}

fn theirs_us(bench: &Bench, documents: &[String]) -> Result<f64> {
    each_us(bench, theirs(documents)?)
}

/// Has iam-rs decide.
pub(super) fn theirs(documents: &[String]) -> Result<impl Fn() -> bool + use<>> {
    let policies = documents.iter().map(|text| serde_json::from_str(text)).collect::<Result<Vec<_>, _>>()?;
    let judge = iam_rs::PolicyEvaluator::with_policies(policies);
    let name = format!("arn:aws:iam::{}:user/ann", AccountId::OPERATOR);
    let context = iam_rs::Context::new().with_string("aws:username", "ann").with_string("aws:PrincipalTag/team", "red");
    let request = iam_rs::IAMRequest::new_with_context(
        iam_rs::Principal::Aws(iam_rs::PrincipalId::String(name)),
        "s3:GetObject",
        iam_rs::Arn::parse("arn:aws:s3:::data/ann/k").map_err(|e| anyhow!("{e}"))?,
        context,
    );
    judge.evaluate(&request).map_err(|e| anyhow!("{e}")).context("ask the peer")?;
    Ok(move || judge.evaluate(black_box(&request)).is_ok())
}

/// Processor microseconds for each.
fn each_us(bench: &Bench, ask: impl Fn() -> bool) -> Result<f64> {
    let cpu = Process::me().cpu_s()?;
    let mut asked = 0_u64;
    loop {
        for _ in 0..100 {
            black_box(ask());
        }
        asked += 100;
        // The kernel counts in hundredths of a second; a fifth of the row's span is some hundreds of them.
        let spent = Process::me().cpu_s()? - cpu;
        if spent >= bench.span.as_secs_f64() / 5.0 {
            return Ok(spent * 1e6 / asked as f64);
        }
    }
}
