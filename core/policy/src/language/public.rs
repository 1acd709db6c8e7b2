//! Which statements are open to everybody (`spec/s3.md` 10).

use super::condition::Condition;
use super::{Effect, Statement};

/// Keys that narrow a statement for everybody to few, where they must have a value that is the same for all requests.
const NARROWING: [&str; 13] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalservicename",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];
/// Wider ranges are as good as everybody.
const V4_PREFIX_MIN: u32 = 8;
const V6_PREFIX_MIN: u32 = 32;

/// Whether it allows something to anybody at all.
pub(super) fn is_public(statement: &Statement) -> bool {
    statement.effect == Effect::Allow
        && statement.principals.as_ref().is_some_and(super::principal::Principals::is_anyone)
        && !statement.conditions.iter().any(narrows)
}

fn narrows(condition: &Condition) -> bool {
    if !condition.operator.narrows() {
        return false;
    }
    if condition.key == "aws:sourceip" {
        let min = |is_v4| if is_v4 { V4_PREFIX_MIN } else { V6_PREFIX_MIN };
        let narrow = |ranges: Vec<super::value::Cidr>| ranges.iter().all(|range| range.prefix >= min(range.is_v4));
        return !condition.texts.is_empty() && condition.ranges().is_some_and(narrow);
    }
    NARROWING.contains(&condition.key.as_str()) && condition.is_fixed()
}
