//! Matching against a plain matcher, and every refusal.

mod checks;
mod damage;
mod matching;
mod reference;
mod stores;

use crate::{AdvancedSelector, BasicSelector, DataResource, EventSelectors, FieldSelector, ReadWrite};

/// `field(name, [("Equals", &["a"])])`
fn field(name: &str, operators: &[(&str, &[&str])]) -> FieldSelector {
    let mut field = FieldSelector { field: name.to_owned(), ..FieldSelector::default() };
    for (operator, values) in operators {
        let list = match *operator {
            "Equals" => &mut field.equals,
            "StartsWith" => &mut field.starts_with,
            "EndsWith" => &mut field.ends_with,
            "NotEquals" => &mut field.not_equals,
            "NotStartsWith" => &mut field.not_starts_with,
            "NotEndsWith" => &mut field.not_ends_with,
            other => panic!("no operator {other}"),
        };
        list.extend(values.iter().map(|value| (*value).to_owned()));
    }
    field
}

fn advanced(fields: Vec<FieldSelector>) -> EventSelectors {
    EventSelectors::Advanced(vec![AdvancedSelector { name: None, fields }])
}

/// A selector of data events of this type, with more fields.
fn of_data(kind: &str, more: Vec<FieldSelector>) -> EventSelectors {
    let mut fields =
        vec![field("eventCategory", &[("Equals", &["Data"])]), field("resources.type", &[("Equals", &[kind])])];
    fields.extend(more);
    advanced(fields)
}

fn basic(data: &[(&str, &[&str])]) -> BasicSelector {
    let resource = |(kind, values): &(&str, &[&str])| DataResource {
        kind: (*kind).to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    BasicSelector {
        read_write: ReadWrite::All,
        include_management: true,
        data_resources: data.iter().map(resource).collect(),
        exclude_sources: Vec::new(),
    }
}
