//! From selectors as they are put to rules as they are asked.

use opentrail_event::Category;

use crate::basic::{Reach, reach};
use crate::compiled::{Compiled, Rule};
use crate::condition::Condition;
use crate::field::Field;
use crate::{AdvancedSelector, BasicSelector, EventSelectors, ReadWrite};

pub(crate) fn compile(selectors: &EventSelectors) -> Compiled {
    let mut compiled = Compiled::default();
    match selectors {
        EventSelectors::Basic(all) => all.iter().for_each(|one| compiled.add_basic(one)),
        EventSelectors::Advanced(all) => all.iter().for_each(|one| compiled.add_advanced(one)),
    }
    compiled.data.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let lists = compiled.data.iter_mut().map(|(_, rules)| rules);
    for rules in lists.chain([&mut compiled.management, &mut compiled.network]) {
        // Any of them selects: neither order nor number of equal ones matters.
        rules.sort_unstable();
        rules.dedup();
    }
    compiled
}

impl Compiled {
    fn add(&mut self, category: Category, kind: &str, rule: Rule) {
        match category {
            Category::Management => self.management.push(rule),
            Category::NetworkActivity => self.network.push(rule),
            Category::Data => match self.data.iter_mut().find(|(known, _)| **known == *kind) {
                Some((_, rules)) => rules.push(rule),
                None => self.data.push((kind.into(), vec![rule])),
            },
            Category::Insight => {}
        }
    }

    fn add_basic(&mut self, selector: &BasicSelector) {
        let rule = Rule {
            reads: selector.read_write != ReadWrite::WriteOnly,
            writes: selector.read_write != ReadWrite::ReadOnly,
            ..Rule::everything()
        };
        if selector.include_management {
            let excluded = &selector.exclude_sources;
            let event_source = (!excluded.is_empty()).then(|| Condition::not_equals(excluded));
            self.add(Category::Management, "", Rule { event_source, ..rule.clone() });
        }
        for data in &selector.data_resources {
            let of = |wanted| data.values.iter().filter(move |value| reach(&data.kind, value) == Some(wanted));
            let named: Vec<String> = of(Reach::Named).cloned().collect();
            // A table's own name selects what is done with its streams too.
            let streams: Vec<String> = named.iter().map(|table| format!("{table}/stream/")).collect();
            let is_table = data.kind == "AWS::DynamoDB::Table";
            let mut add = |kind: &str, resource_arn| {
                self.add(Category::Data, kind, Rule { resource_arn, ..rule.clone() });
            };
            if of(Reach::All).next().is_some() {
                add(&data.kind, None);
                if is_table {
                    add("AWS::DynamoDB::Stream", None);
                }
            } else if !named.is_empty() {
                match data.kind.as_str() {
                    "AWS::S3::Object" => add(&data.kind, Some(Condition::starts_with(&named))),
                    _ => add(&data.kind, Some(Condition::equals(&named))),
                }
                if is_table {
                    add("AWS::DynamoDB::Stream", Some(Condition::starts_with(&streams)));
                }
            }
        }
    }

    /// A field that is unknown, or given twice, makes that nothing is selected: what was meant is anybody's guess.
    fn add_advanced(&mut self, selector: &AdvancedSelector) {
        let (mut categories, mut kinds): (&[String], &[String]) = (&[], &[]);
        let mut rule = Rule::everything();
        let mut seen = Vec::new();
        for given in &selector.fields {
            let Some(field) = Field::of(&given.field) else { return };
            if seen.contains(&field) {
                return;
            }
            seen.push(field);
            let test = Condition::of(given);
            let both = |test: &Condition| (test.passes(Some("true")), test.passes(Some("false")));
            match field {
                Field::EventCategory => categories = &given.equals,
                Field::ResourceType => kinds = &given.equals,
                Field::ReadOnly => (rule.reads, rule.writes) = both(&test),
                Field::FromConsole => (rule.from_console, rule.not_from_console) = both(&test),
                Field::EventName => rule.event_name = Some(test),
                Field::EventSource => rule.event_source = Some(test),
                Field::EventType => rule.event_type = Some(test),
                Field::IdentityArn => rule.identity_arn = Some(test),
                Field::ErrorCode => rule.error_code = Some(test),
                Field::VpcEndpointId => rule.vpc_endpoint_id = Some(test),
                Field::ResourceArn => rule.resource_arn = Some(test),
            }
        }
        for category in categories.iter().filter_map(|name| Category::of(name)) {
            if category == Category::Data {
                kinds.iter().for_each(|kind| self.add(category, kind, rule.clone()));
            } else if kinds.is_empty() && rule.resource_arn.is_none() {
                self.add(category, "", rule.clone());
            }
        }
    }
}
