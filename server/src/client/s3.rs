//! Reading buckets: listings and objects, by path-style addresses.

use http::Method;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::{Client, ClientError, Request, Response};

/// What a query value keeps as it is (RFC 3986, unreserved).
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// A path keeps its slashes too.
const PATH: &AsciiSet = &VALUE.remove(b'/');

/// What a listing says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Keys, and when they were last written.
    pub objects: Vec<(String, Option<Timestamp>)>,
    /// What keys have in common up to the delimiter, which it ends with.
    pub folders: Vec<String>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// What to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct List<'a> {
    pub bucket: &'a str,
    pub prefix: &'a str,
    pub delimiter: Option<&'a str>,
    pub start_after: &'a str,
    pub token: Option<&'a str>,
}

impl Client {
    /// One page of a bucket's keys (ListObjectsV2).
    pub async fn list_objects(&mut self, list: List<'_>) -> Result<Listing, ClientError> {
        let mut query = vec![("list-type", "2"), ("encoding-type", "url"), ("prefix", list.prefix)];
        query.extend(list.delimiter.map(|delimiter| ("delimiter", delimiter)));
        query.extend(Some(("start-after", list.start_after)).filter(|(_, after)| !after.is_empty()));
        query.extend(list.token.map(|token| ("continuation-token", token)));
        let pairs: Vec<_> =
            query.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, VALUE))).collect();
        let response = self.s3(list.bucket, "", &pairs.join("&")).await?;
        Listing::read(&response.body)
            .ok_or_else(|| ClientError::Strange { endpoint: self.endpoint.to_string(), status: response.status })
    }

    /// An object, with its headers.
    pub async fn get_object(&mut self, bucket: &str, key: &str) -> Result<Response, ClientError> {
        self.s3(bucket, key, "").await
    }

    async fn s3(&mut self, bucket: &str, key: &str, query: &str) -> Result<Response, ClientError> {
        let path = format!("/{}/{}", utf8_percent_encode(bucket, VALUE), utf8_percent_encode(key, PATH));
        let path = if key.is_empty() { path.trim_end_matches('/').to_owned() } else { path };
        let request = Request {
            service: "s3",
            method: Method::GET,
            path,
            query: query.to_owned(),
            headers: Vec::new(),
            body: Default::default(),
        };
        let mut response = self.send(&request).await?;
        let elsewhere = response.headers.get("x-amz-bucket-region").and_then(|region| region.to_str().ok());
        if let (301 | 400, Some(region)) = (response.status, elsewhere.filter(|region| *region != self.region)) {
            self.region = region.to_owned();
            response = self.send(&request).await?;
        }
        if response.status == 200 {
            return Ok(response);
        }
        let text = |name: &str| texts(&response.body, name).and_then(|mut texts| texts.pop()).unwrap_or_default();
        let (code, message) = (text("Code"), text("Message"));
        if code.is_empty() {
            return Err(ClientError::Strange { endpoint: self.endpoint.to_string(), status: response.status });
        }
        Err(ClientError::Refused { status: response.status, code, message })
    }
}

impl Listing {
    fn read(xml: &[u8]) -> Option<Self> {
        let mut listing = Self::default();
        let mut path: Vec<Vec<u8>> = Vec::new();
        let (mut reader, mut key) = (Reader::from_reader(xml), None);
        walk(&mut reader, |event| match event {
            Seen::Open(name) => path.push(name),
            Seen::Close => {
                let closed = path.pop();
                if let (Some(b"Contents"), Some(object)) = (closed.as_deref(), &mut key) {
                    listing.objects.extend(Option::take(object));
                }
            }
            Seen::Text(text) => {
                let names: Vec<&[u8]> = path.iter().skip(1).map(Vec::as_slice).collect();
                match names[..] {
                    [b"Contents", b"Key"] => key = Some(Some((decoded(&text), None))),
                    [b"Contents", b"LastModified"] => {
                        if let Some(Some((_, modified))) = &mut key {
                            *modified = text.parse().ok();
                        }
                    }
                    [b"CommonPrefixes", b"Prefix"] => listing.folders.push(decoded(&text)),
                    [b"NextContinuationToken"] => listing.next = Some(text),
                    _ => {}
                }
            }
        })?;
        Some(listing)
    }
}

/// Keys of a listing come in a form's spelling, because not every character can stand in XML.
fn decoded(text: &str) -> String {
    let spaces = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaces).decode_utf8_lossy().into_owned()
}

/// The texts of all elements of that name.
fn texts(xml: &[u8], name: &str) -> Option<Vec<String>> {
    let (mut found, mut inside) = (Vec::new(), false);
    walk(&mut Reader::from_reader(xml), |event| match event {
        Seen::Open(opened) => inside = opened == name.as_bytes(),
        Seen::Close => inside = false,
        Seen::Text(text) if inside => found.push(text),
        Seen::Text(_) => {}
    })?;
    Some(found)
}

enum Seen {
    Open(Vec<u8>),
    Close,
    /// Of an element, whole.
    Text(String),
}

/// Goes through XML; `None` where it is none.
fn walk(reader: &mut Reader<&[u8]>, mut see: impl FnMut(Seen)) -> Option<()> {
    let (mut text, mut depth) = (String::new(), 0_usize);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                depth += 1;
                text.clear();
                see(Seen::Open(element.local_name().as_ref().to_vec()));
            }
            Event::End(_) => {
                depth = depth.checked_sub(1)?;
                see(Seen::Text(std::mem::take(&mut text)));
                see(Seen::Close);
            }
            Event::Text(part) => text.push_str(&part.decode().ok()?),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(c) => text.push(c),
                None => text.push_str(quick_xml::escape::resolve_xml_entity(&reference.decode().ok()?)?),
            },
            Event::Eof => return (depth == 0).then_some(()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_read() {
        let xml = "<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
            <Name>b</Name><Prefix>a</Prefix><EncodingType>url</EncodingType>\
            <Contents><Key>a/b+c%2Bd%C3%A9</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified><Size>1</Size></Contents>\
            <Contents><Key>a&amp;b&#x41;</Key><Owner><ID>x</ID></Owner></Contents>\
            <CommonPrefixes><Prefix>a/x/</Prefix></CommonPrefixes>\
            <NextContinuationToken>t+=</NextContinuationToken></ListBucketResult>";
        let listing = Listing::read(xml.as_bytes()).expect("a listing");
        let modified = "2026-01-02T03:04:05.678Z".parse().ok();
        assert_eq!(listing.objects, [("a/b c+dé".to_owned(), modified), ("a&bA".to_owned(), None)]);
        assert_eq!(listing.folders, ["a/x/"]);
        assert_eq!(listing.next.as_deref(), Some("t+="));
        assert_eq!(Listing::read(b"<a><b></a>"), None);
        assert_eq!(Listing::read(b"<a>"), None);
    }

    #[test]
    fn an_error_is_read() {
        let xml = b"<Error><Code>NoSuchKey</Code><Message>it &lt;is&gt; gone</Message><Key>Code</Key></Error>";
        assert_eq!(texts(xml, "Code"), Some(vec!["NoSuchKey".to_owned()]));
        assert_eq!(texts(xml, "Message"), Some(vec!["it <is> gone".to_owned()]));
    }
}
