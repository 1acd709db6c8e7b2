//! The table of service models: which operations there are, and what their inputs and outputs look like.

use std::sync::Arc;

/// How a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    AwsJson1_0,
    AwsJson1_1,
    Query,
    Ec2Query,
    RestJson,
    RestXml,
}

/// All the models this build carries. Parsed once, shared.
#[derive(Debug, Clone)]
pub struct Models {}

impl Models {
    /// Parses the tables that are compiled in.
    pub fn builtin() -> Self {
        unimplemented!()
    }

    /// A service by the name that stands in the scope of its signatures.
    pub fn by_signing_name(&self, _name: &str) -> Option<Arc<ServiceModel>> {
        unimplemented!()
    }
}

/// One service.
#[derive(Debug)]
pub struct ServiceModel {
    /// In signatures: `cloudtrail`.
    pub signing_name: String,
    /// In records: `cloudtrail.amazonaws.com`.
    pub event_source: String,
    /// `2013-11-01`
    pub api_version: String,
    pub protocol: Protocol,
    /// Before the dot of `X-Amz-Target`, in every accepted form; empty for other protocols.
    pub target_prefixes: Vec<String>,
    /// Of XML answers; empty for JSON ones.
    pub xml_namespace: String,
}

impl ServiceModel {
    /// An operation by its API name.
    pub fn operation(&self, _name: &str) -> Option<&OperationModel> {
        unimplemented!()
    }

    /// All operations, by name.
    pub fn operations(&self) -> impl Iterator<Item = &OperationModel> {
        std::iter::empty()
    }
}

/// One operation.
#[derive(Debug)]
pub struct OperationModel {
    /// `LookupEvents`
    pub name: String,
    /// As records name it.
    pub event_name: String,
    /// By what it does (`spec/record.md` 1.8).
    pub read_only: bool,
}
