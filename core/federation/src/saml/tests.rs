//! Responses of a made-up provider, and what may be wrong with them. Responses that another program signed are in the scenarios.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::c14n::Spelling;
use super::*;

/// 2026-11-21T10:00:00Z
const NOW_S: i64 = 1_795_255_200;

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let n = content.len();
    let length = if n < 128 { vec![n as u8] } else { vec![0x82, (n >> 8) as u8, n as u8] };
    [&[tag], length.as_slice(), content].concat()
}

/// A certificate that holds a key on P-256, and is signed by nobody: nobody is asked.
fn certificate(point: &[u8]) -> Vec<u8> {
    let oids = [der(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]), der(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7])];
    let key = der(0x30, &[der(0x30, &oids.concat()), der(3, &[&[0], point].concat())].concat());
    let name = der(0x30, &[]);
    let fields = [der(0xa0, &der(2, &[2])), der(2, &[1]), name.clone(), name.clone(), name.clone(), name.clone(), key];
    der(0x30, &[der(0x30, &fields.concat()), name, der(3, &[0])].concat())
}

struct Provider(EcdsaKeyPair);

impl Provider {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn metadata(&self) -> Metadata {
        Metadata::parse(&self.document()).expect("metadata")
    }

    fn document(&self) -> String {
        let certificate = STANDARD.encode(certificate(self.0.public_key().as_ref()));
        format!(
            "<?xml version=\"1.0\"?><!-- of a test -->\n<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
             entityID=\"https://idp.example.com\"><md:IDPSSODescriptor><md:KeyDescriptor use=\"signing\">\
             <KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>\n{certificate}\n</X509Certificate>\
             </X509Data></KeyInfo></md:KeyDescriptor></md:IDPSSODescriptor></md:EntityDescriptor>"
        )
    }

    /// Puts a signature over the element with that ID in the place of `{sign:ID}` within it.
    fn sign(&self, text: &str, id: &str) -> String {
        let place = format!("{{sign:{id}}}");
        let element = |text: &str, pick: &dyn Fn(&xml::Element) -> bool| {
            let root = xml::parse(text).expect("read");
            root.all().into_iter().find(|e| pick(e)).expect("there").clone()
        };
        let signed = element(&text.replace(&place, ""), &|e| e.attribute("ID") == Some(id));
        let hash = STANDARD.encode(digest(&SHA256, &Spelling::default().of(&signed)));
        let info = format!(
            "<ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
             <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"/>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
             <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue>{hash}</ds:DigestValue>\
             </ds:Reference></ds:SignedInfo>"
        );
        let alone = format!("<ds:S xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}</ds:S>");
        let message = Spelling::default().of(&element(&alone, &|e| e.name.local == "SignedInfo"));
        let value = STANDARD.encode(self.0.sign(&SystemRandom::new(), &message).expect("signed"));
        let signature = format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}\
             <ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>"
        );
        text.replace(&place, &signature)
    }
}

/// A response with places for both signatures.
fn template() -> String {
    "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
     ID=\"_r\" Version=\"2.0\" IssueInstant=\"2026-11-21T10:00:00Z\"><saml:Issuer>https://idp.example.com</saml:Issuer>{sign:_r}\
     <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>\
     <saml:Assertion ID=\"_a\" Version=\"2.0\" IssueInstant=\"2026-11-21T09:59:50.123Z\">\
     <saml:Issuer>https://idp.example.com</saml:Issuer>{sign:_a}<saml:Subject>\
     <saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">ana</saml:NameID>\
     <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData \
     NotOnOrAfter=\"2026-11-21T10:04:50Z\" Recipient=\"https://signin.aws.amazon.com/saml\"/></saml:SubjectConfirmation></saml:Subject>\
     <saml:Conditions NotBefore=\"2026-11-21T09:59:40Z\" NotOnOrAfter=\"2026-11-21T10:04:50Z\"><saml:AudienceRestriction>\
     <saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
     <saml:AuthnStatement SessionNotOnOrAfter=\"2026-11-21T18:00:00Z\"/><saml:AttributeStatement>\
     <saml:Attribute Name=\"https://aws.amazon.com/SAML/Attributes/Role\"><saml:AttributeValue>arn:r,arn:p</saml:AttributeValue>\
     </saml:Attribute><saml:Attribute Name=\"https://aws.amazon.com/SAML/Attributes/RoleSessionName\">\
     <saml:AttributeValue>ana@example.com</saml:AttributeValue></saml:Attribute>\
     <saml:Attribute Name=\"https://aws.amazon.com/SAML/Attributes/PrincipalTag:team\"><saml:AttributeValue>red</saml:AttributeValue>\
     </saml:Attribute><saml:Attribute Name=\"urn:oid:1.3.6.1.4.1.5923.1.1.1.1\"><saml:AttributeValue>staff</saml:AttributeValue>\
     <saml:AttributeValue>admin</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"
        .to_owned()
}

