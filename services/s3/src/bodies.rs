//! A body on its way in: counted, hashed and checked as it passes; and on its way out.

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use opentrail_wire::{BodyFault, Fault, RequestBody, Trailers};

use crate::checksum::{Declared, Digester, Digests};
use crate::faults;

/// A body on its way in.
pub(crate) struct Intake {
    bytes: BoxStream<'static, Result<Bytes, BodyFault>>,
    trailers: Trailers,
    length: u64,
    digester: Option<Digester>,
    done: Option<Digests>,
    fault: Option<Fault>,
}

/// What the first bytes of a body showed.
pub(crate) enum Beginning {
    /// That is all of it, and it is as declared.
    Whole(Bytes, Digests),
    /// More follows.
    Part(Bytes),
}

impl Intake {
    /// Takes the body of a put. Its length must be declared and is at most [`faults::OBJECT_BYTES_MAX`].
    pub(crate) fn new(body: RequestBody, declared: Declared) -> Result<Self, Fault> {
        let (length, bytes, trailers) = match body {
            RequestBody::Whole(bytes) => {
                let length = bytes.len() as u64;
                (Some(length), futures::stream::iter([Ok(bytes)]).boxed(), Trailers::default())
            }
            RequestBody::Stream { length, bytes, trailers } => (length, bytes, trailers),
        };
        let length = length.ok_or_else(faults::missing_content_length)?;
        if length > faults::OBJECT_BYTES_MAX {
            return Err(faults::entity_too_large(length));
        }
        Ok(Self { bytes, trailers, length, digester: Some(Digester::new(declared)), done: None, fault: None })
    }

    /// The next piece; `None` when the body has ended and is as declared.
    async fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        let digester = self.digester.as_mut()?;
        match self.bytes.next().await {
            Some(Ok(bytes)) => {
                digester.update(&bytes);
                if digester.bytes() > self.length {
                    return Some(Err(self.fail(faults::incomplete_body())));
                }
                Some(Ok(bytes))
            }
            Some(Err(BodyFault(fault))) => Some(Err(self.fail(fault))),
            None => {
                let digester = self.digester.take()?;
                if digester.bytes() != self.length {
                    return Some(Err(self.fail(faults::incomplete_body())));
                }
                match digester.finish(&self.trailers) {
                    Ok(digests) => {
                        self.done = Some(digests);
                        None
                    }
                    Err(fault) => Some(Err(self.fail(fault))),
                }
            }
        }
    }

    fn fail(&mut self, fault: Fault) -> Fault {
        self.digester = None;
        self.fault = Some(fault.clone());
        fault
    }

    /// Reads until the body ends or is longer than `bytes_max`.
    pub(crate) async fn begin(&mut self, bytes_max: usize) -> Result<Beginning, Fault> {
        let mut read = BytesMut::new();
        loop {
            match self.next().await {
                Some(piece) => read.extend_from_slice(&piece?),
                None => {
                    let digests = self.done.take().ok_or_else(faults::incomplete_body)?;
                    return Ok(Beginning::Whole(read.freeze(), digests));
                }
            }
            if read.len() > bytes_max {
                return Ok(Beginning::Part(read.freeze()));
            }
        }
    }

    /// `first`, then the rest. The last item is an error if the body is not as declared, so that a store keeps nothing of it.
    pub(crate) fn rest(&mut self, first: Bytes) -> opentrail_blobs::Source<'_> {
        futures::stream::unfold((Some(first), self), |(first, intake)| async move {
            if let Some(first) = first {
                return Some((Ok(first), (None, intake)));
            }
            let item = intake.next().await?;
            Some((item.map_err(|fault| Box::new(fault) as opentrail_blobs::SourceError), (None, intake)))
        })
        .boxed()
    }

    /// How it ended: what is known of the body, or why nothing of it may be kept.
    pub(crate) fn end(self) -> Result<Digests, Option<Fault>> {
        self.done.ok_or(self.fault)
    }
}

/// A body on its way out.
pub(crate) enum Outgoing {
    Whole(Bytes),
    Stream { bytes: BoxStream<'static, Result<Bytes, opentrail_blobs::Error>>, length: u64 },
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::{HeaderMap, HeaderValue};
    use opentrail_wire::RequestHead;

    use super::*;
    use crate::asked::Asked;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
    }

