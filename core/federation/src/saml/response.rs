//! A SAML 2.0 response, as an identity provider posts it: proven, and what its assertion says (`spec/sts.md` 2.6).

use jiff::Timestamp;

use super::metadata::Metadata;
use super::signature::{self, BadSignature, DSIG};
use super::xml::{self, Element};

const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const FORMAT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:";
const AWS: &str = "https://aws.amazon.com/SAML/Attributes/";
/// Whom AWS's own assertions are for, and where they are posted to.
const AWS_AUDIENCES: [&str; 2] = ["https://signin.aws.amazon.com/saml", "urn:amazon:webservices"];
/// An assertion is taken within so many seconds of its making.
const FRESH_S: i64 = 300;
/// How far the provider's clock may be ahead of ours, in seconds.
const SKEW_S: i64 = 60;

/// Why a response proves nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    #[error("not a SAML response: {0}")]
    Xml(#[from] xml::Malformed),
    #[error("{0}")]
    Form(&'static str),
    #[error("the provider says that it failed: {0}")]
    Failed(String),
    #[error("response signature invalid: {0}")]
    Signature(#[from] BadSignature),
    #[error("neither the response nor its assertion is signed")]
    Unsigned,
    #[error("the issuer is another than the provider")]
    Issuer,
    #[error("the assertion is for somebody else")]
    Audience,
    #[error("the assertion is for another recipient")]
    Recipient,
    #[error("its time is over, or has not come")]
    Time,
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{0} is not of the form that it should have")]
    Attribute(&'static str),
}

/// Who an assertion is about, and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    pub id: String,
    pub issuer: String,
    pub subject: String,
    /// `persistent`, `transient`, or the URI of another format.
    pub subject_type: String,
    /// Where it was to be posted.
    pub recipient: String,
    /// Pairs of a role's and a provider's ARN, in either order.
    pub roles: Vec<(String, String)>,
    pub session_name: String,
    /// Seconds.
    pub session_lasts_s: Option<i64>,
    /// Seconds since 1970: no session may last longer.
    pub session_ends_s: Option<i64>,
    pub source_identity: Option<String>,
    pub tags: Vec<(String, String)>,
    pub transitive: Vec<String>,
    /// Other attributes, by name.
    pub attributes: Vec<(String, Vec<String>)>,
}

impl Assertion {
    /// Reads the response in `text` and believes its assertion, if the provider signed it (or all of the response), it holds at `now_s`,
    /// and it is for AWS or for one of `own`.
    pub fn prove(text: &str, provider: &Metadata, own: &[String], now_s: i64) -> Result<Self, ResponseError> {
        let root = xml::parse(text)?;
        let assertion = find(&root)?;
        check_ids(&root)?;
        let whole = signature::verify(&root, &provider.keys)?;
        let part = signature::verify(assertion, &provider.keys)?;
        if !whole && !part {
            return Err(ResponseError::Unsigned);
        }
        let is_ours = |uri: &str| AWS_AUDIENCES.contains(&uri) || is_regional(uri) || own.iter().any(|own| own == uri);
        let issuer =
            assertion.only(ASSERTION, "Issuer").and_then(Element::text).ok_or(ResponseError::Missing("Issuer"))?;
        if issuer != provider.entity {
            return Err(ResponseError::Issuer);
        }
        check_conditions(assertion, &is_ours, now_s)?;
        let issued = time(assertion, "IssueInstant")?.ok_or(ResponseError::Missing("IssueInstant"))?;
        if !(issued - SKEW_S..issued + FRESH_S).contains(&now_s) {
            return Err(ResponseError::Time);
        }
        let subject = assertion.only(ASSERTION, "Subject").ok_or(ResponseError::Missing("Subject"))?;
        let recipient = confirmed(subject, &is_ours, now_s)?;
        let name = subject.only(ASSERTION, "NameID").ok_or(ResponseError::Missing("NameID"))?;
        let text = name.text().filter(|text| !text.is_empty()).ok_or(ResponseError::Missing("NameID"))?;
        let format = name.attribute("Format").unwrap_or("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified");
        let mut found = Self {
            id: assertion.attribute("ID").unwrap_or_default().to_owned(),
            issuer: issuer.to_owned(),
            subject: text.to_owned(),
            subject_type: format.strip_prefix(FORMAT).unwrap_or(format).to_owned(),
            recipient,
            roles: Vec::new(),
            session_name: String::new(),
            session_lasts_s: None,
            session_ends_s: session_end(assertion)?,
            source_identity: None,
            tags: Vec::new(),
            transitive: Vec::new(),
            attributes: Vec::new(),
        };
        if found.session_ends_s.is_some_and(|end| end <= now_s) {
            return Err(ResponseError::Time);
        }
        found.take_attributes(assertion)?;
        Ok(found)
    }

    fn take_attributes(&mut self, assertion: &Element) -> Result<(), ResponseError> {
        let statements = assertion.named(ASSERTION, "AttributeStatement");
        for attribute in statements.flat_map(|statement| statement.named(ASSERTION, "Attribute")) {
            let name = attribute.attribute("Name").ok_or(ResponseError::Form("an attribute has no name"))?;
            let values: Option<Vec<String>> =
                attribute.named(ASSERTION, "AttributeValue").map(|value| value.text().map(str::to_owned)).collect();
            let Some(values) = values else {
                // Of a structure nothing is asked by AWS; its own are texts.
                if name.starts_with(AWS) {
                    return Err(ResponseError::Form("an attribute of AWS's has a value that is no text"));
                }
                continue;
            };
            match name.strip_prefix(AWS) {
                Some(own) => self.take_own(own, values)?,
                None if self.attributes.iter().any(|(other, _)| other == name) => {
                    return Err(ResponseError::Form("an attribute is there twice"));
                }
                None => self.attributes.push((name.to_owned(), values)),
            }
        }
        if self.roles.is_empty() {
            return Err(ResponseError::Missing("Role"));
        }
        if self.session_name.is_empty() { Err(ResponseError::Missing("RoleSessionName")) } else { Ok(()) }
    }

    /// An attribute that AWS gives a meaning. One that may have one value has exactly one, and is there once.
    fn take_own(&mut self, name: &str, values: Vec<String>) -> Result<(), ResponseError> {
        let twice = || ResponseError::Form("an attribute of AWS's is there twice");
        let one = |what: &'static str, values: Vec<String>| {
            let [value] = <[String; 1]>::try_from(values).map_err(|_| ResponseError::Attribute(what))?;
            if value.is_empty() { Err(ResponseError::Attribute(what)) } else { Ok(value) }
        };
        match name {
            "Role" => {
                for value in values {
                    let (a, b) = value.split_once(',').ok_or(ResponseError::Attribute("Role"))?;
                    self.roles.push((a.trim().to_owned(), b.trim().to_owned()));
                }
            }
            "RoleSessionName" if !self.session_name.is_empty() => return Err(twice()),
            "RoleSessionName" => self.session_name = one("RoleSessionName", values)?,
            "SessionDuration" => {
                let seconds =
                    one("SessionDuration", values)?.parse().map_err(|_| ResponseError::Attribute("SessionDuration"))?;
                if !(900..=43_200).contains(&seconds) {
                    return Err(ResponseError::Attribute("SessionDuration"));
                }
                if self.session_lasts_s.replace(seconds).is_some() {
                    return Err(twice());
                }
            }
            "SourceIdentity" => {
                if self.source_identity.replace(one("SourceIdentity", values)?).is_some() {
                    return Err(twice());
                }
            }
            "TransitiveTagKeys" => self.transitive.extend(values),
            name => {
                if let Some(key) = name.strip_prefix("PrincipalTag:") {
                    let [value] =
                        <[String; 1]>::try_from(values).map_err(|_| ResponseError::Attribute("PrincipalTag"))?;
                    self.tags.push((key.to_owned(), value));
                }
            }
        }
        Ok(())
    }
}

/// The one assertion, a child of the response. With a second one anywhere it would not be sure which is meant.
fn find(root: &Element) -> Result<&Element, ResponseError> {
    let form = |what| ResponseError::Form(what);
    if !root.is(PROTOCOL, "Response") || root.attribute("Version") != Some("2.0") {
        return Err(form("the document is no SAML 2.0 Response"));
    }
    let all = root.all();
    if all.iter().any(|e| {
        matches!(e.name.local.as_str(), "EncryptedAssertion" | "EncryptedID" | "EncryptedAttribute" | "EncryptedData")
    }) {
        return Err(form("encrypted assertions are not taken"));
    }
    if all.iter().filter(|e| e.name.local == "Assertion").count() != 1 {
        return Err(form("a response has one assertion"));
    }
    let is_place = |e: &Element| e.is(PROTOCOL, "Response") || e.is(ASSERTION, "Assertion");
    let in_place = all.iter().filter(|e| is_place(e)).map(|e| e.named(DSIG, "Signature").count()).sum::<usize>();
    if all.iter().filter(|e| e.name.local == "Signature").count() != in_place {
        return Err(form("a signature lies elsewhere than in the response and its assertion"));
    }
    let status = root.only(PROTOCOL, "Status").and_then(|status| status.only(PROTOCOL, "StatusCode"));
    let status = status.and_then(|code| code.attribute("Value")).ok_or(ResponseError::Missing("Status"))?;
    if status != SUCCESS {
        return Err(ResponseError::Failed(status.chars().take(128).collect()));
    }
    let assertion = root.only(ASSERTION, "Assertion").ok_or(form("the assertion is no child of the response"))?;
    if assertion.attribute("Version") == Some("2.0") {
        Ok(assertion)
    } else {
        Err(form("the assertion is not of SAML 2.0"))
    }
}

/// What a signature refers to by its id is one element.
fn check_ids(root: &Element) -> Result<(), ResponseError> {
    let mut seen = std::collections::BTreeSet::new();
    let ids = root.all().into_iter().flat_map(|e| e.attributes.iter());
    for id in ids.filter(|a| a.name.local.eq_ignore_ascii_case("id")) {
        if !seen.insert(id.value.as_str()) {
            return Err(ResponseError::Form("two elements have the same ID"));
        }
    }
    Ok(())
}

fn check_conditions(assertion: &Element, is_ours: &dyn Fn(&str) -> bool, now_s: i64) -> Result<(), ResponseError> {
    let conditions = assertion.only(ASSERTION, "Conditions").ok_or(ResponseError::Missing("Conditions"))?;
    check_span(conditions, now_s)?;
    let mut restrictions = conditions.named(ASSERTION, "AudienceRestriction").peekable();
    if restrictions.peek().is_none() {
        return Err(ResponseError::Audience);
    }
    // Each must name us.
    let fits = |r: &Element| r.named(ASSERTION, "Audience").any(|a| a.text().is_some_and(is_ours));
    if restrictions.all(fits) { Ok(()) } else { Err(ResponseError::Audience) }
}

/// Where a confirmation of the subject says that whoever brings the assertion is the subject, if it is brought to us, and in time.
fn confirmed(subject: &Element, is_ours: &dyn Fn(&str) -> bool, now_s: i64) -> Result<String, ResponseError> {
    let mut why = ResponseError::Missing("SubjectConfirmation");
    for confirmation in subject.named(ASSERTION, "SubjectConfirmation") {
        if confirmation.attribute("Method") != Some(BEARER) {
            continue;
        }
        let Some(data) = confirmation.only(ASSERTION, "SubjectConfirmationData") else { continue };
        let recipient = data.attribute("Recipient").unwrap_or_default();
        if !is_ours(recipient) {
            why = ResponseError::Recipient;
        } else if time(data, "NotOnOrAfter")?.is_none() || check_span(data, now_s).is_err() {
            why = ResponseError::Time;
        } else {
            return Ok(recipient.to_owned());
        }
    }
    Err(why)
}

fn check_span(element: &Element, now_s: i64) -> Result<(), ResponseError> {
    let is_early = time(element, "NotBefore")?.is_some_and(|from| now_s < from - SKEW_S);
    let is_late = time(element, "NotOnOrAfter")?.is_some_and(|end| now_s >= end);
    if is_early || is_late { Err(ResponseError::Time) } else { Ok(()) }
}

fn session_end(assertion: &Element) -> Result<Option<i64>, ResponseError> {
    let mut end = None;
    for statement in assertion.named(ASSERTION, "AuthnStatement") {
        let said = time(statement, "SessionNotOnOrAfter")?;
        end = match (end, said) {
            (Some(a), Some(b)) => Some(std::cmp::min::<i64>(a, b)),
            (a, b) => a.or(b),
        };
    }
    Ok(end)
}

/// Whole seconds since 1970.
fn time(element: &Element, attribute: &'static str) -> Result<Option<i64>, ResponseError> {
    let Some(text) = element.attribute(attribute) else { return Ok(None) };
    let at: Timestamp = text.parse().map_err(|_| ResponseError::Attribute(attribute))?;
    Ok(Some(at.as_second()))
}

/// `https://eu-west-1.signin.aws.amazon.com/saml`
fn is_regional(uri: &str) -> bool {
    let region = uri.strip_prefix("https://").and_then(|rest| rest.strip_suffix(".signin.aws.amazon.com/saml"));
    region.is_some_and(|region| {
        !region.is_empty() && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    })
}
