//! The `opentrail` service's look-ups, asked of history.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_history::History;
use opentrail_journal::Positions;
use opentrail_operator::{Ask, Attribute, Find, FindError, Found, FoundPage};
use opentrail_table::{Cursor, Error};

pub(super) struct HistoryFind {
    pub(super) history: Arc<History>,
}

impl Find for HistoryFind {
    fn find(&self, ask: Ask) -> BoxFuture<'_, Result<FoundPage, FindError>> {
        async move {
            let mut attributes = Vec::with_capacity(ask.attributes.len());
            for (attribute, value) in ask.attributes {
                match attribute_of(attribute, value) {
                    Some(attribute) => attributes.push(attribute),
                    // A value that no event can have.
                    None => return Ok(FoundPage::default()),
                }
            }
            let ask = opentrail_history::Ask {
                account: ask.account,
                region: ask.region,
                attributes,
                words: ask.words,
                from_s: ask.from_s,
                to_s: ask.to_s,
                order: ask.order,
                after: ask.after,
                limit: ask.limit,
                bytes_max: ask.bytes_max,
            };
            let page = self.history.lookup(ask).await.map_err(|error| match error {
                Error::BadQuestion(why) => FindError::BadQuestion(why),
                error => FindError::Unavailable(error.to_string()),
            })?;
            let found = page.rows.into_iter().map(|row| Found {
                at: Cursor { time_s: row.time_s, seq: row.seq },
                place: opentrail_history::place(row.seq),
                record: row.record,
            });
            Ok(FoundPage { records: found.collect(), next: page.next })
        }
        .boxed()
    }

    fn end(&self) -> Positions {
        self.history.applied()
    }
}

fn attribute_of(attribute: Attribute, value: String) -> Option<opentrail_history::Attribute> {
    use opentrail_history::Attribute as Known;
    Some(match attribute {
        Attribute::AccessKeyId => Known::AccessKeyId(value),
        Attribute::EventId => Known::EventId(value.parse().ok()?),
        Attribute::EventName => Known::EventName(value),
        Attribute::EventSource => Known::EventSource(value),
        Attribute::ReadOnly => Known::ReadOnly(value.parse().ok()?),
        Attribute::ResourceName => Known::ResourceName(value),
        Attribute::ResourceType => Known::ResourceType(value),
        Attribute::Username => Known::Username(value),
    })
}
