//! Tokens of a made-up issuer, and what may be wrong with them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use proptest::prelude::*;

use super::*;

const NOW_S: i64 = 1_800_000_000;

/// An issuer with a key on P-256 under the name `one`.
struct Issuer(EcdsaKeyPair);

impl Issuer {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn key(&self, id: &str) -> String {
        let point = self.0.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let coded = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        format!(r#"{{"kty":"EC","crv":"P-256","kid":"{id}","use":"sig","x":"{}","y":"{}"}}"#, coded(x), coded(y))
    }

    fn keys(&self) -> KeySet {
        set(&[self.key("one")])
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).expect("signed");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn set(keys: &[String]) -> KeySet {
    KeySet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).expect("a set")
}

const HEADER: &str = r#"{"alg":"ES256","kid":"one","typ":"JWT"}"#;

fn claims(change: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("iss", r#""https://token.example.com/realm""#.to_owned()),
        ("sub", r#""ana""#.to_owned()),
        ("aud", r#""app""#.to_owned()),
        ("iat", (NOW_S - 10).to_string()),
        ("exp", (NOW_S + 600).to_string()),
    ];
    for (name, value) in change {
        all.retain(|(own, _)| own != name);
        if !value.is_empty() {
            all.push((name, (*value).to_owned()));
        }
    }
    let members: Vec<String> = all.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn prove(token: &str, keys: &KeySet, client_ids: &[&str], now_s: i64) -> Result<Token, TokenError> {
    let client_ids: Vec<String> = client_ids.iter().map(|&id| id.to_owned()).collect();
    Unproven::read(token)?.prove(keys, &client_ids, now_s)
}

#[test]
fn a_right_token_says_who_it_is() {
    let issuer = Issuer::new();
    let token = issuer.sign(HEADER, &claims(&[("amr", r#"["pwd","otp"]"#), ("email", r#""ana@example.com""#)]));
    let unproven = Unproven::read(&token).expect("read");
    assert_eq!(
        (unproven.issuer(), unproven.issuer_name()),
        ("https://token.example.com/realm", Some("token.example.com/realm"))
    );
    let token = prove(&token, &issuer.keys(), &["other", "app"], NOW_S).expect("proven");
    assert_eq!((token.subject.as_str(), token.audience.as_str()), ("ana", "app"));
    let named: Vec<String> = token.claims.iter().map(|(name, values)| format!("{name}={}", values.join("+"))).collect();
    assert_eq!(named, ["oaud=app", "amr=pwd+otp", "email=ana@example.com"]);
}

#[test]
fn rsa_tokens_are_taken_with_the_key_that_fits() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    // The two numbers of an RSAPublicKey in DER, the first with a zero before it.
    let der = pair.public_key().as_ref().to_vec();
    let (n, e) = (&der[9..265], &der[267..]);
    let coded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let key = |alg: &str| set(&[format!(r#"{{"kty":"RSA","kid":"r"{alg},"n":"{}","e":"{}"}}"#, coded(n), coded(e))]);
    let signed = format!("{}.{}", coded(br#"{"alg":"RS256","kid":"r"}"#), coded(claims(&[]).as_bytes()));
    let mut signature = vec![0; n.len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("signed");
    let token = format!("{signed}.{}", coded(&signature));
    assert!(prove(&token, &key(""), &["app"], NOW_S).is_ok());
    assert!(prove(&token, &key(r#","alg":"RS256""#), &["app"], NOW_S).is_ok());
    // A key that is for another algorithm is not asked.
    assert_eq!(prove(&token, &key(r#","alg":"RS512""#), &["app"], NOW_S), Err(TokenError::Key));
    signature[7] ^= 1;
    let edited = format!("{signed}.{}", coded(&signature));
    assert_eq!(prove(&edited, &key(""), &["app"], NOW_S), Err(TokenError::Signature));
}

#[test]
fn no_other_way_of_signing_is_taken() {
    let issuer = Issuer::new();
    for alg in ["none", "None", "", "HS256", "HS512", "PS256", "EdDSA", "es256"] {
        let token = issuer.sign(&format!(r#"{{"alg":"{alg}","kid":"one"}}"#), &claims(&[]));
        assert_eq!(prove(&token, &issuer.keys(), &["app"], NOW_S), Err(TokenError::Algorithm(alg.into())));
    }
    let unsigned = issuer.sign(HEADER, &claims(&[]));
    let (signed, _) = unsigned.rsplit_once('.').expect("three parts");
    assert_eq!(prove(&format!("{signed}."), &issuer.keys(), &["app"], NOW_S), Err(TokenError::Signature));
    // The header says RSA, the key is of a curve.
    let confused = issuer.sign(r#"{"alg":"RS256","kid":"one"}"#, &claims(&[]));
    assert_eq!(prove(&confused, &issuer.keys(), &["app"], NOW_S), Err(TokenError::Key));
    let critical = issuer.sign(r#"{"alg":"ES256","kid":"one","crit":["b64"],"b64":false}"#, &claims(&[]));
    assert_eq!(prove(&critical, &issuer.keys(), &["app"], NOW_S), Err(TokenError::Critical));
    // Where the key is to be found is not the token's to say.
    let own = Issuer::new();
    let header = format!(r#"{{"alg":"ES256","kid":"one","jwk":{},"jku":"https://evil.example/k"}}"#, own.key("one"));
    assert_eq!(prove(&own.sign(&header, &claims(&[])), &issuer.keys(), &["app"], NOW_S), Err(TokenError::Signature));
}

#[test]
fn the_key_is_the_one_that_is_named() {
    let (old, new) = (Issuer::new(), Issuer::new());
    let both = set(&[old.key("one"), new.key("two")]);
    let token = old.sign(HEADER, &claims(&[]));
    assert!(prove(&token, &both, &["app"], NOW_S).is_ok());
    // Rotated away.
    assert_eq!(prove(&token, &set(&[new.key("two")]), &["app"], NOW_S), Err(TokenError::Key));
    assert_eq!(
        prove(&old.sign(r#"{"alg":"ES256","kid":"two"}"#, &claims(&[])), &both, &["app"], NOW_S),
        Err(TokenError::Signature)
    );
    // Where none is named there must be no choice.
    let nameless = old.sign(r#"{"alg":"ES256"}"#, &claims(&[]));
    assert!(prove(&nameless, &old.keys(), &["app"], NOW_S).is_ok());
    assert_eq!(prove(&nameless, &both, &["app"], NOW_S), Err(TokenError::Key));
    assert_eq!(prove(&token, &set(&[old.key("one"), new.key("one")]), &["app"], NOW_S), Err(TokenError::Key));
}

#[test]
fn times_are_the_issuers_with_a_little_skew_ahead() {
    let issuer = Issuer::new();
    let at =
        |change: &[(&str, &str)], now_s| prove(&issuer.sign(HEADER, &claims(change)), &issuer.keys(), &["app"], now_s);
    let expires_s = NOW_S + 600;
    assert!(at(&[], expires_s - 1).is_ok());
    assert_eq!(at(&[], expires_s), Err(TokenError::Expired { now_s: expires_s, expires_s }));
    assert!(at(&[], NOW_S - 10 - SKEW_S).is_ok());
    assert_eq!(at(&[], NOW_S - 11 - SKEW_S), Err(TokenError::Early { now_s: NOW_S - 11 - SKEW_S, from_s: NOW_S - 10 }));
    let later = (NOW_S + 400).to_string();
    assert_eq!(at(&[("nbf", &later)], NOW_S), Err(TokenError::Early { now_s: NOW_S, from_s: NOW_S + 400 }));
    assert!(at(&[("exp", "1800000000.9")], NOW_S - 1).is_ok());
    assert_eq!(at(&[("exp", "")], NOW_S), Err(TokenError::Missing("exp")));
    assert_eq!(at(&[("iat", "")], NOW_S), Err(TokenError::Missing("iat")));
    for bad in ["\"1800000600\"", "-1", "1e300", "true", "[1]"] {
        assert_eq!(at(&[("exp", bad)], NOW_S), Err(TokenError::Claim("exp")), "{bad}");
    }
}

#[test]
fn a_token_is_for_one_of_the_clients() {
    let issuer = Issuer::new();
    let for_whom = |change: &[(&str, &str)], clients: &[&str]| {
        let token = prove(&issuer.sign(HEADER, &claims(change)), &issuer.keys(), clients, NOW_S)?;
        Ok::<_, TokenError>(token.audience)
    };
    assert_eq!(for_whom(&[], &["other"]), Err(TokenError::Audience));
    assert_eq!(for_whom(&[], &[]), Err(TokenError::Audience));
    assert_eq!(for_whom(&[], &["APP"]), Err(TokenError::Audience));
    assert_eq!(for_whom(&[("aud", r#"["x","app"]"#)], &["app"]), Ok("app".into()));
    // Who asked for it stands in its place.
    assert_eq!(for_whom(&[("azp", r#""web""#)], &["web"]), Ok("web".into()));
    assert_eq!(for_whom(&[("azp", r#""web""#)], &["app"]), Err(TokenError::Audience));
    assert_eq!(for_whom(&[("aud", "")], &["app"]), Err(TokenError::Missing("aud")));
    assert_eq!(for_whom(&[("aud", "[]")], &["app"]), Err(TokenError::Missing("aud")));
    assert_eq!(for_whom(&[("aud", "7")], &["app"]), Err(TokenError::Claim("aud")));
    assert_eq!(for_whom(&[("sub", "")], &["app"]), Err(TokenError::Missing("sub")));
    assert_eq!(for_whom(&[("sub", "\"\"")], &["app"]), Err(TokenError::Missing("sub")));
}

#[test]
fn what_is_no_token_is_told_so() {
    let issuer = Issuer::new();
    let good = issuer.sign(HEADER, &claims(&[]));
    for bad in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "ya29.opaque",
        &format!("{good}.x"),
        &format!("{good}="),
        &good.replace('.', " ."),
    ] {
        assert_eq!(Unproven::read(bad).map(|_| ()), Err(TokenError::Malformed), "{bad}");
    }
    let twice = issuer.sign(HEADER, &format!("{{\"sub\":\"bo\",{}", &claims(&[])[1..]));
    assert_eq!(Unproven::read(&twice).map(|_| ()), Err(TokenError::Malformed));
    let large = issuer.sign(HEADER, &claims(&[("x", &format!("\"{}\"", "x".repeat(TOKEN_BYTES_MAX)))]));
    assert_eq!(Unproven::read(&large).map(|_| ()), Err(TokenError::Malformed));
    let nobody = issuer.sign(HEADER, &claims(&[("iss", "")]));
    assert_eq!(Unproven::read(&nobody).map(|_| ()), Err(TokenError::Missing("iss")));
    let plain = issuer.sign(HEADER, &claims(&[("iss", "\"http://token.example.com\"")]));
    assert_eq!(Unproven::read(&plain).expect("read").issuer_name(), None);
}

#[test]
fn no_edited_token_is_believed() {
    let issuer = Issuer::new();
    let (keys, good) = (issuer.keys(), issuer.sign(HEADER, &claims(&[])));
    for at in 0..good.len() {
        for byte in [b'A', b'b', b'0', b'_'] {
            let mut bytes = good.clone().into_bytes();
            if bytes[at] == byte || bytes[at] == b'.' {
                continue;
            }
            bytes[at] = byte;
            let edited = String::from_utf8(bytes).expect("ASCII");
            assert!(prove(&edited, &keys, &["app"], NOW_S).is_err(), "{edited}");
        }
    }
}

proptest! {
    #[test]
    fn nothing_sent_is_too_much(text in "[ -~]{0,200}", parts in "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}") {
        let keys = KeySet::parse(br#"{"keys":[{"kty":"EC","crv":"P-256","x":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","y":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}]}"#);
        let keys = keys.expect("a set");
        for token in [&text, &parts] {
            prop_assert!(prove(token, &keys, &["app"], NOW_S).is_err());
        }
        let dressed = format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(&text));
        prop_assert!(prove(&dressed, &keys, &["app"], NOW_S).is_err());
        let _ = KeySet::parse(text.as_bytes());
    }
}
