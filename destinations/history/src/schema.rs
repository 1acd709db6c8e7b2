//! The columns of the history table, and how a record fills them.

use opentrail_event::Head;
use opentrail_journal::{Frame, Partition, Position};
use opentrail_table::{Cell, Column, ColumnKind, Row, Schema};

/// So many low bits of a row's place in the order tell the partition.
const PARTITION_BITS: u32 = 16;

macro_rules! columns {
    ($($constant:ident = $name:literal, $kind:ident, $doc:literal;)*) => {
        $(#[doc = $doc] pub(crate) const $constant: &str = $name;)*

        const COLUMNS: &[Column] = &[
            $(Column { name: $name, kind: ColumnKind::$kind, indexed: true, doc: $doc },)*
        ];
    };
}

columns! {
    ACCOUNT = "account", Text, "recipientAccountId: the account whose history it is";
    REGION = "region", Text, "awsRegion";
    CATEGORY = "category", Text, "eventCategory: Management or Insight";
    EVENT_NAME = "event_name", Text, "eventName";
    EVENT_SOURCE = "event_source", Text, "eventSource";
    USERNAME = "username", Text, "As LookupEvents derives it: a user's name, root, a role's session name; null for services";
    ACCESS_KEY_ID = "access_key_id", Text, "userIdentity.accessKeyId; null where there is none";
    READ_ONLY = "read_only", Bool, "readOnly; false where the record does not say";
    RESOURCE_TYPES = "resource_types", TextList, "Types of the resources that LookupEvents lists, each once";
    RESOURCE_NAMES = "resource_names", TextList, "Names of the resources that LookupEvents lists, each once";
}

/// The table's name and columns. Every column is indexed: each is something that LookupEvents asks for.
pub fn schema() -> Schema {
    Schema { table: "history".into(), columns: COLUMNS.to_vec() }
}

/// Where a row of a second stands: as its record stands in the journal, and unique over all partitions. `None` for a
/// place that no journal reaches.
pub(crate) fn seq(position: Position) -> Option<u64> {
    let fits = position.partition.0 >> PARTITION_BITS == 0 && position.offset >> (u64::BITS - PARTITION_BITS) == 0;
    fits.then(|| (position.offset << PARTITION_BITS) | u64::from(position.partition.0))
}

/// The place in the journal that [`seq`] was made of.
pub fn place(seq: u64) -> Position {
    let partition = Partition((seq & ((1 << PARTITION_BITS) - 1)) as u32);
    Position { partition, offset: seq >> PARTITION_BITS }
}

/// The row of a record.
pub(crate) fn row(head: &Head<'_>, seq: u64, frame: &Frame) -> Row {
    let text = |text: &str| Cell::Text(text.into());
    let text_or_null = |text: Option<&str>| text.map_or(Cell::Null, |text| Cell::Text(text.into()));
    let kinds = distinct(head.resources.iter().filter_map(|resource| resource.kind.as_deref()));
    let names = distinct(head.resources.iter().map(|resource| &*resource.name));
    Row {
        time_s: head.event_time_s,
        seq,
        id: head.event_id,
        cells: vec![
            text(head.recipient_account.as_str()),
            text(&head.region),
            text(head.category.as_str()),
            text(&head.event_name),
            text(&head.event_source),
            text_or_null(head.username.as_deref()),
            text_or_null(head.access_key_id.as_deref()),
            Cell::Bool(head.read_only),
            Cell::TextList(kinds),
            Cell::TextList(names),
        ],
        record: frame.entry.bytes.clone(),
    }
}

fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Box<str>> {
    let mut found: Vec<Box<str>> = Vec::new();
    for text in texts {
        if !found.iter().any(|known| **known == *text) {
            found.push(text.into());
        }
    }
    found
}
