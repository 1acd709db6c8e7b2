//! Identity providers: OpenID Connect and SAML.

use jiff::Timestamp;
use opentrail_event::AccountId;
use opentrail_federation::saml::Metadata;
use opentrail_policy::rows::{self, OidcRow, SamlRow, Tag};
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use super::tagging::Tagged;
use crate::entity;
use crate::faults::{exists, invalid_input, limit, no_such, quota, unavailable, validation};
use crate::shapes::date;
use crate::tags::{self, Case};
use crate::verb::{Answer, Draft};

const PROVIDERS_MAX: u64 = 100;
const CLIENT_IDS_MAX: usize = 100;
const THUMBPRINTS_MAX: usize = 5;
/// How long a SAML provider is said to hold where its metadata says nothing: a hundred years, as AWS does.
const SAML_VALID_S: i64 = 100 * 365 * 86_400;

/// `token.example.com/realm` of its URL.
pub(crate) fn without_scheme(url: &str) -> &str {
    url.strip_prefix("https://").unwrap_or(url)
}

/// The host and path in an ARN of this account.
pub(crate) fn oidc_url(arn: &str, account: AccountId) -> Option<&str> {
    arn.strip_prefix(&format!("arn:aws:iam::{account}:oidc-provider/"))
}

/// The name in an ARN of this account.
pub(crate) fn saml_name(arn: &str, account: AccountId) -> Option<&str> {
    arn.strip_prefix(&format!("arn:aws:iam::{account}:saml-provider/"))
}

fn texts(input: &Document, member: &str) -> Vec<String> {
    let text = |item: &Document| match item {
        Document::Text(text) => Some(text.clone()),
        _ => None,
    };
    input.list(member).iter().filter_map(text).collect()
}

fn listed(texts: &[String]) -> Document {
    Document::List(texts.iter().map(|text| Document::Text(text.clone())).collect())
}

async fn oidc(d: &mut Draft<'_>, input: &Document) -> Result<OidcRow, Fault> {
    let arn = entity::name(input, "OpenIDConnectProviderArn");
    let row = match oidc_url(arn, d.account) {
        Some(url) => d.get(&rows::oidc_key(d.account, url)).await.map_err(unavailable)?,
        None => None,
    };
    row.ok_or_else(|| no_such(format!("OpenIDConnect Provider not found for arn {arn}")))
}

fn save_oidc(d: &mut Draft<'_>, row: &OidcRow) {
    d.put(rows::oidc_key(d.account, &row.url), row);
}

fn check_thumbprints(thumbprints: &[String]) -> Result<(), Fault> {
    if thumbprints.len() > THUMBPRINTS_MAX {
        return Err(invalid_input("Thumbprint list must contain fewer than 5 entries."));
    }
    match thumbprints.iter().all(|print| print.len() == 40 && print.bytes().all(|b| b.is_ascii_hexdigit())) {
        true => Ok(()),
        false => Err(invalid_input("A thumbprint has 40 hexadecimal digits.")),
    }
}

