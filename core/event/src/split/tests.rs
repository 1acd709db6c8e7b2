use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// What is found in `file` when it comes in pieces of `size` bytes: records as text, and what is bad by its place.
fn split(file: &[u8], size: usize, record_max: usize) -> (Vec<String>, Vec<(u64, BadPiece)>) {
    let (mut records, mut bad) = (Vec::new(), Vec::new());
    let mut splitter = Splitter::new(record_max);
    let mut each = |piece: Piece<'_>| match piece {
        Piece::Record { at, bytes } => {
            assert!(at < file.len() as u64);
            records.push(String::from_utf8(bytes.into_owned()).expect("UTF-8"));
        }
        Piece::Bad { at, why } => bad.push((at, why)),
    };
    file.chunks(size).for_each(|piece| splitter.push(piece, &mut each));
    assert_eq!(splitter.offset(), file.len() as u64);
    splitter.finish(&mut each);
    (records, bad)
}

/// The same however it comes.
fn found(file: &str) -> (Vec<String>, Vec<(u64, BadPiece)>) {
    let whole = split(file.as_bytes(), usize::MAX, 1 << 20);
    for size in 1..=file.len().clamp(1, 40) {
        assert_eq!(split(file.as_bytes(), size, 1 << 20), whole, "in pieces of {size}: {file}");
    }
    whole
}

fn good(file: &str, expect: &[&str]) {
    let (records, bad) = found(file);
    assert_eq!((records.iter().map(String::as_str).collect::<Vec<_>>(), bad), (expect.to_vec(), vec![]), "{file}");
}

