//! Sessions that somebody else made: their credentials went past in an answer, and whoever signs with them later is proven by
//! them like by any key of ours, where calls are passed on.
//!
//! Nothing here speaks for anybody before our own services: a foreign role may bear the name of one of ours.
//!
//! Catalog record `policy/passed/KEY`: [`StoredPassed`], in which everything is sealed to the key's id and its token together: a
//! token that is not the one does not open it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentrail_catalog::{Catalog, Check, Damaged, Error, From, Key, Stored, Txn, decode, encode};
use opentrail_event::AccountId;
use opentrail_world::World;
use serde::{Deserialize, Serialize};

use super::Session;
use super::opened::OpenedTokens;
use super::state::State;
use crate::{Credential, Principal, PrincipalKind, Seal, Secret, SessionRefused};

/// Sessions that are remembered. Beyond it new ones are not, until old ones have expired.
pub const PASSED_SESSIONS_MAX: u64 = 100_000;
/// Longer ids and tokens are no session's.
const KEY_ID_BYTES_MAX: usize = 128;
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// A session that says it lives longer than AWS's longest is forgotten then all the same.
const LIFE_MAX_S: i64 = 36 * 3600;
/// Between two looks for what has expired, and rows looked at in one step.
const SWEEP_PAUSE: Duration = Duration::from_secs(600);
const SWEEP_ROWS: usize = 500;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredPassed {
    /// From this second on it may be forgotten.
    expires_s: i64,
    /// Whose it is and its secret, as within a token of ours.
    sealed: Vec<u8>,
    /// Whether whoever asked for it was proven.
    proven: bool,
}

impl Stored for StoredPassed {
    const NAME: &'static str = "passed session";
    const VERSION: u16 = 2;

    /// Version 1 did not say by whom a session was got: nobody vouches for those.
    fn migrate(version: u16, mut json: serde_json::Value) -> Result<serde_json::Value, Damaged> {
        let damaged = |why: String| Damaged { name: Self::NAME, why };
        if version != 1 {
            return Err(damaged(format!("no way up from version {version}")));
        }
        let members = json.as_object_mut().ok_or_else(|| damaged("not an object".into()))?;
        members.insert("proven".into(), false.into());
        Ok(json)
    }
}

/// Credentials as they went past.
#[derive(Debug, Clone)]
pub struct Passed {
    pub access_key_id: String,
    pub secret: Secret,
    pub token: Secret,
    /// A role, a user, a root, or whom one of them handed a session to.
    pub kind: PrincipalKind,
    pub account: AccountId,
    pub session: Session,
    /// Whether whoever asked for it was proven here.
    pub proven: bool,
}

/// Remembers sessions that somebody else made.
pub struct PassedSessions {
    catalog: Arc<dyn Catalog>,
    seal: Arc<dyn Seal>,
    world: World,
    opened: OpenedTokens,
    swept_at: Mutex<Option<Duration>>,
    max: u64,
}

impl PassedSessions {
    /// What is remembered is kept in `catalog`, its secrets sealed.
    pub fn new(catalog: Arc<dyn Catalog>, seal: Arc<dyn Seal>, world: World) -> Self {
        let (opened, swept_at) = (OpenedTokens::default(), Mutex::default());
        Self { catalog, seal, world, opened, swept_at, max: PASSED_SESSIONS_MAX }
    }

