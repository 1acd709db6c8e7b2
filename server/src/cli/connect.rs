//! Arguments by which a command finds the server.

use std::path::PathBuf;

use clap::Args;

use super::Shell;
use crate::client::{Choice, Client, choose};

#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Server")]
pub(crate) struct Connect {
    /// Address of the server, such as http://127.0.0.1:4566
    #[arg(long, value_name = "URL", global = true)]
    endpoint_url: Option<String>,
    /// Profile of the credentials file
    #[arg(long, value_name = "NAME", global = true)]
    profile: Option<String>,
    /// The server's folder: uses its credentials file and address; who signs: --profile, AWS_PROFILE, or who fits the command
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    /// Certificates to trust, for https
    #[arg(long, value_name = "FILE", global = true)]
    ca_bundle: Option<PathBuf>,
}

/// The profile of the first account's root in DATA/credentials.
pub(crate) const ROOT: &str = "opentrail";
/// The profile of the operator in DATA/credentials.
pub(crate) const OPERATOR: &str = "opentrail-operator";

impl Connect {
    /// A client of a command that only the operator may use: with `--data`, the profile that the shell set for other work
    /// would only be refused.
    pub(crate) fn operator(&self, shell: &Shell) -> anyhow::Result<Client> {
        let named = self.profile.clone().or_else(|| self.data.as_ref().map(|_| OPERATOR.to_owned()));
        Self { profile: named, ..self.clone() }.client(shell, OPERATOR)
    }

    /// A client; with `--data` and neither `--profile` nor `AWS_PROFILE` it signs as `data_profile`.
    pub(crate) fn client(&self, shell: &Shell, data_profile: &'static str) -> anyhow::Result<Client> {
        let choice = Choice {
            endpoint: self.endpoint_url.clone(),
            profile: self.profile.clone(),
            region: None,
            ca_bundle: self.ca_bundle.clone(),
            data: self.data.clone(),
            data_profile,
        };
        let chosen = choose(&choice, &shell.environment)?;
        Ok(Client::new(&chosen, shell.world.clone())?)
    }
}
