//! What records of S3 say about a transfer (`spec/s3.md` 16), whoever served it.

use opentrail_event::{RawJson, write_text};

/// One transfer.
pub(crate) struct Transfer<'a> {
    /// `None` on a plain connection.
    pub(crate) cipher_suite: Option<&'a str>,
    /// Bytes of the request's body.
    pub(crate) bytes_in: u64,
    /// Further members, written, by commas; they stand in the middle.
    pub(crate) members: &'a [u8],
    /// The signature came in the query.
    pub(crate) presigned: bool,
    /// `x-amz-id-2`
    pub(crate) id_2: &'a str,
    /// Bytes of the answer's body.
    pub(crate) bytes_out: u64,
    pub(crate) status: u16,
    /// Milliseconds since 1970.
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
}

impl Transfer<'_> {
    /// As `additionalEventData`.
    pub(crate) fn written(&self) -> RawJson {
        let mut out = b"{\"SignatureVersion\":\"SigV4\"".to_vec();
        if let Some(suite) = self.cipher_suite {
            out.extend_from_slice(b",\"CipherSuite\":");
            write_text(&mut out, suite);
        }
        out.extend_from_slice(format!(",\"bytesTransferredIn\":{}", self.bytes_in).as_bytes());
        if !self.members.is_empty() {
            out.push(b',');
            out.extend_from_slice(self.members);
        }
        let method = if self.presigned { "QueryString" } else { "AuthHeader" };
        out.extend_from_slice(format!(",\"AuthenticationMethod\":\"{method}\",\"x-amz-id-2\":").as_bytes());
        write_text(&mut out, self.id_2);
        let (goes, status, start, end) = (self.bytes_out, self.status, self.start_ms, self.end_ms.max(self.start_ms));
        out.extend_from_slice(
            format!(
                ",\"bytesTransferredOut\":{goes},\"httpStatusCode\":{status},\"startTime\":{start},\"endTime\":{end}}}"
            )
            .as_bytes(),
        );
        RawJson::from_written(out)
    }
}
