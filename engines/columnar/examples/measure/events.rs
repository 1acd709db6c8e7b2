//! CloudTrail events as rows, and columns made of their members as a data store has them (`spec/lake.md` 6.2).

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, ListArray, MapArray, StringArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Fields};
use opentrail_columnar::{Shred, ShredError};
use opentrail_event::EventId;
use opentrail_table::{Cell, Column, ColumnKind, Row, Schema};
use serde_json::Value;

const INDEXED: [&str; 8] = [
    "eventname",
    "eventsource",
    "awsregion",
    "recipientaccountid",
    "errorcode",
    "sourceipaddress",
    "username",
    "accesskeyid",
];
const PLAIN: [&str; 11] = [
    "eventversion",
    "useragent",
    "errormessage",
    "requestid",
    "eventtype",
    "apiversion",
    "sharedeventid",
    "eventcategory",
    "vpcendpointid",
    "vpcendpointaccountid",
    "sessioncredentialfromconsole",
];

/// Made of the record by the scans that ask for it: it would take twenty bytes an event.
const UNSTORED: &str = "requestid";

/// The flat columns.
pub(crate) fn schema() -> Schema {
    let column = |name, kind, indexed| Column { name, kind, indexed, doc: "as CloudTrail has it" };
    let mut columns: Vec<Column> = INDEXED.map(|name| column(name, ColumnKind::Text, true)).into();
    columns.push(column("resourcenames", ColumnKind::TextList, true));
    columns.push(column("readonly", ColumnKind::Bool, true));
    columns.push(column("managementevent", ColumnKind::Bool, false));
    Schema { table: "measure".into(), columns }
}

/// A member by its lower-case name.
fn member<'a>(tree: &'a Value, name: &str) -> Option<&'a Value> {
    let members = tree.as_object()?;
    members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The row of a record.
pub(crate) fn row(record: &str, seq: u64, copy: u64) -> Result<Row, Box<dyn std::error::Error>> {
    let tree: Value = serde_json::from_str(record)?;
    let mut id = *tree["eventID"].as_str().ok_or("no eventID")?.parse::<EventId>()?.as_bytes();
    id[0] ^= copy as u8;
    id[15] ^= (copy >> 8) as u8;
    let time: jiff::Timestamp = tree["eventTime"].as_str().ok_or("no eventTime")?.parse()?;
    let cell = |column: &Column| match (column.name, column.kind) {
        ("username" | "accesskeyid", _) => text(member(&tree["userIdentity"], column.name)),
        ("resourcenames", _) => {
            let resources = tree["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
            Cell::TextList(resources.iter().filter_map(|r| r["ARN"].as_str()).map(Into::into).collect())
        }
        (name, ColumnKind::Bool) => member(&tree, name).and_then(Value::as_bool).map_or(Cell::Null, Cell::Bool),
        (name, _) => text(member(&tree, name)),
    };
    Ok(Row {
        time_s: time.as_second() + copy as i64 * 86_400,
        seq,
        id: EventId::from_bytes(id),
        cells: schema().columns.iter().map(cell).collect(),
        record: record.replacen(tree["eventID"].as_str().unwrap_or(""), &EventId::from_bytes(id).to_string(), 1).into(),
    })
}

fn text(value: Option<&Value>) -> Cell {
    value.and_then(Value::as_str).map_or(Cell::Null, |text| Cell::Text(text.into()))
}

/// Structs, lists and maps of events. Made by way of trees, slowly: what is measured is the engine.
pub(crate) struct Members(Fields);

impl Members {
    pub(crate) fn new() -> Self {
        let texts = |names: &str| -> Vec<Field> {
            names.split(' ').map(|name| Field::new(name, DataType::Utf8, true)).collect()
        };
        let group = |mut members: Vec<Field>, more: Vec<Field>| {
            members.extend(more);
            DataType::Struct(members.into())
        };
        let of = |name: &str, kind| Field::new(name, kind, true);
        let entry = Fields::from(vec![Field::new("key", DataType::Utf8, false), of("value", DataType::Utf8)]);
        let map = DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entry), false)), false);
        let session = group(
            texts("sourceidentity ec2roledelivery"),
            vec![
                of("attributes", group(texts("creationdate mfaauthenticated"), vec![])),
                of("sessionissuer", group(texts("type principalid arn accountid username"), vec![])),
            ],
        );
        let identity = group(
            texts("type principalid arn accountid accesskeyid username invokedby identityprovider"),
            vec![of("sessioncontext", session)],
        );
        let resource = group(texts("accountid type arn"), vec![]);
        let tls = group(texts("tlsversion ciphersuite clientprovidedhostheader"), vec![]);
        let maps = "requestparameters responseelements additionaleventdata serviceeventdetails".split(' ');
        let mut fields: Vec<Field> = maps.map(|name| of(name, map.clone())).collect();
        fields.extend(PLAIN.map(|name| of(name, DataType::Utf8)));
        fields.push(of("useridentity", identity));
        fields.push(of("resources", DataType::List(Arc::new(of("element", resource)))));
        fields.push(of("tlsdetails", tls));
        Self(fields.into())
    }
}

