//! Which data events does anyone want? Asked before a call's body is read.
//!
//! - **From** `capture`, for each data event of our own services.
//! - **To** whoever keeps selectors.
//! - **Promises** an answer without blocking.
//! - **Does not promise** that a wanted event is kept: each follower decides finally for itself.
//! - **On crash** nothing: selectors live in the catalog.
//! - **Absent on purpose**: the record; a wish is decided by names, before there is one.

mod selectors;

use opentrail_event::{AccountId, Region};

pub use selectors::{
    AdvancedSelector, BasicSelector, DataResource, EventSelectors, FieldSelector, ReadWrite, SelectorError,
};

/// What is known of a data event before its call runs.
#[derive(Debug, Clone, Copy)]
pub struct DataEvent<'a> {
    pub account: AccountId,
    pub region: &'a Region,
    /// `s3.amazonaws.com`
    pub event_source: &'a str,
    pub event_name: &'a str,
    pub read_only: bool,
    /// `AWS::S3::Object`
    pub resource_type: &'a str,
    /// The ARN of the resource, or the prefix that all touched ones share.
    pub resource_arn: &'a str,
}

/// The port: does any active selector want it?
pub trait Interest: Send + Sync {
    /// False means that neither intent nor record of the call is made.
    fn wants(&self, event: &DataEvent<'_>) -> bool;
}

/// Nobody has selected anything: what a house without trails and event data stores answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingSelected;

impl Interest for NothingSelected {
    fn wants(&self, _event: &DataEvent<'_>) -> bool {
        false
    }
}
