//! Who sends a call that goes on: proven by a key that is known, of a key that is not, or nobody.

use std::sync::Arc;

use opentrail_event::{AccountId, IdentityType, Region, UserIdentity};
use opentrail_policy::Principal;
use opentrail_protocol::Protocol;

use super::Stop;
use crate::door::life::Hall;
use crate::errors::{self, Tongue};
use crate::sigv4::canonical::Seen;
use crate::sigv4::claim::Claim;
use crate::sigv4::refusal::Refusal;
use crate::sigv4::verify::{Issued, Known, Plausible, Proven};
use crate::{Passage, sigv4::Dialect};

/// What a request says of its sender, as far as it can be said without the body.
#[expect(clippy::large_enum_variant, reason = "one for each call, and moved once")]
pub(super) enum Claimed {
    /// A key that is known; its signature is still to be proven.
    Known(Box<Plausible>, bool),
    /// A key that is not.
    Unknown(Claim, Region),
    /// No signature.
    Nobody(Region),
}

/// The sender.
#[derive(Debug, Clone)]
pub(super) enum Who {
    Proven {
        principal: Arc<Principal>,
        /// One of ours, not a session that somebody else made.
        ours: bool,
    },
    /// The upstream is to say whether it takes this key.
    Unproven {
        access_key_id: String,
    },
    Anonymous,
}

impl Who {
    /// As records show a caller whom the upstream took in.
    pub(super) fn identity(&self, account: AccountId) -> UserIdentity {
        match self {
            Self::Proven { principal, .. } => principal.user_identity(),
            Self::Unproven { access_key_id } => {
                UserIdentity { access_key_id: Some(access_key_id.clone()), ..unattributed(account) }
            }
            Self::Anonymous => UserIdentity {
                kind: IdentityType::AWSAccount,
                account_id: "ANONYMOUS_PRINCIPAL".into(),
                ..unattributed(account)
            },
        }
    }

    pub(super) fn is_proven(&self) -> bool {
        matches!(self, Self::Proven { .. })
    }

    /// Whether it is known here whose call this is. A session that was got by a key that nobody here knows is whose that was.
    pub(super) fn is_verified(&self) -> bool {
        match self {
            Self::Proven { principal, .. } => principal.session.as_ref().is_none_or(|session| !session.unproven),
            Self::Unproven { .. } | Self::Anonymous => false,
        }
    }
}

/// Somebody of whom nothing is said yet.
pub(super) fn unattributed(account: AccountId) -> UserIdentity {
    UserIdentity {
        kind: IdentityType::Unknown,
        principal_id: String::new(),
        arn: String::new(),
        account_id: account.to_string(),
        access_key_id: None,
        user_name: None,
        session_context: None,
        invoked_by: None,
        identity_provider: None,
    }
}

impl Hall {
    /// Reads the claim and looks for its key.
    pub(super) async fn claimed(&self, passage: &Passage, seen: &Seen<'_>, tongue: &Tongue) -> Result<Claimed, Stop> {
        let dialect = |name: &str| if is_s3(name) { Dialect::S3 } else { Dialect::Other };
        let ours = |name: &str| self.is_ours(name) && !passage.named.iter().any(|(known, _)| known == name);
        let issued = Issued { keys: ours("iam"), sessions: ours("sts") };
        let known = self.verifier.check_onward(seen, self.world.now(), dialect, &passage.sessions, issued).await;
        match known {
            Ok(Known::Ours(plausible)) => Ok(Claimed::Known(Box::new(plausible), true)),
            Ok(Known::Passed(plausible)) => Ok(Claimed::Known(Box::new(plausible), false)),
            Ok(Known::Not(claim, region)) if passage.settings.signing.is_none() => Ok(Claimed::Unknown(claim, region)),
            Ok(Known::Not(claim, _)) => Err(self.not_proven(&Refusal::Key(claim.access_key_id), tongue)),
            Err(Refusal::Absent) if passage.settings.anonymous && passage.settings.signing.is_none() => {
                Ok(Claimed::Nobody(Region::us_east_1()))
            }
            Err(refusal) => Err(self.not_proven(&refusal, tongue)),
        }
    }

    pub(super) fn not_proven(&self, refusal: &Refusal, tongue: &Tongue) -> Stop {
        let fault = errors::auth::fault(refusal, tongue.protocol);
        if let Refusal::Unavailable(error) = refusal {
            tracing::error!(%error, "find access key");
            return Stop::Told(fault);
        }
        Stop::Stranger(fault)
    }
}

/// Services whose paths are signed as S3's are.
pub(super) fn is_s3(signing_name: &str) -> bool {
    matches!(signing_name, "s3" | "s3-outposts" | "s3-object-lambda" | "s3express")
}

