//! Which columns a scan gives out, which leaves of a part that takes, and how its batches are put together.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, RecordBatchOptions, StructArray, new_null_array};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, SchemaRef};
use opentrail_table::Error;

use crate::derived::{Derived, leaves};
use crate::part::Store;
use crate::schema::{RECORD, arrow};

/// The columns of a scan.
pub(crate) struct Projection {
    schema: SchemaRef,
    roots: Vec<Root>,
    derived: Option<Arc<Derived>>,
}

/// One column, maybe without some of its members.
struct Root {
    field: FieldRef,
    kind: Kind,
}

enum Kind {
    /// One that every part has.
    Own,
    /// One of the schema's: null in parts from before it was there.
    Cell,
    /// The n-th of the derived ones.
    Derived(usize),
}

/// What a scan needs of one part.
pub(crate) struct Needs {
    /// Parquet leaves, ascending.
    pub(crate) leaves: Vec<usize>,
}

impl Projection {
    /// Columns by name; members of structs, and of structs in lists, behind dots. A column that is named whole and by members is
    /// whole.
    pub(crate) fn new(store: &Store, names: &[String]) -> Result<Self, Error> {
        let mut by_root: Vec<(&str, Vec<Vec<&str>>)> = Vec::new();
        for name in names {
            let mut path = name.split('.');
            let root = path.next().unwrap_or_default();
            let rest: Vec<&str> = path.collect();
            match by_root.iter_mut().find(|(there, _)| *there == root) {
                Some((_, paths)) => paths.push(rest),
                None => by_root.push((root, vec![rest])),
            }
        }
        let own = arrow(&store.schema);
        let derived = store.derived.as_deref();
        let root = |(name, paths): (&str, Vec<Vec<&str>>)| {
            let unknown = || Error::BadQuestion(format!("table {}: column {name} does not exist", store.schema.table));
            let (whole, kind) = match own.fields().find(name) {
                Some((_, field)) if store.schema.column(name).is_some() => (field, Kind::Cell),
                Some((_, field)) => (field, Kind::Own),
                None => {
                    let (place, field) = derived.and_then(|derived| derived.fields().find(name)).ok_or_else(unknown)?;
                    (field, Kind::Derived(place))
                }
            };
            let paths: Vec<&[&str]> = paths.iter().map(Vec::as_slice).collect();
            Ok(Root { field: pruned(whole, &paths, name)?, kind })
        };
        let roots = by_root.into_iter().map(root).collect::<Result<Vec<_>, Error>>()?;
        let fields: Fields = roots.iter().map(|root| root.field.clone()).collect();
        Ok(Self { schema: Arc::new(arrow_schema::Schema::new(fields)), roots, derived: store.derived.clone() })
    }

    /// What batches look like.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The leaves to read of a part whose columns are these. Derived columns that it lacks, or has in another shape, take its
    /// records instead.
    pub(crate) fn needs(&self, part: &arrow_schema::Schema) -> Needs {
        let mut wanted = Vec::new();
        let mut records = false;
        for root in &self.roots {
            match (&root.kind, part.fields().find(root.field.name())) {
                (Kind::Derived(place), there) => match there {
                    Some((at, field)) if Some(field.data_type()) == self.whole(*place) => {
                        wanted.push((at, field.data_type(), root.field.data_type()));
                    }
                    _ => records = true,
                },
                (Kind::Own | Kind::Cell, Some((at, field))) => wanted.push((at, field.data_type(), field.data_type())),
                (Kind::Own | Kind::Cell, None) => {}
            }
        }
        if records && let Some((at, field)) = part.fields().find(RECORD) {
            wanted.push((at, field.data_type(), field.data_type()));
        }
        let mut chosen = Vec::new();
        for (at, whole, part_of_it) in wanted {
            let mut next = part.fields()[..at].iter().map(|field| leaves(field.data_type())).sum();
            choose(whole, part_of_it, &mut next, &mut chosen);
        }
        chosen.sort_unstable();
        chosen.dedup();
        Needs { leaves: chosen }
    }

