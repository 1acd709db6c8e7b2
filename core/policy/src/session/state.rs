//! The form of a session within a token.
//!
//! ```text
//! 1 byte   format: 1
//! 1 byte   0: the rest as it is · 1: the rest deflated
//! rest     kind, account, secret, issued, lifetime, MFA, then texts and lists of texts in a fixed order
//! ```
//!
//! Numbers are LEB128; texts are their length in bytes and their bytes; what may be absent is preceded by 0 or 1.

use std::io::{Read, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use opentrail_event::AccountId;

use super::{Session, SessionPolicy, WebFederation};
use crate::{Kind, Policy, PrincipalKind, Secret};

const FORMAT: u8 = 1;
/// Of one that is inflated: a token says little, and is small.
const STATE_BYTES_MAX: u64 = 256 * 1024;
/// Entries of one list.
const LIST_MAX: u64 = 1_024;

const USER: u8 = 0;
const ROOT: u8 = 1;
const ROLE: u8 = 2;
const FEDERATED: u8 = 3;

/// A session as its token carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) kind: PrincipalKind,
    pub(super) account: AccountId,
    pub(super) secret: Secret,
    pub(super) session: Session,
}

impl State {
    /// `None` for kinds of callers that have no sessions.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let mut out = Writer(Vec::with_capacity(256));
        out.kind(&self.kind)?;
        let session = &self.session;
        out.text(self.account.as_str());
        out.text(self.secret.expose());
        out.number(session.issued_s.unsigned_abs());
        out.number(session.expires_s.saturating_sub(session.issued_s).unsigned_abs());
        out.maybe(session.mfa_s.as_ref(), |out, s| out.number(s.unsigned_abs()));
        out.maybe(session.source_identity.as_ref(), |out, text| out.text(text));
        out.number(session.tags.len() as u64);
        for (key, value) in &session.tags {
            out.text(key);
            out.text(value);
        }
        out.texts(&session.transitive);
        out.maybe(session.inline.as_ref(), |out, policy| out.text(&policy.text));
        out.texts(&session.managed);
        out.maybe(session.web.as_ref(), |out, web| {
            out.text(&web.provider);
            out.number(web.attributes.len() as u64);
            for (name, value) in &web.attributes {
                out.text(name);
                out.text(value);
            }
        });
        let plain = out.0;
        let packed = deflated(&plain);
        let (mark, rest) = if packed.len() < plain.len() { (1, packed) } else { (0, plain) };
        Some([&[FORMAT, mark], rest.as_slice()].concat())
    }

    /// `None` for bytes that no version of this program wrote.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&[FORMAT, mark], rest) = bytes.split_first_chunk::<2>()? else { return None };
        let inflated = match mark {
            0 => None,
            1 => Some(inflated(rest)?),
            _ => return None,
        };
        let mut from = Reader(inflated.as_deref().unwrap_or(rest));
        let kind = from.kind()?;
        let account = from.text()?.parse().ok()?;
        let secret = Secret::new(from.text()?);
        let issued_s = from.seconds()?;
        let expires_s = issued_s.checked_add(from.seconds()?)?;
        let session = Session {
            issued_s,
            expires_s,
            mfa_s: from.maybe(Reader::seconds)?,
            source_identity: from.maybe(Reader::text)?,
            tags: from.pairs()?,
            transitive: from.list(Reader::text)?,
            inline: from.maybe(|from| {
                let text = from.text()?;
                let policy = Arc::new(Policy::reload(text.as_bytes(), &Kind::Identity).ok()?);
                Some(SessionPolicy { text, policy })
            })?,
            managed: from.list(Reader::text)?,
            web: from.maybe(|from| Some(WebFederation { provider: from.text()?, attributes: from.pairs()? }))?,
            unproven: false,
        };
        from.0.is_empty().then_some(Self { kind, account, secret, session })
    }
}

/// Bytes that the texts take within a token.
pub(super) fn packed_bytes<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    let mut all = Writer(Vec::new());
    texts.for_each(|text| all.text(text));
    if all.0.is_empty() { 0 } else { deflated(&all.0).len().min(all.0.len()) }
}

fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("deflating into memory does not fail")
}

