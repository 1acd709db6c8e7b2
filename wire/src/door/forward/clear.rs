//! Whether it is clear what a call is, to whoever reads it: what could be one thing here and another at the upstream does not go
//! on.

use http::header::HOST;
use opentrail_delivery::{Upstream, UpstreamPlace};
use opentrail_policy::Principal;
use opentrail_protocol::Protocol;
use opentrail_protocol::atlas::Recognised;

use crate::door::life::Hall;
use crate::errors::Tongue;
use crate::{Fault, RequestHead, Signing};

impl Hall {
    /// Why a call does not go on, whoever sends it.
    pub(super) fn unclear(
        &self,
        what: &Recognised,
        head: &RequestHead,
        upstream: &dyn Upstream,
        place: &UpstreamPlace,
        signs: bool,
    ) -> Option<&'static str> {
        if what.contradiction.is_some() {
            return what.contradiction;
        }
        let found = what.bucket_in_host.as_ref();
        if signs {
            // The path that goes on is made from the host, and says what was allowed or something else.
            let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
            let ours = self.hosts.bucket(host);
            let is_s3 = what.s3().is_some() || found.is_some();
            return (is_s3 && ours.as_deref() != found.map(|found| found.bucket.as_str()))
                .then_some("The host names a bucket of another endpoint");
        }
        // S3 itself finds a bucket in a host of its own. What anything else makes of that nobody knows.
        let is_aws = || upstream.authority(place).contains(".amazonaws.");
        (found.is_some_and(|found| !found.ours) && !is_aws())
            .then_some("The host is one of Amazon S3, which does not answer here")
    }
}

/// Whether one who was proven may have this done with the upstream's keys. `read` says whether all was read that may name the
/// operation: what may be something else is denied whatever the list says, and so is whatever no model has.
pub(super) fn is_allowed(
    signing: &Signing,
    principal: &Principal,
    what: &Recognised,
    read: bool,
    action: (&str, &str),
) -> bool {
    // Of a session that somebody got by a key that nobody here knows, nobody here knows whose it is.
    let is_proven = principal.session.as_ref().is_none_or(|session| !session.unproven);
    let is_clear = read && what.is_known() && what.is_of_known_service() && !what.mints_credentials;
    let arns = [principal.arn(), principal.entity_arn()];
    is_proven && is_clear && signing.allows(&[arns[0].as_str(), arns[1].as_str()], action.0, action.1)
}

/// What a client is told whose call does not go on because it is not clear.
pub(super) fn fault(why: &'static str, tongue: &Tongue) -> Fault {
    let code = match tongue.protocol {
        Protocol::RestXml => "InvalidRequest",
        Protocol::Query | Protocol::Ec2Query => "InvalidParameterCombination",
        _ => "ValidationException",
    };
    Fault::client(code, format!("{why}, so that it is not passed on."))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{HeaderMap, Method};
    use opentrail_policy::{PrincipalKind, Secret, Session};
    use opentrail_protocol::atlas::{Atlas, Head, Scope};

    use super::*;
    use crate::Allowed;

    #[test]
    fn a_session_that_nobody_here_vouches_for_may_do_nothing() {
        let signing = Signing {
            access_key_id: "AKIA".into(),
            secret: Secret::new("s".into()),
            token: None,
            allowed: vec![Allowed { principal: "*".into(), actions: vec!["*".into()] }],
        };
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-amz-target"),
            http::HeaderValue::from_static("DynamoDB_20120810.ListTables"),
        )]);
        let scope = Some(Scope { service: "dynamodb", region: "us-east-1" });
        let head =
            Head { method: &Method::POST, host: "h", own_hosts: &[], path: "/", query: "", headers: &headers, scope };
        let what = Atlas::builtin().recognise(&head, b"{}");
        for (session, read, expect) in
            [(None, true, true), (Some(false), true, true), (Some(true), true, false), (None, false, false)]
        {
            let principal = Principal {
                kind: PrincipalKind::Root,
                account: "111122223333".parse().expect("an account"),
                access_key_id: "K".into(),
                session: session.map(|unproven| Arc::new(Session { unproven, ..Session::default() })),
            };
            assert_eq!(is_allowed(&signing, &principal, &what, read, ("dynamodb", "ListTables")), expect);
        }
    }
}
