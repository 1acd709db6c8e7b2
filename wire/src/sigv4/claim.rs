//! What a request says about who signed it. Nothing here is proven.

use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE};
use jiff::Timestamp;

use super::canonical::Seen;
use super::query::Query;
use super::refusal::{Part, Refusal};
use super::{ALGORITHM, time};

/// Names in `SignedHeaders`; more are refused.
const SIGNED_HEADERS_MAX: usize = 250;
/// The longest validity of a presigned request: a week.
pub(crate) const EXPIRES_MAX_S: i64 = 604_800;
/// Of header texts that an answer repeats, characters.
const ECHO_CHARS_MAX: usize = 512;

/// Where a key is valid.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    /// `20260102`
    pub date: String,
    pub region: String,
    pub service: String,
    pub terminator: String,
}

impl Scope {
    /// Joined by slashes, as it is signed.
    pub(crate) fn text(&self) -> String {
        format!("{}/{}/{}/{}", self.date, self.region, self.service, self.terminator)
    }
}

/// A claim in its right form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub access_key_id: String,
    pub scope: Scope,
    /// Lower-case, sorted, each once.
    pub signed_headers: Vec<String>,
    pub signature: String,
    /// In the basic form, as it is signed.
    pub date: String,
    pub at: Timestamp,
    /// Of a presigned request, seconds.
    pub expires_s: Option<i64>,
    pub token: Option<String>,
}

/// Whether the request does not even try to be signed.
pub(crate) fn is_unsigned(seen: &Seen<'_>) -> bool {
    !seen.headers.contains_key(AUTHORIZATION) && !seen.query.is_presigned()
}

/// The signing name that a request claims, right or wrong: it decides in which shape a refusal is written.
pub(crate) fn claimed_service(seen: &Seen<'_>) -> Option<String> {
    let credential = match seen.headers.get(AUTHORIZATION) {
        Some(value) => {
            let text = value.to_str().ok()?;
            let rest = &text[text.find("Credential=")? + "Credential=".len()..];
            rest.split([',', ' ']).next()?.to_owned()
        }
        None => seen.query.values("X-Amz-Credential").next_back()??.to_owned(),
    };
    Some(read_credential(&credential)?.1.service)
}

/// Reads the claim of a request.
pub(crate) fn read(seen: &Seen<'_>) -> Result<Claim, Refusal> {
    let mut headers = seen.headers.get_all(AUTHORIZATION).iter();
    let presigned = seen.query.is_presigned();
    match (headers.next(), headers.next(), presigned) {
        (Some(_), Some(_), _) | (Some(_), None, true) => Err(Refusal::Twice),
        (Some(value), None, false) => {
            let text = value.to_str().map_err(|_| Refusal::Scheme(echo(&String::from_utf8_lossy(value.as_bytes()))))?;
            from_header(text, seen.headers)
        }
        (None, _, true) => from_query(seen.query),
        (None, _, false) => Err(absent(seen)),
    }
}

/// Which kind of absence it is: some others are named, so that their users know what to change.
fn absent(seen: &Seen<'_>) -> Refusal {
    let has = |name| seen.query.has(name);
    if has("Signature") && (has("AWSAccessKeyId") || has("SignatureVersion")) {
        return Refusal::Mechanism("AWS");
    }
    let multipart = |v: &http::HeaderValue| v.as_bytes().to_ascii_lowercase().starts_with(b"multipart/form-data");
    if seen.method == "POST" && seen.headers.get(CONTENT_TYPE).is_some_and(multipart) {
        return Refusal::PostPolicy;
    }
    Refusal::Absent
}

fn from_header(header: &str, headers: &HeaderMap) -> Result<Claim, Refusal> {
    let (scheme, rest) = header.split_once([' ', '\t']).unwrap_or((header, ""));
    match scheme {
        ALGORITHM => {}
        "AWS" => return Err(Refusal::Mechanism("AWS")),
        "AWS4-ECDSA-P256-SHA256" => return Err(Refusal::Mechanism("AWS4-ECDSA-P256-SHA256")),
        _ => return Err(Refusal::Scheme(echo(header))),
    }
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for pair in rest.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Refusal::NotAPair { pair: echo(pair), header: echo(header) });
        };
        let slot = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            // AWS ignores what it does not know here.
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(Refusal::NotAPair { pair: echo(pair), header: echo(header) });
        }
    }
    let date = header_date(headers)?;
    let mut missing = Vec::new();
    for (part, is_missing) in [
        (Part::Credential, credential.is_none_or(str::is_empty)),
        (Part::Signature, signature.is_none_or(str::is_empty)),
        (Part::SignedHeaders, signed_headers.is_none_or(str::is_empty)),
        (Part::Date, date.is_none()),
    ] {
        if is_missing {
            missing.push(part);
        }
    }
    let (Some(credential), Some(signature), Some(signed_headers), Some((date, at)), true) =
        (credential, signature, signed_headers, date, missing.is_empty())
    else {
        return Err(Refusal::Incomplete { missing, header: echo(header) });
    };
    let (access_key_id, scope) = read_credential(credential).ok_or_else(|| Refusal::Credential(echo(credential)))?;
    let incomplete = || Refusal::Incomplete { missing: vec![Part::SignedHeaders], header: echo(header) };
    Ok(Claim {
        access_key_id,
        scope,
        signed_headers: read_signed_headers(signed_headers).ok_or_else(incomplete)?,
        signature: signature.to_owned(),
        date,
        at,
        expires_s: None,
        token: token(headers),
    })
}

