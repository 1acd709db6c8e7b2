//! Who someone is, and whether they may.
//!
//! - **From** `wire`, which asks with an access key id and, once the signature is proven, with an action.
//! - **To** the catalog, where accounts, users and sealed keys live.
//! - **Promises** that a disabled or deleted key stops working with the call that disabled it, and that nobody but the
//!   operator crosses an account's border, save where the owner's policy and the caller's own rights both let it.
//! - **Does not promise** anything about signatures: proving them is `wire`'s part.
//! - **On crash** nothing is lost: everything here is a catalog transaction or derived from one.
//! - **Absent on purpose**: HTTP, and any store of sessions: a session is in its token. Only those that somebody else made, and
//!   whose credentials went past, are remembered.

mod authority;
mod decide;
mod directory;
mod foreign;
mod judge;
mod language;
mod principal;
mod seal;
mod service;
mod session;

pub use authority::{Authority, Explained, ExplainedStep};
pub use decide::{Decide, Decision, Question};
pub use directory::{
    AccessKey, Account, Committed, ConfiguredKey, Directory, DirectoryError, Draft, KeyStatus, MANAGED, ManagedPolicy,
    Merged, NewAccessKey, Plan, RightsOf, ShownCode, Starters, User, UserPolicy, account_of, hash_password,
    is_password, key_account, mfa_code, mfa_seed, rows,
};
pub use foreign::{SamlIdentity, Vouched, WebIdentity};
pub use judge::{
    Attached, By, Case, Explanation, Holder, Layer, Opinion, Outcome, ResourceKind, Rights, Ruling, Source, Step,
    explain, judge,
};
pub use language::{
    BUCKET_POLICY_BYTES_MAX, Caller, Context, Effect, IDENTITY_POLICY_BYTES_MAX, Kind, Matched, Miss, Named, Policy,
    PolicyError, Position, Reach, Request, Span, StatementName, Verdict, counted_size, renamed,
};
pub use principal::{
    Credential, Identities, IdentitiesUnavailable, Principal, PrincipalKind, Principals, Secret, SessionRefused,
};
pub use seal::{Seal, SealError};
pub use service::{OnBehalf, Wanted};
pub use session::{
    Minted, PASSED_SESSIONS_MAX, Passed, PassedSessions, SESSION_TOKEN_BYTES_MAX, Session, SessionPolicy, Sessions,
    TooLarge, WebFederation,
};
