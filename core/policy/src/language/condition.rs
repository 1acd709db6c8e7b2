//! Conditions: an operator, a key and the values that it may have.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Context;
use super::arn::{ArnPattern, Parts};
use super::late::{Folded, Prepared};
use super::template::{Reading, Template};
use super::value::{Cidr, Decimal, instant, is_odd_date};

/// How a key with several values is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    All,
    Any,
}

/// What an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Text { ignore_case: bool },
    Like,
    Number(Order),
    Date(Order),
    Bool,
    Binary,
    Address,
    Arn,
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equals,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn holds<T: Ord>(self, seen: &T, wanted: &T) -> bool {
        match self {
            Self::Equals => seen == wanted,
            Self::Less => seen < wanted,
            Self::LessOrEqual => seen <= wanted,
            Self::Greater => seen > wanted,
            Self::GreaterOrEqual => seen >= wanted,
        }
    }
}

/// An operator as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operator {
    name: String,
    set: Option<Set>,
    if_exists: bool,
    negated: bool,
    family: Family,
}

impl Operator {
    /// Reads `ForAnyValue:StringLikeIfExists` and the like. Names are written exactly so.
    pub(super) fn read(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Set::All), rest),
            Some(("ForAnyValue", rest)) => (Some(Set::Any), rest),
            Some(_) => return None,
            None => (None, name),
        };
        if rest == "Null" {
            let null = Self { name: name.into(), set, if_exists: false, negated: false, family: Family::Null };
            return set.is_none().then_some(null);
        }
        let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
        let text = |ignore_case| Family::Text { ignore_case };
        let (family, negated) = match base {
            "StringEquals" => (text(false), false),
            "StringNotEquals" => (text(false), true),
            "StringEqualsIgnoreCase" => (text(true), false),
            "StringNotEqualsIgnoreCase" => (text(true), true),
            "StringLike" => (Family::Like, false),
            "StringNotLike" => (Family::Like, true),
            "Bool" => (Family::Bool, false),
            "BinaryEquals" => (Family::Binary, false),
            "IpAddress" => (Family::Address, false),
            "NotIpAddress" => (Family::Address, true),
            "ArnEquals" | "ArnLike" => (Family::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Family::Arn, true),
            _ => {
                let (family, order): (fn(Order) -> Family, _) = match base.strip_prefix("Numeric") {
                    Some(order) => (Family::Number, order),
                    None => (Family::Date, base.strip_prefix("Date")?),
                };
                let (order, negated) = match order {
                    "Equals" => (Order::Equals, false),
                    "NotEquals" => (Order::Equals, true),
                    "LessThan" => (Order::Less, false),
                    "LessThanEquals" => (Order::LessOrEqual, false),
                    "GreaterThan" => (Order::Greater, false),
                    "GreaterThanEquals" => (Order::GreaterOrEqual, false),
                    _ => return None,
                };
                (family(order), negated)
            }
        };
        Some(Self { name: name.to_owned(), set, if_exists, negated, family })
    }

    /// Whether the operator can be true only where the key is there: neither negated, nor `IfExists`, nor about all of no
    /// values.
    pub(super) fn narrows(&self) -> bool {
        !self.negated && !self.if_exists && self.set != Some(Set::All) && self.family != Family::Null
    }

    pub(super) fn is_about_dates(&self) -> bool {
        matches!(self.family, Family::Date(_))
    }

    /// What a value of this operator must be, where `text` is none.
    pub(super) fn complaint(&self, text: &str) -> Option<&'static str> {
        let good = match self.family {
            Family::Number(_) => Decimal::read(text).is_some(),
            Family::Date(_) => instant(text).is_some() || is_odd_date(text),
            Family::Binary => STANDARD.decode(text).is_ok(),
            Family::Address => Cidr::read(text).is_some(),
            Family::Null => truth(text).is_some(),
            // A truth value may be a variable.
            Family::Bool => truth(text).is_some() || text.starts_with("${"),
            Family::Text { .. } | Family::Like | Family::Arn => true,
        };
        (!good).then_some(match self.family {
            Family::Number(_) => "a number such as 10 or -1.5",
            Family::Date(_) => "a date such as 2026-01-02T03:04:05Z, or seconds since 1970",
            Family::Binary => "base64",
            Family::Address => "an address or a range such as 203.0.113.0/24",
            _ => "\"true\" or \"false\"",
        })
    }
}

/// A value of a condition, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Text(Prepared),
    Folded(Folded),
    /// As it is written; reading it costs no memory.
    Number(Order, String),
    /// `None` for what AWS takes as a date and is none: no moment compares with it.
    Date(Order, Option<i128>),
    Bool(Prepared),
    Binary(Vec<u8>),
    Address(Cidr),
    Arn(ArnPattern),
}

impl Wanted {
    fn matches(&self, seen: &str, context: &Context) -> bool {
        match self {
            Self::Text(text) => text.matches(seen, context),
            Self::Folded(text) => text.matches(seen, context),
            Self::Number(order, wanted) => match (Decimal::read(seen), Decimal::read(wanted)) {
                (Some(seen), Some(wanted)) => order.holds(&seen, &wanted),
                _ => false,
            },
            Self::Date(order, wanted) => match (instant(seen), wanted) {
                (Some(seen), Some(wanted)) => order.holds(&seen, wanted),
                _ => false,
            },
            Self::Bool(wanted) => truth(seen).is_some_and(|seen| wanted.matches(seen, context)),
            Self::Binary(wanted) => STANDARD.decode(seen).is_ok_and(|seen| seen == *wanted),
            Self::Address(range) => range.contains(seen),
            Self::Arn(pattern) => pattern.matches(&Parts::of(seen), context),
        }
    }

