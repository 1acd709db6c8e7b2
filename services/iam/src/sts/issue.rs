//! Credentials as an answer shows them, and as records do.

use opentrail_event::{AccountId, RawJson};
use opentrail_policy::{PrincipalKind, Session};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Fault};

use super::{Desk, denied};

impl Desk {
    /// Makes a session, and the credentials that stand for it.
    pub(super) fn issue(&self, kind: PrincipalKind, account: AccountId, session: Session) -> Result<Document, Fault> {
        let minted = self.sessions.mint(kind, account, session);
        let minted = minted.ok_or_else(|| denied("There are no temporary credentials for this caller."))?;
        let expires = jiff::Timestamp::from_second(minted.expires_s).unwrap_or_default();
        Ok(Document::structure()
            .with("AccessKeyId", minted.access_key_id)
            .with("SecretAccessKey", minted.secret.expose())
            .with("SessionToken", minted.token.expose())
            .with("Expiration", expires))
    }

    /// A session that begins now.
    pub(super) fn begin(&self, lasts_s: i64) -> Session {
        let issued_s = self.world.now().as_second();
        Session { issued_s, expires_s: issued_s.saturating_add(lasts_s), ..Session::default() }
    }
}

/// Where it was served, as STS records it (`spec/recorded.md` 10). The id of AWS's own servers that stands beside it there has no
/// meaning here and is left out.
pub(super) fn details(cx: &Cx) -> RawJson {
    let region = cx.region.as_str();
    RawJson::from_written(
        format!(r#"{{"RequestDetails":{{"awsServingRegion":"{region}","endpointType":"regional"}}}}"#).into_bytes(),
    )
}
