use super::{advanced, basic, field, of_data};
use crate::{AdvancedSelector, BasicSelector, EventSelectors, FieldSelector, For, ReadWrite};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

fn check(selectors: &EventSelectors, expect: Result<(), &str>) {
    let got = selectors.check(For::Trail).map_err(|error| error.to_string());
    assert_eq!(got.as_ref().copied().map_err(String::as_str), expect, "{selectors:?}");
}

fn is(name: &str, value: &str) -> FieldSelector {
    field(name, &[("Equals", &[value])])
}

fn many(n: usize, one: impl Fn(usize) -> String) -> Vec<String> {
    (0..n).map(one).collect()
}

/// The refusals that recordings show, word for word.
#[test]
fn recorded_refusals() {
    check(&EventSelectors::Basic(vec![]), Err("Specify a valid number of selectors (1 to 5) for your trail"));
    check(&EventSelectors::Advanced(vec![]), Err("Specify between 1 and 500 selectors for your trail."));
    let text = "read-only".parse::<ReadWrite>().expect_err("no such type").to_string();
    assert_eq!(text, "Value read-only for ReadWriteType is invalid.");
    check(&advanced(vec![is("readOnly", "true")]), Err("The following fields are required: [eventCategory]."));
    for kind in ["AWS::IAM::Role", "AWS::S3::Nothing", "AWS::S3::Bucket", ""] {
        let expect = match kind {
            "" => "The values of the field resources.type must have between 1 and 2048 characters.",
            _ => "The resources.type field value is not valid.",
        };
        check(&of_data(kind, vec![]), Err(expect));
    }
    for tail in [":1", ":live", ":$LATEST", ".x", "/x", ":"] {
        let arn = format!("{FUNCTION}{tail}");
        let expect = format!("The specified ARN {arn} is not valid. Verify that the ARN is properly formatted.");
        for operator in ["Equals", "NotEquals"] {
            let arns = field("resources.ARN", &[(operator, &[FUNCTION, &arn])]);
            check(&of_data("AWS::Lambda::Function", vec![arns]), Err(&expect));
        }
        let begins =
            field("resources.ARN", &[("StartsWith", &[&arn, "arn:aws:lambda:us-east-1:123456789012:function:"])]);
        check(&of_data("AWS::Lambda::Function", vec![begins]), Ok(()));
    }
    let narrowed = advanced(vec![is("eventCategory", "Management"), is("eventSource", "sns.amazonaws.com")]);
    check(&narrowed, Err("The operator Equals is not valid for the field eventSource."));
}

#[test]
fn recorded_acceptances() {
    check(&EventSelectors::default_for_trail(), Ok(()));
    let names = field("eventName", &[("Equals", &["Publish", "PublishBatch"])]);
    let topics = ["arn:aws:sns:us-east-1:123456789012:a", "arn:aws:sns:us-east-1:210987654321:b"];
    check(&of_data("AWS::SNS::Topic", vec![names, field("resources.ARN", &[("Equals", &topics)])]), Ok(()));
    check(&of_data("AWS::Events::EventBus", vec![]), Ok(()));
    for kind in crate::kinds::DATA_KINDS {
        check(&of_data(kind, vec![]), Ok(()));
    }
    for source in crate::kinds::NETWORK_SOURCES {
        check(&advanced(vec![is("eventCategory", "NetworkActivity"), is("eventSource", source)]), Ok(()));
    }
}

#[test]
fn basic_selectors_have_limits() {
    let selectors = |n: usize| EventSelectors::Basic(vec![basic(&[]); n]);
    check(&selectors(5), Ok(()));
    check(&selectors(6), Err("Specify a valid number of selectors (1 to 5) for your trail"));

    let too_many = "Specify a valid number of data resources (1 to 250) for your trail";
    let objects = |n: usize| {
        let values = many(n, |n| format!("arn:aws:s3:::bucket-{n}/"));
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        basic(&[("AWS::S3::Object", &values)])
    };
    check(&EventSelectors::Basic(vec![objects(250)]), Ok(()));
    check(&EventSelectors::Basic(vec![objects(251)]), Err(too_many));
    check(&EventSelectors::Basic(vec![objects(125), objects(126)]), Err(too_many));
    let everything: &[(&str, &[&str])] = &[
        ("AWS::S3::Object", &["arn:aws:s3", "arn:aws:s3:::"]),
        ("AWS::Lambda::Function", &["arn:aws:lambda"]),
        ("AWS::DynamoDB::Table", &["arn:aws:dynamodb"]),
    ];
    check(&EventSelectors::Basic(vec![objects(250), basic(everything)]), Ok(()));
    check(&EventSelectors::Basic(vec![basic(&[("AWS::S3::Object", &[])])]), Err(too_many));
}

