//! Event selectors: what may be selected, what is, and which data events anyone wants before their calls have run.
//!
//! - **From** PutEventSelectors, which [checks](EventSelectors::check) them, trails, which [compile](EventSelectors::compile)
//!   them, and `capture`, which asks through [`Interest`] about each data event of our own services.
//! - **To** whoever keeps selectors, and every destination that selects.
//! - **Promises** an answer without blocking, and without an allocation for each event; [`Compiled::may_want`] never says
//!   no to what [`Compiled::matches`] would select.
//! - **Does not promise** that a wanted event is kept: each follower decides finally for itself, by the record.
//! - **On crash** nothing: selectors live in the catalog.
//! - **Absent on purpose**: Insights (they are selected by selectors of their own), and how events of the families that no
//!   journal brings (configuration items, evidence, audit logs of applications) get into their stores.

mod advanced;
mod arn;
mod basic;
mod compile;
mod compiled;
mod condition;
mod field;
mod kinds;
mod selectors;

use opentrail_event::{AccountId, Family, Region};

pub use compiled::Compiled;
pub use selectors::{
    AdvancedSelector, BasicSelector, DataResource, EventSelectors, FieldSelector, ReadWrite, SelectorError,
};

/// Who selects. Not everybody may select everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    Trail,
    EventDataStore,
}

impl EventSelectors {
    /// Whether they can be taken. Sizes that the API's model already bounds are checked again, for not everybody comes
    /// through it.
    pub fn check(&self, selecting: For) -> Result<(), SelectorError> {
        match (self, selecting) {
            (Self::Basic(selectors), For::Trail) => basic::check(selectors),
            (Self::Basic(_), For::EventDataStore) => {
                Err(SelectorError("An event data store takes advanced event selectors only.".into()))
            }
            (Self::Advanced(selectors), _) => advanced::check(selectors, selecting),
        }
    }

    /// The family of the events that checked selectors of an event data store name.
    pub fn family(&self) -> Option<Family> {
        match self {
            Self::Basic(_) => Some(Family::Events),
            Self::Advanced(selectors) => selectors.first().and_then(advanced::family),
        }
    }

    /// Makes them ready to match. What [`Self::check`] would refuse selects no more than it would be allowed to.
    pub fn compile(&self) -> Compiled {
        compile::compile(self)
    }
}

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

#[cfg(test)]
mod tests;
