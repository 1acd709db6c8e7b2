//! The Query protocol: form parameters in, XML out.

use bytes::Bytes;

use crate::{Document, Malformed, OperationModel, ServiceModel};

/// Splits a form body or a query string into decoded pairs, within limits.
pub fn parse_form(_form: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
    unimplemented!()
}

/// Reads the parameters of an operation (`Action` and `Version` aside).
pub fn decode(
    _service: &ServiceModel,
    _operation: &OperationModel,
    _form: &[(String, String)],
) -> Result<Document, Malformed> {
    unimplemented!()
}

/// Writes `<OpResponse><OpResult>…</OpResult><ResponseMetadata>…`.
pub fn encode(_service: &ServiceModel, _operation: &OperationModel, _output: &Document, _request_id: &str) -> Bytes {
    unimplemented!()
}