#[test]
fn basic_selectors_name_what_they_may() {
    let data = |kind: &str, value: &str| EventSelectors::Basic(vec![basic(&[(kind, &[value])])]);
    check(&data("AWS::S3::Object", "arn:aws:s3:::b"), Ok(()));
    check(&data("AWS::S3::Object", "arn:aws:s3:::b/pre"), Ok(()));
    check(&data("AWS::Lambda::Function", FUNCTION), Ok(()));
    check(&data("AWS::DynamoDB::Table", "arn:aws:dynamodb:us-east-1:123456789012:table/t"), Ok(()));
    for kind in ["AWS::SNS::Topic", "AWS::DynamoDB::Stream", ""] {
        let expect = format!("Value {kind} for DataResources.Type is invalid.");
        check(&data(kind, "arn:aws:s3"), Err(&expect));
    }
    let wrong = [
        ("AWS::S3::Object", "b/pre"),
        ("AWS::S3::Object", ""),
        ("AWS::S3::Object", "arn:aws:lambda"),
        ("AWS::S3::Object", "arn:aws:s3:us-east-1::b/"),
        ("AWS::Lambda::Function", "arn:aws:lambda:us-east-1:123456789012:function:f:1"),
        ("AWS::Lambda::Function", "arn:aws:lambda:us-east-1:123456789012:function:"),
        ("AWS::DynamoDB::Table", "arn:aws:dynamodb:us-east-1:123456789012:table/"),
    ];
    for (kind, value) in wrong {
        check(&data(kind, value), Err(&format!("Value {value} for DataResources.Values is invalid.")));
    }
    let exclude = |source: &str, include_management: bool| {
        let exclude_sources = vec![source.to_owned()];
        EventSelectors::Basic(vec![BasicSelector { include_management, exclude_sources, ..basic(&[]) }])
    };
    check(&exclude("kms.amazonaws.com", true), Ok(()));
    check(&exclude("rdsdata.amazonaws.com", true), Ok(()));
    let wrong = "Value s3.amazonaws.com for ExcludeManagementEventSources is invalid.";
    check(&exclude("s3.amazonaws.com", true), Err(wrong));
    let needs = "ExcludeManagementEventSources requires IncludeManagementEvents to be true.";
    check(&exclude("kms.amazonaws.com", false), Err(needs));
}

#[test]
fn advanced_selectors_have_limits() {
    let names = |n: usize| {
        let names = many(n, |n| format!("Name{n}"));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        of_data("AWS::S3::Object", vec![field("eventName", &[("NotEquals", &names)])])
    };
    let too_many = "Specify up to 500 values for all conditions in all advanced event selectors.";
    check(&names(498), Ok(()));
    check(&names(499), Err(too_many));
    let one = AdvancedSelector { name: None, fields: vec![is("eventCategory", "Management")] };
    let all = |n: usize| EventSelectors::Advanced(vec![one.clone(); n]);
    check(&all(500), Ok(()));
    check(&all(501), Err("Specify between 1 and 500 selectors for your trail."));

    let sized = |n: usize| of_data("AWS::S3::Object", vec![is("eventName", &"é".repeat(n))]);
    let wrong = "The values of the field eventName must have between 1 and 2048 characters.";
    check(&sized(1), Ok(()));
    check(&sized(2048), Ok(()));
    check(&sized(2049), Err(wrong));
    check(&sized(0), Err(wrong));

    let named =
        |n: usize| EventSelectors::Advanced(vec![AdvancedSelector { name: Some("é".repeat(n)), ..one.clone() }]);
    check(&named(0), Ok(()));
    check(&named(1000), Ok(()));
    check(&named(1001), Err("The Name of a selector can have up to 1000 characters."));
}

