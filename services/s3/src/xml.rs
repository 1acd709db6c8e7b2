//! Writing answers and reading bodies where s3s's shapes do not reach.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use opentrail_wire::Fault;
use s3s::xml::{DeResult, Deserializer};

use crate::bodies::Outgoing;
use crate::codec::Reply;
use crate::{faults, spell};

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// A document being written.
pub(crate) struct Document(String);

impl Document {
    /// Writes a document of S3's namespace.
    pub(crate) fn write(root: &str, content: impl FnOnce(&mut Self)) -> Bytes {
        let mut it = Self(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACE}\">"));
        content(&mut it);
        it.0.push_str(&format!("</{root}>"));
        spell::without_controls(it.0.into())
    }

    /// An element with others inside.
    pub(crate) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.element_with(name, "", content);
    }

    /// An element with attributes, written as they are.
    pub(crate) fn element_with(&mut self, name: &str, attributes: &str, content: impl FnOnce(&mut Self)) {
        self.0.push_str(&format!("<{name}{attributes}>"));
        content(self);
        self.0.push_str(&format!("</{name}>"));
    }

    /// An element with a text.
    pub(crate) fn text(&mut self, name: &str, text: impl AsRef<str>) {
        self.element(name, |d| {
            for c in text.as_ref().chars() {
                match c {
                    '&' => d.0.push_str("&amp;"),
                    '<' => d.0.push_str("&lt;"),
                    '>' => d.0.push_str("&gt;"),
                    '"' => d.0.push_str("&quot;"),
                    c => d.0.push(c),
                }
            }
        });
    }

    /// An element with a text, where there is one.
    pub(crate) fn maybe(&mut self, name: &str, text: Option<impl AsRef<str>>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// An entity tag, in quotes.
    pub(crate) fn etag(&mut self, etag: &str) {
        self.text("ETag", format!("\"{etag}\""));
    }
}

/// An answer that is a document.
pub(crate) fn reply(document: Bytes) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    Reply { status: 200, headers, body: Outgoing::Whole(document), object_bytes: None }
}

/// An answer without a body.
pub(crate) fn nothing(status: u16) -> Reply {
    Reply { status, headers: HeaderMap::new(), body: Outgoing::Whole(Bytes::new()), object_bytes: None }
}

/// Adds a header to an answer.
pub(crate) fn set(headers: &mut HeaderMap, name: impl http::header::IntoHeaderName, value: &str) -> Result<(), Fault> {
    let value = HeaderValue::from_str(value).map_err(|e| faults::internal("write header", e))?;
    headers.insert(name, value);
    Ok(())
}

/// Reads a whole document whose root is `root`. `Err` for whatever is not that.
pub(crate) fn read<'x, T>(
    document: &'x [u8],
    root: &str,
    content: impl FnOnce(&mut Deserializer<'x>) -> DeResult<T>,
) -> Result<T, Fault> {
    let mut xml = Deserializer::new(document);
    let read = xml.named_element(root, content).and_then(|it| xml.expect_eof().map(|()| it));
    read.map_err(|_| faults::malformed_xml())
}

/// The text of an element.
pub(crate) fn text(xml: &mut Deserializer<'_>) -> DeResult<String> {
    xml.text(|text| Ok(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        let written = Document::write("A", |d| {
            d.etag("x");
            d.text("B", "a<b&c>\u{1}");
            d.maybe("C", None::<&str>);
        });
        let text = std::str::from_utf8(&written).expect("text");
        assert!(text.ends_with(
            "<A xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><ETag>&quot;x&quot;</ETag><B>a&lt;b&amp;c&gt;&#x1;</B></A>"
        ));
    }

    #[test]
    fn references_are_read() {
        let seen = read(b"<A><B> a&amp;&#x1;&#10;</B></A>", "A", |d| d.named_element("B", text));
        assert_eq!(seen.expect("a document"), " a&\u{1}\n");
        assert!(read(b"<A></A>x<B/>", "A", |_| Ok(())).is_err());
    }
}
