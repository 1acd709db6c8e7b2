//! What failures of queries are called.

use std::sync::Arc;

use opentrail_lake::{EventDataStore, QueryError, QueryRow};
use opentrail_protocol::{Document, Violation};
use opentrail_table::sql::Error;
use opentrail_wire::{Cx, Fault};

use super::{QueryDesk, invalid_parameter, refuse};
use crate::desk::unavailable;
use crate::names::shown;

/// Characters of an error message that is answered.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// What a model's constraint that does not hold is called.
pub(crate) fn refuse_query(violation: &Violation) -> Option<Fault> {
    match violation.member.as_str() {
        "QueryStatement" => Some(invalid_statement(&violation.message)),
        "MaxQueryResults" => Some(Fault::client("InvalidMaxResultsException", violation.message.clone())),
        "QueryStatus" => Some(Fault::client("InvalidQueryStatusException", violation.message.clone())),
        "QueryId" => Some(not_found("")),
        _ => refuse(violation),
    }
}

impl QueryDesk {
    /// The query that `QueryId` names, as it stands. Aliases are of dashboards, which are not built.
    pub(crate) async fn query(&self, cx: &Cx, input: &Document) -> Result<QueryRow, Fault> {
        self.named_store(cx, input)?;
        let id = match (input.text("QueryId"), input.text("QueryAlias")) {
            (Some(id), None) => id,
            (None, Some(_)) => return Err(no_aliases()),
            _ => return Err(invalid_parameter("Give either QueryId or QueryAlias.")),
        };
        let found = self.queries.describe(cx.account(), &cx.region, id).await;
        found.map_err(|error| query_fault(cx, id, error))
    }

    /// The member is deprecated, and must be sound where it is given.
    pub(crate) fn named_store(&self, cx: &Cx, input: &Document) -> Result<Option<Arc<EventDataStore>>, Fault> {
        input.text("EventDataStore").map(|named| self.stores.active(cx, named)).transpose()
    }
}

/// The texts here and below are ours.
pub(crate) fn no_aliases() -> Fault {
    let message = "Queries by alias belong to dashboards, which are not built yet. Give the query's id or statement.";
    Fault::client("UnsupportedOperationException", message)
}

pub(crate) fn invalid_statement(message: &str) -> Fault {
    let message: String = message.chars().take(MESSAGE_CHARS_MAX).collect();
    Fault::client("InvalidQueryStatementException", message)
}

pub(crate) fn not_found(id: &str) -> Fault {
    let message = format!("Query {} was not found. Queries are kept for seven days.", shown(id));
    Fault::client("QueryIdNotFoundException", message)
}

/// A query that was not started, found or ended.
pub(crate) fn query_fault(cx: &Cx, id: &str, error: QueryError) -> Fault {
    match error {
        QueryError::NotFound => not_found(id),
        QueryError::Statement(Error::UnknownTable(name)) => {
            let message = format!(
                "{} names no event data store of this account in this region. FROM takes the id of one.",
                shown(&name)
            );
            Fault::client("EventDataStoreNotFoundException", message)
        }
        QueryError::Statement(error @ (Error::Invalid { .. } | Error::Data(_) | Error::Exhausted(_))) => {
            invalid_statement(&error.to_string())
        }
        QueryError::Inactive(store) => {
            Fault::client("InactiveEventDataStoreException", format!("Event data store {store} is pending deletion."))
        }
        QueryError::TooMany => Fault::client(
            "MaxConcurrentQueriesException",
            "Ten queries are waiting or running already. Wait until one of them has ended, or cancel one.",
        ),
        QueryError::Ended(status) => {
            Fault::client("InactiveQueryException", format!("Query {id} is {} already.", status.as_str()))
        }
        QueryError::Statement(_) | QueryError::Catalog(_) | QueryError::Blobs(_) | QueryError::Damaged(_) => {
            tracing::error!(%error, request_id = %cx.request_id, "query");
            unavailable("The query could not be started or read; try again.")
        }
    }
}
