//! A document as it is shown later than it was put: whom it names may be called otherwise by then, or be gone.

use std::collections::BTreeMap;

use super::json::{self, Json, Value};

/// `document` with its principals renamed: the texts of Principal and NotPrincipal that are keys of `names` become what stands
/// there. All else, conditions on the same names included, stays byte for byte; what is no policy stays as it is.
pub fn renamed(document: &str, names: &BTreeMap<String, String>) -> String {
    let root = match json::read(document.as_bytes()) {
        Ok(root) if !names.is_empty() => root,
        _ => return document.to_owned(),
    };
    let mut texts = Vec::new();
    for statement in members(&root).iter().filter(|(name, _)| name == "Statement").flat_map(|(_, json)| items(json)) {
        let principals =
            members(statement).iter().filter(|(name, _)| matches!(name.as_str(), "Principal" | "NotPrincipal"));
        principals.for_each(|(_, json)| gather(json, &mut texts));
    }
    let mut out = String::with_capacity(document.len());
    let mut copied = 0;
    for (json, text) in texts {
        let Some(name) = names.get(text) else { continue };
        out.push_str(&document[copied..json.at]);
        out.push_str(&serde_json::Value::from(name.as_str()).to_string());
        copied = json.end;
    }
    out.push_str(&document[copied..]);
    out
}

fn members(json: &Json) -> &[(String, Json)] {
    match &json.value {
        Value::Object(members) => members,
        _ => &[],
    }
}

/// One, or a list of them.
fn items(json: &Json) -> &[Json] {
    match &json.value {
        Value::Array(items) => items,
        _ => std::slice::from_ref(json),
    }
}

/// All texts within, in the order of writing.
fn gather<'j>(json: &'j Json, texts: &mut Vec<(&'j Json, &'j str)>) {
    match &json.value {
        Value::Text(text) => texts.push((json, text)),
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(members) => members.iter().for_each(|(_, member)| gather(member, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_principals_are_renamed() {
        let names: BTreeMap<String, String> =
            [("arn:old/ann", r#"arn:new/"ann"#), ("arn:old/bo", "AIDABO")].map(|(a, b)| (a.into(), b.into())).into();
        let check = |document: &str, expect: &str| assert_eq!(renamed(document, &names), expect);
        check(
            r#"{ "Statement" : [{"Principal": {"AWS": ["arn:old/ann" , "arn:other"]}, "Resource":"arn:old/ann",
                "Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:old/ann"}}},
                {"NotPrincipal":{"AWS":"arn:old\/bo"}}]}  "#,
            r#"{ "Statement" : [{"Principal": {"AWS": ["arn:new/\"ann" , "arn:other"]}, "Resource":"arn:old/ann",
                "Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:old/ann"}}},
                {"NotPrincipal":{"AWS":"AIDABO"}}]}  "#,
        );
        check(r#"{"Statement":{"Principal":"arn:old/bo"}}"#, r#"{"Statement":{"Principal":"AIDABO"}}"#);
        check(r#"{"Principal":"arn:old/bo"}"#, r#"{"Principal":"arn:old/bo"}"#);
        check("arn:old/bo", "arn:old/bo");
        assert_eq!(renamed(r#"{"Statement":[]}"#, &BTreeMap::new()), r#"{"Statement":[]}"#);
    }
}
