//! What a trust policy may say beyond its form (`spec/policy.md` 3.1).

use super::glob::Glob;
use super::{PolicyError, Statement};

/// What assuming a role consists of, in lower case.
const ACTIONS: [&str; 6] = [
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:setcontext",
    "sts:setsourceidentity",
    "sts:tagsession",
];

/// Checks all statements.
pub(super) fn check(statements: &[Statement]) -> Result<(), PolicyError> {
    for statement in statements {
        let stray = statement.actions.texts.iter().find(|text| statement.actions.not || !is_assuming(text));
        if let Some(text) = stray {
            let message = "AssumeRole policy may only specify STS AssumeRole actions.";
            let detail = format!("{}: {text}; such as sts:AssumeRole", statement.name());
            return Err(PolicyError::new(message, detail));
        }
    }
    Ok(())
}

/// Whether a pattern of `sts` names any of them.
fn is_assuming(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let pattern = Glob::new(&text);
    text.starts_with("sts:") && ACTIONS.iter().any(|action| pattern.matches(action))
}
