//! `opentrail whoami`: who the server takes us for.

use clap::Args;
use serde_json::json;

use super::account::text;
use super::connect::{Connect, ROOT};
use super::{Shell, print, print_json};
use crate::output::{self, Format};

/// Show who the server takes you for
#[derive(Args)]
#[command(after_help = "Examples:
  $ opentrail whoami
  $ opentrail whoami --data ./data
  $ opentrail whoami --data ./data --profile opentrail-operator

With --data and neither --profile nor AWS_PROFILE, it is the first account's root.")]
pub(crate) struct WhoAmI {
    #[command(flatten)]
    connect: Connect,
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

impl WhoAmI {
    pub(crate) async fn run(self, shell: &Shell) -> anyhow::Result<()> {
        let mut client = self.connect.client(shell, ROOT)?;
        let me = client.call("WhoAmI", &json!({})).await?;
        if self.format == Format::Json {
            return print_json(&me);
        }
        let role = if me["Operator"].as_bool() == Some(true) { "operator of this server" } else { "tenant" };
        let mut table = output::table(&["arn", "account", "name", "key", "role"]);
        let cells = ["Arn", "Account", "AccountName", "AccessKeyId"].map(|member| text(&me, member));
        table.add_row(output::row(cells.into_iter().chain([role])));
        print(&output::text(&table))
    }
}
