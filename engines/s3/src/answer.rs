//! What a store says when it does not take something: S3's error document, as far as it matters.

use futures::StreamExt;
use opentrail_delivery::{UpstreamAnswer, UpstreamError};
use quick_xml::Reader;
use quick_xml::events::Event;

/// Bytes of an answer that are kept; an error document is far smaller, and of what worked nothing is needed.
const KEPT_BYTES_MAX: usize = 16 << 10;
/// Bytes of an answer that are waited for. A store that goes on is left.
const READ_BYTES_MAX: usize = 1 << 20;
/// Characters of a store's words that are passed on.
const WORDS_MAX: usize = 300;

/// Code and message, empty where there are none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// Reads an answer to its end, so that its connection can be used again.
///
/// # Errors
/// The answer broke off: whether the store did what was asked is not known.
pub(crate) async fn read_refusal(mut answer: UpstreamAnswer) -> Result<Refusal, UpstreamError> {
    let (mut kept, mut read) = (Vec::new(), 0);
    while let Some(piece) = answer.body.next().await {
        let piece = piece?;
        read += piece.len();
        if kept.len() < KEPT_BYTES_MAX {
            kept.extend_from_slice(&piece[..piece.len().min(KEPT_BYTES_MAX - kept.len())]);
        }
        if read > READ_BYTES_MAX {
            break;
        }
    }
    Ok(parse(&kept))
}

fn parse(xml: &[u8]) -> Refusal {
    let mut refusal = Refusal::default();
    let (mut reader, mut inside) = (Reader::from_reader(xml), None);
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) => inside = Some(element.local_name().as_ref().to_vec()),
            Event::End(_) => inside = None,
            Event::Text(text) => {
                let place = match inside.as_deref() {
                    Some(b"Code") => &mut refusal.code,
                    Some(b"Message") => &mut refusal.message,
                    _ => continue,
                };
                let text = String::from_utf8_lossy(&text);
                let room = WORDS_MAX.saturating_sub(place.chars().count());
                place.extend(text.chars().filter(|c| !c.is_control()).take(room));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_document_gives_code_and_message() {
        let check = |xml: &str, code: &str, message: &str| {
            assert_eq!(parse(xml.as_bytes()), Refusal { code: code.into(), message: message.into() }, "{xml}");
        };
        check(
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>no</Message><Resource>/x</Resource></Error>",
            "AccessDenied",
            "no",
        );
        check("", "", "");
        check("<Error><Code>A", "A", "");
        check("<html><p>down</p></html>", "", "");
        check("not xml at all <<<", "", "");
        let long = "x".repeat(5_000);
        check(&format!("<Error><Message>{long}</Message></Error>"), "", &long[..WORDS_MAX]);
    }
}
