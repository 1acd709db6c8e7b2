//! What is told of a body that no model explains: the names it has and their sizes, never a value.

use opentrail_event::{RawJson, write_text};

use crate::json::{DEPTH_MAX, depth, separate};
use crate::query::parse_form;

/// So many names are told,
const NAMES_MAX: usize = 64;
/// each of so many bytes at most.
const NAME_BYTES_MAX: usize = 128;

/// `{"unmodelled":{"bodyBytes":120,"members":[{"name":"TableName","bytes":12}]}}`; `None` where there is neither a query nor
/// a body. `body` is `None` where nobody looked at it.
pub(super) fn outline(query: &str, body: Option<&[u8]>) -> Option<RawJson> {
    let mut names = form_names(query.as_bytes());
    names.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("x-amz-"));
    let body_bytes = body.map_or(0, <[u8]>::len);
    if names.is_empty() && body_bytes == 0 {
        return None;
    }
    if let Some(body) = body {
        names.extend(json_names(body).unwrap_or_else(|| match looks_like_form(body) {
            true => form_names(body),
            false => Vec::new(),
        }));
    }
    names.truncate(NAMES_MAX);
    let mut out = format!("{{\"unmodelled\":{{\"bodyBytes\":{body_bytes},\"members\":[").into_bytes();
    let mut first = true;
    for (name, bytes) in names {
        separate(&mut out, &mut first);
        out.extend_from_slice(b"{\"name\":");
        write_text(&mut out, &name);
        out.extend_from_slice(format!(",\"bytes\":{bytes}}}").as_bytes());
    }
    out.extend_from_slice(b"]}}");
    Some(RawJson::from_written(out))
}

type Names = Vec<(String, usize)>;

fn form_names(form: &[u8]) -> Names {
    let Ok(pairs) = parse_form(form) else { return Vec::new() };
    pairs.into_iter().map(|(name, value)| (shorten(name), value.len())).take(NAMES_MAX).collect()
}

/// Text pairs with an equals sign before anything that no form has.
fn looks_like_form(body: &[u8]) -> bool {
    let name = body.split(|&b| b == b'=').next().unwrap_or_default();
    name.len() < body.len()
        && name.len() <= NAME_BYTES_MAX
        && name.iter().all(|b| b.is_ascii_alphanumeric() || b"._-%+".contains(b))
}

fn shorten(mut name: String) -> String {
    let end = (0..=NAME_BYTES_MAX.min(name.len())).rev().find(|&at| name.is_char_boundary(at)).unwrap_or(0);
    name.truncate(end);
    name
}

/// The names of an object's members and the bytes that their values take; `None` for what is no JSON object.
fn json_names(body: &[u8]) -> Option<Names> {
    let body = body.trim_ascii();
    if body.first() != Some(&b'{') || depth(body) > DEPTH_MAX {
        return None;
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(body).ok()?;
    // It is known to be well formed: members are parted by the commas of the first level.
    let (mut open, mut quoted, mut escaped) = (0_usize, false, false);
    let (mut names, mut begin, mut colon) = (Vec::new(), 1, None);
    for (at, &byte) in body.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => open += 1,
            b':' if open == 1 && colon.is_none() => colon = Some(at),
            b',' | b'}' | b']' => {
                if open == 1
                    && let Some(colon) = colon.take()
                {
                    let key = body[begin..colon].trim_ascii();
                    let name: String = serde_json::from_slice(key).ok()?;
                    names.push((shorten(name), body[colon + 1..at].trim_ascii().len()));
                    begin = at + 1;
                    if names.len() == NAMES_MAX {
                        break;
                    }
                }
                if byte != b',' {
                    open -= 1;
                }
            }
            _ => {}
        }
    }
    Some(names)
}
