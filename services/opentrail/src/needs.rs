//! What IAM and CloudTrail ask for the same: users and keys are IAM's and events are CloudTrail's, whichever way one comes to them.

use opentrail_event::{AccountId, Arn};
use opentrail_policy::PrincipalKind;
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Fault, Need, Touched};

use crate::Desk;
use crate::op::{fault, key_owner};

/// What a call needs besides its own permission. Whoever may not do the same to IAM may not do it here: a `Deny` of `iam:*`, a
/// permissions boundary without IAM and `PowerUserAccess` would let their holders make an administrator for themselves else.
///
/// The operator needs nothing: users and keys of all accounts are the operator's to make.
///
/// # Errors
/// A denial, for callers whom IAM knows not at all (`spec/sts.md` 2.4): a session would buy itself a key that outlives it.
pub(crate) fn as_in_iam(cx: &Cx, needs: Vec<Need>) -> Result<Touched, Fault> {
    let caller = &cx.principal;
    if caller.is_operator() {
        return Ok(Touched::default());
    }
    let without_factor = caller.session.as_ref().is_some_and(|session| session.mfa_s.is_none());
    let is_stranger = match caller.kind {
        PrincipalKind::User { .. } | PrincipalKind::Root => without_factor,
        PrincipalKind::Role { .. } => false,
        _ => true,
    };
    if is_stranger {
        let message = "users and keys are not for federated users, nor for sessions of a user or root without a second factor: \
                       sign with the key itself";
        return Err(Fault { hide_parameters: true, ..Fault::client("AccessDeniedException", message) });
    }
    Ok(Touched { also: needs, ..Touched::default() })
}

/// What a look-up needs besides: whoever may not `LookupEvents` reads no events here either. The operator may read all there are.
pub(crate) fn as_in_cloudtrail(cx: &Cx) -> Touched {
    let need = Need::new("cloudtrail:LookupEvents", Vec::new());
    Touched { also: (!cx.principal.is_operator()).then_some(need).into_iter().collect(), ..Touched::default() }
}

impl Desk {
    /// A user's ARN; of one who is not there, the one that it would have.
    pub(crate) async fn user_arn(&self, account: AccountId, name: &str) -> Result<Arn, Fault> {
        let user = self.directory.user(account, name).await.map_err(fault)?;
        Ok(user.map_or_else(|| Arn::user(account, "/", name), |user| Arn::user(account, &user.path, &user.name)))
    }

    /// `action` on the user, or root, whose keys a call is about.
    pub(crate) async fn on_key_owner(
        &self,
        cx: &Cx,
        input: &Document,
        account: AccountId,
        action: &'static str,
    ) -> Result<Touched, Fault> {
        let arn = match key_owner(cx, input) {
            Some(name) => self.user_arn(account, &name).await?,
            None => Arn::root(account),
        };
        as_in_iam(cx, vec![Need::new(action, vec![arn])])
    }

    /// `action` on the user, or root, that the named key belongs to.
    pub(crate) async fn on_owner_of_key(
        &self,
        cx: &Cx,
        input: &Document,
        account: AccountId,
        action: &'static str,
    ) -> Result<Touched, Fault> {
        let key = self.directory.access_key(input.text("AccessKeyId").unwrap_or_default()).await.map_err(fault)?;
        let arns = match key.filter(|key| key.account == account).map(|key| key.user) {
            Some(Some(name)) => vec![self.user_arn(account, &name).await?],
            Some(None) => vec![Arn::root(account)],
            None => Vec::new(),
        };
        as_in_iam(cx, vec![Need::new(action, arns)])
    }
}
