//! CBOR as RFC 8949 has it, and as it does not.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::Atlas;

static ATLAS: LazyLock<Atlas> = LazyLock::new(Atlas::builtin);

fn read(operation: &str, body: &[u8]) -> Option<Document> {
    let model = ATLAS.service("cloudwatch").expect("cloudwatch");
    let input = model.operation(operation).expect("a known operation").input.expect("an input");
    decode(&model, input, body)
}

#[test]
fn values_are_read_in_every_form() {
    let period = |number: i64| Some(Document::structure().with("Period", number));
    // {"Period": 60} in one byte more each, then as an indefinite map with a member that the model does not have.
    assert_eq!(read("PutMetricAlarm", b"\xa1\x66Period\x18\x3c"), period(60));
    assert_eq!(read("PutMetricAlarm", b"\xa1\x66Period\x19\x01\x2c"), period(300));
    assert_eq!(read("PutMetricAlarm", b"\xa1\x66Period\x1b\0\0\0\0\0\0\0\x3c"), period(60));
    assert_eq!(read("PutMetricAlarm", b"\xbf\x64None\x82\x01\xf6\x66Period\x18\x3c\xff"), period(60));
    assert_eq!(read("PutMetricAlarm", b"\xa1\x66Period\x20"), period(-1));
    // Fractions of all widths, and text in chunks.
    let threshold = |number: f64| Some(Document::Map(vec![("Threshold".to_owned(), Document::Float(number))]));
    assert_eq!(read("PutMetricAlarm", b"\xa1\x69Threshold\xf9\x3e\x00"), threshold(1.5));
    assert_eq!(read("PutMetricAlarm", b"\xa1\x69Threshold\xfb\x3f\xf8\0\0\0\0\0\0"), threshold(1.5));
    assert_eq!(
        read("PutMetricAlarm", b"\xa1\x69AlarmName\x7f\x61a\x61b\xff"),
        Some(Document::structure().with("AlarmName", "ab"))
    );
    let at = "2026-09-13T17:47:17Z".parse::<jiff::Timestamp>().expect("a time");
    assert_eq!(
        read("GetMetricStatistics", b"\xa1\x69StartTime\xc1\x1a\x6a\xa6\xe1\xa5"),
        Some(Document::structure().with("StartTime", at))
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let check = |body: &[u8]| assert_eq!(read("PutMetricAlarm", body), None, "{body:x?}");
    check(b"");
    check(b"\xa1\x66Period");
    check(b"\xa1\x66Period\x61a");
    check(b"\xa1\x66Period\x18\x3c\x00");
    check(b"\xbf\x66Period\x18\x3c");
    check(b"\x80");
    check(b"\xff");
    check(&[0x81; 1000]);
    check(b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff");
    check(b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff");
}

proptest! {
    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let model = ATLAS.service("cloudwatch").expect("cloudwatch");
        let _ = decode_any(&model, &body);
        let _ = read("PutMetricAlarm", &body);
    }
}