fn unsigned(text: &str) -> String {
    text.replace("{sign:_r}", "").replace("{sign:_a}", "")
}

/// The assertion of a template, signed.
fn signed(provider: &Provider, template: &str) -> String {
    unsigned(&provider.sign(&template.replace("{sign:_r}", ""), "_a"))
}

fn prove(provider: &Provider, text: &str) -> Result<Assertion, ResponseError> {
    Assertion::prove(text, &provider.metadata(), &[], NOW_S)
}

#[test]
fn a_right_response_says_who_it_is() {
    let provider = Provider::new();
    let found = prove(&provider, &signed(&provider, &template())).expect("proven");
    assert_eq!((found.subject.as_str(), found.subject_type.as_str()), ("ana", "persistent"));
    assert_eq!((found.id.as_str(), found.issuer.as_str()), ("_a", "https://idp.example.com"));
    assert_eq!(found.recipient, "https://signin.aws.amazon.com/saml");
    assert_eq!(found.roles, [("arn:r".to_owned(), "arn:p".to_owned())]);
    assert_eq!(found.session_name, "ana@example.com");
    assert_eq!(found.session_ends_s, Some(NOW_S + 8 * 3_600));
    assert_eq!(found.tags, [("team".to_owned(), "red".to_owned())]);
    assert_eq!(
        found.attributes,
        [("urn:oid:1.3.6.1.4.1.5923.1.1.1.1".to_owned(), vec!["staff".to_owned(), "admin".to_owned()])]
    );
    // The response as a whole, and both.
    let whole = unsigned(&provider.sign(&template().replace("{sign:_a}", ""), "_r"));
    assert_eq!(prove(&provider, &whole).expect("proven"), found);
    let both = provider.sign(
        &provider.sign(&template().replace("{sign:_r}", "{sign-later}"), "_a").replace("{sign-later}", "{sign:_r}"),
        "_r",
    );
    assert_eq!(prove(&provider, &both).expect("proven"), found);
}

#[test]
fn nothing_signed_can_be_changed_and_nothing_unsigned_counts() {
    let provider = Provider::new();
    assert_eq!(prove(&provider, &unsigned(&template())), Err(ResponseError::Unsigned));
    let good = signed(&provider, &template());
    for (from, to) in
        [("arn:r", "arn:x"), (">ana<", ">bo<"), ("red", "blue"), ("18:00:00", "19:00:00"), ("staff", "st<!-- -->aff ")]
    {
        let changed = good.replace(from, to);
        assert_eq!(prove(&provider, &changed), Err(BadSignature::Digest.into()), "{from}");
    }
    // A comment says nothing, and hides nothing.
    let commented = good.replace(">ana<", ">a<!-- -->na<");
    assert_eq!(prove(&provider, &commented).expect("proven").subject, "ana");
    let other = Provider::new();
    assert_eq!(prove(&other, &good), Err(BadSignature::Key.into()));
    // One that is wrong spoils one that is right.
    let both = provider.sign(
        &other.sign(&template().replace("{sign:_r}", "{sign-later}"), "_a").replace("{sign-later}", "{sign:_r}"),
        "_r",
    );
    assert_eq!(prove(&provider, &both), Err(BadSignature::Key.into()));
}

