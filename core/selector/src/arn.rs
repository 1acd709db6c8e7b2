//! Which ARNs may be selected (`spec/recorded.md` 7 for functions; `spec/selectors.md` 3.1).

/// The six parts of an ARN; the last may hold colons. Nothing is empty that AWS never leaves empty.
struct Parts<'a> {
    service: &'a str,
    region: &'a str,
    account: &'a str,
    resource: &'a str,
}

fn parts(arn: &str) -> Option<Parts<'_>> {
    let mut parts = arn.splitn(6, ':');
    let (word, partition) = (parts.next()?, parts.next()?);
    let (service, region, account, resource) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let partition_fits = partition == "aws" || partition.strip_prefix("aws-").is_some_and(|rest| !rest.is_empty());
    let lower = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let account_fits = account.is_empty() || account == "aws" || is_account(account);
    let fits = word == "arn"
        && partition_fits
        && lower(partition)
        && !service.is_empty()
        && lower(service)
        && lower(region)
        && account_fits
        && !resource.is_empty();
    fits.then_some(Parts { service, region, account, resource })
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// The beginning of the ARN of objects. A bucket alone is one, and then that of longer names of buckets too.
pub(crate) fn s3_prefix(arn: &str) -> bool {
    parts(arn).is_some_and(|p| p.service == "s3" && p.region.is_empty() && p.account.is_empty())
}

/// `arn:aws:s3:::bucket/key`, the key possibly empty.
fn s3_object(arn: &str) -> bool {
    s3_prefix(arn) && parts(arn).and_then(|p| p.resource.split_once('/')).is_some_and(|(bucket, _)| !bucket.is_empty())
}

/// A function without version or alias.
pub(crate) fn lambda_function(arn: &str) -> bool {
    let name_fits = |name: &str| {
        (1..=140).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    of_account(arn, "lambda").and_then(|p| p.resource.strip_prefix("function:")).is_some_and(name_fits)
}

/// A table, without stream or index.
pub(crate) fn dynamodb_table(arn: &str) -> bool {
    let name_fits = |name: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        (1..=255).contains(&name.len()) && name.bytes().all(plain)
    };
    of_account(arn, "dynamodb").and_then(|p| p.resource.strip_prefix("table/")).is_some_and(name_fits)
}

fn of_account<'a>(arn: &'a str, service: &str) -> Option<Parts<'a>> {
    parts(arn).filter(|p| p.service == service && !p.region.is_empty() && is_account(p.account))
}

/// Whether it is the whole ARN of a resource of this type, as far as the type's form is known.
pub(crate) fn is_of_kind(arn: &str, kind: &str) -> bool {
    match kind {
        "AWS::S3::Object" => s3_object(arn),
        "AWS::Lambda::Function" => lambda_function(arn),
        "AWS::DynamoDB::Table" => dynamodb_table(arn),
        "AWS::SNS::Topic" => of_account(arn, "sns").is_some(),
        "AWS::SQS::Queue" => of_account(arn, "sqs").is_some(),
        _ => parts(arn).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_of_their_kind_or_not() {
        let check = |kind: &str, good: &[&str], bad: &[&str]| {
            for arn in good {
                assert!(is_of_kind(arn, kind), "{kind}: {arn}");
            }
            for arn in bad {
                assert!(!is_of_kind(arn, kind), "{kind}: {arn}");
            }
        };
        let object = "arn:aws:s3:::b/k:with/colons";
        check(
            "AWS::S3::Object",
            &[object, "arn:aws-cn:s3:::b/"],
            &["arn:aws:s3:::b", "arn:aws:s3", "arn:aws:s3:::/k", "b/k"],
        );
        let function = "arn:aws:lambda:eu-west-1:123456789012:function:f";
        let wrong = ["", ":1", ":$LATEST", ":live", ":", ".x", "/x"].map(|tail| format!("{function}{tail}"));
        let wrong: Vec<&str> = wrong[1..].iter().map(String::as_str).collect();
        check("AWS::Lambda::Function", &[function], &wrong);
        let bad = ["arn:aws:lambda:eu-west-1:1234:function:f", "arn:aws:lambda::123456789012:function:f", "f", ""];
        check("AWS::Lambda::Function", &[], &bad);
        let table = "arn:aws:dynamodb:us-east-1:123456789012:table/t.x";
        check("AWS::DynamoDB::Table", &[table], &["arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/1"]);
        check("AWS::SNS::Topic", &["arn:aws:sns:us-east-1:123456789012:t"], &["arn:aws:sqs:us-east-1:123456789012:t"]);
        check("AWS::SQS::Queue", &["arn:aws:sqs:us-east-1:123456789012:q"], &["https://sqs/1/q"]);
        check(
            "AWS::EC2::Snapshot",
            &["arn:aws:ec2:us-east-1::snapshot/s"],
            &["snapshot/s", "arn:aws:ec2", "arn:x:ec2:::s"],
        );
    }
}
