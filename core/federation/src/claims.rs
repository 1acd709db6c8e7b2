//! What a token says: claims by name, each once.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// The claim with session tags, and the names under which its parts stand where an issuer cannot nest them.
const TAGS: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

/// A value of JSON. An object that has a member twice is none: two readers would read it differently.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Claim {
    Null,
    Flag(bool),
    Number(f64),
    Text(String),
    List(Vec<Claim>),
    Map(Claims),
}

/// The members of an object, in their order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Claims(pub(crate) Vec<(String, Claim)>);

impl Claims {
    pub(crate) fn get(&self, name: &str) -> Option<&Claim> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, claim)| claim).filter(|claim| **claim != Claim::Null)
    }

    /// `Err` where there is something else than a text.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, &'static str> {
        match self.get(name) {
            None => Ok(None),
            Some(Claim::Text(text)) => Ok(Some(text)),
            Some(_) => Err(name),
        }
    }

    /// Seconds since 1970, a part of one cut off. `Err` where there is something else.
    pub(crate) fn seconds(&self, name: &'static str) -> Result<Option<i64>, &'static str> {
        match self.get(name) {
            None => Ok(None),
            // To the end of the year 9999: what is beyond is no time that anybody means.
            Some(Claim::Number(n)) if (0.0..=253_402_300_799.0).contains(n) => Ok(Some(*n as i64)),
            Some(_) => Err(name),
        }
    }

    /// A text, or a list of texts.
    pub(crate) fn texts(&self, name: &'static str) -> Result<Vec<String>, &'static str> {
        self.get(name).map_or(Ok(Vec::new()), |claim| claim.texts().ok_or(name))
    }
}

impl Claim {
    fn texts(&self) -> Option<Vec<String>> {
        match self {
            Self::Text(text) => Some(vec![text.clone()]),
            Self::List(items) => items
                .iter()
                .map(|item| match item {
                    Self::Text(text) => Some(text.clone()),
                    _ => None,
                })
                .collect(),
            _ => None,
        }
    }

    /// As a condition compares it; `None` for what has no such form.
    fn values(&self) -> Option<Vec<String>> {
        match self {
            Self::Flag(flag) => Some(vec![flag.to_string()]),
            // Above that not every whole number has its own form.
            Self::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => Some(vec![(*n as i64).to_string()]),
            other => other.texts(),
        }
    }
}

/// What a token asks for beside the session itself (`spec/sts.md` 2.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionTags {
    pub tags: Vec<(String, String)>,
    /// Keys of those that sessions made from this one inherit.
    pub transitive: Vec<String>,
    pub source_identity: Option<String>,
}

impl SessionTags {
    /// `Err` names what is not of the form that AWS asks for.
    pub(crate) fn read(claims: &Claims) -> Result<Self, &'static str> {
        let mut asked = Self { source_identity: claims.text(SOURCE_IDENTITY)?.map(str::to_owned), ..Self::default() };
        for (name, claim) in &claims.0 {
            let Some(rest) = name.strip_prefix(TAGS) else { continue };
            match (rest, claim) {
                ("", Claim::Map(parts)) => {
                    for (part, claim) in &parts.0 {
                        asked.part(part, claim)?;
                    }
                }
                ("", _) => return Err(TAGS),
                (rest, claim) => match rest.strip_prefix('/') {
                    Some(part) => asked.part(part, claim)?,
                    None => continue,
                },
            }
        }
        Ok(asked)
    }

    fn part(&mut self, part: &str, claim: &Claim) -> Result<(), &'static str> {
        match (part, claim) {
            ("principal_tags", Claim::Map(tags)) => {
                for (key, value) in &tags.0 {
                    self.tag(key, value)?;
                }
                Ok(())
            }
            ("transitive_tag_keys", claim) => {
                self.transitive.extend(claim.texts().ok_or(TAGS)?);
                Ok(())
            }
            (part, claim) => match part.strip_prefix("principal_tags/") {
                Some(key) => self.tag(key, claim),
                None => Err(TAGS),
            },
        }
    }

    /// A tag has one value, alone or in a list.
    fn tag(&mut self, key: &str, claim: &Claim) -> Result<(), &'static str> {
        let [value] = <[String; 1]>::try_from(claim.texts().unwrap_or_default()).map_err(|_| TAGS)?;
        self.tags.push((key.to_owned(), value));
        Ok(())
    }
}

