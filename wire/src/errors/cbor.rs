//! Errors of smithy-rpc-v2-cbor: a map of two texts.

use bytes::Bytes;

use crate::Fault;

/// A map of so many pairs, and a text: the major types of CBOR (RFC 8949) that an error needs.
const MAP: u8 = 0xa0;
const TEXT: u8 = 0x60;

/// `{"__type": code, "message": message}`
pub(super) fn body(fault: &Fault) -> Bytes {
    let mut out = vec![MAP + 2];
    for text in ["__type", &fault.code, "message", &fault.message] {
        push(&mut out, text);
    }
    out.into()
}

fn push(out: &mut Vec<u8>, text: &str) {
    match text.len() {
        bytes @ 0..=23 => out.push(TEXT + bytes as u8),
        bytes @ 24..=0xff => out.extend_from_slice(&[TEXT + 24, bytes as u8]),
        bytes @ 0x100..=0xffff => {
            out.push(TEXT + 25);
            out.extend_from_slice(&(bytes as u16).to_be_bytes());
        }
        bytes => {
            out.push(TEXT + 26);
            out.extend_from_slice(&(bytes as u32).to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_length_that_their_head_says() {
        let body = body(&Fault::new("NotFound", 404, "m".repeat(300)));
        assert_eq!(&body[..17], b"\xa2\x66__type\x68NotFound");
        assert_eq!(&body[17..28], b"gmessage\x79\x01\x2c");
        assert_eq!(body.len(), 28 + 300);
    }
}
