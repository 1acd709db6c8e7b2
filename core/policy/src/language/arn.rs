//! Patterns of ARNs (`spec/policy.md` 1.2).

use super::Context;
use super::late::Prepared;
use super::template::{Reading, Template};

/// A name cut into the six parts of an ARN.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a>(Option<[&'a str; 6]>);

impl<'a> Parts<'a> {
    /// A name that is no ARN has none.
    pub(super) fn of(name: &'a str) -> Self {
        let mut rest = name.splitn(6, ':');
        let mut parts = [""; 6];
        for part in &mut parts {
            match rest.next() {
                Some(text) => *part = text,
                None => return Self(None),
            }
        }
        Self(Some(parts))
    }
}

/// Six parts, compared one by one: what is between two of the first five colons never crosses them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArnPattern {
    /// `*` alone, or six parts.
    parts: Option<Vec<Prepared>>,
}

/// Where ARNs differ most is looked at first.
const ORDER: [usize; 6] = [2, 5, 4, 3, 1, 0];

impl ArnPattern {
    /// Reads a pattern.
    pub(super) fn new(text: &str, variables: bool) -> Self {
        if text == "*" {
            return Self { parts: None };
        }
        let parts = Template::read(text, Reading { wild: true, variables }).arn_parts(5);
        Self { parts: Some(parts.into_iter().map(Template::prepare).collect()) }
    }

    /// Whether `arn` matches; a name that is no ARN matches only `*`.
    pub(super) fn matches(&self, arn: &Parts<'_>, context: &Context) -> bool {
        let Some(patterns) = &self.parts else { return true };
        let Some(parts) = &arn.0 else { return false };
        ORDER.iter().all(|&i| patterns.get(i).is_some_and(|pattern| pattern.matches(parts[i], context)))
    }

    /// The keys of its variables, in lower case.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flatten().flat_map(Prepared::keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_arns_do_not_cross_colons() {
        let context = Context::new().with("aws:username", "ann:x");
        let check = |pattern: &str, arn: &str, expect: bool| {
            assert_eq!(ArnPattern::new(pattern, true).matches(&Parts::of(arn), &context), expect, "{pattern} {arn}");
        };
        check("*", "arn:aws:s3:::b", true);
        check("*", "anything", true);
        check("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b:c", true);
        check("arn:aws:s3:::b/*", "arn:aws:s3:::b", false);
        check("arn:aws:s3:::B/*", "arn:aws:s3:::b/x", false);
        check("arn:aws:x:*:1:f/*", "arn:aws:x:r:9:s/a:1:f/d", false);
        check("arn:aws:x:*:1:f/*", "arn:aws:x:r:1:f/d:e", true);
        check("arn:*", "arn:aws:s3:::b/k", true);
        check("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/ann:x/k", true);
        check("arn:aws:s3:::b/${aws:PrincipalTag/t}/*", "arn:aws:s3:::b//k", false);
        check("arn:aws:s3:::b", "arn:aws:s3", false);
    }
}
