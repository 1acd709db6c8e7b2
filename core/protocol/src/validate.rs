//! What is wrong with an input, and where.

use crate::{Document, OperationModel, ServiceModel};

/// Bytes that are not an input of the operation at all: not the syntax, or a value of the wrong type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    /// In AWS's words where they are known.
    pub message: String,
}

/// A member that breaks one of the model's constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `lookupAttributes.1.member.attributeKey`, as AWS writes paths in its messages.
    pub path: String,
    /// The member's name as in the model: `AttributeKey`.
    pub member: String,
    /// One validation error as AWS words it: `Value '51' at 'maxResults' failed to satisfy constraint: Member must have
    /// value less than or equal to 50`.
    pub message: String,
}

/// Checks required members, lengths, ranges, patterns and enumerations. Empty when all hold.
pub fn validate(_service: &ServiceModel, _operation: &OperationModel, _input: &Document) -> Vec<Violation> {
    unimplemented!()
}
