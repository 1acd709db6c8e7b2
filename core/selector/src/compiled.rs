//! Selectors made ready to match, and matching.

use opentrail_event::{Category, View};

use crate::DataEvent;
use crate::condition::Condition;

/// Selectors as they are asked. Equal ones select the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Compiled {
    pub(crate) management: Vec<Rule>,
    pub(crate) network: Vec<Rule>,
    /// By `resources.type`, each type once.
    pub(crate) data: Vec<(Box<str>, Vec<Rule>)>,
}

/// One selector: all of it must pass.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rule {
    pub(crate) reads: bool,
    pub(crate) writes: bool,
    /// Calls made in a session of the console, and all others.
    pub(crate) from_console: bool,
    pub(crate) not_from_console: bool,
    pub(crate) event_name: Option<Condition>,
    pub(crate) event_source: Option<Condition>,
    pub(crate) event_type: Option<Condition>,
    pub(crate) identity_arn: Option<Condition>,
    pub(crate) error_code: Option<Condition>,
    pub(crate) vpc_endpoint_id: Option<Condition>,
    /// Of data events: the ARNs of those resources that are of the rule's type.
    pub(crate) resource_arn: Option<Condition>,
}

impl Compiled {
    /// Whether any selector selects the event. No allocation; Insights are never selected here.
    pub fn matches(&self, view: &View<'_>) -> bool {
        match view.category {
            Category::Management => self.management.iter().any(|rule| rule.passes(view)),
            Category::NetworkActivity => self.network.iter().any(|rule| rule.passes(view)),
            Category::Data => self.data.iter().any(|(kind, rules)| {
                let of_kind = view.resources.iter().any(|one| one.kind.as_deref() == Some(&**kind));
                of_kind && rules.iter().any(|rule| rule.passes(view) && rule.passes_arns(view, kind))
            }),
            Category::Insight => false,
        }
    }

    /// Whether the record of this data event could be selected. False is final; true is not.
    pub fn may_want(&self, event: &DataEvent<'_>) -> bool {
        let rules = self.data.iter().find(|(kind, _)| **kind == *event.resource_type);
        rules.is_some_and(|(_, rules)| rules.iter().any(|rule| rule.may_pass(event)))
    }

    /// Whether any data events are selected at all.
    pub fn wants_data(&self) -> bool {
        !self.data.is_empty()
    }
}

impl Rule {
    /// Selects everything of its category.
    pub(crate) fn everything() -> Self {
        Self {
            reads: true,
            writes: true,
            from_console: true,
            not_from_console: true,
            event_name: None,
            event_source: None,
            event_type: None,
            identity_arn: None,
            error_code: None,
            vpc_endpoint_id: None,
            resource_arn: None,
        }
    }

    fn passes(&self, view: &View<'_>) -> bool {
        (if view.read_only { self.reads } else { self.writes })
            && (if view.from_console { self.from_console } else { self.not_from_console })
            && passes(&self.event_name, Some(&view.event_name))
            && passes(&self.event_source, Some(&view.event_source))
            && passes(&self.event_type, view.event_type.as_deref())
            && passes(&self.identity_arn, view.identity_arn.as_deref())
            && passes(&self.error_code, view.error_code.as_deref())
            && passes(&self.vpc_endpoint_id, view.vpc_endpoint_id.as_deref())
    }

    fn passes_arns(&self, view: &View<'_>, kind: &str) -> bool {
        let Some(test) = &self.resource_arn else { return true };
        let of_kind = view.resources.iter().filter(|one| one.kind.as_deref() == Some(kind));
        test.passes_any(of_kind.filter_map(|one| one.arn.as_deref()))
    }

    fn may_pass(&self, event: &DataEvent<'_>) -> bool {
        (if event.read_only { self.reads } else { self.writes })
            && passes(&self.event_name, Some(event.event_name))
            && passes(&self.event_source, Some(event.event_source))
            && self.resource_arn.as_ref().is_none_or(|test| test.may_pass(event.resource_arn))
    }
}

fn passes(test: &Option<Condition>, text: Option<&str>) -> bool {
    test.as_ref().is_none_or(|test| test.passes(text))
}
