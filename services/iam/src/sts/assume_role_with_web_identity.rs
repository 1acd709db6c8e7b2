//! AssumeRoleWithWebIdentity: a session of a role for whoever holds a token of an OpenID Connect provider of the role's account. No
//! signature is asked for: the token is the proof (`spec/sts.md` 2.5).

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category, RecordResource};
use opentrail_federation::{NoKeys, TokenError, Unproven};
use opentrail_policy::{Principal, PrincipalKind, Vouched, WebFederation, WebIdentity, rows};
use opentrail_protocol::Document;
use opentrail_wire::{Bearer, Cx, Facts, Fault, Operation, RpcAnswer, Touched};

use super::issue::details;
use super::vouched::{Wish, attributes, check, kept, role_name, unproven};
use super::{Desk, denied, unavailable};

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
/// What AWS says of every key that it cannot get, two spaces included.
const NO_KEY: &str = "Couldn't retrieve verification key from your identity provider,  please reference \
                      AssumeRoleWithWebIdentity documentation for requirements";

pub(crate) struct AssumeRoleWithWebIdentity(pub(super) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "AssumeRoleWithWebIdentity",
    action: ACTION,
    read_only: true,
    category: Category::Management,
    mints_credentials: true,
    open: false,
    errors: &[
        "AccessDenied",
        "ExpiredTokenException",
        "IDPCommunicationError",
        "InvalidIdentityToken",
        "MalformedPolicyDocument",
        "PackedPolicyTooLarge",
        "ValidationError",
    ],
};

impl Operation for AssumeRoleWithWebIdentity {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn bearer(&self) -> Option<&dyn Bearer> {
        Some(self)
    }

    fn arns(&self, _cx: &Cx, input: &Document) -> Vec<Arn> {
        role_name(input).map(|role| role.arn()).into_iter().collect()
    }

    fn resources(&self, _cx: &Cx, input: &Document) -> Vec<RecordResource> {
        role_name(input).map(|role| role.resource()).into_iter().collect()
    }

    fn touches<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        async move { wish(holder(cx)?, input).look(&self.0, input).await }.boxed()
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let holder = holder(cx)?;
            let granted = wish(holder, input).grant(&self.0, input).await?;
            let output = Document::structure()
                .with("Credentials", granted.credentials)
                .with("SubjectFromWebIdentityToken", holder.subject.as_str())
                .with("AssumedRoleUser", granted.user)
                .with("PackedPolicySize", granted.percent)
                .with("Provider", holder.provider.as_str())
                .with("Audience", holder.audience.as_str())
                .with("SourceIdentity", granted.source_identity);
            Ok(RpcAnswer { additional_event_data: Some(details(cx)), ..output.into() })
        }
        .boxed()
    }
}

impl Bearer for AssumeRoleWithWebIdentity {
    fn prove<'a>(&'a self, input: &'a Document) -> BoxFuture<'a, Result<Principal, Fault>> {
        self.find_holder(input).boxed()
    }
}

impl AssumeRoleWithWebIdentity {
    /// Whose token it is. Until the last line nothing of it is believed but who is to be asked about it.
    async fn find_holder(&self, input: &Document) -> Result<Principal, Fault> {
        let account = role_name(input)?.account;
        if input.text("ProviderId").is_some() {
            return Err(unproven(
                "ProviderId is for OAuth 2.0 access tokens of www.amazon.com and graph.facebook.com, which are not taken \
                 here. Leave it out, and send an OpenID Connect ID token.",
            ));
        }
        let token = input.text("WebIdentityToken").unwrap_or_default();
        let token = Unproven::read(token).map_err(refused)?;
        let unknown =
            || unproven(format!("No OpenIDConnect provider found in your account for {}", echo(token.issuer())));
        let issuer = token.issuer_name().ok_or_else(unknown)?.to_owned();
        let mut reader = self.0.directory.draft::<()>(account);
        let provider = reader.get::<rows::OidcRow>(&rows::oidc_key(account, &issuer)).await;
        let provider = provider.map_err(|error| unavailable("read identity provider", &error))?.ok_or_else(unknown)?;
        let keys = self.0.issuers.keys(&issuer).await.map_err(|error| match error {
            NoKeys::NotConfigured => unproven(format!(
                "{NO_KEY}. This server fetches no keys: its setting sts.issuers has to name a file for https://{issuer}"
            )),
            NoKeys::Unavailable(why) => Fault::client("IDPCommunicationError", why),
        })?;
        let token = token.prove(&keys, &provider.client_ids, self.0.world.now().as_second()).map_err(refused)?;
        let session = token.session;
        let vouched =
            Vouched { tags: session.tags, transitive: session.transitive, source_identity: session.source_identity };
        check(&vouched)?;
        let holder = WebIdentity {
            provider: provider.arn(account).to_string(),
            issuer,
            audience: token.audience,
            subject: token.subject,
            claims: token.claims,
            vouched,
        };
        let kind = PrincipalKind::WebIdentity(Box::new(holder));
        Ok(Principal { kind, account, access_key_id: String::new(), session: None })
    }
}

fn holder(cx: &Cx) -> Result<&WebIdentity, Fault> {
    match &cx.principal.kind {
        PrincipalKind::WebIdentity(holder) => Ok(holder),
        // Who is known by anything else than the token has not proven what is asked for here.
        _ => Err(denied(format!("Not authorized to perform {ACTION}"))),
    }
}

fn wish<'a>(holder: &'a WebIdentity, input: &'a Document) -> Wish<'a> {
    Wish {
        vouched: &holder.vouched,
        action: ACTION,
        session_name: input.text("RoleSessionName").unwrap_or_default(),
        lasts_s: input.int("DurationSeconds"),
        lasts_s_max: None,
        federation: WebFederation {
            provider: holder.provider.clone(),
            attributes: attributes(kept(holder.keys(), &["aud", "sub", "amr"])),
        },
    }
}

/// Why a token proves nobody, in AWS's words where they are known.
fn refused(error: TokenError) -> Fault {
    match error {
        TokenError::Expired { now_s, expires_s } => Fault::client(
            "ExpiredTokenException",
            format!("Token expired: current date/time {now_s} must be before the expiration date/time {expires_s}"),
        ),
        TokenError::Malformed => {
            unproven("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
        }
        TokenError::Key => unproven(NO_KEY),
        TokenError::Missing(claim) => unproven(format!("Missing a required claim: {claim}")),
        TokenError::Audience => unproven("Incorrect token audience"),
        other => unproven(format!("The ID Token cannot be used: {other}")),
    }
}

/// What a stranger sent is repeated in part.
fn echo(text: &str) -> String {
    text.chars().take(256).collect()
}
