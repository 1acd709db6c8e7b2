//! The metadata document of a SAML provider: who it is, and the keys that it signs with.

use super::certificate::SigningKey;
use super::signature::{DSIG, decoded};
use super::xml;

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// Of a document that is read, in bytes. IAM stores larger ones.
pub const METADATA_BYTES_MAX: usize = 1024 * 1024;
const KEYS_MAX: usize = 32;

/// Why a metadata document says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMetadata {
    #[error("more than {METADATA_BYTES_MAX} bytes")]
    TooLarge,
    #[error(transparent)]
    Xml(#[from] xml::Malformed),
    #[error("{0}")]
    Form(&'static str),
}

/// What is known of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The entityID, which its assertions name as their issuer.
    pub entity: String,
    pub(super) keys: Vec<SigningKey>,
}

impl Metadata {
    /// Reads a document. Keys of kinds that nothing is signed with here are passed over.
    pub fn parse(text: &str) -> Result<Self, BadMetadata> {
        if text.len() > METADATA_BYTES_MAX {
            return Err(BadMetadata::TooLarge);
        }
        let root = xml::parse(text)?;
        let form = |what| BadMetadata::Form(what);
        if !root.is(METADATA, "EntityDescriptor") {
            return Err(form("the document is no EntityDescriptor"));
        }
        let entity = root.attribute("entityID").filter(|entity| !entity.is_empty());
        let entity = entity.ok_or(form("the EntityDescriptor has no entityID"))?.to_owned();
        let mut keys = Vec::new();
        for descriptor in
            root.named(METADATA, "IDPSSODescriptor").flat_map(|role| role.named(METADATA, "KeyDescriptor"))
        {
            if descriptor.attribute("use").is_some_and(|purpose| purpose != "signing") {
                continue;
            }
            let infos = descriptor.named(DSIG, "KeyInfo").flat_map(|info| info.named(DSIG, "X509Data"));
            for certificate in infos.flat_map(|data| data.named(DSIG, "X509Certificate")) {
                let der = decoded(certificate).ok_or(form("a certificate is not in base64"))?;
                keys.extend(SigningKey::of_certificate(&der));
            }
        }
        match keys.len() {
            0 => Err(form(
                "no certificate in it, of an IDPSSODescriptor and for signing, has an RSA key or one on P-256 or P-384",
            )),
            1..=KEYS_MAX => Ok(Self { entity, keys }),
            _ => Err(form("too many certificates")),
        }
    }
}
