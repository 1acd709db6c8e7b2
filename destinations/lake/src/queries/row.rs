//! What the catalog holds of queries. `lake/query`: account, region, id → [`QueryRow`].

use opentrail_catalog::{Key, Stored};
use opentrail_event::{AccountId, Region};
use serde::{Deserialize, Serialize};

/// Where a query is in its life (`spec/lake.md` 6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryStatus {
    Queued,
    Running,
    Finished,
    Failed,
    Cancelled,
    TimedOut,
}

impl QueryStatus {
    const ALL: [Self; 6] = [Self::Queued, Self::Running, Self::Finished, Self::Failed, Self::Cancelled, Self::TimedOut];

    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::TimedOut => "TIMED_OUT",
        }
    }

    /// The status of this name.
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether nothing more happens to it.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// Some rows of an answer, in one blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sheet {
    pub(crate) blob: String,
    pub(crate) rows: u64,
}

/// A query, as it was started and as it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryRow {
    pub id: String,
    pub account: AccountId,
    pub region: Region,
    pub statement: String,
    /// Ids of the stores that it reads.
    pub stores: Vec<String>,
    pub status: QueryStatus,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// Milliseconds that it ran.
    pub ran_ms: u64,
    pub events_matched: u64,
    pub events_scanned: u64,
    pub bytes_scanned: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// Names of the columns of the answer; two may have one name.
    pub columns: Vec<String>,
    pub(crate) sheets: Vec<Sheet>,
}

impl QueryRow {
    /// Rows of the answer that can be read.
    pub fn rows(&self) -> u64 {
        self.sheets.iter().map(|sheet| sheet.rows).sum()
    }
}

impl Stored for QueryRow {
    const NAME: &'static str = "query";
    const VERSION: u16 = 1;
}

/// All queries.
pub(crate) fn queries() -> Key {
    Key::family("lake/query")
}

/// The queries of an account in a region.
pub(crate) fn queries_of(account: AccountId, region: &Region) -> Key {
    queries().part(account.as_str()).part(region.as_str())
}

/// One query.
pub(crate) fn query_key(account: AccountId, region: &Region, id: &str) -> Key {
    queries_of(account, region).part(id)
}

#[cfg(test)]
mod tests {
    use opentrail_catalog::{decode, encode};

    use super::*;

    #[test]
    fn version_1_is_read_for_ever() {
        let row = QueryRow {
            id: "q".into(),
            account: "111111111111".parse().expect("an account"),
            region: Region::us_east_1(),
            statement: "SELECT 1".into(),
            stores: vec!["s".into()],
            status: QueryStatus::TimedOut,
            created_ms: 1,
            ran_ms: 2,
            events_matched: 3,
            events_scanned: 4,
            bytes_scanned: 5,
            error: Some("late".into()),
            columns: vec!["n".into()],
            sheets: vec![Sheet { blob: "b".into(), rows: 6 }],
        };
        let text = concat!(
            "\0\x01{\"id\":\"q\",\"account\":\"111111111111\",\"region\":\"us-east-1\",\"statement\":\"SELECT 1\",\"stores\":[\"s\"],",
            "\"status\":\"timed_out\",\"created_ms\":1,\"ran_ms\":2,\"events_matched\":3,\"events_scanned\":4,\"bytes_scanned\":5,",
            "\"error\":\"late\",\"columns\":[\"n\"],\"sheets\":[{\"blob\":\"b\",\"rows\":6}]}",
        );
        assert_eq!(encode(&row), text.as_bytes());
        assert_eq!(decode::<QueryRow>(text.as_bytes()).expect("a row"), row);
        for status in QueryStatus::ALL {
            assert_eq!(QueryStatus::of(status.as_str()), Some(status));
        }
    }
}
