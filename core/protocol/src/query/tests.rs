//! Forms as clients send them, answers as AWS writes them, and forms that mean harm.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{Document, Models};

fn read(service: &str, operation: &str, form: &str) -> Result<Document, String> {
    let service = Models::builtin().by_signing_name(service).expect("a known service");
    let operation = service.operation(operation).expect("a known operation");
    parse_form(form.as_bytes()).and_then(|pairs| decode(&service, operation, &pairs)).map_err(|e| e.message)
}

#[test]
fn forms_are_split_and_decoded() {
    let check = |form: &str, expect: &[(&str, &str)]| {
        let pairs = parse_form(form.as_bytes()).expect("well formed");
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(pairs, expect, "{form}");
    };
    check("", &[]);
    check("&&a=1&&b", &[("a", "1"), ("b", "")]);
    check("a+b=c%20d%2B&%C3%A9==", &[("a b", "c d+"), ("é", "=")]);
    check("a=1&a=2", &[("a", "1"), ("a", "2")]);
    for bad in ["a=%", "a=%4", "a=%zz", "a=%ff", "%C3=1", "a=%+1"] {
        assert!(parse_form(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(parse_form(&vec![b'a'; FORM_BYTES_MAX]).is_ok());
    assert!(parse_form(&vec![b'a'; FORM_BYTES_MAX + 1]).is_err());
    assert!(parse_form("a&".repeat(PAIRS_MAX).as_bytes()).is_ok());
    assert!(parse_form("a&".repeat(PAIRS_MAX + 1).as_bytes()).is_err());
}

#[test]
fn parameters_are_read_by_their_shapes() {
    let empty = Document::structure;
    let check = |service: &str, operation: &str, form: &str, expect: Document| {
        assert_eq!(read(service, operation, form), Ok(expect), "{form}");
    };
    check("sts", "GetCallerIdentity", "Action=GetCallerIdentity&Version=2011-06-15", empty());
    let tag = |key: &str, value: &str| empty().with("Key", key).with("Value", value);
    check(
        "sts",
        "AssumeRole",
        "Version=2011-06-15&Action=AssumeRole&RoleSessionName=s&RoleArn=arn&DurationSeconds=900\
         &Tags.member.10.Key=b&Tags.member.10.Value=2&Tags.member.2.Key=a&Tags.member.2.Value=1&PolicyArns.member.1.arn=x\
         &TransitiveTagKeys=&Unknown.1=2",
        empty()
            .with("RoleSessionName", "s")
            .with("RoleArn", "arn")
            .with("DurationSeconds", 900)
            .with("Tags", vec![tag("a", "1"), tag("b", "2")])
            .with("PolicyArns", vec![empty().with("arn", "x")])
            .with("TransitiveTagKeys", Vec::<Document>::new()),
    );
    check("iam", "CreateLoginProfile", "UserName=u&PasswordResetRequired=true", {
        empty().with("UserName", "u").with("PasswordResetRequired", true)
    });
}

#[test]
fn what_does_not_fit_is_refused() {
    let check = |operation: &str, form: &str, expect: &str| {
        assert_eq!(read("sts", operation, form), Err(expect.to_owned()), "{form}");
    };
    check("AssumeRole", "DurationSeconds=soon", "STRING_VALUE can not be converted to an Integer");
    check("AssumeRole", "DurationSeconds=99999999999", "STRING_VALUE can not be converted to an Integer");
    check("AssumeRole", "DurationSeconds=", "STRING_VALUE can not be converted to an Integer");
    check("AssumeRole", "Tags=a", "STRING_VALUE can not be converted to a List");
    check("AssumeRole", "Tags.member.1=a", "STRING_VALUE can not be converted to a Structure");
    check("AssumeRole", "RoleArn.a=1", "Start of structure or map found where not expected.");
    check("AssumeRole", "RoleArn=1&RoleArn=2", "a parameter is given more than once");
    check("AssumeRole", &format!("a{}=1", ".a".repeat(30)), "a parameter's name has more than 24 parts");
}

#[test]
fn many_list_elements_are_read_quickly() {
    let form: Vec<String> = (0..PAIRS_MAX).rev().map(|i| format!("TransitiveTagKeys.member.{i}={i}")).collect();
    let input = read("sts", "AssumeRole", &form.join("&")).expect("well formed");
    assert_eq!(input.list("TransitiveTagKeys").len(), PAIRS_MAX);
    assert_eq!(input.list("TransitiveTagKeys")[9], Document::from("9"));
}

#[test]
fn answers_are_written_in_their_envelope() {
    let check = |service: &str, operation: &str, output: Document, expect: &str| {
        let service = Models::builtin().by_signing_name(service).expect("a known service");
        let bytes = encode(&service, service.operation(operation).expect("a known operation"), &output, "r<1");
        assert_eq!(String::from_utf8(bytes.to_vec()).expect("UTF-8"), expect.replace('\n', ""));
    };
    let empty = Document::structure;
    check(
        "sts",
        "GetCallerIdentity",
        empty().with("Arn", "arn:aws:iam::1:user/a&b").with("UserId", "u").with("Account", "1"),
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\n\
         <Arn>arn:aws:iam::1:user/a&amp;b</Arn><UserId>u</UserId><Account>1</Account></GetCallerIdentityResult>\n\
         <ResponseMetadata><RequestId>r&lt;1</RequestId></ResponseMetadata></GetCallerIdentityResponse>",
    );
    check(
        "iam",
        "DeleteUser",
        empty(),
        "<DeleteUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n\
         <ResponseMetadata><RequestId>r&lt;1</RequestId></ResponseMetadata></DeleteUserResponse>",
    );
    let user = empty()
        .with("UserName", "a\u{1}\r")
        .with("CreateDate", Timestamp::from_millisecond(1_789_321_637_492).expect("in range"));
    check(
        "iam",
        "ListUsers",
        empty().with("Users", vec![user]).with("IsTruncated", false),
        "<ListUsersResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListUsersResult><Users><member>\n\
         <UserName>a\u{fffd}&#xD;</UserName><CreateDate>2026-09-13T17:47:17Z</CreateDate></member></Users>\n\
         <IsTruncated>false</IsTruncated></ListUsersResult>\n\
         <ResponseMetadata><RequestId>r&lt;1</RequestId></ResponseMetadata></ListUsersResponse>",
    );
    let summary = vec![("Users".to_owned(), Document::Int(3))];
    check(
        "iam",
        "GetAccountSummary",
        empty().with("SummaryMap", Document::Map(summary)),
        "<GetAccountSummaryResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetAccountSummaryResult>\n\
         <SummaryMap><entry><key>Users</key><value>3</value></entry></SummaryMap></GetAccountSummaryResult>\n\
         <ResponseMetadata><RequestId>r&lt;1</RequestId></ResponseMetadata></GetAccountSummaryResponse>",
    );
}

proptest! {
    #[test]
    fn no_form_panics(form in r"((Tags|PolicyArns|RoleArn|a)?(\.(member|entry|[0-9]{1,12}|Key|key|value|))*=?[ -~]{0,9}&){0,8}") {
        let _ = read("sts", "AssumeRole", &form);
        let _ = read("iam", "SimulateCustomPolicy", &form);
    }

    #[test]
    fn no_bytes_panic(form in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_form(&form);
    }
}
