//! The families of events that event data stores keep apart (`spec/lake.md` 6.1).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What kind of events an event data store holds. It never changes, and decides the columns of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Management, data and network activity events.
    Events,
    Insight,
    ConfigurationItem,
    Evidence,
    ActivityAuditLog,
}

impl Family {
    pub const ALL: [Self; 5] =
        [Self::Events, Self::Insight, Self::ConfigurationItem, Self::Evidence, Self::ActivityAuditLog];

    /// The `eventCategory` values of its records.
    pub fn categories(self) -> &'static [&'static str] {
        match self {
            Self::Events => &["Management", "Data", "NetworkActivity"],
            Self::Insight => &["Insight"],
            Self::ConfigurationItem => &["ConfigurationItem"],
            Self::Evidence => &["Evidence"],
            Self::ActivityAuditLog => &["ActivityAuditLog"],
        }
    }

    /// The family of an `eventCategory`, spelled exactly so.
    pub fn of_category(category: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.categories().contains(&category))
    }

    /// As settings and messages call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events => "Events",
            one => one.categories()[0],
        }
    }
}

/// No such family.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no family of events; there are Events, Insight, ConfigurationItem, Evidence and ActivityAuditLog")]
pub struct UnknownFamily(String);

impl FromStr for Family {
    type Err = UnknownFamily;

    fn from_str(text: &str) -> Result<Self, UnknownFamily> {
        Self::ALL.into_iter().find(|family| family.as_str() == text).ok_or_else(|| UnknownFamily(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_category_is_of_one_family() {
        for family in Family::ALL {
            assert_eq!(family.as_str().parse(), Ok(family));
            for category in family.categories() {
                assert_eq!(Family::of_category(category), Some(family));
            }
        }
        assert_eq!(Family::of_category("management"), None);
        assert!("Management".parse::<Family>().is_err());
    }
}
