//! The circumstances that every call has, as the policy language names them (`spec/policy.md` 2.6).
//!
//! Nothing here is taken from what a client merely says, but for the user agent, which policies must not trust.

use opentrail_policy::{Context, PrincipalKind};

use crate::Cx;

impl Cx {
    /// The global condition keys of this call.
    pub fn context(&self) -> Context {
        let principal = &self.principal;
        let kind = match &principal.kind {
            PrincipalKind::Root => "Account",
            PrincipalKind::Operator | PrincipalKind::User { .. } => "User",
        };
        let mut context = Context::new()
            .with("aws:CurrentTime", self.received_at.to_string())
            .with("aws:EpochTime", self.received_at.as_second().to_string())
            .with("aws:PrincipalAccount", principal.account.as_str())
            .with("aws:PrincipalArn", principal.arn().as_str())
            .with("aws:PrincipalIsAWSService", "false")
            .with("aws:PrincipalType", kind)
            .with("aws:RequestedRegion", self.region.as_str())
            .with("aws:SecureTransport", self.tls.is_some().to_string())
            .with("aws:SourceIp", self.source_ip.to_canonical().to_string())
            .with("aws:ViaAWSService", "false")
            .with("aws:userid", principal.unique_id());
        if let Some(agent) = &self.user_agent {
            context.set("aws:UserAgent", agent.as_str());
        }
        match &principal.kind {
            PrincipalKind::Root => {}
            PrincipalKind::Operator => context.set("aws:username", "operator"),
            PrincipalKind::User { name, .. } => context.set("aws:username", name.as_str()),
        }
        context
    }
}
