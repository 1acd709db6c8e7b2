//! `Username` as LookupEvents derives it from `userIdentity` (`spec/lookup.md` 4.4, `spec/recorded.md` 8).

use std::borrow::Cow;

use crate::BadRecord;
use crate::head::{absent, text, text_if_any};
use crate::scan::{Scanner, Text};

/// The members of `userIdentity` that are looked at.
#[derive(Default)]
pub(crate) struct Identity<'a> {
    pub(crate) kind: Option<Text<'a>>,
    principal_id: Option<Text<'a>>,
    pub(crate) arn: Option<Text<'a>>,
    pub(crate) invoked_by: Option<Text<'a>>,
    user_name: Option<Text<'a>>,
    pub(crate) account_id: Option<Text<'a>>,
    pub(crate) access_key_id: Option<Text<'a>>,
}

impl<'a> Identity<'a> {
    /// Reads a `userIdentity`; null counts as an empty one.
    pub(crate) fn read(s: &mut Scanner<'a>) -> Result<Self, BadRecord> {
        let mut identity = Self::default();
        if !absent(s)? {
            s.object(|s, key| identity.member(s, key))?;
        }
        Ok(identity)
    }

    /// The same of an object whose members may be of any type: those that are no texts count as absent.
    pub(crate) fn read_loosely(s: &mut Scanner<'a>) -> Result<Self, BadRecord> {
        let mut identity = Self::default();
        s.object(|s, key| match &*key.cow() {
            "type" | "accessKeyId" if s.peek() != Some(b'"') => s.skip(),
            _ => identity.member(s, key),
        })?;
        Ok(identity)
    }

    fn member(&mut self, s: &mut Scanner<'a>, key: Text<'a>) -> Result<(), BadRecord> {
        match &*key.cow() {
            "type" => self.kind = text(s, "userIdentity.type")?,
            "principalId" => self.principal_id = text_if_any(s)?,
            "arn" => self.arn = text_if_any(s)?,
            "invokedBy" => self.invoked_by = text_if_any(s)?,
            "userName" => self.user_name = text_if_any(s)?,
            "accountId" => self.account_id = text_if_any(s)?,
            "accessKeyId" => self.access_key_id = text(s, "userIdentity.accessKeyId")?,
            _ => s.skip()?,
        }
        Ok(())
    }
}

/// The name that LookupEvents shows and finds; `None` for calls of AWS services and for callers of other accounts.
pub(crate) fn username<'a>(identity: &Identity<'a>) -> Option<Cow<'a, str>> {
    let kind = identity.kind.map(Text::cow);
    // Some tools that pass records on lose the type; the ARN of a session still shows it.
    let session = || identity.arn.is_some_and(|arn| arn.cow().contains(":assumed-role/"));
    let kind = kind.as_deref().or_else(|| session().then_some("AssumedRole"));
    let name = match kind {
        Some("Root") => Some(Cow::Borrowed("root")),
        Some("AWSService" | "AWSAccount") => None,
        // `AROA…:session` and `123456789012:name`; where the id does not say, the ARN's last part does.
        Some("AssumedRole" | "FederatedUser") => {
            let after = |text: Option<Text<'a>>, mark| text.and_then(|t| tail(t.cow(), mark));
            after(identity.principal_id, ':').or_else(|| after(identity.arn, '/'))
        }
        _ => identity.user_name.map(Text::cow),
    };
    name.filter(|name| !name.is_empty())
}

/// What stands behind the last `mark`, if there is one.
pub(crate) fn tail(text: Cow<'_, str>, mark: char) -> Option<Cow<'_, str>> {
    let at = text.rfind(mark)? + mark.len_utf8();
    Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[at..]),
        Cow::Owned(text) => Cow::Owned(text[at..].to_owned()),
    })
}
