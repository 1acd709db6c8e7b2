//! A service that calls in its own name: what policies are told of it, and what decides.
//!
//! A service has no rights of its own, so that nobody can borrow them. It acts for one resource of one account and cannot act
//! without naming both: the policy of what it touches sees them as `aws:SourceArn` and `aws:SourceAccount`, which nothing that a
//! client sends can set, and nothing but that policy lets it in (`spec/policy.md` 4.6).
//!
//! No service calls on with its caller's rights (a forward access session), so `aws:CalledVia` never has a value and
//! `aws:ViaAWSService` is always false; `aws:SourceOrgID` has none, since there are no organizations.

use jiff::Timestamp;
use opentrail_event::{AccountId, Arn};

use crate::{Caller, Case, Context, Policy, Rights, judge};

/// A service, and for what it acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnBehalf<'a> {
    /// `cloudtrail.amazonaws.com`
    pub service: &'a str,
    /// The trail, the topic, the rule.
    pub source_arn: &'a Arn,
    /// Whose that is.
    pub source_account: AccountId,
}

/// What the service wants.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// `s3:PutObject`
    pub action: &'a str,
    /// What it touches.
    pub resource: &'a Arn,
    /// Whose that is.
    pub owner: AccountId,
    /// Its policy; without one everything is denied, also where service and owner have one account.
    pub policy: Option<&'a Policy>,
    /// The circumstances that the receiver knows: its own condition keys, `aws:RequestedRegion`.
    pub context: &'a Context,
}

impl OnBehalf<'_> {
    /// Decides at `now`. `Err` is the reason of a denial in AWS's words, behind "is not authorized to perform: …".
    pub fn may(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<(), String> {
        let caller = Caller::Service { name: self.service.to_owned() };
        let mut context = wanted.context.clone();
        // Last, so that nobody else has said it.
        context.merge(self.circumstances(now));
        context.set("aws:ResourceAccount", wanted.owner.as_str());
        let rights = Rights::default();
        let case = Case {
            resources: std::slice::from_ref(wanted.resource),
            resource_account: Some(wanted.owner),
            resource_policy: wanted.policy,
            ..Case::new(&caller, &rights, wanted.action, &context)
        };
        judge(&case).because(wanted.action, false).map_or(Ok(()), Err)
    }

    /// The global condition keys of its calls. Their principal's type is that of a session, as AWS's own have it
    /// (`spec/recorded.md` 3.2).
    fn circumstances(&self, now: Timestamp) -> Context {
        Context::new()
            .with("aws:SourceArn", self.source_arn.as_str())
            .with("aws:SourceAccount", self.source_account.as_str())
            .with("aws:PrincipalIsAWSService", "true")
            .with("aws:PrincipalServiceName", self.service)
            .with("aws:PrincipalServiceNamesList", self.service)
            .with("aws:PrincipalType", "AssumedRole")
            .with("aws:ViaAWSService", "false")
            .with("aws:SecureTransport", "true")
            .with("aws:UserAgent", self.service)
            .with("aws:CurrentTime", now.to_string())
            .with("aws:EpochTime", now.as_second().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    const OURS: &str = "111111111111";
    const THEIRS: &str = "222222222222";

    fn account(id: &str) -> AccountId {
        id.parse().expect("an account")
    }

    fn trail(owner: &str) -> Arn {
        Arn::given(&format!("arn:aws:cloudtrail:us-east-1:{owner}:trail/t"))
    }

    /// Whether CloudTrail may put into a bucket of ours, for a trail of `owner`, where the bucket's policy has that condition.
    fn may(owner: &str, condition: &str, more: &Context) -> bool {
        let text = format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":"s3:PutObject",
                "Resource":"arn:aws:s3:::b/*","Condition":{condition}}}}}"#
        );
        let policy = Policy::parse(text.as_bytes(), &Kind::Bucket { bucket: "b".into() }).expect("a policy");
        asked(owner, Some(&policy), more).is_ok()
    }

    fn asked(owner: &str, policy: Option<&Policy>, more: &Context) -> Result<(), String> {
        let arn = trail(owner);
        let by = OnBehalf { service: "cloudtrail.amazonaws.com", source_arn: &arn, source_account: account(owner) };
        let resource = Arn::object("b", "k");
        let wanted =
            Wanted { action: "s3:PutObject", resource: &resource, owner: account(OURS), policy, context: more };
        by.may(&wanted, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_confused_deputy_is_not_let_in() {
        let none = Context::new();
        let account = r#"{"StringEquals":{"aws:SourceAccount":"111111111111"}}"#;
        let arn = r#"{"ArnLike":{"aws:SourceArn":"arn:aws:cloudtrail:*:111111111111:trail/*"}}"#;
        for condition in [account, arn] {
            assert!(may(OURS, condition, &none), "{condition}");
            assert!(!may(THEIRS, condition, &none), "{condition}");
            // Whatever else stands in the circumstances: for whom a service acts it says itself.
            let forged = Context::new()
                .with("AWS:SourceAccount", OURS)
                .with("aws:sourcearn", trail(OURS).as_str())
                .with("aws:SourceOrgID", "o-x");
            assert!(!may(THEIRS, condition, &forged), "{condition}");
        }
        // Who does not ask lets every trail in.
        assert!(may(THEIRS, "{}", &none));
    }

    #[test]
    fn what_policies_are_told_of_a_service() {
        let none = Context::new();
        let is = |condition: &str| may(OURS, condition, &none);
        assert!(is(r#"{"Bool":{"aws:PrincipalIsAWSService":"true","aws:ViaAWSService":"false"}}"#));
        assert!(is(r#"{"StringEquals":{"aws:PrincipalServiceName":"cloudtrail.amazonaws.com"}}"#));
        assert!(is(r#"{"StringEquals":{"aws:PrincipalType":"AssumedRole","aws:ResourceAccount":"111111111111"}}"#));
        assert!(is(
            r#"{"Null":{"aws:SourceIp":"true","aws:SourceOrgID":"true","aws:CalledVia":"true","aws:PrincipalArn":"true","aws:userid":"true"}}"#
        ));
    }

    #[test]
    fn without_a_policy_nothing_is_open_to_a_service() {
        let denied = asked(OURS, None, &Context::new()).expect_err("denied");
        assert_eq!(denied, "because no resource-based policy allows the s3:PutObject action");
        // The account's own name is no service's.
        let text = format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{OURS}"}},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}}}}"#
        );
        let policy = Policy::parse(text.as_bytes(), &Kind::Bucket { bucket: "b".into() }).expect("a policy");
        assert!(asked(OURS, Some(&policy), &Context::new()).is_err());
    }
}
