//! `opentrail account`: the operator makes and lists accounts.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::connect::Connect;
use super::{Shell, json_lines, print, print_json, print_once};
use crate::client::Client;
use crate::output::{self, Format};

/// Make and list accounts (operator)
#[derive(Args)]
#[command(after_help = "Examples:
  $ opentrail account create acme --data ./data
  $ opentrail account create acme --id 111122223333 --format json
  $ opentrail account list --profile opentrail-operator

With --data and without --profile, calls are signed as the operator.")]
pub(crate) struct AccountCommand {
    #[command(flatten)]
    connect: Connect,
    #[arg(long, value_enum, default_value = "table", global = true)]
    format: Format,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make an account; shows its root's access key, this once
    Create {
        name: String,
        /// Twelve digits; random where absent
        #[arg(long)]
        id: Option<String>,
    },
    /// List accounts
    List,
}

impl AccountCommand {
    pub(crate) async fn run(self, shell: &Shell) -> anyhow::Result<()> {
        let mut client = self.connect.operator(shell)?;
        match self.what {
            What::Create { name, id } => {
                let answer = client
                    .call("CreateAccount", &without_nulls(json!({ "AccountName": name, "AccountId": id })))
                    .await?;
                let (account, key) = (&answer["Account"], &answer["AccessKey"]);
                let id = text(account, "AccountId");
                let shown = match self.format {
                    Format::Json => json_lines(&json!({
                        "AccountId": account["AccountId"],
                        "AccountName": account["AccountName"],
                        "CanonicalId": account["CanonicalId"],
                        "AccessKeyId": key["AccessKeyId"],
                        "SecretAccessKey": key["SecretAccessKey"],
                    })),
                    Format::Table => {
                        format!(
                            "account {id} ({})\n\n{}",
                            output::for_terminal(text(account, "AccountName")),
                            new_key(key)
                        )
                    }
                };
                print_once(&shown, || {
                    format!(
                        "account {id} was made, but the secret of its root's access key {} could not be shown; make \
                         another key with `opentrail key create --account {id}`",
                        text(key, "AccessKeyId")
                    )
                })
            }
            What::List => {
                let accounts = all_pages(&mut client, "ListAccounts", json!({}), "Accounts").await?;
                if self.format == Format::Json {
                    return print_json(&json!({ "Accounts": accounts }));
                }
                let mut table = output::table(&["account", "name", "created"]);
                for account in &accounts {
                    let cells = [text(account, "AccountId"), text(account, "AccountName"), &date(account)];
                    table.add_row(output::row(cells));
                }
                print(&output::text(&table))
            }
        }
    }
}

/// Most pages that a listing reads.
const PAGES_MAX: usize = 1_000;

/// All entries of a paged listing.
pub(super) async fn all_pages(
    client: &mut Client,
    operation: &str,
    mut input: Value,
    member: &str,
) -> anyhow::Result<Vec<Value>> {
    let mut entries = Vec::new();
    for _ in 0..PAGES_MAX {
        input["MaxResults"] = json!(1000);
        let mut answer = client.call(operation, &input).await?;
        if let Some(Value::Array(page)) = answer.get_mut(member).map(Value::take) {
            entries.extend(page);
        }
        match answer.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => return Ok(entries),
        }
    }
    anyhow::bail!("{operation} does not come to an end")
}

/// An object without its null members: what was not said is left out.
pub(super) fn without_nulls(mut object: Value) -> Value {
    if let Value::Object(members) = &mut object {
        members.retain(|_, value| !value.is_null());
    }
    object
}

pub(super) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// When it was made, of an entry's CreateDate.
pub(super) fn date(value: &Value) -> String {
    let seconds = value.get("CreateDate").and_then(Value::as_f64).map(|s| s as i64);
    seconds.and_then(|s| jiff::Timestamp::from_second(s).ok()).map(|t| t.to_string()).unwrap_or_default()
}

/// A new key, as lines for a credentials file.
pub(super) fn new_key(key: &Value) -> String {
    let (id, secret) = (text(key, "AccessKeyId"), text(key, "SecretAccessKey"));
    format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}\n\nThe secret is not shown again.\n")
}
