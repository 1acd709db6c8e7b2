//! A record of a call, as parts; [`Record::to_bytes`] fixes its one spelling.
//!
//! Member order is that of recorded AWS (`spec/recorded.md` 9).

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;

use crate::{AccountId, Arn, Category, EventId, RawJson, Region, UserIdentity};

/// The `accountId` of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Account(AccountId),
    /// `HIDDEN_DUE_TO_SECURITY_REASONS`: another account's, shown to a caller who was denied.
    Hidden,
    /// The member is left out, as on S3 objects.
    Absent,
}

/// One element of `resources`: order of members as in real records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordResource {
    /// Whose it is.
    pub owner: Owner,
    /// `AWS::Service::Type`; empty where the service names none, and the member is left out.
    pub kind: &'static str,
    /// The name, or where `prefix` is set the beginning that all touched names share (`ARNPrefix`). Empty where the
    /// service names a type alone, and the member is left out.
    pub arn: Arn,
    /// Whether `arn` is only a prefix.
    pub prefix: bool,
}

/// How the connection was protected. Absent altogether on a plain connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsDetails {
    /// `TLSv1.3`
    pub tls_version: String,
    /// `TLS_AES_128_GCM_SHA256`
    pub cipher_suite: String,
    /// The Host header as the client sent it.
    pub client_provided_host_header: String,
    /// `X25519MLKEM768`, where the service shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_exchange: Option<String>,
}

/// The parts of one record of an API call.
#[derive(Debug, Clone)]
pub struct Record {
    pub user_identity: UserIdentity,
    /// When the call completed; written in whole seconds.
    pub event_time: Timestamp,
    /// `s3.amazonaws.com`
    pub event_source: String,
    pub event_name: String,
    pub region: Region,
    pub source_ip_address: String,
    pub user_agent: Option<String>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    /// An object, or `None` for JSON null.
    pub request_parameters: Option<RawJson>,
    /// An object, or `None` for JSON null.
    pub response_elements: Option<RawJson>,
    /// An object; the member is left out when `None`.
    pub additional_event_data: Option<RawJson>,
    pub request_id: String,
    pub event_id: EventId,
    pub read_only: bool,
    /// The member is left out when empty.
    pub resources: Vec<RecordResource>,
    pub api_version: Option<String>,
    pub category: Category,
    pub recipient_account: AccountId,
    pub shared_event_id: Option<EventId>,
    pub tls: Option<TlsDetails>,
}

impl Record {
    /// Fixes the record's bytes, within the limits of [`crate::RECORD_BYTES_MAX`] and its fellows: long texts are
    /// truncated, members that are too large are replaced by `{"omitted":true,…}`.
    pub fn to_bytes(&self) -> Bytes {
        crate::write::write(self).into()
    }
}