    /// Remembers one until it expires. False where that cannot be: it is over, of nobody who can have sessions, or there
    /// are too many.
    ///
    /// # Errors
    /// The catalog failed.
    pub async fn remember(&self, passed: Passed) -> Result<bool, Error> {
        let Passed { access_key_id, secret, token, kind, account, mut session, proven } = passed;
        let now_s = self.world.now().as_second();
        session.expires_s = session.expires_s.min(now_s.saturating_add(LIFE_MAX_S));
        let odd = access_key_id.is_empty()
            || access_key_id.len() > KEY_ID_BYTES_MAX
            || token.expose().is_empty()
            || token.expose().len() > TOKEN_BYTES_MAX;
        if odd || session.expires_s <= now_s {
            return Ok(false);
        }
        let expires_s = session.expires_s;
        let Some(state) = (State { kind, account, secret, session }).encode() else { return Ok(false) };
        self.sweep_if_due().await?;
        let sealed = self.seal.seal(&context(&access_key_id, token.expose()), &state);
        let row = encode(&StoredPassed { expires_s, sealed, proven });
        let txn = || {
            let room = Check::AtMost { prefix: family(), max: self.max.saturating_sub(1) };
            Txn::new().check(room).put(family().part(&access_key_id), row.clone())
        };
        let done = match self.catalog.txn(txn()).await {
            Err(Error::Conflict { .. }) if self.sweep().await? > 0 => self.catalog.txn(txn()).await,
            done => done,
        };
        self.opened.forget(&access_key_id);
        match done {
            Ok(()) => Ok(true),
            Err(Error::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whose a key is; `None` where no such session went past.
    ///
    /// # Errors
    /// The token that came along is not the session's, or the session is over.
    pub async fn find(
        &self,
        access_key_id: &str,
        token: Option<&str>,
    ) -> Result<Option<Arc<Credential>>, SessionRefused> {
        if access_key_id.len() > KEY_ID_BYTES_MAX {
            return Ok(None);
        }
        if let Some(opened) = self.opened.find(access_key_id) {
            return match token {
                Some(token) if token == opened.token.expose() => self.in_time(opened.credential).map(Some),
                _ => Err(SessionRefused::Token),
            };
        }
        let unavailable = |why: String| SessionRefused::Unavailable(why);
        let key = family().part(access_key_id);
        let found = self.catalog.get(&key).await.map_err(|e| unavailable(e.to_string()))?;
        let Some(found) = found else { return Ok(None) };
        let stored: StoredPassed = decode(&found.value).map_err(|e| unavailable(e.to_string()))?;
        let token = token.filter(|token| token.len() <= TOKEN_BYTES_MAX).ok_or(SessionRefused::Token)?;
        let state = self.seal.open(&context(access_key_id, token), &stored.sealed);
        let state = state.ok().and_then(|state| State::decode(&state)).ok_or(SessionRefused::Token)?;
        let State { kind, account, secret, mut session } = state;
        session.unproven = !stored.proven;
        let principal =
            Principal { kind, account, access_key_id: access_key_id.to_owned(), session: Some(Arc::new(session)) };
        let credential = Arc::new(Credential { principal, secret, active: true });
        self.opened.keep(token, &credential);
        self.in_time(credential).map(Some)
    }

    fn in_time(&self, credential: Arc<Credential>) -> Result<Arc<Credential>, SessionRefused> {
        let session = credential.principal.session.as_ref();
        let over = session.is_none_or(|session| self.world.now().as_second() >= session.expires_s);
        if over { Err(SessionRefused::Expired) } else { Ok(credential) }
    }

    async fn sweep_if_due(&self) -> Result<(), Error> {
        let now = self.world.monotonic();
        {
            let mut at = self.swept_at.lock().unwrap_or_else(PoisonError::into_inner);
            if at.is_some_and(|at| now.saturating_sub(at) < SWEEP_PAUSE) {
                return Ok(());
            }
            *at = Some(now);
        }
        self.sweep().await.map(drop)
    }

    /// Forgets what has expired; how many there were.
    async fn sweep(&self) -> Result<u64, Error> {
        let now_s = self.world.now().as_second();
        let (mut from, mut swept) = (From::Start, 0);
        loop {
            let rows = self.catalog.list(&family(), from, SWEEP_ROWS).await?;
            let Some((last, _)) = rows.last() else { return Ok(swept) };
            from = From::After(last.clone());
            let mut txn = Txn::new();
            for (key, row) in rows {
                // One that cannot be read proves nobody either.
                if decode::<StoredPassed>(&row.value).is_ok_and(|stored| stored.expires_s > now_s) {
                    continue;
                }
                txn = txn.delete(key);
                swept += 1;
            }
            if !txn.writes.is_empty() {
                self.catalog.txn(txn).await?;
            }
        }
    }
}

fn family() -> Key {
    Key::family("policy/passed")
}

/// Binds a session to its key and its token.
fn context(access_key_id: &str, token: &str) -> String {
    format!("passed/{access_key_id}/{token}")
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use opentrail_catalog::memory::MemoryCatalog;
    use opentrail_world::SimClock;

    use super::*;
    use crate::SealError;

    struct Labelled;

    impl Seal for Labelled {
        fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
            [context.as_bytes(), b"\0", plain].concat()
        }

        fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
            let plain = sealed.strip_prefix(context.as_bytes()).and_then(|rest| rest.strip_prefix(b"\0"));
            plain.map(<[u8]>::to_vec).ok_or(SealError)
        }
    }

    fn sessions() -> (PassedSessions, Arc<SimClock>, Arc<MemoryCatalog>) {
        let (world, clock) = World::simulated(7, "2026-03-01T10:00:00Z".parse().expect("a time"));
        let catalog = Arc::new(MemoryCatalog::default());
        (PassedSessions::new(catalog.clone(), Arc::new(Labelled), world), clock, catalog)
    }

    fn passed(sessions: &PassedSessions, id: &str, seconds: i64) -> Passed {
        let now_s = sessions.world.now().as_second();
        Passed {
            access_key_id: id.into(),
            secret: Secret::new("s3cret".into()),
            token: Secret::new(format!("token of {id}")),
            kind: PrincipalKind::Role {
                name: "ops".into(),
                path: "/".into(),
                unique_id: "AROAX".into(),
                session_name: "ana".into(),
            },
            account: "111122223333".parse().expect("an account"),
            session: Session { issued_s: now_s, expires_s: now_s + seconds, ..Session::default() },
            proven: true,
        }
    }

    #[test]
    fn a_session_that_went_past_is_known_by_key_and_token_until_it_is_over() {
        let (sessions, clock, catalog) = sessions();
        assert!(block_on(sessions.remember(passed(&sessions, "ASIA1", 900))).expect("stored"));
        let world = sessions.world.clone();
        let fresh = PassedSessions::new(catalog, Arc::new(Labelled), world);
        for known in [&sessions, &fresh, &fresh] {
            let found = block_on(known.find("ASIA1", Some("token of ASIA1"))).expect("its token").expect("known");
            assert_eq!(found.principal.arn().as_str(), "arn:aws:sts::111122223333:assumed-role/ops/ana");
            assert_eq!(found.secret.expose(), "s3cret");
            for token in [None, Some("another"), Some("")] {
                assert_eq!(block_on(known.find("ASIA1", token)), Err(SessionRefused::Token));
            }
            assert_eq!(block_on(known.find("ASIA2", Some("token of ASIA1"))), Ok(None));
        }
        clock.advance(Duration::from_secs(900));
        assert_eq!(block_on(fresh.find("ASIA1", Some("token of ASIA1"))), Err(SessionRefused::Expired));
    }

    #[test]
    fn there_are_only_so_many_and_the_expired_make_room() {
        let (mut sessions, clock, _) = sessions();
        sessions.max = 2;
        let remember = |id: &str, s: i64| block_on(sessions.remember(passed(&sessions, id, s))).expect("stored");
        assert!(remember("A", 100) && remember("B", 2_000) && !remember("C", 2_000));
        assert!(!remember("D", 0) && !remember(&"x".repeat(129), 100));
        clock.advance(Duration::from_secs(101));
        assert!(remember("C", 2_000));
        assert_eq!(block_on(sessions.find("A", Some("token of A"))), Ok(None));
        assert!(block_on(sessions.find("B", Some("token of B"))).expect("its token").is_some());
    }

    #[test]
    fn who_asked_for_it_is_remembered() {
        let (sessions, _, _) = sessions();
        for proven in [true, false] {
            let got = Passed { proven, ..passed(&sessions, "ASIA1", 900) };
            assert!(block_on(sessions.remember(got)).expect("stored"));
            let found = block_on(sessions.find("ASIA1", Some("token of ASIA1"))).expect("its token").expect("known");
            assert_eq!(found.principal.session.as_ref().map(|session| session.unproven), Some(!proven));
        }
    }

    #[test]
    fn old_versions_are_read_for_ever() {
        let version_1 = b"\x00\x01{\"expires_s\":7,\"sealed\":[1,2]}";
        assert_eq!(decode(version_1), Ok(StoredPassed { expires_s: 7, sealed: vec![1, 2], proven: false }));
        let version_2 = b"\x00\x02{\"expires_s\":7,\"sealed\":[1,2],\"proven\":true}";
        assert_eq!(decode(version_2), Ok(StoredPassed { expires_s: 7, sealed: vec![1, 2], proven: true }));
    }
}
