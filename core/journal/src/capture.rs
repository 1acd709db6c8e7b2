//! The port between the door and capture: a call is announced, runs, and is recorded.

use futures::future::BoxFuture;
use opentrail_event::{AccountId, Category, EventId, RawJson, RecordResource, Region, TlsDetails, UserIdentity};

use crate::{Position, Urgency};

/// What kind of call it is, as far as recording goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallClass {
    pub category: Category,
    /// As CloudTrail marks the event.
    pub read_only: bool,
    /// Mints credentials: needs an intent even where it is read-only, and keeps its response in the record.
    pub mints_credentials: bool,
}

impl CallClass {
    /// Whether a call of this kind that runs needs an intent.
    pub fn needs_intent(self) -> bool {
        !self.read_only || self.mints_credentials
    }
}

/// A call whose caller is proven, before it runs.
#[derive(Debug, Clone)]
pub struct Call {
    pub class: CallClass,
    /// False for a call that is refused before it runs: there is nothing to announce.
    pub runs: bool,
    pub user_identity: UserIdentity,
    /// The account whose history gets the record.
    pub account: AccountId,
    pub region: Region,
    /// `s3.amazonaws.com`
    pub event_source: String,
    pub event_name: String,
    pub api_version: Option<String>,
    pub source_ip_address: String,
    pub user_agent: Option<String>,
    pub request_id: String,
    /// As CloudTrail spells it, secrets hidden; `None` for null.
    pub request_parameters: Option<RawJson>,
    pub resources: Vec<RecordResource>,
    pub tls: Option<TlsDetails>,
    /// The account that will get a copy, where that is known already: whether it wants a data event counts as well.
    pub copy_for: Option<AccountId>,
    /// False where nobody here could prove who called: the record says so (`additionalEventData.identityVerified`).
    pub identity_verified: bool,
}

impl Call {
    /// Whether an intent is made durable before the call runs.
    pub fn needs_intent(&self) -> bool {
        self.runs && self.class.needs_intent()
    }
}

/// How a call ended.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    /// `None` for null.
    pub response_elements: Option<RawJson>,
    /// `None` leaves the member out.
    pub additional_event_data: Option<RawJson>,
    /// In place of the call's own where the run knows better.
    pub resources: Option<Vec<RecordResource>>,
    /// Some failures are recorded without their parameters.
    pub hide_parameters: bool,
    /// A call that touched what is another account's: it gets a copy, bound by one sharedEventID.
    pub copy_for: Option<AccountId>,
}

/// A call that was announced. Dropping it without [`Capture::finish`] leaves its intent to be resolved as unknown.
///
/// What is known better at the call's end may be changed in [`Self::call`] before it is finished: who called, under which id
/// it was answered; never its class, account or region, by which its intent is found.
#[derive(Debug)]
#[must_use]
pub struct Ticket {
    pub event_id: EventId,
    /// False for a data event that nobody wants: neither intent nor record is made.
    pub wanted: bool,
    /// Of the entry that comes of a call without an intent: whether it may use the reserve.
    pub urgency: Urgency,
    pub call: Call,
}

/// Why a call cannot be recorded, and so does not run.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    /// The account's share of the journal is full, or what lies behind it takes no more of the account. The caller may
    /// retry.
    #[error("recording is over its budget: {0}")]
    Busy(String),
    /// The journal does not take entries.
    #[error("recording is unavailable: {0}")]
    Unavailable(String),
}

/// The port. `capture` implements it, `wire` uses it.
///
/// # Contract
/// When `begin` returns, the intent of a call that [needs one](Call::needs_intent) is durable. When `finish`
/// returns a position, the record is durable. The caller is answered only after `finish`.
pub trait Capture: Send + Sync {
    /// Announces the call.
    fn begin(&self, call: Call) -> BoxFuture<'_, Result<Ticket, Refused>>;
    /// Records the call. `None` for a data event that nobody wants.
    fn finish(&self, ticket: Ticket, outcome: Outcome) -> BoxFuture<'_, Result<Option<Position>, Refused>>;
    /// Takes the announcement back: of a call whose caller turned out to be nobody there is no record. When this returns well, no
    /// restart makes one either.
    fn withdraw(&self, ticket: Ticket) -> BoxFuture<'_, Result<(), Refused>>;
    /// A call of this account ran although it could not be recorded, as the operator wants it. That so many did is recorded once
    /// something can be.
    fn missed(&self, account: AccountId);
}

/// Something behind the journal that may hold no more of an account: asked before a call of that account is announced.
///
/// What is in the journal already must still find room there, so an answer comes early enough to leave it.
pub trait Backlog: Send + Sync {
    /// Why no more of `account` should be taken in; `None` while there is room. Never blocks. Calls that mend the cause
    /// ([`crate::Urgency::ControlPlane`]) are not asked about.
    fn over(&self, account: AccountId) -> Option<String>;
}