#[test]
fn nothing_is_wrapped_around_a_signature() {
    let provider = Provider::new();
    let good = signed(&provider, &template());
    let start = good.find("<saml:Assertion").expect("there");
    let end = good.find("</samlp:Response>").expect("there");
    let assertion = &good[start..end];
    let forged = unsigned(&template())[template().find("<saml:Assertion").expect("there") - "{sign:_r}".len()..]
        .replace("</samlp:Response>", "")
        .replace("_a", "_b")
        .replace(">ana<", ">root<");
    let put = |inside: &str| format!("{}{inside}</samlp:Response>", &good[..start]);
    let signature = &assertion
        [assertion.find("<ds:Signature").expect("there")..assertion.find("</ds:Signature>").expect("there") + 15];
    let bare = assertion.replace(signature, "");
    for wrapped in [
        // The forged one beside it, before and behind.
        put(&format!("{forged}{assertion}")),
        put(&format!("{assertion}{forged}")),
        // The right one within the forged one, and within its signature.
        put(&forged.replace("<saml:Subject>", &format!("{assertion}<saml:Subject>"))),
        put(&forged.replace(
            "<saml:Subject>",
            &format!(
                "{}<saml:Subject>",
                signature.replace("</ds:Signature>", &format!("<ds:Object>{bare}</ds:Object></ds:Signature>"))
            ),
        )),
        put(&format!("<samlp:Extensions>{assertion}</samlp:Extensions>{forged}")),
        // The signature of another, under the same ID.
        put(&forged.replace("\"_b\"", "\"_a\"").replace("<saml:Subject>", &format!("{signature}<saml:Subject>"))),
        put(&forged.replace("<saml:Subject>", &format!("{signature}<saml:Subject>"))),
        // Elsewhere than in what it signs.
        put(&bare).replace("<samlp:Status>", &format!("{signature}<samlp:Status>")),
        put(&bare).replace("</samlp:Status>", &format!("{signature}</samlp:Status>")),
        // Twice.
        put(&assertion.replace(signature, &format!("{signature}{signature}"))),
        good.replace("ID=\"_r\"", "ID=\"_a\""),
        good.replace("<samlp:Status>", "<samlp:Status ID=\"_a\">"),
    ] {
        let found = prove(&provider, &wrapped);
        assert!(found.is_err(), "{found:?}: {wrapped}");
    }
}

#[test]
fn signatures_have_one_form() {
    let provider = Provider::new();
    let good = signed(&provider, &template());
    for (from, to) in [
        ("URI=\"#_a\"", "URI=\"\""),
        ("URI=\"#_a\"", "URI=\"#_r\""),
        ("<ds:Reference", "<ds:Reference/><ds:Reference"),
        ("xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-sha1"),
        ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
        ("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"),
        ("<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>", ""),
        (
            "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>",
            "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"/>",
        ),
        (
            "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>",
            "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"/>",
        ),
        ("</ds:Signature>", "<ds:Object/></ds:Signature>"),
    ] {
        let changed = good.replace(from, to);
        assert_ne!(changed, good);
        assert!(
            matches!(prove(&provider, &changed), Err(ResponseError::Signature(BadSignature::Form(_)))),
            "{from} → {to}"
        );
    }
}

