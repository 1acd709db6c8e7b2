//! `opentrail user`: users of an account.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::account::{all_pages, date, text, without_nulls};
use super::connect::{Connect, OPERATOR, ROOT};
use super::{Shell, print, print_json};
use crate::output::{self, Format};

/// Make, list and delete users of an account
#[derive(Args)]
#[command(after_help = "Examples:
  $ opentrail user create ana --policy admin
  $ opentrail user create auditor --policy read-only \\
      --account 111122223333 --profile opentrail-operator
  $ opentrail user list
  $ opentrail user delete ana

With --data and neither --profile nor AWS_PROFILE, calls are signed as the first account's root, and with --account as \
the operator.")]
pub(crate) struct UserCommand {
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
    /// Make a user; without a policy everything is denied but to ask who one is
    Create {
        name: String,
        /// What the user may do
        #[arg(long)]
        policy: Option<Policy>,
        /// Such as /team/
        #[arg(long)]
        path: Option<String>,
    },
    /// List users
    List,
    /// Delete a user who has no access keys
    Delete { name: String },
}

#[derive(Clone, Copy, ValueEnum)]
enum Policy {
    /// Everything in the own account
    Admin,
    /// What only reads, in the own account
    ReadOnly,
}

impl UserCommand {
    pub(crate) async fn run(self, shell: &Shell) -> anyhow::Result<()> {
        let profile = if self.account.is_some() { OPERATOR } else { ROOT };
        let mut client = self.connect.client(shell, profile)?;
        match self.what {
            What::Create { name, policy, path } => {
                let policy = policy.map(|policy| match policy {
                    Policy::Admin => "admin",
                    Policy::ReadOnly => "read-only",
                });
                let input = json!({ "UserName": name, "Policy": policy, "Path": path, "AccountId": self.account });
                let answer = client.call("CreateUser", &without_nulls(input)).await?;
                let user = &answer["User"];
                if self.format == Format::Json {
                    return print_json(user);
                }
                let arn = output::for_terminal(text(user, "Arn"));
                print(&format!(
                    "{arn}\n\nMake an access key with: opentrail key create --user {}\n",
                    text(user, "UserName")
                ))
            }
            What::List => {
                let input = without_nulls(json!({ "AccountId": self.account }));
                let users = all_pages(&mut client, "ListUsers", input, "Users").await?;
                if self.format == Format::Json {
                    return print_json(&json!({ "Users": users }));
                }
                let mut table = output::table(&["user", "policy", "path", "id", "created"]);
                for user in &users {
                    let policy = Some(text(user, "Policy")).filter(|p| !p.is_empty()).unwrap_or("none");
                    let cells = [text(user, "UserName"), policy, text(user, "Path"), text(user, "UserId"), &date(user)];
                    table.add_row(output::row(cells));
                }
                print(&output::text(&table))
            }
            What::Delete { name } => {
                let input = without_nulls(json!({ "UserName": name, "AccountId": self.account }));
                client.call("DeleteUser", &input).await?;
                if self.format == Format::Json { print_json(&json!({})) } else { print(&format!("deleted {name}\n")) }
            }
        }
    }
}
