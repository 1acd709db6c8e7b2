//! The columns of a store's table, and how a record fills them.
//!
//! They are those that a table keeps an index of, under the names that SQL knows them by; a dot stands where SQL has one. What
//! else SQL shows is made out of the record by the engine.

use opentrail_event::{Columns, Family};
use opentrail_journal::Position;
use opentrail_table::{Cell, Column, ColumnKind, Row, Schema};

/// So many low bits of a row's place in the order tell the partition.
const PARTITION_BITS: u32 = 16;
/// Offsets below this leave the highest bit of a place in the order to imported rows.
const OFFSET_BITS: u32 = u64::BITS - PARTITION_BITS - 1;

macro_rules! columns {
    ($($name:literal, $kind:ident, $doc:literal;)*) => {
        &[$(Column { name: $name, kind: ColumnKind::$kind, indexed: true, doc: $doc },)*]
    };
}

const COLUMNS: &[Column] = columns! {
    "eventname", Text, "eventName";
    "eventsource", Text, "eventSource";
    "awsregion", Text, "awsRegion";
    "recipientaccountid", Text, "recipientAccountId";
    "errorcode", Text, "errorCode";
    "sourceipaddress", Text, "sourceIPAddress";
    "readonly", Bool, "readOnly; null where the record does not say";
    "useridentity.arn", Text, "userIdentity.arn";
    "useridentity.accesskeyid", Text, "userIdentity.accessKeyId";
    "username", Text, "As LookupEvents derives it: a user's name, root, a role's session name; null for services";
};

/// The table of a store. All families have the same columns here.
pub fn schema(store: &str) -> Schema {
    Schema { table: store.to_owned(), columns: COLUMNS.to_vec() }
}

/// Where a row of a second stands: as its record stands in the journal. `None` for a place that no journal reaches.
pub(crate) fn seq(position: Position) -> Option<u64> {
    let fits = position.partition.0 >> PARTITION_BITS == 0 && position.offset >> OFFSET_BITS == 0;
    fits.then(|| (position.offset << PARTITION_BITS) | u64::from(position.partition.0))
}

/// The row of a record of any family.
pub(crate) fn row(columns: &Columns<'_>, seq: u64, record: bytes::Bytes) -> Row {
    let text = |text: &Option<std::borrow::Cow<'_, str>>| match text.as_deref() {
        Some(text) => Cell::Text(text.into()),
        None => Cell::Null,
    };
    Row {
        time_s: columns.event_time_s,
        seq,
        id: columns.event_id,
        cells: vec![
            text(&columns.event_name),
            text(&columns.event_source),
            text(&columns.region),
            text(&columns.recipient_account),
            text(&columns.error_code),
            text(&columns.source_ip),
            columns.read_only.map_or(Cell::Null, Cell::Bool),
            text(&columns.identity_arn),
            text(&columns.access_key_id),
            text(&columns.username),
        ],
        record,
    }
}

/// Whether records of these columns belong into a store of the family.
pub(crate) fn fits(columns: &Columns<'_>, family: Family) -> bool {
    columns.family == family
}

#[cfg(test)]
mod tests {
    use opentrail_journal::Partition;

    use super::*;

    #[test]
    fn places_of_the_journal_leave_the_highest_bit() {
        let at = |partition, offset| seq(Position { partition: Partition(partition), offset });
        assert_eq!(at(3, 5), Some((5 << 16) | 3));
        assert_eq!(at(0xffff, (1 << 47) - 1), Some(u64::MAX >> 1));
        assert_eq!((at(0, 1 << 47), at(1 << 16, 0)), (None, None));
    }

    #[test]
    fn a_row_has_a_cell_for_each_column() {
        let record =
            br#"{"eventID":"9d478fc1-4f10-490f-a26b-eeeeeeeeeeee","eventTime":"2026-01-02T03:04:05Z","eventName":"N"}"#;
        let columns = Columns::parse_within(record, 1 << 20).expect("a record");
        let row = row(&columns, 7, bytes::Bytes::from_static(record));
        assert_eq!(row.cells.len(), schema("s").columns.len());
        assert_eq!((row.cells.first(), row.time_s), (Some(&Cell::Text("N".into())), 1_767_323_045));
        assert!(fits(&columns, Family::Events) && !fits(&columns, Family::Insight));
    }
}
