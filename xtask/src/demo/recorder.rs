//! What the recorder made of calls to services that are not ours.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::moto::Moto;
use super::shell::Shell;

/// What stands in a record in place of a secret.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";
const PASSWORD: &str = "correct-horse-battery";
/// moto's own account, in which it keeps what comes from keys that it does not know.
const ROLE: &str = "arn:aws:iam::123456789012:role/greeter";
const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;

pub(super) fn show(shell: &Shell, moto: &Moto, house: &Path) -> Result<()> {
    println!("\nwhat is not ours is on record too: the server passed these calls on to moto");
    shell.show_with(
        "opentrail lookup --all --profile opentrail-operator --since 1h --limit 3 RunInstances",
        "ec2:RunInstances",
        None,
    )?;
    shell.show(&format!(
        "aws ssm put-parameter --name /demo/password --type SecureString --value {PASSWORD} --query Version --output text"
    ))?;
    shell.show(&format!(
        "aws secretsmanager create-secret --name demo --secret-string {PASSWORD} --query Name --output text"
    ))?;
    // A record is found within a second of its call's answer.
    std::thread::sleep(Duration::from_secs(1));
    shell.show_with(&newest("PutParameter"), HIDDEN, Some(PASSWORD))?;
    // Records of Secrets Manager leave the secret out altogether.
    shell.show_with(&newest("CreateSecret"), "\"name\":\"demo\"", Some(PASSWORD))?;

    fs::write(house.join("greet.py"), "def handle(event, context):\n    return event\n").context("write a function")?;
    let (house, trust) = (house.display(), house.join("trust.json"));
    fs::write(&trust, TRUST).context("write a role's trust policy")?;
    // IAM is ours here, and moto wants a role of its own for its functions.
    shell.output(&format!(
        "aws iam create-role --endpoint-url {moto} --role-name greeter --assume-role-policy-document file://{}",
        trust.display()
    ))?;
    shell.show(&format!("cd {house} && python -m zipfile -c greet.zip greet.py"))?;
    shell.show(&format!(
        "aws lambda create-function --function-name greet --runtime python3.13 --handler greet.handle --role {ROLE} \
         --zip-file fileb://{house}/greet.zip --query FunctionArn --output text"
    ))?;
    shell.show(&format!(
        "aws lambda invoke --function-name greet --payload '\"hello\"' \
         --query StatusCode --output text {house}/greeting && cat {house}/greeting"
    ))?;
    std::thread::sleep(Duration::from_secs(1));
    shell.show_with(&newest("CreateFunction20150331"), "\"functionName\":\"greet\"", None)
}

/// The newest record of an event, as CloudTrail writes it.
fn newest(event: &str) -> String {
    format!(
        "aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue={event} \
         --no-paginate --max-results 1 --query 'Events[0].CloudTrailEvent' --output text"
    )
}