    /// The keys of its variables, in lower case.
    fn keys(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            Self::Text(text) | Self::Bool(text) => Box::new(text.keys()),
            Self::Folded(text) => Box::new(text.keys()),
            Self::Arn(pattern) => Box::new(pattern.keys()),
            Self::Number(..) | Self::Date(..) | Self::Binary(_) | Self::Address(_) => Box::new(std::iter::empty()),
        }
    }
}

/// `true` or `false`, however it is written.
fn truth(text: &str) -> Option<&'static str> {
    ["true", "false"].into_iter().find(|word| text.eq_ignore_ascii_case(word))
}

/// One condition: one operator about one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) operator: Operator,
    /// In lower case.
    pub(super) key: String,
    /// As it is written.
    pub(super) key_text: String,
    wanted: Vec<Wanted>,
    /// As they are written.
    pub(super) texts: Vec<String>,
}

impl Condition {
    /// `variables`: whether the policy's version knows them. The values have been [looked at](Operator::complaint).
    pub(super) fn new(operator: Operator, key: &str, texts: Vec<String>, variables: bool) -> Option<Self> {
        let wanted = texts.iter().map(|text| wanted(&operator, text, variables)).collect::<Option<Vec<_>>>()?;
        Some(Self { operator, key: key.to_ascii_lowercase(), key_text: key.to_owned(), wanted, texts })
    }

    /// As errors and explanations name it.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.operator.name, self.key)
    }

    /// The keys that it looks at: its own as it is written, and those of variables in its values in lower case.
    pub(super) fn keys_as_written(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.key_text.as_str()).chain(self.wanted.iter().flat_map(Wanted::keys))
    }

    /// Whether it holds.
    pub(super) fn holds(&self, context: &Context) -> bool {
        let Operator { set, if_exists, negated, family, .. } = self.operator;
        // An empty text counts as no value where a set is asked about.
        let seen = context.values(&self.key);
        let is_there = !seen.is_empty() && (set.is_none() || seen.iter().any(|value| !value.is_empty()));
        if family == Family::Null {
            let absent = !is_there;
            return self.texts.iter().any(|text| truth(text) == Some(if absent { "true" } else { "false" }));
        }
        if !is_there {
            return match set {
                Some(Set::All) => true,
                Some(Set::Any) => if_exists,
                None => if_exists || negated,
            };
        }
        let matches = |value: &String| self.wanted.iter().any(|wanted| wanted.matches(value, context));
        let passes = |value: &String| matches(value) != negated;
        match set {
            Some(Set::All) => seen.iter().all(passes),
            Some(Set::Any) => seen.iter().any(passes),
            // AWS advises against it: some value for a plain operator, every value for a negated one.
            None if negated => seen.iter().all(passes),
            None => seen.iter().any(passes),
        }
    }

    /// Whether every value is the same for all requests, ARNs having at least their account.
    pub(super) fn is_fixed(&self) -> bool {
        let exact = matches!(self.operator.family, Family::Text { .. });
        !self.texts.is_empty()
            && self.texts.iter().all(|text| {
                let parts = Template::read(text, Reading { wild: !exact, variables: true }).arn_parts(5);
                match parts.as_slice() {
                    [scheme, .., account, _] if scheme.fixed() == Some("arn") => {
                        let account = account.fixed();
                        account.is_some_and(|id| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit()))
                            || Template::read(text, Reading { wild: !exact, variables: true }).is_fixed()
                    }
                    _ => Template::read(text, Reading { wild: !exact, variables: true }).is_fixed(),
                }
            })
    }

    /// The ranges of an address condition.
    pub(super) fn ranges(&self) -> Option<Vec<Cidr>> {
        let range = |wanted: &Wanted| match wanted {
            Wanted::Address(range) => Some(*range),
            _ => None,
        };
        self.wanted.iter().map(range).collect()
    }
}

fn wanted(operator: &Operator, text: &str, variables: bool) -> Option<Wanted> {
    let read = |text: &str, wild| Template::read(text, Reading { wild, variables }).prepare();
    Some(match operator.family {
        Family::Text { ignore_case: false } => Wanted::Text(read(text, false)),
        Family::Text { ignore_case: true } => {
            Wanted::Folded(Template::read(text, Reading { wild: false, variables }).fold())
        }
        Family::Like => Wanted::Text(read(text, true)),
        Family::Number(order) => Wanted::Number(order, Decimal::read(text).map(|_| text.to_owned())?),
        Family::Date(order) => Wanted::Date(order, instant(text)),
        Family::Bool | Family::Null => Wanted::Bool(read(truth(text).unwrap_or(text), false)),
        Family::Binary => Wanted::Binary(STANDARD.decode(text).ok()?),
        Family::Address => Wanted::Address(Cidr::read(text)?),
        Family::Arn => Wanted::Arn(ArnPattern::new(text, variables)),
    })
}
