//! aws-chunked: framing inside a body, each piece perhaps signed, perhaps with headers behind (`spec/s3.md` 6).
//!
//! ```text
//! HEX[;chunk-signature=64hex] CRLF  data CRLF  …  0[;chunk-signature=64hex] CRLF
//! [name:value CRLF …  [x-amz-trailer-signature:64hex CRLF]]  CRLF
//! ```
//!
//! Bytes are handed on as they come; the signature of a piece is known to be right only behind it. An error therefore
//! means that nothing of the body may be kept.

use aws_lc_rs::digest;
use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::EMPTY_SHA256;
use super::key::{hex, sha256_hex};
use super::verify::Chain;

/// All pieces but the last are at least so large.
const CHUNK_BYTES_MIN: u64 = 8192;
/// One line of framing or one trailing header.
const LINE_BYTES_MAX: usize = 4096;
/// Trailing headers.
const TRAILERS_MAX: usize = 16;

/// Why the framing is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChunkFault {
    /// Not the framing at all.
    Malformed,
    /// A piece (counted from 1) below the minimum was not the last.
    TooSmall { chunk: u64, bytes: u64 },
    /// A piece or the trailing headers are not what was signed.
    Signature,
    /// More or fewer bytes than `x-amz-decoded-content-length` said.
    Length,
    /// The trailing headers are not those that were announced.
    Trailer,
}

/// Takes the framing off.
pub(crate) struct Decoder {
    signing: Option<Signing>,
    /// Names that `x-amz-trailer` announced, lower-case.
    announced: Vec<String>,
    /// Whether trailing headers may come at all.
    trailer: bool,
    declared_bytes: u64,
    decoded_bytes: u64,
    state: State,
    line: Vec<u8>,
    chunks: u64,
    /// The size of a piece below the minimum, after which only the end may come.
    small_bytes: Option<u64>,
    trailers: HeaderMap,
    trailer_text: Vec<u8>,
    trailer_signed: bool,
}

struct Signing {
    chain: Chain,
    previous: String,
    current: String,
    hash: digest::Context,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size,
    Data { left: u64 },
    DataEnd,
    Trailer,
    Done,
}

impl Decoder {
    /// `chain` where the pieces are signed; `declared_bytes` is `x-amz-decoded-content-length`.
    pub(crate) fn new(chain: Option<Chain>, trailer: bool, announced: Vec<String>, declared_bytes: u64) -> Self {
        let signing = chain.map(|chain| Signing {
            previous: chain.seed.clone(),
            current: String::new(),
            hash: digest::Context::new(&digest::SHA256),
            chain,
        });
        Self {
            signing,
            announced,
            trailer,
            declared_bytes,
            decoded_bytes: 0,
            state: State::Size,
            line: Vec::new(),
            chunks: 0,
            small_bytes: None,
            trailers: HeaderMap::new(),
            trailer_text: Vec::new(),
            trailer_signed: false,
        }
    }

