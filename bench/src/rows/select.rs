//! What selecting costs: reading what selectors look at, and matching it against one trail and five.

use std::hint::black_box;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use opentrail_event::{Head, View};
use opentrail_selector::{
    AdvancedSelector, BasicSelector, Compiled, DataResource, EventSelectors, FieldSelector, For, ReadWrite,
};

use super::Bench;
use crate::corpus::Corpus;
use crate::measure::Process;
use crate::table::{Figure, Goal};

/// So many records are gone over again and again.
const RECORDS_MAX: usize = 50_000;

pub(crate) fn select(bench: &Bench) -> Result<Vec<Figure>> {
    let corpus = Corpus::open(bench.corpus.as_deref(), RECORDS_MAX as u64, &bench.folder()?)?;
    let mut records: Vec<Bytes> = Vec::new();
    corpus.each(|_, record| {
        if records.len() < RECORDS_MAX {
            records.push(record);
        }
        Ok(())
    })?;
    let bytes: usize = records.iter().map(Bytes::len).sum();
    let views: Vec<View<'_>> =
        records.iter().map(|r| View::parse(r)).collect::<Result<_, _>>().map_err(|e| anyhow!("{e}")).context("view")?;

    let view_ns = each(bench, &records, |record| View::parse(record).is_ok())?.ns;
    let head_ns = each(bench, &records, |record| Head::parse(record).is_ok())?.ns;
    let trails = trails()?;
    let one = each(bench, &views, |view| trails[1].matches(view))?;
    let five = each(bench, &views, |view| trails.iter().fold(false, |any, trail| any | trail.matches(view)))?;
    let many = each(bench, &views, |view| trails[4].matches(view))?;
    let all = each(bench, &records, |record| {
        View::parse(record).is_ok_and(|view| trails.iter().fold(false, |any, trail| any | trail.matches(&view)))
    })?;
    let per_s = |ns: f64| 1e9 / ns;
    let what = format!("records of {} B viewed for selectors", bytes / records.len());
    Ok(vec![
        Figure::new(what, per_s(view_ns), "/CPU s", Goal::AtLeast(700_000.0)).beside("heads read", per_s(head_ns)),
        Figure::new(format!("  matched by one trail ({:.0} % of them)", one.share), one.ns, "ns", Goal::None),
        Figure::new(format!("  by five trails ({:.0} %)", five.share), five.ns, "ns", Goal::None),
        Figure::new(format!("  by one of 498 ARNs ({:.0} %)", many.share), many.ns, "ns", Goal::None),
        Figure::new("  viewed, and matched by five", per_s(all.ns), "/CPU s", Goal::None),
    ])
}

/// Processor nanoseconds for each, and how many in a hundred were selected.
struct Cost {
    ns: f64,
    share: f64,
}

fn each<T>(bench: &Bench, items: &[T], ask: impl Fn(&T) -> bool) -> Result<Cost> {
    let (mut asked, mut yes) = (0u64, 0u64);
    let cpu = Process::me().cpu_s()?;
    // The kernel counts in hundredths of a second; a fifth of the row's span is some hundreds of them.
    let spent = loop {
        for item in items {
            yes += u64::from(ask(black_box(item)));
        }
        asked += items.len() as u64;
        let spent = Process::me().cpu_s()? - cpu;
        if spent >= bench.span.as_secs_f64() / 5.0 {
            break spent;
        }
    };
    Ok(Cost { ns: spent * 1e9 / asked as f64, share: yes as f64 * 100.0 / asked as f64 })
}

/// Five trails as people have them; the last one names as many ARNs as it may.
fn trails() -> Result<Vec<Compiled>> {
    let is = |name: &str, values: &[&str]| FieldSelector {
        field: name.to_owned(),
        equals: values.iter().map(|value| (*value).to_owned()).collect(),
        ..FieldSelector::default()
    };
    let advanced = |fields| AdvancedSelector { name: None, fields };
    let write = is("readOnly", &["false"]);
    let data = |kind: &str| vec![is("eventCategory", &["Data"]), is("resources.type", &[kind])];
    let not_logs = FieldSelector {
        field: "resources.ARN".to_owned(),
        not_starts_with: vec!["arn:aws:s3:::logs/".to_owned()],
        ..FieldSelector::default()
    };
    let noisy = FieldSelector {
        field: "eventSource".to_owned(),
        not_equals: vec!["kms.amazonaws.com".to_owned()],
        ..FieldSelector::default()
    };
    let many: Vec<String> = (0..498).map(|n| format!("arn:aws:s3:::app-data-{n}/")).collect();
    let arns = FieldSelector { field: "resources.ARN".to_owned(), starts_with: many, ..FieldSelector::default() };
    let objects = DataResource { kind: "AWS::S3::Object".to_owned(), values: vec!["arn:aws:s3:::prod".to_owned()] };
    let with = |mut fields: Vec<FieldSelector>, more: FieldSelector| {
        fields.push(more);
        fields
    };
    let selectors = [
        EventSelectors::default_for_trail(),
        EventSelectors::Advanced(vec![
            advanced(vec![is("eventCategory", &["Management"]), write.clone(), noisy]),
            advanced(with(data("AWS::S3::Object"), not_logs)),
            advanced(with(data("AWS::Lambda::Function"), write)),
        ]),
        EventSelectors::Basic(vec![BasicSelector {
            read_write: ReadWrite::WriteOnly,
            include_management: true,
            data_resources: vec![objects],
            exclude_sources: vec!["kms.amazonaws.com".to_owned()],
        }]),
        EventSelectors::Advanced(vec![advanced(data("AWS::DynamoDB::Table"))]),
        EventSelectors::Advanced(vec![advanced(with(data("AWS::S3::Object"), arns))]),
    ];
    selectors.iter().map(|one| one.check(For::Trail).map(|()| one.compile()).map_err(|e| anyhow!("{e}"))).collect()
}