/// The proven sender of a claim.
pub(super) fn proven(proven: &Proven, ours: bool) -> Who {
    Who::Proven { principal: Arc::new(proven.credential.principal.clone()), ours }
}

/// What the upstream made of a caller who is not proven here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It knows them.
    In,
    /// It does not.
    Out,
    /// It did not come so far, or nobody knows how far it came.
    Unclear,
}

/// Codes by which a service says that it does not know the caller, without what stands before or behind them.
const STRANGERS: &[&str] = &[
    "AuthFailure",
    "AuthorizationHeaderMalformed",
    "AuthorizationQueryParametersError",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "InvalidSignatureException",
    "InvalidToken",
    "InvalidTokenId",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "MissingSecurityHeader",
    "NotAuthorized",
    "NotSignedUp",
    "OptInRequired",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "SubscriptionRequiredException",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
];

/// Codes by which services answer only callers whom they know: those of the operation itself, found once somebody is let in.
const FAMILIAR: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "BucketAlreadyExists",
    "BucketAlreadyOwnedByYou",
    "BucketNotEmpty",
    "ConditionalCheckFailedException",
    "ConflictException",
    "DeleteConflict",
    "DependencyViolation",
    "DryRunOperation",
    "EntityTooSmall",
    "IncorrectInstanceState",
    "IncorrectState",
    "InvalidBucketState",
    "InvalidObjectState",
    "InvalidParameterValue",
    "InvalidPart",
    "InvalidPartOrder",
    "InvalidRange",
    "ObjectLockConfigurationNotFoundError",
    "OperationNotPermitted",
    "PreconditionFailed",
    "ReplicationConfigurationNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
    "UnauthorizedOperation",
    "ValidationError",
    "ValidationException",
];

/// Ends of such codes: `ResourceNotFoundException`, EC2's `InvalidInstanceID.NotFound`, `EntityAlreadyExists`. Alone they say nothing.
const FAMILIAR_ENDS: &[&str] = &[
    ".Duplicate",
    "AlreadyExists",
    "AlreadyExistsException",
    "AlreadyExistsFault",
    "ConflictException",
    "DeleteConflict",
    "InUse",
    "InUseException",
    "InvalidParameterException",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "NotFound",
    "NotFoundException",
    "NotFoundFault",
    "TransactionCanceledException",
    "ValidationError",
    "ValidationException",
];

/// By the answer's status and the code that it says, if it says one.
pub(super) fn taken(status: u16, said: Option<&str>, anonymous: bool) -> Taken {
    match (status, said) {
        (200..300 | 304, _) => Taken::In,
        (401, _) => Taken::Out,
        (_, Some(code)) if STRANGERS.contains(&code) => Taken::Out,
        // To somebody without a name a denial says no more than that.
        (403, _) if anonymous => Taken::Out,
        (400..500, Some(code)) if is_familiar(code) => Taken::In,
        _ => Taken::Unclear,
    }
}

fn is_familiar(code: &str) -> bool {
    let ends = |end: &&str| code.len() > end.len() && code.ends_with(end);
    FAMILIAR.contains(&code) || code.starts_with("NoSuch") || FAMILIAR_ENDS.iter().any(ends)
}

/// Whom an unsigned request looks like it is for.
pub(crate) fn looks_like(protocol: Protocol) -> Option<&'static str> {
    (protocol == Protocol::RestXml).then_some("s3")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_taken_in_and_who_is_not() {
        let check = |status, said: Option<&str>, expect| {
            assert_eq!(taken(status, said, false), expect, "{status} {said:?}");
        };
        check(200, None, Taken::In);
        check(304, None, Taken::In);
        check(404, Some("NoSuchKey"), Taken::In);
        check(403, Some("AccessDenied"), Taken::In);
        check(400, Some("InvalidInstanceID.NotFound"), Taken::In);
        check(400, Some("ResourceNotFoundException"), Taken::In);
        check(401, Some("AuthFailure"), Taken::Out);
        check(400, Some("UnrecognizedClientException"), Taken::Out);
        check(403, Some("SignatureDoesNotMatch"), Taken::Out);
        for (status, said) in [
            (301, None),
            (307, Some("TemporaryRedirect")),
            (400, None),
            (400, Some("ThrottlingException")),
            (400, Some("UnknownOperationException")),
            (403, None),
            (404, None),
            (404, Some("NotFound")),
            (404, Some("page not found")),
            (413, Some("RequestEntityTooLarge")),
            (500, Some("ResourceNotFoundException")),
        ] {
            check(status, said, Taken::Unclear);
        }
        assert_eq!(taken(403, Some("AccessDenied"), true), Taken::Out);
        assert!(STRANGERS.is_sorted() && FAMILIAR.is_sorted() && FAMILIAR_ENDS.is_sorted());
    }
}
