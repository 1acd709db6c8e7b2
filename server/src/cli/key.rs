//! `opentrail key`: access keys.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::account::{date, new_key, text, without_nulls};
use super::connect::{Connect, OPERATOR, ROOT};
use super::{Shell, json_lines, print, print_json, print_once};
use crate::output::{self, Format};

/// Make, list, disable, enable and delete access keys
#[derive(Args)]
#[command(after_help = "Examples:
  $ opentrail key create --user ana
  $ opentrail key list --user ana
  $ opentrail key disable AKIA...
  $ opentrail key delete AKIA...
  $ opentrail key create --user ci \\
      --account 111122223333 --profile opentrail-operator

Without --user they are one's own; with --account alone, those of that account's root.
With --data and neither --profile nor AWS_PROFILE, calls are signed as the first account's root, and with --account as \
the operator.")]
pub(crate) struct KeyCommand {
    #[command(flatten)]
    connect: Connect,
    /// Another account's (operator)
    #[arg(long, value_name = "ID", global = true)]
    account: Option<String>,
    #[arg(long, value_enum, default_value = "table", global = true)]
    format: Format,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make a key; its secret is shown this once
    Create {
        #[arg(long)]
        user: Option<String>,
    },
    /// List keys, without their secrets
    List {
        #[arg(long)]
        user: Option<String>,
    },
    /// Turn a key off, at once
    Disable { id: String },
    /// Turn a key on again
    Enable { id: String },
    /// Delete a key, at once
    Delete { id: String },
}

impl KeyCommand {
    pub(crate) async fn run(self, shell: &Shell) -> anyhow::Result<()> {
        let profile = if self.account.is_some() { OPERATOR } else { ROOT };
        let mut client = self.connect.client(shell, profile)?;
        let json_wanted = self.format == Format::Json;
        let (operation, input, done) = match self.what {
            What::Create { user } => {
                let input = without_nulls(json!({ "UserName": user, "AccountId": self.account }));
                let answer = client.call("CreateAccessKey", &input).await?;
                let key = &answer["AccessKey"];
                let shown = if json_wanted { json_lines(key) } else { new_key(key) };
                return print_once(&shown, || {
                    let id = text(key, "AccessKeyId");
                    let account = self.account.map(|id| format!(" --account {id}")).unwrap_or_default();
                    format!(
                        "access key {id} was made, but its secret could not be shown; remove it with \
                         `opentrail key delete {id}{account}`"
                    )
                });
            }
            What::List { user } => {
                let input = without_nulls(json!({ "UserName": user, "AccountId": self.account }));
                let answer = client.call("ListAccessKeys", &input).await?;
                if json_wanted {
                    return print_json(&answer);
                }
                let mut table = output::table(&["key", "user", "status", "created"]);
                for key in answer["AccessKeyMetadata"].as_array().map(Vec::as_slice).unwrap_or_default() {
                    table.add_row(output::row([text(key, "AccessKeyId"), owner(key), text(key, "Status"), &date(key)]));
                }
                return print(&output::text(&table));
            }
            What::Disable { id } => {
                let input = json!({ "AccessKeyId": id, "Status": "Inactive", "AccountId": self.account });
                ("UpdateAccessKey", input, format!("disabled {id}"))
            }
            What::Enable { id } => {
                let input = json!({ "AccessKeyId": id, "Status": "Active", "AccountId": self.account });
                ("UpdateAccessKey", input, format!("enabled {id}"))
            }
            What::Delete { id } => {
                ("DeleteAccessKey", json!({ "AccessKeyId": id, "AccountId": self.account }), format!("deleted {id}"))
            }
        };
        client.call(operation, &without_nulls(input)).await?;
        if json_wanted { print_json(&json!({})) } else { print(&format!("{done}\n")) }
    }
}

fn owner(key: &Value) -> &str {
    Some(text(key, "UserName")).filter(|name| !name.is_empty()).unwrap_or("root")
}
