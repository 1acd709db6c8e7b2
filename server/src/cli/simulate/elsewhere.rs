//! What the company uses beside our own services, where the server passes calls on: EC2, DynamoDB, SSM, Secrets Manager.
//!
//! A call is a function of the dice, like all of the script: it names things by names that the company chose, never by ids that an
//! upstream made up.

use bytes::Bytes;
use http::Method;
use opentrail_world::World;
use serde_json::{Value, json};

use super::company::{Actor, Manner};
use crate::client::Request;

/// Names of each kind that an account's people come back to.
const NAMES: u64 = 3;
/// An image that everybody has, test servers too.
const IMAGE: &str = "ami-12c6146b";

/// One call to a service that is not ours: what it is called in the summary, and the request. `account` is the account's name.
pub(super) fn call(actor: &Actor, account: &str, dice: &World) -> (&'static str, Request) {
    let n = dice.below(NAMES);
    let (table, secret) = (format!("{account}-orders-{n}"), format!("{account}/api-{n}"));
    let (parameter, group) = (format!("/{account}/database/password-{n}"), format!("{account}-web-{n}"));
    let hidden = || dice.text(b"abcdefghijkmnpqrstuvwxyz23456789", 20);
    match (actor.manner, dice.below(8)) {
        (Manner::Reader, 0..2) => ("DescribeInstances", ec2("DescribeInstances", &[])),
        (Manner::Reader, 2..4) => ("ListTables", dynamodb("ListTables", &json!({}))),
        (Manner::Reader, 4..6) => ("DescribeParameters", ssm("DescribeParameters", &json!({}))),
        (Manner::Reader, _) => ("ListSecrets", secrets("ListSecrets", &json!({}))),
        (Manner::Program, 0..2) => {
            let input = json!({ "Name": parameter, "Type": "SecureString", "Value": hidden(), "Overwrite": true });
            ("PutParameter", ssm("PutParameter", &input))
        }
        (Manner::Program, 2..4) => {
            ("GetParameter", ssm("GetParameter", &json!({ "Name": parameter, "WithDecryption": true })))
        }
        (Manner::Program, 4..6) => ("GetSecretValue", secrets("GetSecretValue", &json!({ "SecretId": secret }))),
        (Manner::Program, _) => ("DescribeTable", dynamodb("DescribeTable", &json!({ "TableName": table }))),
        (_, 0..2) => {
            let more = [("ImageId", IMAGE), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")];
            ("RunInstances", ec2("RunInstances", &more))
        }
        (_, 2) => {
            ("CreateSecurityGroup", ec2("CreateSecurityGroup", &[("GroupName", &group), ("GroupDescription", "web")]))
        }
        (_, 3) => {
            let more = [
                ("GroupName", group.as_str()),
                ("IpPermissions.1.IpProtocol", "tcp"),
                ("IpPermissions.1.FromPort", "443"),
                ("IpPermissions.1.ToPort", "443"),
                ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
            ];
            ("AuthorizeSecurityGroupIngress", ec2("AuthorizeSecurityGroupIngress", &more))
        }
        (_, 4..6) => {
            let input = json!({
                "TableName": table,
                "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
                "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
                "BillingMode": "PAY_PER_REQUEST",
            });
            ("CreateTable", dynamodb("CreateTable", &input))
        }
        (_, 6) => ("DeleteTable", dynamodb("DeleteTable", &json!({ "TableName": table }))),
        (_, _) => {
            let token = [8, 4, 4, 4, 12].map(|n| dice.text(b"0123456789abcdef", n)).join("-");
            let input = json!({ "Name": secret, "SecretString": hidden(), "ClientRequestToken": token });
            ("CreateSecret", secrets("CreateSecret", &input))
        }
    }
}

fn ec2(action: &str, more: &[(&str, &str)]) -> Request {
    let mut body = format!("Action={action}&Version=2016-11-15");
    for (name, value) in more {
        // None of them holds what a form would have to escape but the slash of a network.
        body.push_str(&format!("&{name}={}", value.replace('/', "%2F")));
    }
    Request {
        service: "ec2",
        method: Method::POST,
        path: "/".into(),
        query: String::new(),
        headers: vec![("content-type", "application/x-www-form-urlencoded; charset=utf-8".into())],
        body: Bytes::from(body),
    }
}

fn dynamodb(operation: &str, input: &Value) -> Request {
    let mut request = Request::json("dynamodb", format!("DynamoDB_20120810.{operation}"), input);
    request.headers[0].1 = "application/x-amz-json-1.0".into();
    request
}

fn ssm(operation: &str, input: &Value) -> Request {
    Request::json("ssm", format!("AmazonSSM.{operation}"), input)
}

fn secrets(operation: &str, input: &Value) -> Request {
    Request::json("secretsmanager", format!("secretsmanager.{operation}"), input)
}