    /// Takes in what came, and puts what it decodes to behind `out`.
    pub(crate) fn feed(&mut self, mut input: Bytes, out: &mut Vec<Bytes>) -> Result<(), ChunkFault> {
        while input.has_remaining() {
            match self.state {
                State::Data { left } => {
                    let piece = input.split_to(usize::try_from(left).unwrap_or(usize::MAX).min(input.len()));
                    self.data(&piece, left)?;
                    out.push(piece);
                }
                State::Done => return Err(ChunkFault::Malformed),
                State::Size | State::DataEnd | State::Trailer => {
                    if let Some(line) = self.take_line(&mut input)? {
                        self.on_line(&line)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The body has ended: all of it must have been there. Gives the trailing headers.
    pub(crate) fn finish(&mut self) -> Result<HeaderMap, ChunkFault> {
        if self.state != State::Done || self.decoded_bytes != self.declared_bytes {
            return Err(ChunkFault::Length);
        }
        Ok(std::mem::take(&mut self.trailers))
    }

    /// A line without its CRLF, once it is complete.
    fn take_line(&mut self, input: &mut Bytes) -> Result<Option<Vec<u8>>, ChunkFault> {
        let end = input.iter().position(|b| *b == b'\n');
        let part = input.split_to(end.map_or(input.len(), |end| end + 1));
        if self.line.len() + part.len() > LINE_BYTES_MAX {
            return Err(ChunkFault::Malformed);
        }
        self.line.extend_from_slice(&part);
        if end.is_none() {
            return Ok(None);
        }
        let mut line = std::mem::take(&mut self.line);
        if line.ends_with(b"\r\n") {
            line.truncate(line.len() - 2);
            return Ok(Some(line));
        }
        Err(ChunkFault::Malformed)
    }

    fn on_line(&mut self, line: &[u8]) -> Result<(), ChunkFault> {
        match self.state {
            State::Size => self.size(line),
            State::DataEnd if line.is_empty() => {
                self.state = State::Size;
                Ok(())
            }
            State::Trailer => self.trailer_line(line),
            _ => Err(ChunkFault::Malformed),
        }
    }

    fn size(&mut self, line: &[u8]) -> Result<(), ChunkFault> {
        let line = std::str::from_utf8(line).map_err(|_| ChunkFault::Malformed)?;
        let (size, signature) = match (line.split_once(";chunk-signature="), &self.signing) {
            (Some((size, signature)), Some(_)) => (size, signature),
            (None, None) => (line, ""),
            _ => return Err(ChunkFault::Malformed),
        };
        if size.is_empty() || size.len() > 16 || !size.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(ChunkFault::Malformed);
        }
        let size = u64::from_str_radix(size, 16).map_err(|_| ChunkFault::Malformed)?;
        if let Some(signing) = &mut self.signing {
            signing.current = signature.to_owned();
        }
        if size == 0 {
            self.check_chunk()?;
            self.state = State::Trailer;
            return Ok(());
        }
        if let Some(bytes) = self.small_bytes {
            return Err(ChunkFault::TooSmall { chunk: self.chunks, bytes });
        }
        self.chunks += 1;
        if size < CHUNK_BYTES_MIN {
            self.small_bytes = Some(size);
        }
        if size > self.declared_bytes - self.decoded_bytes {
            return Err(ChunkFault::Length);
        }
        self.decoded_bytes += size;
        self.state = State::Data { left: size };
        Ok(())
    }

    fn data(&mut self, piece: &Bytes, left: u64) -> Result<(), ChunkFault> {
        if let Some(signing) = &mut self.signing {
            signing.hash.update(piece);
        }
        let left = left - piece.len() as u64;
        if left > 0 {
            self.state = State::Data { left };
            return Ok(());
        }
        self.state = State::DataEnd;
        self.check_chunk()
    }

    /// Compares the signature of the piece that ends here, and goes on with it in the chain.
    fn check_chunk(&mut self) -> Result<(), ChunkFault> {
        let Some(signing) = &mut self.signing else { return Ok(()) };
        let hash = std::mem::replace(&mut signing.hash, digest::Context::new(&digest::SHA256)).finish();
        let text = chunk_to_sign(&signing.chain, &signing.previous, &hex(hash.as_ref()));
        if !signing.chain.key.verifies(text.as_bytes(), &signing.current) {
            return Err(ChunkFault::Signature);
        }
        signing.previous = std::mem::take(&mut signing.current);
        Ok(())
    }

    fn trailer_line(&mut self, line: &[u8]) -> Result<(), ChunkFault> {
        if line.is_empty() {
            let complete = self.announced.iter().all(|name| self.trailers.contains_key(name.as_str()));
            let signed = self.signing.is_none() || !self.trailer || self.trailer_signed;
            if !complete || !signed {
                return Err(ChunkFault::Trailer);
            }
            self.state = State::Done;
            return Ok(());
        }
        if !self.trailer || self.trailer_signed || self.trailers.len() >= TRAILERS_MAX {
            return Err(ChunkFault::Trailer);
        }
        let line = std::str::from_utf8(line).map_err(|_| ChunkFault::Trailer)?;
        let (name, value) = line.split_once(':').ok_or(ChunkFault::Trailer)?;
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        if name == "x-amz-trailer-signature" {
            return self.check_trailer(value);
        }
        if !self.announced.contains(&name) || self.trailers.contains_key(name.as_str()) {
            return Err(ChunkFault::Trailer);
        }
        self.trailer_text.extend_from_slice(format!("{name}:{value}\n").as_bytes());
        let name = HeaderName::try_from(name).map_err(|_| ChunkFault::Trailer)?;
        self.trailers.insert(name, HeaderValue::from_str(value).map_err(|_| ChunkFault::Trailer)?);
        Ok(())
    }

    fn check_trailer(&mut self, signature: &str) -> Result<(), ChunkFault> {
        let Some(signing) = &self.signing else { return Err(ChunkFault::Trailer) };
        let text = trailer_to_sign(&signing.chain, &signing.previous, &self.trailer_text);
        if !signing.chain.key.verifies(text.as_bytes(), signature) {
            return Err(ChunkFault::Signature);
        }
        self.trailer_signed = true;
        Ok(())
    }
}

/// What is signed of one piece.
fn chunk_to_sign(chain: &Chain, previous: &str, hash: &str) -> String {
    let Chain { date, scope, .. } = chain;
    format!("AWS4-HMAC-SHA256-PAYLOAD\n{date}\n{scope}\n{previous}\n{EMPTY_SHA256}\n{hash}")
}

/// What is signed of the trailing headers.
fn trailer_to_sign(chain: &Chain, previous: &str, text: &[u8]) -> String {
    let Chain { date, scope, .. } = chain;
    format!("AWS4-HMAC-SHA256-TRAILER\n{date}\n{scope}\n{previous}\n{}", sha256_hex(text))
}

#[cfg(test)]
pub(crate) mod tests {
    use opentrail_policy::Secret;
    use proptest::prelude::*;

    use super::super::key::SigningKey;
    use super::*;

    /// Frames `pieces` as a client would.
    pub(crate) fn encode(chain: Option<&Chain>, pieces: &[&[u8]], trailers: Option<&[(&str, &str)]>) -> Vec<u8> {
        let mut out = Vec::new();
        let mut previous = chain.map(|c| c.seed.clone()).unwrap_or_default();
        for piece in pieces.iter().chain([&&b""[..]]) {
            out.extend_from_slice(format!("{:x}", piece.len()).as_bytes());
            if let Some(chain) = chain {
                previous = chain.key.sign(chunk_to_sign(chain, &previous, &sha256_hex(piece)).as_bytes());
                out.extend_from_slice(format!(";chunk-signature={previous}").as_bytes());
            }
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(piece);
            if !piece.is_empty() {
                out.extend_from_slice(b"\r\n");
            }
        }
        if let Some(trailers) = trailers {
            let mut text = Vec::new();
            for (name, value) in trailers {
                out.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
                text.extend_from_slice(format!("{name}:{value}\n").as_bytes());
            }
            if let Some(chain) = chain {
                let signature = chain.key.sign(trailer_to_sign(chain, &previous, &text).as_bytes());
                out.extend_from_slice(format!("x-amz-trailer-signature:{signature}\r\n").as_bytes());
            }
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    /// The chain of the S3 guide's example of an upload in several chunks.
    fn guide() -> Chain {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into());
        Chain {
            key: SigningKey::derive(&secret, "20130524", "us-east-1", "s3"),
            date: "20130524T000000Z".into(),
            scope: "20130524/us-east-1/s3/aws4_request".into(),
            seed: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9".into(),
        }
    }

    fn decode(decoder: &mut Decoder, wire: &[u8], step: usize) -> Result<(Vec<u8>, HeaderMap), ChunkFault> {
        let mut out = Vec::new();
        for part in wire.chunks(step.max(1)) {
            decoder.feed(Bytes::copy_from_slice(part), &mut out)?;
        }
        Ok((out.concat(), decoder.finish()?))
    }

    fn plain(trailer: &[&str], declared: u64) -> Decoder {
        Decoder::new(None, true, trailer.iter().map(|s| (*s).to_owned()).collect(), declared)
    }

    #[test]
    fn the_guides_example_has_the_guides_signatures() {
        let (first, second) = (vec![b'a'; 65536], vec![b'a'; 1024]);
        let wire = encode(Some(&guide()), &[&first, &second], None);
        let text = String::from_utf8(wire.clone()).expect("ASCII");
        for signature in [
            "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
            "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
            "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ] {
            assert!(text.contains(signature), "{signature}");
        }
        let mut decoder = Decoder::new(Some(guide()), false, Vec::new(), 66560);
        let (body, _) = decode(&mut decoder, &wire, 1000).expect("the guide's own body");
        assert_eq!(body, vec![b'a'; 66560]);
    }

    #[test]
    fn trailers_are_handed_on() {
        let wire = encode(None, &[b"hello"], Some(&[("x-amz-checksum-crc32", "NhCmhg==")]));
        let (body, trailers) = decode(&mut plain(&["x-amz-checksum-crc32"], 5), &wire, 3).expect("a right body");
        assert_eq!((body.as_slice(), trailers["x-amz-checksum-crc32"].as_bytes()), (&b"hello"[..], &b"NhCmhg=="[..]));
        let wire = encode(Some(&guide()), &[b"hello"], Some(&[("x-amz-checksum-crc32", "NhCmhg==")]));
        let announced = vec!["x-amz-checksum-crc32".to_owned()];
        let mut decoder = Decoder::new(Some(guide()), true, announced, 5);
        assert_eq!(decode(&mut decoder, &wire, 7).expect("a right body").0, b"hello");
    }

    #[test]
    fn wrong_framing_is_refused_for_its_reason() {
        let check = |wire: &str, declared: u64, expect: ChunkFault| {
            for step in [1, 1000] {
                let got = decode(&mut plain(&["x-amz-checksum-crc32"], declared), wire.as_bytes(), step);
                assert_eq!(got.map(|(body, _)| body), Err(expect.clone()), "{wire:?} by {step}");
            }
        };
        check("", 0, ChunkFault::Length);
        check("5\r\nhel", 5, ChunkFault::Length);
        check("5\r\nhello\r\n", 5, ChunkFault::Length);
        check("6\r\nhello!\r\n", 5, ChunkFault::Length);
        check("ffffffffffffffff\r\n", 5, ChunkFault::Length);
        check("fffffffffffffffff\r\n", 5, ChunkFault::Malformed);
        check("-5\r\n", 5, ChunkFault::Malformed);
        check("+5\r\n", 5, ChunkFault::Malformed);
        check("5\nhello\r\n", 5, ChunkFault::Malformed);
        check("5\r\nhelloXX", 5, ChunkFault::Length);
        check("5\r\nhelloXX\r\n", 5, ChunkFault::Malformed);
        check("5;chunk-signature=00\r\n", 5, ChunkFault::Malformed);
        check("2\r\nhe\r\n3\r\nllo\r\n", 5, ChunkFault::TooSmall { chunk: 1, bytes: 2 });
        check("0\r\n\r\n", 0, ChunkFault::Trailer);
        check("0\r\nx-other:1\r\n\r\n", 0, ChunkFault::Trailer);
        check("0\r\nno colon\r\n\r\n", 0, ChunkFault::Trailer);
        check("0\r\nx-amz-checksum-crc32:1\r\nx-amz-checksum-crc32:2\r\n\r\n", 0, ChunkFault::Trailer);
        check("0\r\nx-amz-checksum-crc32:1\r\nx-amz-trailer-signature:00\r\n\r\n", 0, ChunkFault::Trailer);
        check("0\r\nx-amz-checksum-crc32:1\r\n\r\nmore", 0, ChunkFault::Malformed);
        check(&"1".repeat(5000), 0, ChunkFault::Malformed);
    }

    #[test]
    fn a_signed_trailer_cannot_be_left_out() {
        let chain = guide();
        let wire = encode(Some(&chain), &[b"hello"], None);
        let got = decode(&mut Decoder::new(Some(guide()), true, Vec::new(), 5), &wire, 99);
        assert_eq!(got.map(|(body, _)| body), Err(ChunkFault::Trailer));
    }

    proptest! {
        #[test]
        fn any_changed_byte_of_a_signed_body_is_found(at in 0usize..10_000, byte in any::<u8>(), step in 1usize..9000) {
            let first = vec![b'x'; 8192];
            let trailers = [("x-amz-checksum-crc32", "NhCmhg==")];
            let mut wire = encode(Some(&guide()), &[&first, b"tail"], Some(&trailers));
            let at = at % wire.len();
            prop_assume!(wire[at] != byte);
            let was = wire[at];
            wire[at] = byte;
            let mut decoder = Decoder::new(Some(guide()), true, vec!["x-amz-checksum-crc32".into()], 8196);
            if let Ok((body, found)) = decode(&mut decoder, &wire, step) {
                // Only the letter case of a size or of a header's name, or space around a value, may change unnoticed.
                prop_assert!(was.eq_ignore_ascii_case(&byte) || was.is_ascii_whitespace() || byte.is_ascii_whitespace());
                prop_assert_eq!(body, [&first[..], b"tail"].concat());
                prop_assert_eq!(found["x-amz-checksum-crc32"].as_bytes(), b"NhCmhg==");
            }
        }

        #[test]
        fn no_framing_panics(wire in prop::collection::vec(any::<u8>(), 0..200), declared in any::<u64>()) {
            let _ = decode(&mut plain(&[], declared), &wire, 7);
            let text = format!("{:x}\r\n{}", declared, String::from_utf8_lossy(&wire));
            let _ = decode(&mut plain(&[], declared), text.as_bytes(), 5);
        }
    }
}
