//! An XML signature that lies within what it signs: the one form in which identity providers sign, and nothing beside it.
//!
//! What is signed is never looked up: it is the element that the caller is about to believe, and the signature must be a child of it and refer
//! to it alone. So nothing can be wrapped around it or put in its place.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::c14n::Spelling;
use super::certificate::{Method, SigningKey};
use super::xml::Element;

pub(super) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// Why a signature is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// It is of a form that is not taken.
    #[error("{0}")]
    Form(&'static str),
    /// What it was made over is not what is here.
    #[error("what was signed was changed")]
    Digest,
    /// None of the provider's keys made it.
    #[error("no certificate of the provider's metadata made it")]
    Key,
}

/// Whether `element` is signed: by one of `keys`, over all of it. `Ok(false)` where no signature is a child of it.
pub(super) fn verify(element: &Element, keys: &[SigningKey]) -> Result<bool, BadSignature> {
    if element.named(DSIG, "Signature").next().is_none() {
        return Ok(false);
    }
    let form = |what| BadSignature::Form(what);
    let signature = element.only(DSIG, "Signature").ok_or(form("there is more than one signature"))?;
    let parts: Vec<&Element> = signature.elements().collect();
    let is = |at: usize, local: &str| parts.get(at).is_some_and(|part| part.is(DSIG, local));
    let has_info = is(2, "KeyInfo");
    if !is(0, "SignedInfo") || !is(1, "SignatureValue") || parts.len() > if has_info { 3 } else { 2 } {
        return Err(form("the signature has other parts than SignedInfo, SignatureValue and KeyInfo"));
    }
    let info = parts[0];
    let spelling = check_info(element, signature, info)?;
    let reference = info.only(DSIG, "Reference").ok_or(form("a signature refers to one element"))?;
    let (hash, said) = digest_of(reference)?;
    if digest::digest(hash, &spelling.of(element)).as_ref() != said {
        return Err(BadSignature::Digest);
    }
    let method = info.only(DSIG, "SignatureMethod").and_then(|method| Method::named(algorithm(method)));
    let method = method.ok_or(form("the signature is made in a way that is not taken; RSA with SHA-256 is"))?;
    let value = decoded(parts[1]).ok_or(form("the signature's value is not in base64"))?;
    let canonical = info.only(DSIG, "CanonicalizationMethod").ok_or(form("nothing says how SignedInfo is spelled"))?;
    let message = exclusive(canonical).ok_or(form("SignedInfo is not spelled by exclusive canonicalization"))?.of(info);
    if keys.iter().any(|key| key.verifies(method, &message, &value)) { Ok(true) } else { Err(BadSignature::Key) }
}

/// How the element is spelled that the signature refers to, which must be this one.
fn check_info(element: &Element, signature: &Element, info: &Element) -> Result<Spelling, BadSignature> {
    let form = |what| Err(BadSignature::Form(what));
    let names = ["CanonicalizationMethod", "SignatureMethod", "Reference"];
    if info.elements().count() != names.len() || !info.elements().zip(names).all(|(part, name)| part.is(DSIG, name)) {
        return form("SignedInfo has other parts than CanonicalizationMethod, SignatureMethod and one Reference");
    }
    let Some(reference) = info.only(DSIG, "Reference") else { return form("a signature refers to one element") };
    let target = reference.attribute("URI").and_then(|uri| uri.strip_prefix('#')).filter(|id| !id.is_empty());
    if target.is_none() || target != element.attribute("ID") {
        return form("the signature refers to something else than the element that it lies in");
    }
    let transforms: Vec<&Element> =
        reference.only(DSIG, "Transforms").map(|all| all.elements().collect()).unwrap_or_default();
    let [enveloped, spelled] = transforms.as_slice() else {
        return form("the transforms are others than enveloped-signature and exclusive canonicalization");
    };
    let is_enveloped = enveloped.is(DSIG, "Transform") && algorithm(enveloped) == ENVELOPED;
    match exclusive(spelled).filter(|_| is_enveloped && spelled.is(DSIG, "Transform") && enveloped.children.is_empty())
    {
        Some(spelling) => Ok(Spelling { without: Some(signature.number), ..spelling }),
        None => form("the transforms are others than enveloped-signature and exclusive canonicalization"),
    }
}

fn algorithm(element: &Element) -> &str {
    element.attribute("Algorithm").unwrap_or_default()
}

/// Exclusive canonicalization as a method or transform asks for it; `None` for every other.
fn exclusive(element: &Element) -> Option<Spelling> {
    if algorithm(element) != EXCLUSIVE {
        return None;
    }
    let mut inclusive = Vec::new();
    for part in element.elements() {
        if !part.is(EXCLUSIVE, "InclusiveNamespaces") {
            return None;
        }
        let listed = part.attribute("PrefixList").unwrap_or_default().split_ascii_whitespace();
        inclusive.extend(listed.map(|prefix| if prefix == "#default" { String::new() } else { prefix.to_owned() }));
    }
    Some(Spelling { inclusive, without: None })
}

fn digest_of(reference: &Element) -> Result<(&'static digest::Algorithm, Vec<u8>), BadSignature> {
    let form = |what| BadSignature::Form(what);
    let method = reference.only(DSIG, "DigestMethod").map(algorithm).unwrap_or_default();
    let hash = match method {
        "http://www.w3.org/2001/04/xmlenc#sha256" => &digest::SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => &digest::SHA384,
        "http://www.w3.org/2001/04/xmlenc#sha512" => &digest::SHA512,
        _ => return Err(form("the digest is taken in a way that is not taken here; SHA-256 is")),
    };
    let said = reference.only(DSIG, "DigestValue").and_then(decoded).ok_or(form("the digest is not in base64"))?;
    Ok((hash, said))
}

/// Bytes in base64, broken into lines or not.
pub(super) fn decoded(element: &Element) -> Option<Vec<u8>> {
    let text: String = element.text()?.split_ascii_whitespace().collect();
    STANDARD.decode(text).ok()
}