#[test]
fn every_layout_is_read() {
    let (a, b) = (r#"{"eventID":"1","x":{"Records":[1,{}],"y":"]}\"{"}}"#, r#"{"eventID":"2"}"#);
    good(&format!(r#"{{"Records":[{a},{b}]}}"#), &[a, b]);
    good(&format!("{{ \"Records\" : [\n {a} ,\n{b}\n] }}\n"), &[a, b]);
    good(&format!(r#"{{"Version":1,"Records":[{a}],"more":{{"Records":[]}}}}"#), &[a]);
    good(&format!("[{a},{b}]"), &[a, b]);
    good(&format!("{a}\n{b}\n"), &[a, b]);
    good(&format!("{a}{b}"), &[a, b]);
    good(&format!("\u{feff}{a}\r\n\r\n{b}"), &[a, b]);
    good(&format!("{{\"Records\":[{a}]}}\n{{\"Records\":[{b}]}}\n"), &[a, b]);
    good("", &[]);
    good("{\"Records\":[]}", &[]);
    good(r#"{"records":[{}]}"#, &[r#"{"records":[{}]}"#]);
    good(r#"{"Recordset":[{}]}"#, &[r#"{"Recordset":[{}]}"#]);
    good(r#"{"x":"Records","y":[{}]}"#, &[r#"{"x":"Records","y":[{}]}"#]);
    good(r#"{"Records":{"a":[{}]}}"#, &[r#"{"Records":{"a":[{}]}}"#]);
    good(
        "{\n  \"eventID\": \"1\",\n  \"y\": {\n    \"z\": [\n    {}\n    ]\n  }\n}\n",
        &["{\n  \"eventID\": \"1\",\n  \"y\": {\n    \"z\": [\n    {}\n    ]\n  }\n}"],
    );
}

#[test]
fn events_of_lookup_are_unpacked_byte_for_byte() {
    let record = r#"{"eventID":"1","é":"\u0041\n\"","slash":"\/"}"#;
    let event = json!({"EventId": "1", "CloudTrailEvent": record, "Resources": [{}]});
    good(&json!({"Events": [event.clone(), event], "NextToken": "t"}).to_string(), &[record, record]);
    let (records, bad) = found(r#"{"Events":[{"EventId":"1"},{"CloudTrailEvent":7},{"CloudTrailEvent":"{}"}]}"#);
    assert_eq!(records, ["{}"]);
    assert_eq!(bad, [(11, BadPiece::NoCloudTrailEvent), (27, BadPiece::NoCloudTrailEvent)]);
}

#[test]
fn what_is_bad_has_its_place_and_keeps_nothing_back() {
    let check = |file: &str, records: &[&str], bad: &[(u64, BadPiece)]| {
        let got = found(file);
        assert_eq!(
            (got.0.iter().map(String::as_str).collect::<Vec<_>>(), got.1),
            (records.to_vec(), bad.to_vec()),
            "{file}"
        );
    };
    check("nonsense\n{\"a\":1}\n", &["{\"a\":1}"], &[(0, BadPiece::NoObject)]);
    check("{\"a\":1}\n\"text\"\n{\"b\":1}", &["{\"a\":1}", "{\"b\":1}"], &[(8, BadPiece::NoObject)]);
    check(
        r#"{"Records":[1,{"a":1},[{}],"x,]",null,{"b":1}]}"#,
        &["{\"a\":1}", "{\"b\":1}"],
        &[(12, BadPiece::NoObject), (22, BadPiece::NoObject), (27, BadPiece::NoObject), (33, BadPiece::NoObject)],
    );
    check("{\"a\":1,\n{\"b\":1}\n", &["{\"b\":1}"], &[(0, BadPiece::LineEnds)]);
    check("{\"a\":\"cut\n{\"b\":1}\n", &["{\"b\":1}"], &[(0, BadPiece::LineEnds)]);
    check("{\"Records\":[{\"a\":1},{\"b\":", &["{\"a\":1}"], &[(20, BadPiece::NotClosed)]);
    check("{\"Records\":[{\"a\":1}", &["{\"a\":1}"], &[(19, BadPiece::NotClosed)]);
    check("{\"Records\":[{\"a\":1}]", &["{\"a\":1}"], &[(20, BadPiece::NotClosed)]);
}

#[test]
fn a_record_that_is_too_large_is_passed_over_and_not_held() {
    let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(10_000));
    let file = format!("{{\"Records\":[{large},{{\"a\":1}}]}}");
    for size in [1, 7, 100, 5_000, usize::MAX] {
        let (records, bad) = split(file.as_bytes(), size, 1_000);
        assert_eq!(
            (records.as_slice(), bad.as_slice()),
            (&["{\"a\":1}".to_owned()][..], &[(12, BadPiece::TooLarge(1_000))][..])
        );
    }
    let mut splitter = Splitter::new(1_000);
    let mut each = |_: Piece<'_>| {};
    splitter.push(b"{\"x\":\"", &mut each);
    for _ in 0..1_000 {
        splitter.push(&[b'y'; 10_000], &mut each);
        assert!(splitter.held.capacity() < 20_000);
    }
    // Nor does it matter how deep it goes.
    let mut splitter = Splitter::new(1_000);
    splitter.push(&[b'['; 100], &mut each);
    splitter.push(&[b'{'; 1_000_000], &mut each);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![any::<String>().prop_map(Value::from), any::<i32>().prop_map(Value::from), Just(Value::Null)];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[A-Za-z\"\\\\{}\\[\\]]{0,9}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn records_come_back_as_they_went(
        values in prop::collection::vec(value(), 0..6),
        pretty: bool,
        layout in 0..4,
        size in 1usize..200,
    ) {
        let texts: Vec<String> = values
            .into_iter()
            .map(|value| json!({"eventID": value}))
            .map(|record| if pretty { serde_json::to_string_pretty(&record).expect("JSON") } else { record.to_string() })
            .collect();
        let file = match layout {
            0 => format!("{{\"Records\": [{}]}}", texts.join(",")),
            1 => format!("[{}]", texts.join(",\n")),
            2 => texts.join("\n"),
            _ => json!({"Events": texts.iter().map(|text| json!({"CloudTrailEvent": text})).collect::<Vec<_>>()}).to_string(),
        };
        prop_assert_eq!(split(file.as_bytes(), size, 1 << 20), (texts, vec![]));
    }

    #[test]
    fn any_bytes_are_taken(bytes: Vec<u8>, marks in "[\\[\\]{}\",:\\\\\n a]{0,200}", size in 1usize..50) {
        let mut each = |_: Piece<'_>| {};
        for file in [bytes.as_slice(), marks.as_bytes()] {
            let mut splitter = Splitter::new(100);
            file.chunks(size).for_each(|piece| splitter.push(piece, &mut each));
            splitter.finish(&mut each);
        }
    }
}