    /// A batch of the scan, of one that was read from a part or made of rows in memory.
    pub(crate) fn assemble(&self, read: &RecordBatch) -> Result<RecordBatch, String> {
        let rows = read.num_rows();
        let is_there = |root: &Root| {
            read.column_by_name(root.field.name()).is_some_and(|column| column.data_type() == root.field.data_type())
        };
        let lacking = self.roots.iter().filter(|root| !is_there(root)).filter_map(|root| match root.kind {
            Kind::Derived(place) => Some(place),
            Kind::Own | Kind::Cell => None,
        });
        let lacking: Vec<usize> = lacking.collect();
        let mut made = if lacking.is_empty() { Vec::new() } else { self.make(read, &lacking)? }.into_iter();
        let mut columns = Vec::with_capacity(self.roots.len());
        for root in &self.roots {
            let (name, kind) = (root.field.name(), root.field.data_type());
            let there = read.column_by_name(name);
            columns.push(match (&root.kind, there) {
                (_, Some(column)) if column.data_type() == kind => column.clone(),
                (Kind::Derived(_), _) => {
                    let made = made.next().ok_or_else(|| format!("column {name} was not made"))?;
                    prune(&made, kind).map_err(|e| e.to_string())?
                }
                (Kind::Cell, None) => new_null_array(kind, rows),
                (Kind::Own, None) => return Err(format!("column {name} is missing")),
                (Kind::Own | Kind::Cell, Some(_)) => return Err(format!("column {name} is of another kind")),
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options).map_err(|e| e.to_string())
    }

    /// Derived columns, of the batch's records.
    fn make(&self, read: &RecordBatch, places: &[usize]) -> Result<Vec<ArrayRef>, String> {
        let records = read.column_by_name(RECORD).and_then(|column| column.as_binary_opt::<i32>());
        let records = records.ok_or("column record is missing or of another kind")?;
        let records: Vec<&[u8]> = (0..records.len()).map(|at| records.value(at)).collect();
        Ok(self.derived.as_ref().map(|derived| derived.columns(&records, places)).unwrap_or_default())
    }

    fn whole(&self, place: usize) -> Option<&DataType> {
        self.derived.as_ref().map(|derived| derived.fields()[place].data_type())
    }
}

/// The field with only those members that some path leads to.
fn pruned(field: &FieldRef, paths: &[&[&str]], name: &str) -> Result<FieldRef, Error> {
    if paths.iter().any(|path| path.is_empty()) {
        return Ok(field.clone());
    }
    let kind = match field.data_type() {
        DataType::Struct(members) => {
            let missing = paths.iter().find(|path| !members.iter().any(|member| member.name() == path[0]));
            if let Some(path) = missing {
                return Err(Error::BadQuestion(format!("column {name} has no member {}", path.join("."))));
            }
            let mut kept = Vec::new();
            for member in members {
                let below = paths.iter().filter(|path| path[0] == member.name()).map(|path| &path[1..]);
                let below: Vec<&[&str]> = below.collect();
                if !below.is_empty() {
                    kept.push(pruned(member, &below, name)?);
                }
            }
            DataType::Struct(kept.into())
        }
        DataType::List(item) => DataType::List(pruned(item, paths, name)?),
        _ => return Err(Error::BadQuestion(format!("column {name} has no member {}", paths[0].join(".")))),
    };
    Ok(Arc::new(Field::new(field.name(), kind, field.is_nullable())))
}

/// Numbers the leaves of `whole` from `next` on, and picks those that `part` has too.
fn choose(whole: &DataType, part: &DataType, next: &mut usize, out: &mut Vec<usize>) {
    match (whole, part) {
        (DataType::Struct(members), DataType::Struct(kept)) => {
            for member in members {
                match kept.find(member.name()) {
                    Some((_, kept)) => choose(member.data_type(), kept.data_type(), next, out),
                    None => *next += leaves(member.data_type()),
                }
            }
        }
        (DataType::List(item), DataType::List(kept)) => choose(item.data_type(), kept.data_type(), next, out),
        (whole, _) => {
            let n = leaves(whole);
            out.extend(*next..*next + n);
            *next += n;
        }
    }
}

/// The array without the members that `to` does not have.
fn prune(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    let unlike = || ArrowError::CastError(format!("{} is no part of {}", to, array.data_type()));
    match to {
        DataType::Struct(kept) => {
            let array = array.as_struct_opt().ok_or_else(unlike)?;
            let member =
                |field: &FieldRef| prune(array.column_by_name(field.name()).ok_or_else(unlike)?, field.data_type());
            let members = kept.iter().map(member).collect::<Result<Vec<_>, _>>()?;
            let nulls = array.nulls().cloned();
            Ok(Arc::new(StructArray::try_new_with_length(kept.clone(), members, nulls, array.len())?))
        }
        DataType::List(item) => {
            let array = array.as_list_opt::<i32>().ok_or_else(unlike)?;
            let values = prune(array.values(), item.data_type())?;
            let nulls = array.nulls().cloned();
            Ok(Arc::new(ListArray::try_new(item.clone(), array.offsets().clone(), values, nulls)?))
        }
        _ => Err(unlike()),
    }
}
