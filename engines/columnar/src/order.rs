//! The order of rows: (time, seq), read from either end.

use opentrail_table::{Cursor, Find, Order};

/// What rows are sorted by: seconds since 1970 and the sequence number.
pub(crate) type SortKey = (i64, u64);

/// The keys from `lo` to `hi`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) lo: SortKey,
    pub(crate) hi: SortKey,
}

impl Window {
    /// What a question may still see; `None` when that is nothing.
    pub(crate) fn of(find: &Find) -> Option<Self> {
        let whole = Self { lo: (find.from_s, 0), hi: (find.to_s, u64::MAX) };
        match find.after {
            None => whole.checked(),
            Some(Cursor { time_s, seq }) => whole.behind(find.order, (time_s, seq)),
        }
    }

    /// What is left behind `key`.
    pub(crate) fn behind(self, order: Order, key: SortKey) -> Option<Self> {
        match order {
            Order::NewestFirst => Self { hi: self.hi.min(before(key)?), ..self }.checked(),
            Order::OldestFirst => Self { lo: self.lo.max(behind(key)?), ..self }.checked(),
        }
    }

    /// Whether any key from `first` to `last` lies within.
    pub(crate) fn meets(&self, first: SortKey, last: SortKey) -> bool {
        first <= self.hi && last >= self.lo
    }

    /// Whether `key` lies within.
    pub(crate) fn holds(&self, key: SortKey) -> bool {
        self.lo <= key && key <= self.hi
    }

    fn checked(self) -> Option<Self> {
        (self.lo <= self.hi).then_some(self)
    }
}

fn before((time_s, seq): SortKey) -> Option<SortKey> {
    match seq.checked_sub(1) {
        Some(seq) => Some((time_s, seq)),
        None => Some((time_s.checked_sub(1)?, u64::MAX)),
    }
}

fn behind((time_s, seq): SortKey) -> Option<SortKey> {
    match seq.checked_add(1) {
        Some(seq) => Some((time_s, seq)),
        None => Some((time_s.checked_add(1)?, 0)),
    }
}

/// A number that grows in the asked-for order, so that a heap of smallest-first serves both.
pub(crate) fn rank(order: Order, (time_s, seq): SortKey) -> u128 {
    let ascending = (u128::from(time_s.cast_unsigned() ^ (1 << 63)) << 64) | u128::from(seq);
    match order {
        Order::OldestFirst => ascending,
        Order::NewestFirst => !ascending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(order: Order, after: Option<SortKey>) -> Find {
        let after = after.map(|(time_s, seq)| Cursor { time_s, seq });
        Find { terms: vec![], words: vec![], from_s: -5, to_s: 5, order, after, limit: 1, bytes_max: 1 }
    }

    #[test]
    fn a_cursor_is_exclusive_in_both_directions() {
        let check = |order, after, expect| {
            assert_eq!(Window::of(&find(order, after)).map(|w| (w.lo, w.hi)), expect, "{order:?} {after:?}");
        };
        check(Order::NewestFirst, None, Some(((-5, 0), (5, u64::MAX))));
        check(Order::NewestFirst, Some((3, 7)), Some(((-5, 0), (3, 6))));
        check(Order::NewestFirst, Some((3, 0)), Some(((-5, 0), (2, u64::MAX))));
        check(Order::NewestFirst, Some((-5, 0)), None);
        check(Order::NewestFirst, Some((i64::MIN, 0)), None);
        check(Order::NewestFirst, Some((i64::MAX, 9)), Some(((-5, 0), (5, u64::MAX))));
        check(Order::OldestFirst, Some((3, u64::MAX)), Some(((4, 0), (5, u64::MAX))));
        check(Order::OldestFirst, Some((5, u64::MAX)), None);
        check(Order::OldestFirst, Some((i64::MAX, u64::MAX)), None);
    }

    #[test]
    fn ranks_follow_the_order() {
        let keys = [(i64::MIN, 0), (-1, u64::MAX), (0, 0), (0, 1), (7, 0), (i64::MAX, u64::MAX)];
        for pair in keys.windows(2) {
            assert!(rank(Order::OldestFirst, pair[0]) < rank(Order::OldestFirst, pair[1]));
            assert!(rank(Order::NewestFirst, pair[0]) > rank(Order::NewestFirst, pair[1]));
        }
    }
}
