//! The fields that advanced selectors name, and what each may be asked in each category (`spec/selectors.md` 3.2).

use opentrail_event::Category;

use crate::{FieldSelector, For};

/// A field of an advanced selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Field {
    EventCategory,
    ReadOnly,
    EventSource,
    EventName,
    EventType,
    FromConsole,
    IdentityArn,
    ResourceType,
    ResourceArn,
    ErrorCode,
    VpcEndpointId,
}

/// All of them with their names.
pub(crate) const FIELDS: [(Field, &str); 11] = [
    (Field::EventCategory, "eventCategory"),
    (Field::ReadOnly, "readOnly"),
    (Field::EventSource, "eventSource"),
    (Field::EventName, "eventName"),
    (Field::EventType, "eventType"),
    (Field::FromConsole, "sessionCredentialFromConsole"),
    (Field::IdentityArn, "userIdentity.arn"),
    (Field::ResourceType, "resources.type"),
    (Field::ResourceArn, "resources.ARN"),
    (Field::ErrorCode, "errorCode"),
    (Field::VpcEndpointId, "vpcEndpointId"),
];

impl Field {
    pub(crate) fn of(name: &str) -> Option<Self> {
        FIELDS.iter().find(|(_, known)| *known == name).map(|(field, _)| *field)
    }

    /// Which operators it takes in a selector of this category; `None` where the field has no place there.
    pub(crate) fn operators(self, category: Category, selecting: For) -> Option<&'static [Operator]> {
        use Category::{Data, Management, NetworkActivity};
        use Operator::{Equals, NotEquals};
        if selecting == For::EventDataStore && category == Management {
            // Stores may look at management events more closely than trails.
            match self {
                Self::EventSource | Self::EventName | Self::EventType | Self::IdentityArn => {
                    return Some(&Operator::ALL);
                }
                Self::FromConsole => return Some(&[Equals, NotEquals]),
                _ => {}
            }
        }
        Some(match (self, category) {
            (Self::EventCategory, _) | (Self::ReadOnly, Management | Data) => &[Equals],
            (Self::EventSource, Management) => &[NotEquals],
            (Self::EventSource, NetworkActivity) | (Self::ResourceType, Data) | (Self::ErrorCode, NetworkActivity) => {
                &[Equals]
            }
            (Self::FromConsole, Data) => &[Equals, NotEquals],
            (Self::EventSource | Self::EventType | Self::IdentityArn | Self::ResourceArn, Data)
            | (Self::EventName, Data | NetworkActivity)
            | (Self::VpcEndpointId, NetworkActivity) => &Operator::ALL,
            _ => return None,
        })
    }
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equals,
    StartsWith,
    EndsWith,
    NotEquals,
    NotStartsWith,
    NotEndsWith,
}

impl Operator {
    pub(crate) const ALL: [Self; 6] =
        [Self::Equals, Self::StartsWith, Self::EndsWith, Self::NotEquals, Self::NotStartsWith, Self::NotEndsWith];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Equals => "Equals",
            Self::StartsWith => "StartsWith",
            Self::EndsWith => "EndsWith",
            Self::NotEquals => "NotEquals",
            Self::NotStartsWith => "NotStartsWith",
            Self::NotEndsWith => "NotEndsWith",
        }
    }

    /// Whether the ARNs it is given are whole ones.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Equals | Self::NotEquals)
    }
}

/// The values of each operator, those without any included.
pub(crate) fn values(field: &FieldSelector) -> [(Operator, &[String]); 6] {
    [
        (Operator::Equals, &field.equals),
        (Operator::StartsWith, &field.starts_with),
        (Operator::EndsWith, &field.ends_with),
        (Operator::NotEquals, &field.not_equals),
        (Operator::NotStartsWith, &field.not_starts_with),
        (Operator::NotEndsWith, &field.not_ends_with),
    ]
}
