//! Event selectors as they are put, stored and got.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a trail or an event data store selects: one kind or the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventSelectors {
    Basic(Vec<BasicSelector>),
    Advanced(Vec<AdvancedSelector>),
}

impl EventSelectors {
    /// What a trail selects until something is put: all management events (`spec/recorded.md` 7).
    pub fn default_for_trail() -> Self {
        Self::Basic(vec![BasicSelector {
            read_write: ReadWrite::All,
            include_management: true,
            data_resources: Vec::new(),
            exclude_sources: Vec::new(),
        }])
    }

    /// What an event data store selects that is made without selectors: all management events (`spec/selectors.md` 3.2).
    pub fn default_for_event_data_store() -> Self {
        let category =
            FieldSelector { field: "eventCategory".into(), equals: vec!["Management".into()], ..Default::default() };
        Self::Advanced(vec![AdvancedSelector {
            name: Some("Default management events".into()),
            fields: vec![category],
        }])
    }
}

/// `ReadWriteType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadWrite {
    All,
    ReadOnly,
    WriteOnly,
}

impl ReadWrite {
    /// As CloudTrail spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::ReadOnly => "ReadOnly",
            Self::WriteOnly => "WriteOnly",
        }
    }
}

impl FromStr for ReadWrite {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let named = [Self::All, Self::ReadOnly, Self::WriteOnly].into_iter().find(|one| one.as_str() == text);
        named.ok_or_else(|| SelectorError(format!("Value {text} for ReadWriteType is invalid.")))
    }
}

/// A basic selector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasicSelector {
    pub read_write: ReadWrite,
    pub include_management: bool,
    pub data_resources: Vec<DataResource>,
    /// `ExcludeManagementEventSources`
    pub exclude_sources: Vec<String>,
}

/// Data events of one type of resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataResource {
    /// `AWS::S3::Object`
    pub kind: String,
    /// ARNs, or the beginnings of ARNs.
    pub values: Vec<String>,
}

/// An advanced selector: every field must pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvancedSelector {
    pub name: Option<String>,
    pub fields: Vec<FieldSelector>,
}

/// What one field must be, and must not be. An empty list is an operator that was not given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSelector {
    /// `eventCategory`, `resources.ARN`, …
    pub field: String,
    pub equals: Vec<String>,
    pub starts_with: Vec<String>,
    pub ends_with: Vec<String>,
    pub not_equals: Vec<String>,
    pub not_starts_with: Vec<String>,
    pub not_ends_with: Vec<String>,
}

/// Selectors that cannot be taken, in AWS's words.
///
/// All of them are `InvalidEventSelectorsException` on the wire. Texts that no recording shows are worded in the manner
/// of those that are: the table of `spec/recorded.md` 7.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectorError(pub String);