#[test]
fn advanced_selectors_name_what_they_may() {
    let management =
        |more: Vec<FieldSelector>| advanced([is("eventCategory", "Management")].into_iter().chain(more).collect());
    let network =
        |more: Vec<FieldSelector>| advanced([is("eventCategory", "NetworkActivity")].into_iter().chain(more).collect());
    let data = |more| of_data("AWS::S3::Object", more);
    check(&advanced(vec![]), Err("The following fields are required: [eventCategory]."));
    let required = "The following fields are required: [resources.type].";
    check(&advanced(vec![is("eventCategory", "Data")]), Err(required));
    check(&network(vec![]), Err("The following fields are required: [eventSource]."));
    for category in ["Insight", "management", "ConfigurationItem"] {
        check(&advanced(vec![is("eventCategory", category)]), Err("The eventCategory field value is not valid."));
    }
    let two = field("eventCategory", &[("Equals", &["Management", "Data"])]);
    check(&advanced(vec![two]), Err("The eventCategory field value is not valid."));
    let also = field("eventCategory", &[("Equals", &["Management"]), ("NotEquals", &["Data"])]);
    check(&advanced(vec![also]), Err("The operator NotEquals is not valid for the field eventCategory."));
    check(&data(vec![is("eventname", "x")]), Err("The field eventname is not valid."));
    let twice = "The field readOnly can be specified only once in a selector.";
    check(&management(vec![is("readOnly", "true"), is("readOnly", "true")]), Err(twice));
    check(&management(vec![field("readOnly", &[])]), Err("The field readOnly must have at least one operator."));
    let elsewhere = "The field eventName is not valid for the eventCategory Management.";
    check(&management(vec![is("eventName", "x")]), Err(elsewhere));
    let elsewhere = "The field readOnly is not valid for the eventCategory NetworkActivity.";
    check(&network(vec![is("eventSource", "ec2.amazonaws.com"), is("readOnly", "true")]), Err(elsewhere));
    let elsewhere = "The field vpcEndpointId is not valid for the eventCategory Data.";
    check(&data(vec![is("vpcEndpointId", "vpce-1")]), Err(elsewhere));
    let operator = field("readOnly", &[("NotEquals", &["true"])]);
    check(&data(vec![operator]), Err("The operator NotEquals is not valid for the field readOnly."));
    check(&data(vec![is("readOnly", "True")]), Err("The readOnly field value is not valid."));
    let console = field("sessionCredentialFromConsole", &[("NotEquals", &["yes"])]);
    check(&data(vec![console]), Err("The sessionCredentialFromConsole field value is not valid."));
    let not = |sources: &[&str]| management(vec![field("eventSource", &[("NotEquals", sources)])]);
    check(&not(&["kms.amazonaws.com", "rdsdata.amazonaws.com"]), Ok(()));
    check(&not(&["kms.amazonaws.com", "s3.amazonaws.com"]), Err("The eventSource field value is not valid."));
    check(&network(vec![is("eventSource", "iam.amazonaws.com")]), Err("The eventSource field value is not valid."));
    let two = field("eventSource", &[("Equals", &["ec2.amazonaws.com", "kms.amazonaws.com"])]);
    check(&network(vec![two]), Err("The eventSource field value is not valid."));
    let of = |code: &str| network(vec![is("eventSource", "ec2.amazonaws.com"), is("errorCode", code)]);
    check(&of("VpceAccessDenied"), Ok(()));
    check(&of("AccessDenied"), Err("The errorCode field value is not valid."));
    let arn = "The specified ARN arn:aws:s3:::b is not valid. Verify that the ARN is properly formatted.";
    check(&data(vec![is("resources.ARN", "arn:aws:s3:::b")]), Err(arn));
    check(&data(vec![is("resources.ARN", "arn:aws:s3:::b/")]), Ok(()));
    check(&data(vec![field("resources.ARN", &[("EndsWith", &["x"]), ("NotStartsWith", &["y"])])]), Ok(()));
}