fn token(headers: &HeaderMap) -> Option<String> {
    headers.get("x-amz-security-token").map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
}

/// `X-Amz-Date`, or else `Date`: in the basic form, and as a time.
fn header_date(headers: &HeaderMap) -> Result<Option<(String, Timestamp)>, Refusal> {
    let lossy = |v: &http::HeaderValue| String::from_utf8_lossy(v.as_bytes()).into_owned();
    if let Some(value) = headers.get("x-amz-date") {
        let text = lossy(value);
        let at = time::parse_basic(&text).ok_or_else(|| Refusal::Date(echo(&text)))?;
        return Ok(Some((text, at)));
    }
    let Some(value) = headers.get(DATE) else { return Ok(None) };
    let text = lossy(value);
    let at = time::parse_basic(&text).or_else(|| time::parse_http_date(&text));
    let at = at.ok_or_else(|| Refusal::Date(echo(&text)))?;
    Ok(Some((time::basic(at), at)))
}

fn from_query(query: &Query) -> Result<Claim, Refusal> {
    match query.value("X-Amz-Algorithm") {
        Some(ALGORITHM) => {}
        Some("AWS4-ECDSA-P256-SHA256") => return Err(Refusal::Mechanism("AWS4-ECDSA-P256-SHA256")),
        _ => return Err(Refusal::QueryIncomplete),
    }
    let value = |name| query.value(name).ok_or(Refusal::QueryIncomplete);
    let (access_key_id, scope) = read_credential(value("X-Amz-Credential")?).ok_or(Refusal::QueryCredential)?;
    let date = value("X-Amz-Date")?;
    let at = time::parse_basic(date).ok_or_else(|| Refusal::Date(echo(date)))?;
    let expires = value("X-Amz-Expires")?;
    let expires_s: i64 = expires.parse().map_err(|_| Refusal::ExpiresNotANumber)?;
    match expires_s {
        ..0 => return Err(Refusal::ExpiresNegative),
        s if s > EXPIRES_MAX_S => return Err(Refusal::ExpiresTooLong),
        _ => {}
    }
    let signed_headers = read_signed_headers(value("X-Amz-SignedHeaders")?).ok_or(Refusal::QueryIncomplete)?;
    let (signature, date) = (value("X-Amz-Signature")?.to_owned(), date.to_owned());
    let token = query.values("X-Amz-Security-Token").next_back().flatten().map(str::to_owned);
    Ok(Claim { access_key_id, scope, signed_headers, signature, date, at, expires_s: Some(expires_s), token })
}

/// `KEYID/DATE/REGION/SERVICE/aws4_request`. The terminator is checked later, to be answered for itself.
fn read_credential(text: &str) -> Option<(String, Scope)> {
    // A key id may be of any form without a slash at its end; ours and AWS's have none at all.
    let mut parts = text.rsplitn(5, '/');
    let mut next = || parts.next().map(str::to_owned);
    let (terminator, service, region, date, id) = (next()?, next()?, next()?, next()?, next()?);
    let filled = [&terminator, &service, &region, &date, &id].iter().all(|part| !part.is_empty());
    filled.then_some((id, Scope { date, region, service, terminator }))
}

/// Lower-case names, sorted, each once; `None` where they are not.
fn read_signed_headers(text: &str) -> Option<Vec<String>> {
    let names: Vec<String> = text.split(';').map(str::to_owned).collect();
    let name_like = |n: &String| !n.is_empty() && n.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase());
    let right = names.len() <= SIGNED_HEADERS_MAX && names.iter().all(name_like) && names.is_sorted_by(|a, b| a < b);
    right.then_some(names)
}

