//! The recorder between a client and a trivial upstream, beside the same client calling the same upstream directly. Client,
//! recorder and upstream are a process each, on the machine's same cores.

pub(super) mod large;
pub(super) mod memory;
pub(super) mod small;

use anyhow::Result;

use super::Bench;
use crate::load::Keys;
use crate::server::Server;
use crate::upstream::Upstream;

/// Somebody's DynamoDB behind the recorder: a read, and a change.
const LIST_TABLES: &str = "DynamoDB_20120810.ListTables";
const DELETE_TABLE: &str = "DynamoDB_20120810.DeleteTable";
const LIST: &[u8] = br#"{"Limit":10}"#;
const DELETE: &[u8] = br#"{"TableName":"orders"}"#;

/// A server with this upstream for all that is not ours, and for S3.
struct Behind {
    upstream: Upstream,
    server: Server,
    keys: Keys,
}

impl Behind {
    fn start(bench: &Bench, name: &str) -> Result<Self> {
        let upstream = Upstream::start()?;
        let settings = [format!("upstream.url={}", upstream.endpoint), format!("upstream.s3={}", upstream.endpoint)];
        let server = Server::start_with(&bench.scratch(name)?, &settings.each_ref().map(String::as_str))?;
        let keys = server.keys("opentrail")?;
        Ok(Self { upstream, server, keys })
    }
}
