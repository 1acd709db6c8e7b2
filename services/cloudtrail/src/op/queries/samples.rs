//! `SearchSampleQueries`: sample queries that have to do with a phrase, best first.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::Category;
use opentrail_protocol::{Document, Violation};
use opentrail_table::Cursor;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::lake::{QueryDesk, invalid_parameter, samples};
use crate::token::Question;

pub(crate) struct SearchSampleQueries(pub(crate) Arc<QueryDesk>);

/// A page where nothing else is said.
const RESULTS: i64 = 10;

static FACTS: Facts = Facts {
    name: "SearchSampleQueries",
    action: "cloudtrail:SearchSampleQueries",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &["InvalidParameterException"],
};

impl Operation for SearchSampleQueries {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        Some(invalid_parameter(violation.message.clone()))
    }

    fn run<'a>(&'a self, _cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let phrase = input.text("SearchPhrase").unwrap_or_default();
            let question = Question::default().part(Some(phrase.as_bytes()));
            let from = match input.text("NextToken") {
                None => 0,
                Some(token) => self.0.token_key.open(token, &question).ok_or_else(bad_token)?.seq,
            };
            let limit = usize::try_from(input.int("MaxResults").unwrap_or(RESULTS)).unwrap_or(usize::MAX);
            let found = samples::search(phrase);
            let rest = found.get(usize::try_from(from).unwrap_or(usize::MAX)..).unwrap_or_default();
            let page = &rest[..rest.len().min(limit)];
            let next = (rest.len() > limit).then(|| Cursor { time_s: 0, seq: from + page.len() as u64 });
            let shown: Vec<Document> = page.iter().map(|(sample, relevance)| shown(sample, *relevance)).collect();
            let next = next.map(|cursor| self.0.token_key.seal(cursor, &question));
            Ok(Document::structure().with("SearchResults", shown).with("NextToken", next).into())
        }
        .boxed()
    }
}

fn shown(sample: &samples::Sample, relevance: f64) -> Document {
    Document::structure()
        .with("Name", sample.name.as_str())
        .with("Description", sample.description.as_str())
        .with("SQL", sample.sql.as_str())
        .with("Relevance", Document::Float(relevance))
}

/// The operation has no error of its own for it.
fn bad_token() -> Fault {
    invalid_parameter("The NextToken is not one that was given out for this phrase.")
}