fn echo(text: &str) -> String {
    text.chars().take(ECHO_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/iam/aws4_request, \
                        SignedHeaders=host;x-amz-date, Signature=5d67";

    fn read_both(authorization: Option<&str>, query: &str) -> Result<Claim, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-date", http::HeaderValue::from_static("20150830T123600Z"));
        if let Some(text) = authorization {
            headers.insert(AUTHORIZATION, http::HeaderValue::from_str(text).expect("a header value"));
        }
        read(&Seen { method: "GET", raw_path: "/", query: &Query::parse(query), headers: &headers })
    }

    #[test]
    fn a_right_header_is_read() {
        let claim = read_both(Some(GOOD), "").expect("a right header");
        assert_eq!(
            (claim.access_key_id.as_str(), claim.scope.text().as_str()),
            ("AKID", "20150830/us-east-1/iam/aws4_request")
        );
        assert_eq!(claim.signed_headers, ["host", "x-amz-date"]);
        assert_eq!(read_both(Some(&GOOD.replace(", ", ",")), ""), Ok(claim));
    }

    #[test]
    fn a_wrong_header_is_refused_for_its_reason() {
        let check = |header: &str, expect: &str| {
            let refusal = read_both(Some(header), "").expect_err(header);
            assert!(format!("{refusal:?}").starts_with(expect), "{header}: {refusal:?}");
        };
        check("AWS AKID:sig", "Mechanism(\"AWS\")");
        check("AWS4-ECDSA-P256-SHA256 Credential=x", "Mechanism(\"AWS4-ECDSA");
        check("Bearer abc", "Scheme");
        check("", "Scheme");
        check("AWS4-HMAC-SHA256", "Incomplete { missing: [Credential, Signature, SignedHeaders]");
        check("AWS4-HMAC-SHA256 Credential=a/b/c/d/e", "Incomplete { missing: [Signature, SignedHeaders]");
        check("AWS4-HMAC-SHA256 Credential", "NotAPair");
        check(&format!("{GOOD}, Signature=00"), "NotAPair");
        check(&GOOD.replace("/iam", ""), "Credential");
        check(&GOOD.replace("AKID", ""), "Credential");
        check(&GOOD.replace("host;x-amz-date", "x-amz-date;host"), "Incomplete");
        check(&GOOD.replace("host;x-amz-date", "Host"), "Incomplete");
        check(&GOOD.replace("host;x-amz-date", "host;host"), "Incomplete");
    }

    #[test]
    fn a_wrong_query_is_refused_for_its_reason() {
        let good = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20150830%2Fus-east-1%2Fs3%2Faws4_request\
                    &X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
        assert!(read_both(None, good).is_ok());
        assert_eq!(read_both(Some(GOOD), good), Err(Refusal::Twice));
        let check = |from: &str, to: &str, expect: Refusal| {
            assert_eq!(read_both(None, &good.replace(from, to)), Err(expect), "{from} → {to}");
        };
        check("&X-Amz-Expires=60", "", Refusal::QueryIncomplete);
        check("&X-Amz-Expires=60", "&X-Amz-Expires=60&X-Amz-Expires=61", Refusal::QueryIncomplete);
        check("=60", "=", Refusal::ExpiresNotANumber);
        check("=60", "=-1", Refusal::ExpiresNegative);
        check("=60", "=604801", Refusal::ExpiresTooLong);
        check("%2Fs3", "", Refusal::QueryCredential);
        check("T123600Z", "", Refusal::Date("20150830".into()));
        check("HMAC", "RMAC", Refusal::QueryIncomplete);
        check(good, "AWSAccessKeyId=a&Expires=1&Signature=b", Refusal::Mechanism("AWS"));
        check(good, "", Refusal::Absent);
    }

    proptest! {
        #[test]
        fn no_claim_panics(header in "[ -~]{0,120}", query in "[ -~]{0,120}", tail in "[ -~]{0,80}") {
            let _ = read_both(Some(&header), &query);
            let _ = read_both(Some(&format!("AWS4-HMAC-SHA256 {tail}")), "");
            let _ = read_both(None, &format!("X-Amz-Algorithm=AWS4-HMAC-SHA256&{query}"));
        }

        #[test]
        fn a_damaged_header_never_gains_a_part(at in 0usize..GOOD.len(), byte in 0x20u8..0x7f) {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = byte;
            let text = String::from_utf8(bytes).expect("ASCII");
            if let Ok(claim) = read_both(Some(&text), "") {
                prop_assert!(claim.signed_headers.is_sorted() && !claim.access_key_id.is_empty());
            }
        }
    }
}
