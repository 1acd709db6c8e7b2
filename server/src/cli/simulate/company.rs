//! Founding the company: accounts, users and keys, made by the operator as anybody would make them.

use opentrail_world::World;
use serde_json::json;

use crate::cli::account::text;
use crate::client::{Client, ClientError, Keys};

/// The accounts.
const ACCOUNTS: [(&str, &str); 3] = [("orchard", "us-east-1"), ("harbour", "eu-west-1"), ("lantern", "us-east-1")];

/// Users of each account: name, policy, what they use, what they are like.
const USERS: [(&str, Option<&str>, &str, Manner); 5] = [
    ("ana", Some("admin"), "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux", Manner::Person),
    ("ben", Some("read-only"), "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/macos", Manner::Reader),
    ("deploy", Some("admin"), "Boto3/1.41.2 md/Botocore#1.41.2 ua/2.1 os/linux", Manner::Program),
    ("nightly", Some("read-only"), "aws-sdk-go-v2/1.39.2 ua/2.1 os/linux lang/go#1.25.1", Manner::Reader),
    ("temp", None, "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/windows", Manner::Newcomer),
];

/// What somebody is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Makes and removes things, asks what happened.
    Person,
    /// Puts and gets, all day.
    Program,
    /// Looks, and now and then tries more than it may.
    Reader,
    /// Has not been given a policy yet.
    Newcomer,
}

/// Somebody with a key.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) account: usize,
    pub(super) region: &'static str,
    pub(super) agent: &'static str,
    pub(super) manner: Manner,
    pub(super) keys: Keys,
}

/// Everybody.
#[derive(Debug, Clone)]
pub(super) struct Company {
    /// Name and id of each account.
    pub(super) accounts: Vec<(String, String)>,
    pub(super) actors: Vec<Actor>,
    /// A key that was turned off.
    pub(super) disabled: Keys,
}

impl Company {
    /// Makes the accounts anew, under names that no earlier company has.
    pub(super) async fn found(operator: &mut Client, world: &World) -> Result<Self, ClientError> {
        let mark = world.text(b"abcdefghijkmnpqrstuvwxyz23456789", 5);
        let mut company = Self { accounts: Vec::new(), actors: Vec::new(), disabled: Keys::new("", "") };
        for (account, (name, region)) in ACCOUNTS.into_iter().enumerate() {
            let name = format!("{name}-{mark}");
            let made = operator.call("CreateAccount", &json!({ "AccountName": name })).await?;
            let id = text(&made["Account"], "AccountId").to_owned();
            for (user, policy, agent, manner) in USERS {
                let mut input = json!({ "AccountId": id, "UserName": user });
                if let Some(policy) = policy {
                    input["Policy"] = json!(policy);
                }
                operator.call("CreateUser", &input).await?;
                let input = json!({ "AccountId": id, "UserName": user });
                let made = operator.call("CreateAccessKey", &input).await?;
                company.actors.push(Actor { account, region, agent, manner, keys: keys(&made) });
            }
            if account == 0 {
                let made = operator.call("CreateAccessKey", &json!({ "AccountId": id, "UserName": "temp" })).await?;
                company.disabled = keys(&made);
                let input = json!({ "AccessKeyId": company.disabled.access_key_id, "Status": "Inactive" });
                operator.call("UpdateAccessKey", &input).await?;
            }
            company.accounts.push((name, id));
        }
        Ok(company)
    }
}

fn keys(made: &serde_json::Value) -> Keys {
    let key = &made["AccessKey"];
    Keys::new(text(key, "AccessKeyId"), text(key, "SecretAccessKey"))
}
