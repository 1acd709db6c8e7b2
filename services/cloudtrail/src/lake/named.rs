//! Event data stores by id and by ARN.

use opentrail_event::{AccountId, Arn, Region};
use opentrail_wire::Fault;

use crate::names::shown;

/// A store as a caller names it: the UUID, or the ARN that ends with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) id: String,
    /// Of an ARN.
    pub(crate) home: Option<Region>,
    pub(crate) account: Option<AccountId>,
}

impl Named {
    /// `EventDataStoreARNInvalidException` for what cannot name one.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        Self::read(text).ok_or_else(|| arn_invalid(text))
    }

    fn read(text: &str) -> Option<Self> {
        if !text.starts_with("arn:") {
            return is_id(text).then(|| Self { id: text.to_owned(), home: None, account: None });
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", "aws", "cloudtrail", region, account, resource] = parts[..] else { return None };
        let id = resource.strip_prefix("eventdatastore/").filter(|id| is_id(id))?;
        Some(Self { id: id.to_owned(), home: Some(region.parse().ok()?), account: Some(account.parse().ok()?) })
    }

    /// What the decider is asked about, for a call in `region`.
    pub(crate) fn arn(&self, region: &Region, account: AccountId) -> Arn {
        let (home, account) = (self.home.as_ref().unwrap_or(region), self.account.unwrap_or(account));
        Arn::regional("cloudtrail", home, account, &format!("eventdatastore/{}", self.id))
    }
}

/// 36 characters of a UUID in lower case.
fn is_id(text: &str) -> bool {
    let fits = |(at, b): (usize, u8)| match at {
        8 | 13 | 18 | 23 => b == b'-',
        _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

/// The text is ours.
pub(crate) fn arn_invalid(text: &str) -> Fault {
    let message = format!(
        "{} names no event data store of this account. Give its id or arn:aws:cloudtrail:REGION:ACCOUNT:eventdatastore/ID.",
        shown(text)
    );
    Fault::client("EventDataStoreARNInvalidException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "11aa22bb-1111-2222-3333-444455556666";

    #[test]
    fn ids_and_arns_are_read() {
        let named = Named::parse(ID).expect("an id");
        let arn = named.arn(&Region::us_east_1(), AccountId::OPERATOR);
        assert_eq!(arn.as_str(), format!("arn:aws:cloudtrail:us-east-1:000000000000:eventdatastore/{ID}"));
        let text = format!("arn:aws:cloudtrail:eu-west-1:111111111111:eventdatastore/{ID}");
        let named = Named::parse(&text).expect("an ARN");
        assert_eq!((named.id.as_str(), named.arn(&Region::us_east_1(), AccountId::OPERATOR).as_str()), (ID, &*text));
    }

    #[test]
    fn all_else_is_refused() {
        for bad in [
            "",
            "audit",
            "11AA22BB-1111-2222-3333-444455556666",
            "11aa22bb111122223333444455556666aaaa",
            "arn:aws:cloudtrail:eu-west-1:111111111111:trail/11aa22bb-1111-2222-3333-444455556666",
            "arn:aws:cloudtrail::111111111111:eventdatastore/11aa22bb-1111-2222-3333-444455556666",
            "arn:aws:cloudtrail:eu-west-1:1:eventdatastore/11aa22bb-1111-2222-3333-444455556666",
            "arn:aws:cloudtrail:eu-west-1:111111111111:eventdatastore/x",
        ] {
            assert_eq!(Named::parse(bad).expect_err(bad).code, "EventDataStoreARNInvalidException", "{bad}");
        }
    }
}
