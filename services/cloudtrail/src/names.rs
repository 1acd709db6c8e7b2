//! Trails by name and by ARN: what callers write, and what is wrong with it.
//!
//! The rules are those of the API's documentation; the texts are AWS's where people have quoted them.

use opentrail_event::{AccountId, Arn, Region};
use opentrail_wire::Fault;

/// Characters of a trail's name.
const NAME_CHARS_MIN: usize = 3;
const NAME_CHARS_MAX: usize = 128;

/// A trail as a caller names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// A trail whose home is the region of the call.
    Name(String),
    Arn(TrailArn),
}

/// `arn:aws:cloudtrail:<home>:<account>:trail/<name>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrailArn {
    pub(crate) home: Region,
    pub(crate) account: AccountId,
    pub(crate) name: String,
}

impl Named {
    /// `InvalidTrailNameException` or, for what begins like an ARN, `CloudTrailARNInvalidException`.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        if text.starts_with("arn:") {
            return TrailArn::parse(text).map(Self::Arn).ok_or_else(|| arn_invalid(text));
        }
        check_name(text)?;
        Ok(Self::Name(text.to_owned()))
    }

    /// The name alone: error messages have it even where the caller gave an ARN.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Arn(arn) => &arn.name,
        }
    }

    /// What the decider is asked about, for a call in `region`.
    pub(crate) fn arn(&self, region: &Region, account: AccountId) -> Arn {
        match self {
            Self::Name(name) => trail_arn(region, account, name),
            Self::Arn(arn) => trail_arn(&arn.home, arn.account, &arn.name),
        }
    }
}

impl TrailArn {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", "aws", "cloudtrail", region, account, resource] = parts[..] else { return None };
        let name = resource.strip_prefix("trail/")?;
        check_name(name).ok()?;
        Some(Self { home: region.parse().ok()?, account: account.parse().ok()?, name: name.to_owned() })
    }
}

/// A trail's ARN.
pub(crate) fn trail_arn(home: &Region, account: AccountId, name: &str) -> Arn {
    Arn::regional("cloudtrail", home, account, &format!("trail/{name}"))
}

/// `InvalidTrailNameException`, unless a trail can be called so.
pub(crate) fn check_name(name: &str) -> Result<(), Fault> {
    let bad = |message: String| Err(invalid_name(message));
    let chars = name.chars().count();
    let is_joint = |b: u8| matches!(b, b'.' | b'_' | b'-');
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if name.is_empty() {
        return Err(blank_name());
    }
    if chars < NAME_CHARS_MIN {
        return bad(format!(
            "Trail name too short. Minimum allowed length: {NAME_CHARS_MIN} characters. Specified name length: {chars} characters."
        ));
    }
    if chars > NAME_CHARS_MAX {
        return bad(format!(
            "Trail name too long. Maximum allowed length: {NAME_CHARS_MAX} characters. Specified name length: {chars} characters."
        ));
    }
    if !ends(name.chars().next()) {
        return bad("Trail name must starts with a letter or number.".into());
    }
    if !ends(name.chars().next_back()) {
        return bad("Trail name must ends with a letter or number.".into());
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || is_joint(b)) {
        return bad(
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), \
             and underscores (_)."
                .into(),
        );
    }
    if name.as_bytes().windows(2).any(|pair| is_joint(pair[0]) && is_joint(pair[1])) {
        return bad("Trail name or ARN cannot have adjacent periods (.), hyphens (-), or underscores (_).".into());
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return bad("Trail name cannot be formatted as an IP address.".into());
    }
    Ok(())
}

/// A name that was left out is an empty one.
pub(crate) fn blank_name() -> Fault {
    invalid_name("Trail name cannot be blank!")
}

fn invalid_name(message: impl Into<String>) -> Fault {
    Fault::client("InvalidTrailNameException", message)
}

/// The text is ours.
pub(crate) fn arn_invalid(text: &str) -> Fault {
    let message =
        format!("{} is not a trail ARN. Its form is arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME.", shown(text));
    Fault::client("CloudTrailARNInvalidException", message)
}

/// What a caller wrote, as far as a message repeats it.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 256;
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Named::parse(text).expect_err(text).code.into_owned()
    }

    #[test]
    fn names_follow_the_rules() {
        let long = "a".repeat(128);
        for good in ["abc", "a.b-c_d", "0-1", "1.2.3", "1.2.3.4.5", "Management-Events", &long] {
            assert_eq!(Named::parse(good), Ok(Named::Name(good.to_owned())));
        }
        let too_long = "a".repeat(129);
        for bad in [
            "",
            "ab",
            &too_long,
            "-ab",
            "ab-",
            "a b",
            "a#b",
            "a..b",
            "a-_b",
            "192.168.5.4",
            "trail/abc",
            "täil",
            "abé",
            ":arn",
        ] {
            assert_eq!(code(bad), "InvalidTrailNameException", "{bad}");
        }
    }

    #[test]
    fn messages_are_aws_s() {
        let check = |name: &str, message: &str| assert_eq!(check_name(name).expect_err(name).message, message);
        check("", "Trail name cannot be blank!");
        check("aa", "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 2 characters.");
        check(
            &"a".repeat(129),
            "Trail name too long. Maximum allowed length: 128 characters. Specified name length: 129 characters.",
        );
        check("-trail", "Trail name must starts with a letter or number.");
        check("trail!", "Trail name must ends with a letter or number.");
        check(
            "my#trail",
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).",
        );
    }

    #[test]
    fn arns_are_read_and_malformed_ones_refused() {
        let text = "arn:aws:cloudtrail:eu-west-1:111111111111:trail/one";
        let Ok(Named::Arn(arn)) = Named::parse(text) else { panic!("{text}") };
        assert_eq!((arn.home.as_str(), arn.name.as_str()), ("eu-west-1", "one"));
        let again = Named::Arn(arn).arn(&Region::us_east_1(), AccountId::OPERATOR);
        assert_eq!(again.as_str(), text);
        for bad in [
            "arn:",
            "arn:aws:cloudtrail:eu-west-1:111111111111:trail/a",
            "arn:aws:cloudtrail:eu-west-1:111111111111:trail/one/two",
            "arn:aws:cloudtrail:eu-west-1:1111:trail/one",
            "arn:aws:cloudtrail::111111111111:trail/one",
            "arn:aws:cloudtrail:eu-west-1:111111111111:eventdatastore/one",
            "arn:aws:s3:::one",
        ] {
            assert_eq!(code(bad), "CloudTrailARNInvalidException", "{bad}");
        }
    }
}
