//! Bodies that were compressed, as records read them. What goes by is not touched.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;

/// A body without its compression; `None` where it is of a kind that is not read here, is not what it says, or would be longer
/// than `bytes_max`. Framing is not compression.
pub(super) fn plain<'a>(headers: &HeaderMap, body: &'a [u8], bytes_max: usize) -> Option<Cow<'a, [u8]>> {
    let values = headers.get_all(http::header::CONTENT_ENCODING).iter();
    let mut codings = Vec::new();
    for value in values {
        let names = value.to_str().ok()?.split(',').map(|name| name.trim().to_ascii_lowercase());
        codings.extend(names.filter(|name| !matches!(name.as_str(), "" | "identity" | "aws-chunked")));
    }
    match codings.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Some(Cow::Borrowed(body)),
        // Of what has no body nothing is compressed, whatever its head says.
        [_] if body.is_empty() => Some(Cow::Borrowed(body)),
        ["gzip" | "x-gzip"] => bounded(MultiGzDecoder::new(body), bytes_max),
        ["deflate"] => bounded(ZlibDecoder::new(body), bytes_max),
        _ => None,
    }
}

/// All of it, if it is no longer than that.
fn bounded(from: impl Read, bytes_max: usize) -> Option<Cow<'static, [u8]>> {
    let mut plain = Vec::new();
    from.take(bytes_max as u64 + 1).read_to_end(&mut plain).ok()?;
    (plain.len() <= bytes_max).then_some(Cow::Owned(plain))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use http::HeaderValue;

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).expect("memory does not fail");
        encoder.finish().expect("memory does not fail")
    }

    fn read(coding: &'static str, body: &[u8]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert("content-encoding", HeaderValue::from_static(coding));
        plain(&headers, body, 1000).map(|plain| String::from_utf8_lossy(&plain).into_owned())
    }

    #[test]
    fn what_is_compressed_is_read_and_what_cannot_be_is_not() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("gzip", &gzip(b"{}")), some("{}"));
        assert_eq!(read("aws-chunked, GZIP", &gzip(b"{}")), some("{}"));
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(b"{}").expect("memory does not fail");
        assert_eq!(read("deflate", &zlib.finish().expect("memory does not fail")), some("{}"));
        for plain in ["identity", "aws-chunked", ""] {
            assert_eq!(read(plain, b"{}"), some("{}"));
        }
        assert_eq!(read("gzip", b""), some(""));
        assert_eq!(plain(&HeaderMap::new(), b"{}", 1).as_deref(), Some(&b"{}"[..]));
        for other in ["br", "zstd", "gzip, gzip", "compress"] {
            assert_eq!(read(other, &gzip(b"{}")), None, "{other}");
        }
        let whole = gzip(b"{}");
        for end in 1..whole.len() {
            assert_eq!(read("gzip", &whole[..end]), None, "cut at {end}");
        }
        assert_eq!(read("gzip", b"{}"), None);
        assert_eq!(read("gzip", &[whole.as_slice(), b"more"].concat()), None);
    }

    #[test]
    fn a_bomb_is_left_alone() {
        assert_eq!(read("gzip", &gzip(&[b'x'; 1000])).map(|plain| plain.len()), Some(1000));
        assert_eq!(read("gzip", &gzip(&[b'x'; 1001])), None);
        assert_eq!(read("gzip", &gzip(&vec![0; 64 << 20])), None);
        let many = gzip(b"").repeat(5_000);
        assert_eq!(read("gzip", &many).as_deref(), Some(""));
    }
}
