//! AssumeRoleWithSAML: a session of a role for whoever brings an assertion of a SAML provider of the role's account. No signature of
//! the call is asked for: the provider's is the proof (`spec/sts.md` 2.6).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn, Category, Owner, RawJson, RecordResource, write_text};
use opentrail_federation::saml::{Assertion, Metadata, ResponseError, name_qualifier};
use opentrail_policy::{Principal, PrincipalKind, SamlIdentity, Vouched, WebFederation, rows};
use opentrail_protocol::Document;
use opentrail_wire::{Bearer, Cx, Facts, Fault, Operation, RpcAnswer, Touched};

use super::issue::details;
use super::vouched::{Wish, attributes, check, kept, role_name, unproven};
use super::{Desk, denied, unavailable};
use crate::op::providers;

const ACTION: &str = "sts:AssumeRoleWithSAML";
/// Attributes that conditions can name, by what providers call them.
const NAMED: [(&str, &str); 12] = [
    ("urn:oid:0.9.2342.19200300.100.1.1", "saml:uid"),
    ("urn:oid:0.9.2342.19200300.100.1.3", "saml:mail"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.1", "saml:edupersonaffiliation"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.2", "saml:edupersonnickname"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.5", "saml:edupersonprimaryaffiliation"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "saml:edupersonprincipalname"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.7", "saml:edupersonentitlement"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.9", "saml:edupersonscopedaffiliation"),
    ("urn:oid:2.5.4.3", "saml:cn"),
    ("urn:oid:2.5.4.4", "saml:surname"),
    ("urn:oid:2.5.4.42", "saml:givenName"),
    ("urn:oid:2.5.4.45", "saml:x500UniqueIdentifier"),
];

pub(crate) struct AssumeRoleWithSaml(pub(super) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "AssumeRoleWithSAML",
    action: ACTION,
    read_only: true,
    category: Category::Management,
    mints_credentials: true,
    open: false,
    errors: &[
        "AccessDenied",
        "ExpiredTokenException",
        "InvalidIdentityToken",
        "MalformedPolicyDocument",
        "PackedPolicyTooLarge",
        "ValidationError",
    ],
};

impl Operation for AssumeRoleWithSaml {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn bearer(&self) -> Option<&dyn Bearer> {
        Some(self)
    }

    fn arns(&self, _cx: &Cx, input: &Document) -> Vec<Arn> {
        role_name(input).map(|role| role.arn()).into_iter().collect()
    }

    fn resources(&self, cx: &Cx, input: &Document) -> Vec<RecordResource> {
        let mut resources: Vec<_> = role_name(input).map(|role| role.resource()).into_iter().collect();
        resources.extend(holder(cx).ok().map(|holder| RecordResource {
            owner: Owner::Account(cx.account()),
            kind: "AWS::IAM::SAMLProvider",
            arn: Arn::given(&holder.provider),
            prefix: false,
        }));
        resources
    }

    fn touches<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        async move {
            let holder = holder(cx)?;
            check_role(holder, input)?;
            let mut touched = self.wish(holder, input).look(&self.0, input).await?;
            let texts = [("sAMLAssertionID", &holder.assertion_id), ("roleSessionName", &holder.session_name)];
            touched.parameters.extend(texts.map(|(name, text)| (name, json(text))));
            Ok(touched)
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let holder = holder(cx)?;
            check_role(holder, input)?;
            let granted = self.wish(holder, input).grant(&self.0, input).await?;
            let output = Document::structure()
                .with("Credentials", granted.credentials)
                .with("AssumedRoleUser", granted.user)
                .with("PackedPolicySize", granted.percent)
                .with("Subject", holder.subject.as_str())
                .with("SubjectType", holder.subject_type.as_str())
                .with("Issuer", holder.issuer.as_str())
                .with("Audience", holder.recipient.as_str())
                .with("NameQualifier", holder.name_qualifier.as_str())
                .with("SourceIdentity", granted.source_identity);
            Ok(RpcAnswer { additional_event_data: Some(details(cx)), ..output.into() })
        }
        .boxed()
    }
}

impl Bearer for AssumeRoleWithSaml {
    fn prove<'a>(&'a self, input: &'a Document) -> BoxFuture<'a, Result<Principal, Fault>> {
        self.find_holder(input).boxed()
    }
}