pub(crate) async fn create_oidc(d: &mut Draft<'_>, input: &Document) -> Answer {
    let url = entity::name(input, "Url");
    let rest = url.strip_prefix("https://").filter(|rest| !rest.is_empty() && !rest.starts_with('/'));
    let rest = rest.filter(|rest| !rest.contains(['?', '#', ':', ' ', '@'])).map(|rest| rest.trim_end_matches('/'));
    let rest = rest.ok_or_else(|| validation("Invalid Open ID Connect Provider URL"))?;
    let tags = tags::read(input, Case::Kept)?;
    let (client_ids, thumbprints) = (texts(input, "ClientIDList"), texts(input, "ThumbprintList"));
    check_thumbprints(&thumbprints)?;
    if client_ids.len() > CLIENT_IDS_MAX {
        return Err(quota("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS_MAX as u64));
    }
    let key = rows::oidc_key(d.account, rest);
    if d.get::<OidcRow>(&key).await.map_err(unavailable)?.is_some() {
        return Err(exists(format!("Provider with url https://{rest} already exists.")));
    }
    d.room(rows::oidc_providers(d.account), PROVIDERS_MAX, quota("OpenIdConnectProvidersPerAccount", PROVIDERS_MAX));
    let row = OidcRow { url: rest.to_owned(), client_ids, thumbprints, created_s: d.now_s(), tags };
    save_oidc(d, &row);
    Ok(Document::structure()
        .with("OpenIDConnectProviderArn", row.arn(d.account).as_str())
        .with("Tags", tags::shown_if_any(&row.tags)))
}

pub(crate) async fn get_oidc(d: &mut Draft<'_>, input: &Document) -> Answer {
    let row = oidc(d, input).await?;
    Ok(Document::structure()
        .with("Url", row.url.as_str())
        .with("ClientIDList", listed(&row.client_ids))
        .with("ThumbprintList", listed(&row.thumbprints))
        .with("CreateDate", date(row.created_s))
        .with("Tags", tags::shown(&row.tags)))
}

pub(crate) async fn list_oidc(d: &mut Draft<'_>) -> Answer {
    let all = d.list::<OidcRow>(&rows::oidc_providers(d.account), None, usize::MAX).await.map_err(unavailable)?;
    let shown = all.iter().map(|(_, row)| Document::structure().with("Arn", row.arn(d.account).as_str()));
    Ok(Document::structure().with("OpenIDConnectProviderList", shown.collect::<Vec<_>>()))
}

pub(crate) async fn delete_oidc(d: &mut Draft<'_>, input: &Document) -> Answer {
    let arn = entity::name(input, "OpenIDConnectProviderArn");
    let missing = |_| no_such(format!("OpenId connect Provider {arn} cannot be found."));
    let row = oidc(d, input).await.map_err(missing)?;
    d.delete(rows::oidc_key(d.account, &row.url));
    Ok(Document::structure())
}

/// A client id that is there stays.
pub(crate) async fn add_client_id(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut row = oidc(d, input).await?;
    let id = entity::name(input, "ClientID");
    if !row.client_ids.iter().any(|other| other == id) {
        if row.client_ids.len() >= CLIENT_IDS_MAX {
            return Err(quota("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS_MAX as u64));
        }
        row.client_ids.push(id.to_owned());
        save_oidc(d, &row);
    }
    Ok(Document::structure())
}

/// A client id that is not there stays away.
pub(crate) async fn remove_client_id(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut row = oidc(d, input).await?;
    row.client_ids.retain(|id| id != entity::name(input, "ClientID"));
    save_oidc(d, &row);
    Ok(Document::structure())
}

pub(crate) async fn update_thumbprints(d: &mut Draft<'_>, input: &Document) -> Answer {
    let thumbprints = texts(input, "ThumbprintList");
    check_thumbprints(&thumbprints)?;
    let mut row = oidc(d, input).await?;
    row.thumbprints = thumbprints;
    save_oidc(d, &row);
    Ok(Document::structure())
}

impl Tagged for OidcRow {
    async fn load(d: &mut Draft<'_>, input: &Document) -> Result<Self, Fault> {
        oidc(d, input).await
    }

    fn tags_mut(&mut self) -> &mut Vec<Tag> {
        &mut self.tags
    }

    fn save(&self, d: &mut Draft<'_>) {
        save_oidc(d, self);
    }
}

async fn saml(d: &mut Draft<'_>, input: &Document) -> Result<SamlRow, Fault> {
    let arn = entity::name(input, "SAMLProviderArn");
    let row = match saml_name(arn, d.account) {
        Some(name) => d.get(&rows::saml_key(d.account, name)).await.map_err(unavailable)?,
        None => None,
    };
    row.ok_or_else(|| no_such(format!("Manifest not found for arn {arn}")))
}

fn save_saml(d: &mut Draft<'_>, row: &SamlRow) {
    d.put(rows::saml_key(d.account, &row.name), row);
}

/// The metadata of an identity provider: what could prove no assertion later is refused now.
fn check_metadata(metadata: &str) -> Result<(), Fault> {
    match Metadata::parse(metadata) {
        Ok(_) => Ok(()),
        Err(why) => Err(invalid_input(format!("Could not parse metadata: {why}"))),
    }
}

/// When the metadata runs out.
fn valid_until_s(metadata: &str, now_s: i64) -> i64 {
    let said = metadata.split_once("validUntil=\"").and_then(|(_, rest)| rest.split_once('"'));
    let said = said.and_then(|(at, _)| at.parse::<Timestamp>().ok());
    said.map_or(now_s.saturating_add(SAML_VALID_S), Timestamp::as_second)
}

fn refuse_keys(input: &Document) -> Result<(), Fault> {
    match input.text("AddPrivateKey").or(input.text("RemovePrivateKey")) {
        Some(_) => {
            Err(invalid_input("Private keys for encrypted assertions are not built in this version of OpenTrail."))
        }
        None => Ok(()),
    }
}

pub(crate) async fn create_saml(d: &mut Draft<'_>, input: &Document) -> Answer {
    let (name, metadata) = (entity::name(input, "Name"), entity::name(input, "SAMLMetadataDocument"));
    refuse_keys(input)?;
    check_metadata(metadata)?;
    let tags = tags::read(input, Case::Kept)?;
    let key = rows::saml_key(d.account, name);
    if d.get::<SamlRow>(&key).await.map_err(unavailable)?.is_some() {
        return Err(exists(format!("EntityAlreadyExists: Provider with name {name} already exists.")));
    }
    d.room(
        rows::saml_providers(d.account),
        PROVIDERS_MAX,
        limit("Cannot exceed quota for SAMLProvidersPerAccount: 100"),
    );
    let now = d.now_s();
    let row = SamlRow {
        name: name.to_owned(),
        uuid: d.world().text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 20),
        metadata: metadata.to_owned(),
        created_s: now,
        valid_until_s: valid_until_s(metadata, now),
        encryption: input.text("AssertionEncryptionMode").unwrap_or("Allowed").to_owned(),
        tags,
    };
    save_saml(d, &row);
    Ok(Document::structure()
        .with("SAMLProviderArn", row.arn(d.account).as_str())
        .with("Tags", tags::shown_if_any(&row.tags)))
}

pub(crate) async fn get_saml(d: &mut Draft<'_>, input: &Document) -> Answer {
    let row = saml(d, input).await?;
    Ok(Document::structure()
        .with("SAMLProviderUUID", row.uuid.as_str())
        .with("SAMLMetadataDocument", row.metadata.as_str())
        .with("CreateDate", date(row.created_s))
        .with("ValidUntil", date(row.valid_until_s))
        .with("Tags", tags::shown(&row.tags))
        .with("AssertionEncryptionMode", row.encryption.as_str())
        .with("PrivateKeyList", Document::List(Vec::new())))
}

pub(crate) async fn list_saml(d: &mut Draft<'_>) -> Answer {
    let all = d.list::<SamlRow>(&rows::saml_providers(d.account), None, usize::MAX).await.map_err(unavailable)?;
    let shown = all.iter().map(|(_, row)| {
        Document::structure()
            .with("Arn", row.arn(d.account).as_str())
            .with("ValidUntil", date(row.valid_until_s))
            .with("CreateDate", date(row.created_s))
    });
    Ok(Document::structure().with("SAMLProviderList", shown.collect::<Vec<_>>()))
}

pub(crate) async fn update_saml(d: &mut Draft<'_>, input: &Document) -> Answer {
    refuse_keys(input)?;
    let mut row = saml(d, input).await?;
    if let Some(metadata) = input.text("SAMLMetadataDocument") {
        check_metadata(metadata)?;
        row.valid_until_s = valid_until_s(metadata, d.now_s());
        row.metadata = metadata.to_owned();
    }
    row.encryption = input.text("AssertionEncryptionMode").map(str::to_owned).unwrap_or(row.encryption);
    save_saml(d, &row);
    Ok(Document::structure().with("SAMLProviderArn", row.arn(d.account).as_str()))
}

pub(crate) async fn delete_saml(d: &mut Draft<'_>, input: &Document) -> Answer {
    let row = saml(d, input).await?;
    d.delete(rows::saml_key(d.account, &row.name));
    Ok(Document::structure())
}

impl Tagged for SamlRow {
    async fn load(d: &mut Draft<'_>, input: &Document) -> Result<Self, Fault> {
        saml(d, input).await
    }

    fn tags_mut(&mut self) -> &mut Vec<Tag> {
        &mut self.tags
    }

    fn save(&self, d: &mut Draft<'_>) {
        save_saml(d, self);
    }
}
