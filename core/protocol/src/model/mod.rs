//! The table of service models: which operations there are, and what their inputs and outputs look like.

pub(crate) mod shape;
mod table;

use std::sync::{Arc, OnceLock};

pub use table::BadTable;

use shape::{Shape, ShapeId};

/// How a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    AwsJson1_0,
    AwsJson1_1,
    Query,
    Ec2Query,
    RestJson,
    RestXml,
    /// Smithy's RPC with CBOR bodies.
    RpcV2Cbor,
}

impl Protocol {
    /// From its word in tables.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "json1.0" => Self::AwsJson1_0,
            "json1.1" => Self::AwsJson1_1,
            "query" => Self::Query,
            "ec2" => Self::Ec2Query,
            "rest-json" => Self::RestJson,
            "rest-xml" => Self::RestXml,
            "cbor" => Self::RpcV2Cbor,
            _ => return None,
        })
    }
}

/// The tables that are compiled in, by the name in the scope of signatures. `cargo xtask codegen` writes them.
const TABLES: &[(&str, &str)] = &[
    ("cloudtrail", include_str!("../../models/cloudtrail.model")),
    ("iam", include_str!("../../models/iam.model")),
    ("opentrail", include_str!("../../models/opentrail.model")),
    ("s3", include_str!("../../models/s3.model")),
    ("sts", include_str!("../../models/sts.model")),
];

/// All the models this build carries. Each is parsed when it is first asked for, then shared.
#[derive(Debug, Clone)]
pub struct Models {
    services: Arc<[Entry]>,
}

#[derive(Debug)]
struct Entry {
    signing_name: &'static str,
    table: &'static str,
    parsed: OnceLock<Arc<ServiceModel>>,
}

impl Models {
    /// The tables that are compiled in.
    pub fn builtin() -> Self {
        let entry = |&(signing_name, table): &(&'static str, &'static str)| Entry {
            signing_name,
            table,
            parsed: OnceLock::new(),
        };
        Self { services: TABLES.iter().map(entry).collect() }
    }

    /// A service by the name that stands in the scope of its signatures.
    pub fn by_signing_name(&self, name: &str) -> Option<Arc<ServiceModel>> {
        let entry = self.services.iter().find(|entry| entry.signing_name == name)?;
        let parse =
            || Arc::new(ServiceModel::parse(entry.table).expect("compiled-in tables are tested to be well formed"));
        Some(Arc::clone(entry.parsed.get_or_init(parse)))
    }

    /// The services there are, by the name in the scope of their signatures.
    pub fn signing_names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.services.iter().map(|entry| entry.signing_name)
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
    /// Of the atlas: somebody else serves it, and its calls are only recorded.
    pub foreign: bool,
    operations: Box<[OperationModel]>,
    shapes: Box<[Shape]>,
    errors: Box<[ErrorModel]>,
}

impl ServiceModel {
    /// Reads a table as `cargo xtask codegen` writes it.
    pub fn parse(table: &'static str) -> Result<Self, BadTable> {
        table::parse(table)
    }

    /// Reads a table of the atlas.
    pub(crate) fn parse_foreign(table: &'static str) -> Result<Self, BadTable> {
        Ok(Self { foreign: true, ..table::parse(table)? })
    }

    /// An operation by its API name.
    pub fn operation(&self, name: &str) -> Option<&OperationModel> {
        let at = self.operations.binary_search_by(|operation| operation.name.as_str().cmp(name)).ok()?;
        Some(&self.operations[at])
    }

    /// All operations, by name.
    pub fn operations(&self) -> impl Iterator<Item = &OperationModel> {
        self.operations.iter()
    }

    /// A modelled error by its shape's name or by its wire code.
    pub fn error(&self, name: &str) -> Option<&ErrorModel> {
        self.errors.iter().find(|error| error.name == name || error.code == name)
    }

    /// The errors that the model declares for an operation.
    pub fn errors_of<'a>(&'a self, operation: &'a OperationModel) -> impl Iterator<Item = &'a ErrorModel> {
        operation.errors.iter().map(|&number| &self.errors[usize::from(number)])
    }

    /// An operation's place among all of them.
    pub(crate) fn number_of(&self, name: &str) -> Option<usize> {
        self.operations.binary_search_by(|operation| operation.name.as_str().cmp(name)).ok()
    }

    /// The operation at a place.
    pub(crate) fn at(&self, number: usize) -> &OperationModel {
        &self.operations[number]
    }

    /// The operation whose records bear this name.
    pub fn operation_of_event(&self, event_name: &str) -> Option<&OperationModel> {
        self.operations.iter().find(|operation| operation.event_name == event_name)
    }

    pub(crate) fn shape(&self, id: ShapeId) -> &Shape {
        &self.shapes[id.index()]
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
    /// `POST`
    pub http_method: &'static str,
    /// Of a success.
    pub http_status: u16,
    /// `/{Bucket}/{Key+}?acl`
    pub http_uri: &'static str,
    /// Before the service's host name: `data-`, `{AccountId}.`; empty for most. Known in the atlas only.
    pub host_prefix: &'static str,
    /// Whether the request's body is a stream of bytes or events. Known in the atlas only, like the next.
    pub streams_request: bool,
    pub streams_response: bool,
    pub(crate) input: Option<ShapeId>,
    pub(crate) output: Option<ShapeId>,
    /// Of the atlas: whether the answer is credentials, once somebody asked.
    pub(crate) mints: OnceLock<bool>,
    errors: Box<[u16]>,
}

/// An error that a model declares.
#[derive(Debug)]
pub struct ErrorModel {
    /// The shape: `MalformedPolicyDocumentException`.
    pub name: &'static str,
    /// On the wire of Query and REST-XML services: `MalformedPolicyDocument`.
    pub code: &'static str,
    /// Where the model says one; JSON services answer 400.
    pub http_status: Option<u16>,
}

#[cfg(test)]
mod tests;
