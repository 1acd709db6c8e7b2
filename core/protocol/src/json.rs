//! awsJson 1.0 and 1.1.

use bytes::Bytes;

use crate::{Document, Malformed, OperationModel, ServiceModel};

/// Reads a request body. Members that the model does not have are ignored, as AWS does.
pub fn decode(_service: &ServiceModel, _operation: &OperationModel, _body: &[u8]) -> Result<Document, Malformed> {
    unimplemented!()
}

/// Writes an answer's body.
pub fn encode(_service: &ServiceModel, _operation: &OperationModel, _output: &Document) -> Bytes {
    unimplemented!()
}
