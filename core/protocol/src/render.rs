//! How CloudTrail writes inputs and outputs down: lowerCamel members, dates as ISO 8601 seconds, secrets hidden.

use opentrail_event::RawJson;

use crate::{Document, OperationModel, ServiceModel};

/// What stands in place of a secret.
pub const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// `requestParameters`; `None` for null (an operation without input, or with an empty one).
pub fn request_parameters(_service: &ServiceModel, _operation: &OperationModel, _input: &Document) -> Option<RawJson> {
    unimplemented!()
}

/// `responseElements` of an operation that is recorded with them; `None` for null.
pub fn response_elements(_service: &ServiceModel, _operation: &OperationModel, _output: &Document) -> Option<RawJson> {
    unimplemented!()
}
