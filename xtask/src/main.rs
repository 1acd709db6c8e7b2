//! One door to the project's chores.

mod codegen;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next();
    let rest: Vec<String> = arguments.collect();
    match task.as_deref() {
        Some("codegen") => codegen::run(&rest),
        Some(other) => bail!("no task is called {other}; there is: codegen"),
        None => bail!("say which task to run: codegen"),
    }
}
