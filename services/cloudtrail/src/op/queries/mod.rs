//! Operations on queries: one file each.

mod cancel;
mod describe;
mod list;
mod results;
mod samples;
mod start;

use std::sync::Arc;

use opentrail_wire::Operation;

use crate::lake::QueryDesk;
use cancel::CancelQuery;
use describe::DescribeQuery;
use list::ListQueries;
use results::GetQueryResults;
use samples::SearchSampleQueries;
use start::StartQuery;

/// The operations that are built.
pub(super) fn table(desk: &Arc<QueryDesk>) -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(CancelQuery(desk.clone())),
        Box::new(DescribeQuery(desk.clone())),
        Box::new(GetQueryResults(desk.clone())),
        Box::new(ListQueries(desk.clone())),
        Box::new(SearchSampleQueries(desk.clone())),
        Box::new(StartQuery(desk.clone())),
    ]
}
