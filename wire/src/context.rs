//! The circumstances that every call has, as the policy language names them (`spec/policy.md` 2.6).
//!
//! Nothing here is taken from what a client merely says, but for the user agent, which policies must not trust.

use opentrail_policy::{Context, PrincipalKind, Session};

use crate::Cx;

/// The circumstances of somebody for whom a provider speaks.
fn vouched(mut context: Context, provider: &str, keys: Vec<(String, Vec<String>)>) -> Context {
    for (key, values) in keys {
        values.into_iter().for_each(|value| context.add(&key, value));
    }
    context.set("aws:FederatedProvider", provider);
    context
}

impl Cx {
    /// The global condition keys of this call, save the tags of the caller's user or role, which the decider knows.
    pub fn context(&self) -> Context {
        let principal = &self.principal;
        let mut context = Context::new()
            .with("aws:CurrentTime", self.received_at.to_string())
            .with("aws:EpochTime", self.received_at.as_second().to_string())
            .with("aws:PrincipalIsAWSService", "false")
            .with("aws:RequestedRegion", self.region.as_str())
            .with("aws:SecureTransport", self.tls.is_some().to_string())
            .with("aws:SourceIp", self.source_ip.to_canonical().to_string())
            .with("aws:ViaAWSService", "false");
        if let Some(agent) = &self.user_agent {
            context.set("aws:UserAgent", agent.as_str());
        }
        let kind = match &principal.kind {
            PrincipalKind::Root => "Account",
            PrincipalKind::Operator | PrincipalKind::User { .. } => "User",
            PrincipalKind::Role { .. } => "AssumedRole",
            PrincipalKind::Federated { .. } => "FederatedUser",
            // Nobody of AWS yet: only the token speaks for them.
            PrincipalKind::WebIdentity(holder) => return vouched(context, &holder.provider, holder.keys()),
            PrincipalKind::Saml(holder) => return vouched(context, &holder.provider, holder.keys()),
        };
        context.set("aws:PrincipalType", kind);
        context.set("aws:PrincipalAccount", principal.account.as_str());
        context.set("aws:PrincipalArn", principal.entity_arn().as_str());
        context.set("aws:userid", principal.unique_id());
        match &principal.kind {
            PrincipalKind::Operator => context.set("aws:username", "operator"),
            PrincipalKind::User { name, .. } => context.set("aws:username", name.as_str()),
            _ => {}
        }
        if let Some(session) = &principal.session {
            self.of_session(&mut context, session);
        }
        context
    }

    /// What only temporary credentials have.
    fn of_session(&self, context: &mut Context, session: &Session) {
        context.set("aws:MultiFactorAuthPresent", session.mfa_s.is_some().to_string());
        if let Some(at_s) = session.mfa_s {
            context.set("aws:MultiFactorAuthAge", (self.received_at.as_second() - at_s).max(0).to_string());
        }
        let issued = jiff::Timestamp::from_second(session.issued_s).unwrap_or_default();
        context.set("aws:TokenIssueTime", issued.to_string());
        if let Some(source) = &session.source_identity {
            context.set("aws:SourceIdentity", source.as_str());
        }
        if let Some(web) = &session.web {
            context.set("aws:FederatedProvider", web.provider.as_str());
            web.attributes.iter().for_each(|(key, value)| context.add(key, value.as_str()));
        }
        for (key, value) in &session.tags {
            context.set(&format!("aws:PrincipalTag/{key}"), value.as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use opentrail_event::Region;
    use opentrail_policy::Principal;

    use super::*;

    /// For whom a service acts, and that a service acts at all, is a service's to say; a client has no way to.
    #[test]
    fn a_clients_call_names_no_source_and_no_service() {
        let kinds = [
            PrincipalKind::Root,
            PrincipalKind::User { name: "ann".into(), path: "/".into(), unique_id: "AIDAX".into() },
            PrincipalKind::Role {
                name: "ops".into(),
                path: "/aws-service-role/x.amazonaws.com/".into(),
                unique_id: "AROAX".into(),
                session_name: "ann".into(),
            },
        ];
        for kind in kinds {
            let session = Session {
                tags: vec![("aws:SourceArn".into(), "arn:aws:x".into())],
                source_identity: Some("ann".into()),
                ..Session::default()
            };
            let principal = Principal {
                kind,
                account: "111122223333".parse().expect("an account"),
                access_key_id: "ASIAX".into(),
                session: Some(Arc::new(session)),
            };
            let cx = Cx {
                principal: Arc::new(principal),
                region: Region::us_east_1(),
                request_id: String::new(),
                received_at: jiff::Timestamp::UNIX_EPOCH,
                source_ip: std::net::Ipv4Addr::LOCALHOST.into(),
                user_agent: Some("cloudtrail.amazonaws.com".into()),
                tls: None,
                presigned: false,
            };
            let context = cx.context();
            for key in [
                "aws:SourceArn",
                "aws:SourceAccount",
                "aws:SourceOrgID",
                "aws:PrincipalServiceName",
                "aws:PrincipalServiceNamesList",
                "aws:CalledVia",
                "aws:CalledViaFirst",
                "aws:CalledViaLast",
            ] {
                assert!(context.values(key).is_empty(), "{key}");
            }
            assert_eq!(context.single("aws:ViaAWSService"), Some("false"));
            assert_eq!(context.single("aws:PrincipalIsAWSService"), Some("false"));
        }
    }
}
