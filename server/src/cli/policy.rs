//! `opentrail policy`: why somebody may do something, or may not.

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::account::{text, without_nulls};
use super::connect::{Connect, OPERATOR};
use super::{Shell, print, print_json};
use crate::output::{self, Format};

/// Explain decisions step by step
#[derive(Args)]
#[command(after_help = "Examples:
  $ opentrail policy check --action s3:CreateBucket \\
      --principal arn:aws:iam::111122223333:user/ana
  $ opentrail policy check --action s3:GetObject \\
      --principal arn:aws:iam::111122223333:role/reader \\
      --resource arn:aws:s3:::reports/2026.csv \\
      --context aws:SourceIp=10.0.0.1

The server decides as if the principal called it now, over the connection of this command. With --data and neither \
--profile nor AWS_PROFILE, the call is signed as the operator.")]
pub(crate) struct PolicyCommand {
    #[command(flatten)]
    connect: Connect,
    #[arg(long, value_enum, default_value = "table", global = true)]
    format: Format,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Decide about one action, and say how
    Check {
        /// The ARN of a user, a role, a role's session or a root
        #[arg(long, value_name = "ARN")]
        principal: String,
        /// Such as s3:GetObject
        #[arg(long)]
        action: String,
        /// The ARN of what is touched; without it, nothing in particular
        #[arg(long, value_name = "ARN")]
        resource: Option<String>,
        /// A condition key and its value; again for more of either
        #[arg(long, value_name = "KEY=VALUE")]
        context: Vec<String>,
    },
}

impl PolicyCommand {
    pub(crate) async fn run(self, shell: &Shell) -> anyhow::Result<()> {
        let mut client = self.connect.client(shell, OPERATOR)?;
        let What::Check { principal, action, resource, context } = self.what;
        let input = without_nulls(json!({
            "Principal": principal,
            "Action": action,
            "Resource": resource,
            "Context": entries(&context)?,
        }));
        let answer = client.call("CheckPolicy", &input).await?;
        if self.format == Format::Json {
            return print_json(&answer);
        }
        let list = |value: &Value, member: &str| value[member].as_array().cloned().unwrap_or_default();
        let mut table = output::table(&["layer", "outcome", "policy", "says"]);
        for step in list(&answer, "Steps") {
            let policies = list(&step, "Policies");
            if policies.is_empty() {
                table.add_row(output::row([text(&step, "Layer"), text(&step, "Outcome"), "", ""]));
            }
            for policy in &policies {
                let cells =
                    [text(&step, "Layer"), text(&step, "Outcome"), text(policy, "Source"), text(policy, "Says")];
                table.add_row(output::row(cells));
            }
        }
        let on = resource.map(|resource| format!(" on {resource}")).unwrap_or_default();
        let told = match answer["Allowed"].as_bool() {
            Some(true) => format!("allowed: {action}{on}"),
            _ => format!("denied: {action}{on} {}", text(&answer, "Reason")),
        };
        let missing = list(&answer, "MissingContextKeys");
        let missing: Vec<&str> = missing.iter().filter_map(Value::as_str).collect();
        let mut shown = output::text(&table);
        shown.push_str(&output::for_terminal(&told));
        shown.push('\n');
        if !missing.is_empty() {
            let told = format!("without a value, and looked for: {}", missing.join(", "));
            shown.push_str(&output::for_terminal(&told));
            shown.push('\n');
        }
        print(&shown)
    }
}

/// `KEY=VALUE` pairs, the values of one key together; `None` where there are none.
fn entries(pairs: &[String]) -> anyhow::Result<Option<Vec<Value>>> {
    let mut keys: Vec<(String, Vec<String>)> = Vec::new();
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=') else { bail!("--context takes KEY=VALUE, not '{pair}'") };
        match keys.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(key)) {
            Some((_, values)) => values.push(value.to_owned()),
            None => keys.push((key.to_owned(), vec![value.to_owned()])),
        }
    }
    let entry = |(key, values): (String, Vec<String>)| json!({ "Key": key, "Values": values });
    Ok(Some(keys.into_iter().map(entry).collect()).filter(|entries: &Vec<Value>| !entries.is_empty()))
}