impl Shred for Members {
    fn fields(&self) -> &Fields {
        &self.0
    }

    fn is_stored(&self, place: usize) -> bool {
        self.0[place].name() != UNSTORED
    }

    fn shred(&self, records: &[&[u8]], places: &[usize]) -> Result<Vec<ArrayRef>, ShredError> {
        let trees = records.iter().map(|record| serde_json::from_slice(record)).collect::<Result<Vec<Value>, _>>()?;
        let column = |place: &usize| {
            let field = &self.0[*place];
            column(field.data_type(), &trees.iter().map(|tree| member(tree, field.name())).collect::<Vec<_>>())
        };
        places.iter().map(column).collect()
    }
}

fn column(kind: &DataType, values: &[Option<&Value>]) -> Result<ArrayRef, ShredError> {
    let valid = |is: fn(&Value) -> bool| Some(values.iter().map(|value| value.is_some_and(is)).collect());
    Ok(match kind {
        DataType::Struct(members) => {
            let of = |field: &Arc<Field>| {
                let below: Vec<_> =
                    values.iter().map(|value| value.and_then(|value| member(value, field.name()))).collect();
                column(field.data_type(), &below)
            };
            let columns = members.iter().map(of).collect::<Result<Vec<_>, _>>()?;
            Arc::new(StructArray::try_new(members.clone(), columns, valid(Value::is_object))?)
        }
        DataType::List(element) => {
            let items = |value: &Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len);
            let all = values.iter().filter_map(|value| value.and_then(Value::as_array)).flatten().map(Some);
            let all = column(element.data_type(), &all.collect::<Vec<_>>())?;
            let offsets = OffsetBuffer::from_lengths(values.iter().map(items));
            Arc::new(ListArray::try_new(element.clone(), offsets, all, valid(Value::is_array))?)
        }
        DataType::Map(entry, _) => {
            let DataType::Struct(members) = entry.data_type() else { return Err("a map of something else".into()) };
            let (mut keys, mut texts) = (StringBuilder::new(), StringBuilder::new());
            for (key, value) in values.iter().filter_map(|value| value.and_then(Value::as_object)).flatten() {
                keys.append_value(key);
                texts.append_option(spelt(value));
            }
            let entries =
                StructArray::try_new(members.clone(), vec![Arc::new(keys.finish()), Arc::new(texts.finish())], None)?;
            let items = |value: &Option<&Value>| value.and_then(Value::as_object).map_or(0, serde_json::Map::len);
            let offsets = OffsetBuffer::from_lengths(values.iter().map(items));
            Arc::new(MapArray::try_new(entry.clone(), offsets, entries, valid(Value::is_object), false)?)
        }
        _ => Arc::new(values.iter().map(|value| value.and_then(spelt)).collect::<StringArray>()),
    })
}

fn spelt(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        value => Some(value.to_string()),
    }
}