impl AssumeRoleWithSaml {
    /// Whose assertion it is.
    async fn find_holder(&self, input: &Document) -> Result<Principal, Fault> {
        let account = role_name(input)?.account;
        let (provider, name) = self.provider(account, input.text("PrincipalArn").unwrap_or_default()).await?;
        if provider.encryption == "Required" {
            return Err(unproven(format!("{name} lets in encrypted assertions alone, and none can be read here")));
        }
        let assertion = input.text("SAMLAssertion").unwrap_or_default();
        let text = STANDARD.decode(assertion.split_ascii_whitespace().collect::<String>()).ok();
        let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.ok_or_else(|| unproven("Invalid base64 SAMLResponse"))?;
        let metadata = Metadata::parse(&provider.metadata)
            .map_err(|why| unproven(format!("The metadata of {name} cannot be used: {why}")))?;
        let proven = Assertion::prove(&text, &metadata, &self.0.saml_audiences, self.0.world.now().as_second());
        let assertion = proven.map_err(refused)?;
        let keys = NAMED.iter().filter_map(|(name, key)| {
            let found = assertion.attributes.iter().find(|(own, _)| own == name);
            found.map(|(_, values)| ((*key).to_owned(), values.clone()))
        });
        let doc = ("saml:doc".to_owned(), vec![format!("{account}/{}", provider.name)]);
        let holder = SamlIdentity {
            provider: name,
            name_qualifier: name_qualifier(&assertion.issuer, account.as_str(), &provider.name),
            subject: assertion.subject,
            subject_type: assertion.subject_type,
            issuer: assertion.issuer,
            recipient: assertion.recipient,
            assertion_id: assertion.id,
            keys: keys.chain(Some(doc)).collect(),
            roles: assertion.roles,
            session_name: assertion.session_name,
            lasts_s: assertion.session_lasts_s,
            ends_s: assertion.session_ends_s,
            vouched: Vouched {
                tags: assertion.tags,
                transitive: assertion.transitive,
                source_identity: assertion.source_identity,
            },
        };
        if !is_session_name(&holder.session_name) {
            return Err(unproven("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"));
        }
        check(&holder.vouched)?;
        let kind = PrincipalKind::Saml(Box::new(holder));
        Ok(Principal { kind, account, access_key_id: String::new(), session: None })
    }

    /// The provider that is named, in the account of the role; and its ARN.
    async fn provider(&self, account: AccountId, arn: &str) -> Result<(rows::SamlRow, String), Fault> {
        let unknown = || unproven("Specified provider doesn't exist");
        let name = providers::saml_name(arn, account).ok_or_else(unknown)?;
        let mut reader = self.0.directory.draft::<()>(account);
        let row = reader.get::<rows::SamlRow>(&rows::saml_key(account, name)).await;
        let row = row.map_err(|error| unavailable("read identity provider", &error))?.ok_or_else(unknown)?;
        let arn = row.arn(account).to_string();
        Ok((row, arn))
    }

    fn wish<'a>(&self, holder: &'a SamlIdentity, input: &'a Document) -> Wish<'a> {
        let left_s = holder.ends_s.map(|ends_s| ends_s.saturating_sub(self.0.world.now().as_second()).max(0));
        Wish {
            vouched: &holder.vouched,
            action: ACTION,
            session_name: &holder.session_name,
            lasts_s: input.int("DurationSeconds"),
            lasts_s_max: holder.lasts_s.into_iter().chain(left_s).min(),
            federation: WebFederation {
                provider: holder.provider.clone(),
                attributes: attributes(kept(holder.keys(), &["namequalifier", "sub", "sub_type"])),
            },
        }
    }
}

fn holder(cx: &Cx) -> Result<&SamlIdentity, Fault> {
    match &cx.principal.kind {
        PrincipalKind::Saml(holder) => Ok(holder),
        // Who is known by anything else than the assertion has not proven what is asked for here.
        _ => Err(not_allowed()),
    }
}

/// The provider has to let its holder ask for that role, and by that provider.
fn check_role(holder: &SamlIdentity, input: &Document) -> Result<(), Fault> {
    let role = input.text("RoleArn").unwrap_or_default();
    let is_pair = |a: &str, b: &str| a == role && b == holder.provider;
    let is_named = holder.roles.iter().any(|(a, b)| is_pair(a, b) || is_pair(b, a));
    if is_named { Ok(()) } else { Err(not_allowed()) }
}

fn not_allowed() -> Fault {
    denied(format!("Not authorized to perform {ACTION}"))
}

fn is_session_name(name: &str) -> bool {
    (2..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}

fn json(text: &str) -> RawJson {
    let mut out = Vec::new();
    write_text(&mut out, text);
    RawJson::from_written(out)
}

/// Why an assertion proves nobody, in AWS's words where they are known.
fn refused(error: ResponseError) -> Fault {
    match error {
        ResponseError::Time => {
            Fault::client("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance")
        }
        ResponseError::Signature(why) => unproven(format!("Response signature invalid: {why}")),
        ResponseError::Issuer => unproven("Issuer not present in specified provider"),
        ResponseError::Audience => unproven("Response does not contain the required audience."),
        ResponseError::Missing("RoleSessionName") => unproven("RoleSessionName is required in AuthnResponse"),
        ResponseError::Failed(status) => {
            Fault::new("IDPRejectedClaim", 403, format!("The identity provider did not authenticate anybody: {status}"))
        }
        other => unproven(format!("The SAML response cannot be used: {other}")),
    }
}
