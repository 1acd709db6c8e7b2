//! The process's environment, read once.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// A copy of the environment. Variables that are not UTF-8 are not in it.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process.
    #[allow(clippy::disallowed_methods)]
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?))).collect())
    }

    /// An environment of the given variables.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(variables.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect())
    }

    /// A variable that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The names that begin with `prefix`.
    pub fn names<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.keys().map(String::as_str).filter(move |name| name.starts_with(prefix))
    }

    /// A path below the home folder.
    pub fn home(&self, below: &str) -> Option<PathBuf> {
        self.get("HOME").map(|home| PathBuf::from(home).join(below))
    }
}