fn inflated(packed: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    DeflateDecoder::new(packed).take(STATE_BYTES_MAX).read_to_end(&mut plain).ok()?;
    Some(plain)
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.0.push((n & 0x7f) as u8 | 0x80);
            n >>= 7;
        }
        self.0.push(n as u8);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn texts(&mut self, texts: &[String]) {
        self.number(texts.len() as u64);
        texts.iter().for_each(|text| self.text(text));
    }

    fn maybe<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn kind(&mut self, kind: &PrincipalKind) -> Option<()> {
        match kind {
            PrincipalKind::Root => self.0.push(ROOT),
            PrincipalKind::User { name, path, unique_id } => {
                self.0.push(USER);
                [name, path, unique_id].into_iter().for_each(|text| self.text(text));
            }
            PrincipalKind::Role { name, path, unique_id, session_name } => {
                self.0.push(ROLE);
                [name, path, unique_id, session_name].into_iter().for_each(|text| self.text(text));
            }
            PrincipalKind::Federated { name, by } => {
                self.0.push(FEDERATED);
                self.text(name);
                match &**by {
                    by @ (PrincipalKind::Root | PrincipalKind::User { .. }) => self.kind(by)?,
                    _ => return None,
                }
            }
            PrincipalKind::Operator | PrincipalKind::WebIdentity(_) | PrincipalKind::Saml(_) => return None,
        }
        Some(())
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut n = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(n);
            }
        }
        None
    }

    fn seconds(&mut self) -> Option<i64> {
        i64::try_from(self.number()?).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn list<T>(&mut self, one: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number().filter(|count| *count <= LIST_MAX)?;
        (0..count).map(|_| one(self)).collect()
    }

    fn pairs(&mut self) -> Option<Vec<(String, String)>> {
        self.list(|from| Some((from.text()?, from.text()?)))
    }

    /// The outer `None` is for bytes that cannot be read.
    fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    fn kind(&mut self) -> Option<PrincipalKind> {
        Some(match self.byte()? {
            ROOT => PrincipalKind::Root,
            USER => PrincipalKind::User { name: self.text()?, path: self.text()?, unique_id: self.text()? },
            ROLE => PrincipalKind::Role {
                name: self.text()?,
                path: self.text()?,
                unique_id: self.text()?,
                session_name: self.text()?,
            },
            FEDERATED => {
                let name = self.text()?;
                // One that was made by a session of the same kind is never written; reading it would recurse at will.
                if self.0.first().is_none_or(|kind| !matches!(*kind, USER | ROOT)) {
                    return None;
                }
                PrincipalKind::Federated { name, by: Box::new(self.kind()?) }
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state() -> State {
        let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
        let policy = Policy::parse(text.as_bytes(), &Kind::Identity).expect("a policy");
        State {
            kind: PrincipalKind::Role {
                name: "ops".into(),
                path: "/a/".into(),
                unique_id: "AROAX".into(),
                session_name: "ana".into(),
            },
            account: "111122223333".parse().expect("an account"),
            secret: Secret::new("s3cret".into()),
            session: Session {
                issued_s: 1_800_000_000,
                expires_s: 1_800_003_600,
                mfa_s: Some(1_799_999_990),
                source_identity: Some("ana".into()),
                tags: vec![("team".into(), "red".into()), ("k".into(), String::new())],
                transitive: vec!["team".into()],
                inline: Some(SessionPolicy { text: text.into(), policy: Arc::new(policy) }),
                managed: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()],
                web: Some(WebFederation {
                    provider: "arn:aws:iam::111122223333:oidc-provider/h".into(),
                    attributes: vec![("h:sub".into(), "u".into())],
                }),
                unproven: false,
            },
        }
    }

    #[test]
    fn a_session_reads_back() {
        let full = state();
        let by = PrincipalKind::User { name: "bo".into(), path: "/".into(), unique_id: "AIDAB".into() };
        let empty = State { session: Session::default(), ..full.clone() };
        let user = State { kind: by.clone(), ..empty.clone() };
        let federated = PrincipalKind::Federated { name: "guest".into(), by: Box::new(by) };
        let federated = State { kind: federated, ..empty.clone() };
        let root = State { kind: PrincipalKind::Root, ..full.clone() };
        for state in [full, empty, user, federated, root] {
            let bytes = state.encode().expect("a kind that has sessions");
            assert_eq!(State::decode(&bytes), Some(state.clone()));
            for end in 0..bytes.len() {
                assert_eq!(State::decode(&bytes[..end]), None, "cut at {end}: {state:?}");
            }
        }
    }

    #[test]
    fn who_has_no_sessions_is_not_written() {
        let operator = State { kind: PrincipalKind::Operator, ..state() };
        assert_eq!(operator.encode(), None);
        let by = Box::new(state().kind);
        assert_eq!(State { kind: PrincipalKind::Federated { name: "x".into(), by }, ..state() }.encode(), None);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = State::decode(&bytes);
            let _ = State::decode(&[&[FORMAT, 0], bytes.as_slice()].concat());
        }
    }
}
