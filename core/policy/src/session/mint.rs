//! Making tokens and opening them again.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::AccountId;
use opentrail_world::World;

use super::Session;
use super::opened::OpenedTokens;
use super::state::{State, packed_bytes};
use crate::directory::ids;
use crate::{
    Credential, Directory, DirectoryError, Identities, IdentitiesUnavailable, Principal, PrincipalKind, Seal, Secret,
    SessionRefused,
};

/// AWS promises that no token is longer.
pub const SESSION_TOKEN_BYTES_MAX: usize = 4_096;
/// What every token begins with, so that one that was changed is not taken for a stranger's.
const MARK: &[u8; 9] = b"opentrail";
/// The same as tokens show it.
const MARK_TEXT: &str = "b3BlbnRyYWls";
/// What policies and tags may take of a token, packed.
const PACKED_BYTES_MAX: usize = 2_048;

/// Temporary credentials, shown once.
#[derive(Debug, Clone)]
pub struct Minted {
    /// `ASIA…`
    pub access_key_id: String,
    pub secret: Secret,
    pub token: Secret,
    pub expires_s: i64,
}

/// Policies and tags do not fit into a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("policies and tags take {percent}% of their place in a session token")]
pub struct TooLarge {
    pub percent: usize,
}

/// Makes sessions, and knows them again.
pub struct Sessions {
    seal: Arc<dyn Seal>,
    directory: Arc<Directory>,
    world: World,
    opened: OpenedTokens,
}

impl Sessions {
    /// Sessions of those in `directory`, sealed by `seal`.
    pub fn new(seal: Arc<dyn Seal>, directory: Arc<Directory>, world: World) -> Self {
        Self { seal, directory, world, opened: OpenedTokens::default() }
    }

    /// How much of their place in a token the policies and tags of a session take, in per cent, rounded up.
    pub fn packed_percent(session: &Session) -> Result<usize, TooLarge> {
        let inline = session.inline.iter().map(|policy| policy.text.as_str());
        let managed = session.managed.iter().map(String::as_str);
        let tags = session.tags.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
        let percent = (packed_bytes(inline.chain(managed).chain(tags)) * 100).div_ceil(PACKED_BYTES_MAX);
        if percent > 100 { Err(TooLarge { percent }) } else { Ok(percent) }
    }

    /// Makes the credentials of a session. Nobody but the operator has none; asked for the operator's, or for more than a token
    /// can carry, it makes none.
    pub fn mint(&self, kind: PrincipalKind, account: AccountId, session: Session) -> Option<Minted> {
        Self::packed_percent(&session).ok()?;
        let access_key_id = ids::session_key_id(&self.world, account);
        let secret = ids::secret(&self.world);
        let expires_s = session.expires_s;
        let state = State { kind, account, secret: secret.clone(), session }.encode()?;
        let sealed = self.seal.seal(&context(&access_key_id), &state);
        let token = STANDARD.encode([MARK.as_slice(), &sealed].concat());
        Some(Minted { access_key_id, secret, token: Secret::new(token), expires_s })
    }

    fn open(&self, access_key_id: &str, token: &str) -> Result<Arc<Credential>, SessionRefused> {
        let refused = || if token.starts_with(MARK_TEXT) { SessionRefused::Token } else { SessionRefused::Foreign };
        if token.len() > 2 * SESSION_TOKEN_BYTES_MAX {
            return Err(refused());
        }
        if let Some(opened) = self.opened.find(access_key_id).filter(|opened| opened.token.expose() == token) {
            return Ok(opened.credential);
        }
        let bytes = STANDARD.decode(token).map_err(|_| refused())?;
        // Tokens of older versions have no mark.
        let sealed = bytes.strip_prefix(MARK.as_slice()).unwrap_or(&bytes);
        let state = self.seal.open(&context(access_key_id), sealed).map_err(|_| refused())?;
        let State { kind, account, secret, session } = State::decode(&state).ok_or(SessionRefused::Token)?;
        let principal =
            Principal { kind, account, access_key_id: access_key_id.to_owned(), session: Some(Arc::new(session)) };
        let credential = Arc::new(Credential { principal, secret, active: true });
        self.opened.keep(token, &credential);
        Ok(credential)
    }

    /// Whether those from whom the session has its rights are still there, and are the same.
    async fn lives(&self, principal: &Principal) -> Result<bool, DirectoryError> {
        self.directory.is_there(principal.account, &principal.kind).await
    }
}

impl Identities for Sessions {
    fn find<'a>(
        &'a self,
        access_key_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<Credential>>, IdentitiesUnavailable>> {
        self.directory.find(access_key_id)
    }

    fn has_account(&self, account: AccountId) -> BoxFuture<'_, Result<bool, IdentitiesUnavailable>> {
        self.directory.has_account(account)
    }

    fn find_session<'a>(
        &'a self,
        access_key_id: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Arc<Credential>, SessionRefused>> {
        async move {
            let credential = self.open(access_key_id, token)?;
            let session = credential.principal.session.as_ref();
            if session.is_none_or(|session| self.world.now().as_second() >= session.expires_s) {
                return Err(SessionRefused::Expired);
            }
            match self.lives(&credential.principal).await {
                Ok(true) => Ok(credential),
                Ok(false) => Err(SessionRefused::Token),
                Err(error) => Err(SessionRefused::Unavailable(error.to_string())),
            }
        }
        .boxed()
    }
}

/// Binds a token to its key.
fn context(access_key_id: &str) -> String {
    format!("session/{access_key_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_shows_at_the_beginning_of_every_token() {
        assert_eq!(STANDARD.encode(MARK), MARK_TEXT);
        assert!(STANDARD.encode([MARK.as_slice(), b"more"].concat()).starts_with(MARK_TEXT));
    }
}