#[test]
fn an_assertion_is_for_us_and_now() {
    let provider = Provider::new();
    let with = |from: &str, to: &str| prove(&provider, &signed(&provider, &template().replace(from, to))).map(|_| ());
    assert_eq!(with("urn:amazon:webservices", "urn:other"), Err(ResponseError::Audience));
    assert_eq!(with("urn:amazon:webservices", "https://eu-west-1.signin.aws.amazon.com/saml"), Ok(()));
    assert_eq!(
        with("Recipient=\"https://signin.aws.amazon.com/saml\"", "Recipient=\"https://evil.example\""),
        Err(ResponseError::Recipient)
    );
    assert_eq!(with("cm:bearer", "cm:sender-vouches"), Err(ResponseError::Missing("SubjectConfirmation")));
    assert_eq!(
        with(
            "</saml:AudienceRestriction>",
            "</saml:AudienceRestriction><saml:AudienceRestriction><saml:Audience>x</saml:Audience></saml:AudienceRestriction>"
        ),
        Err(ResponseError::Audience)
    );
    assert_eq!(with("10:04:50Z\" Recipient", "10:00:00Z\" Recipient"), Err(ResponseError::Time));
    assert_eq!(
        with("SessionNotOnOrAfter=\"2026-11-21T18:00:00Z\"", "SessionNotOnOrAfter=\"2026-11-21T10:00:00Z\""),
        Err(ResponseError::Time)
    );
    assert_eq!(
        with("Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"", "Value=\"x\""),
        Err(ResponseError::Failed("x".into()))
    );
    assert_eq!(with("Attributes/RoleSessionName", "Attributes/Other"), Err(ResponseError::Missing("RoleSessionName")));
    assert_eq!(with("Attributes/Role\"", "Attributes/Other\""), Err(ResponseError::Missing("Role")));
    assert_eq!(with("arn:r,arn:p", "arn:r"), Err(ResponseError::Attribute("Role")));
    assert_eq!(
        with("Attributes/PrincipalTag:team", "Attributes/SessionDuration"),
        Err(ResponseError::Attribute("SessionDuration"))
    );
    // The issuer of the assertion counts, not that of the response.
    let twice = template().replacen("https://idp.example.com<", "https://other.example<", 1);
    assert!(prove(&provider, &signed(&provider, &twice)).is_ok());
    let issuer = template().replace("https://idp.example.com<", "https://other.example<");
    assert_eq!(prove(&provider, &signed(&provider, &issuer)), Err(ResponseError::Issuer));
    let at = |now_s| Assertion::prove(&signed(&provider, &template()), &provider.metadata(), &[], now_s).map(|_| ());
    assert_eq!(at(NOW_S + 289), Ok(()));
    assert_eq!(at(NOW_S + 290), Err(ResponseError::Time));
    assert_eq!(at(NOW_S - 70), Ok(()));
    assert_eq!(at(NOW_S - 81), Err(ResponseError::Time));
    let own = template()
        .replace("https://signin.aws.amazon.com/saml", "https://trail.example/saml")
        .replace("urn:amazon:webservices", "https://trail.example/saml");
    let own = signed(&provider, &own);
    assert!(Assertion::prove(&own, &provider.metadata(), &["https://trail.example/saml".to_owned()], NOW_S).is_ok());
    assert_eq!(prove(&provider, &own), Err(ResponseError::Audience));
}

#[test]
fn metadata_has_an_entity_and_a_key() {
    let provider = Provider::new();
    let good = provider.document();
    assert_eq!(Metadata::parse(&good).expect("read").entity, "https://idp.example.com");
    assert!(Metadata::parse(&good.replace(" use=\"signing\"", "")).is_ok());
    for (from, to) in [
        ("use=\"signing\"", "use=\"encryption\""),
        ("EntityDescriptor", "EntitiesDescriptor"),
        ("IDPSSODescriptor", "SPSSODescriptor"),
        ("entityID=", "entityId="),
        ("<X509Certificate>\n", "<X509Certificate>\n!"),
        ("<?xml version=\"1.0\"?>", "<!DOCTYPE x>"),
    ] {
        assert!(Metadata::parse(&good.replace(from, to)).is_err(), "{from}");
    }
}

proptest! {
    #[test]
    fn nothing_brought_is_too_much(cut in 0usize..3_000, byte in any::<u8>(), der in proptest::collection::vec(any::<u8>(), 0..80)) {
        let provider = Metadata { entity: "https://idp.example.com".into(), keys: Vec::new() };
        let mut text = unsigned(&template()).into_bytes();
        let at = cut % text.len();
        text[at] = byte;
        if let Ok(text) = String::from_utf8(text.clone()) {
            prop_assert!(Assertion::prove(&text, &provider, &[], NOW_S).is_err());
        }
        text.truncate(at);
        if let Ok(text) = String::from_utf8(text) {
            prop_assert!(Assertion::prove(&text, &provider, &[], NOW_S).is_err());
        }
        let _ = certificate::SigningKey::of_certificate(&der);
        let _ = certificate::SigningKey::of_certificate(&[&[0x30, 0x82, 0, 70, 0x30, 0x82, 0, 60], der.as_slice()].concat());
    }
}