    fn declared(headers: &[(&'static str, &str)]) -> Result<Declared, Fault> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).expect("a header"));
        }
        let head =
            RequestHead { method: http::Method::PUT, raw_path: "/b/k".into(), raw_query: String::new(), headers: map };
        Declared::read(&Asked::read(&head, false)?)
    }

    fn take(headers: &[(&'static str, &str)], trailer: Option<(&'static str, &str)>) -> Result<Digests, Fault> {
        let mut trailers = HeaderMap::new();
        if let Some((name, value)) = trailer {
            trailers.insert(name, HeaderValue::from_str(value).expect("a header"));
        }
        let body = RequestBody::Stream {
            length: Some(5),
            bytes: futures::stream::iter([Ok(Bytes::from("he")), Ok(Bytes::from("llo"))]).boxed(),
            trailers: Trailers(Arc::new(Mutex::new(Some(trailers)))),
        };
        let mut intake = Intake::new(body, declared(headers)?)?;
        match block_on(intake.begin(100))? {
            Beginning::Whole(bytes, digests) => {
                assert_eq!(&bytes[..], b"hello");
                Ok(digests)
            }
            Beginning::Part(_) => panic!("five bytes are no part"),
        }
    }

    // CRC-32 of "hello" is 0x3610a686, CRC-32C 0x9a71bb4c; SHA-1 and MD5 are well known.
    const SUMS: [(&str, &str, &str); 5] = [
        ("x-amz-checksum-crc32", "CRC32", "NhCmhg=="),
        ("x-amz-checksum-crc32c", "CRC32C", "mnG7TA=="),
        ("x-amz-checksum-crc64nvme", "CRC64NVME", "M3eFcAZSQlc="),
        ("x-amz-checksum-sha1", "SHA1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
        ("x-amz-checksum-sha256", "SHA256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
    ];

    #[test]
    fn right_sums_are_kept_and_wrong_ones_refused() {
        for (header, name, value) in SUMS {
            let digests = take(&[(header, value)], None).expect(header);
            assert_eq!((digests.sum.algorithm.as_str(), digests.sum.value.as_str()), (name, value));
            assert_eq!(digests.etag, "5d41402abc4b2a76b9719d911017c592");
            let digests = take(&[("x-amz-trailer", header)], Some((header, value))).expect(header);
            assert_eq!(digests.sum.value, value);

            let wrong = value.replace(&value[..1], "B");
            let fault = take(&[(header, &wrong)], None).expect_err(header);
            assert_eq!(fault.message, format!("The {name} you specified did not match the calculated checksum."));
            let fault = take(&[("x-amz-trailer", header)], Some((header, &wrong))).expect_err(header);
            assert_eq!(fault.code, "BadDigest");
            let fault = take(&[(header, "AAAA")], None).expect_err(header);
            assert_eq!(fault.message, format!("Value for {header} header is invalid."));
        }
    }

    #[test]
    fn crc64nvme_is_the_default() {
        let digests = take(&[], None).expect("nothing declared");
        assert_eq!((digests.sum.algorithm.as_str(), digests.sum.value.as_str()), ("CRC64NVME", "M3eFcAZSQlc="));
    }

    #[test]
    fn declarations_that_make_no_sense_are_refused() {
        let check = |headers: &[(&'static str, &str)], code: &str| {
            assert_eq!(declared(headers).expect_err(code).code, code, "{headers:?}");
        };
        check(&[("x-amz-checksum-crc32", "NhCmhg=="), ("x-amz-checksum-crc32c", "mnG7TA==")], "InvalidRequest");
        check(&[("x-amz-checksum-crc32", "NhCmhg=="), ("x-amz-trailer", "x-amz-checksum-crc32")], "InvalidRequest");
        check(&[("x-amz-checksum-xxhash64", "AAAAAAAAAAA=")], "InvalidRequest");
        check(&[("x-amz-sdk-checksum-algorithm", "CRC32")], "InvalidRequest");
        check(&[("content-md5", "AAAA")], "InvalidDigest");
        check(&[("content-md5", "!")], "InvalidDigest");
        assert!(declared(&[("x-amz-checksum-algorithm", "CRC32")]).is_ok(), "ignored when alone");
    }

    #[test]
    fn a_missing_trailer_and_a_wrong_md5_are_refused() {
        let fault = take(&[("x-amz-trailer", "x-amz-checksum-crc32")], None).expect_err("no trailer");
        assert_eq!(fault.code, "MalformedTrailerError");
        let fault = take(&[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")], None).expect_err("wrong");
        assert_eq!(fault.details[1], ("CalculatedDigest".into(), "XUFAKrxLKna5cZ2REBfFkg==".to_owned()));
        assert!(take(&[("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")], None).is_ok());
    }

    #[test]
    fn lengths_are_held_to() {
        let body = |length, pieces: Vec<Result<Bytes, BodyFault>>| RequestBody::Stream {
            length,
            bytes: futures::stream::iter(pieces).boxed(),
            trailers: Trailers::default(),
        };
        let check = |length, pieces: Vec<Result<Bytes, BodyFault>>, code: &str| {
            let result = Intake::new(body(length, pieces), Declared::default())
                .and_then(|mut intake| block_on(intake.begin(100)).map(|_| ()));
            assert_eq!(result.expect_err(code).code, code);
        };
        check(None, vec![], "MissingContentLength");
        check(Some(5 << 30 | 1), vec![], "EntityTooLarge");
        check(Some(3), vec![Ok(Bytes::from("ab"))], "IncompleteBody");
        check(Some(1), vec![Ok(Bytes::from("ab"))], "IncompleteBody");
        check(Some(3), vec![Ok(Bytes::from("ab")), Err(BodyFault(Fault::client("X", "y")))], "X");
    }
}