/// The claims that conditions can name beside those that AWS gives a meaning of its own, each once in any case.
pub(crate) fn named(claims: &Claims, taken: &[&str]) -> Vec<(String, Vec<String>)> {
    /// Of a name; and of the claims of one token.
    const NAME_BYTES_MAX: usize = 128;
    const CLAIMS_MAX: usize = 64;
    let plain = |name: &str| {
        name.len() <= NAME_BYTES_MAX
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    };
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for (name, claim) in &claims.0 {
        let is_taken = |other: &str| other.eq_ignore_ascii_case(name);
        if !plain(name) || taken.iter().any(|t| is_taken(t)) || found.iter().any(|(other, _)| is_taken(other)) {
            continue;
        }
        if let Some(values) = claim.values().filter(|_| found.len() < CLAIMS_MAX) {
            found.push((name.clone(), values));
        }
    }
    found
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Claim::deserialize(from)? {
            Claim::Map(claims) => Ok(claims),
            _ => Err(de::Error::custom("not an object")),
        }
    }
}

impl<'de> Deserialize<'de> for Claim {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Claim;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Claim, E> {
        Ok(Claim::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Claim, E> {
        Ok(Claim::Flag(flag))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Claim, E> {
        Ok(Claim::Number(n as f64))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Claim, E> {
        Ok(Claim::Number(n as f64))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Claim, E> {
        Ok(Claim::Number(n))
    }

    fn visit_str<E>(self, text: &str) -> Result<Claim, E> {
        Ok(Claim::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Claim, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Claim::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Claim, A::Error> {
        let mut members = Vec::new();
        let mut names = std::collections::BTreeSet::new();
        while let Some((name, claim)) = from.next_entry::<String, Claim>()? {
            if !names.insert(name.clone()) {
                return Err(de::Error::custom(format_args!("{name} is there twice")));
            }
            members.push((name, claim));
        }
        Ok(Claim::Map(Claims(members)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Claims {
        serde_json::from_str(json).expect("claims")
    }

    #[test]
    fn a_member_that_comes_twice_is_refused_at_any_depth() {
        for twice in [r#"{"a":1,"a":2}"#, r#"{"a":[{"b":1,"b":1}]}"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(serde_json::from_str::<Claims>(twice).is_err(), "{twice}");
        }
        assert!(serde_json::from_str::<Claims>("[1]").is_err());
        assert!(serde_json::from_str::<Claims>(&format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500))).is_err());
    }

    #[test]
    fn tags_are_read_nested_and_flat() {
        let expect = SessionTags {
            tags: vec![("Project".into(), "Automation".into()), ("k".into(), String::new())],
            transitive: vec!["Project".into()],
            source_identity: Some("ana".into()),
        };
        let nested = r#"{"https://aws.amazon.com/tags":{"principal_tags":{"Project":["Automation"],"k":[""]},
            "transitive_tag_keys":["Project"]},"https://aws.amazon.com/source_identity":"ana"}"#;
        assert_eq!(SessionTags::read(&read(nested)), Ok(expect.clone()));
        let flat = r#"{"https://aws.amazon.com/tags/principal_tags/Project":"Automation",
            "https://aws.amazon.com/tags/principal_tags/k":[""],"https://aws.amazon.com/tags/transitive_tag_keys":["Project"],
            "https://aws.amazon.com/source_identity":"ana","https://aws.amazon.com/tagsoup":1}"#;
        assert_eq!(SessionTags::read(&read(flat)), Ok(expect));
        for bad in [
            r#"{"https://aws.amazon.com/tags":7}"#,
            r#"{"https://aws.amazon.com/tags":{"principal_tags":{"k":["a","b"]}}}"#,
            r#"{"https://aws.amazon.com/tags":{"principal_tags":{"k":[]}}}"#,
            r#"{"https://aws.amazon.com/tags":{"principal_tags":["k"]}}"#,
            r#"{"https://aws.amazon.com/tags":{"transitive_tag_keys":[1]}}"#,
            r#"{"https://aws.amazon.com/source_identity":["ana"]}"#,
        ] {
            assert!(SessionTags::read(&read(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_claim_passes_for_another() {
        let claims = read(
            r#"{"AUD":"x","repository":"o/r","Repository":"o/other","groups":["a","b"],"level":3,"ok":true,
                "deep":{"a":1},"odd name":"x","mixed":["a",1]}"#,
        );
        let found = named(&claims, &["aud"]);
        let shown: Vec<String> = found.iter().map(|(name, values)| format!("{name}={}", values.join(","))).collect();
        assert_eq!(shown, ["repository=o/r", "groups=a,b", "level=3", "ok=true"]);
    }
}
