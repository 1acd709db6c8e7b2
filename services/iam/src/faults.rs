//! What IAM says when it will not (`spec/iam.md` 6), in its words.

use opentrail_policy::DirectoryError;
use opentrail_wire::Fault;

pub(crate) fn no_such(what: impl Into<String>) -> Fault {
    Fault::new("NoSuchEntity", 404, what)
}

pub(crate) fn no_user(name: &str) -> Fault {
    no_such(format!("The user with name {name} cannot be found."))
}

pub(crate) fn no_group(name: &str) -> Fault {
    no_such(format!("The group with name {name} cannot be found."))
}

pub(crate) fn no_role(name: &str) -> Fault {
    no_such(format!("The role with name {name} cannot be found."))
}

pub(crate) fn no_profile(name: &str) -> Fault {
    no_such(format!("Instance Profile {name} cannot be found."))
}

pub(crate) fn exists(what: impl Into<String>) -> Fault {
    Fault::new("EntityAlreadyExists", 409, what)
}

pub(crate) fn conflict(what: impl Into<String>) -> Fault {
    Fault::new("DeleteConflict", 409, what)
}

/// `Cannot delete entity, must …`
pub(crate) fn must(what: &str) -> Fault {
    conflict(format!("Cannot delete entity, must {what}."))
}

pub(crate) fn limit(what: impl Into<String>) -> Fault {
    Fault::new("LimitExceeded", 409, what)
}

/// `Cannot exceed quota for UsersPerAccount: 5000`
pub(crate) fn quota(what: &str, max: u64) -> Fault {
    limit(format!("Cannot exceed quota for {what}: {max}"))
}

pub(crate) fn invalid_input(what: impl Into<String>) -> Fault {
    Fault::client("InvalidInput", what)
}

pub(crate) fn validation(what: impl Into<String>) -> Fault {
    Fault::client("ValidationError", what)
}

/// As the checks of the model word it.
pub(crate) fn constraint(field: &str, what: &str) -> Fault {
    validation(format!("1 validation error detected: Value at '{field}' failed to satisfy constraint: {what}"))
}

pub(crate) fn malformed(what: impl Into<String>) -> Fault {
    Fault::client("MalformedPolicyDocument", what)
}

pub(crate) fn denied(what: impl Into<String>) -> Fault {
    Fault::new("AccessDenied", 403, what)
}

/// A role that only its service changes.
pub(crate) fn protected(role: &str) -> Fault {
    Fault::client(
        "UnmodifiableEntity",
        format!("Cannot perform the operation on the protected role '{role}' - this role is only modifiable by AWS"),
    )
}

/// Others kept changing the same thing.
pub(crate) fn busy() -> Fault {
    Fault::new(
        "ConcurrentModification",
        409,
        "The request was rejected because multiple requests to change this object were submitted simultaneously. Try again.",
    )
}

pub(crate) fn unavailable(error: DirectoryError) -> Fault {
    match error {
        DirectoryError::NotFound(what) => no_such(format!("{what} cannot be found.")),
        DirectoryError::Exists(what) => exists(what),
        DirectoryError::LimitExceeded(what) => limit(what),
        DirectoryError::Conflict(what) => conflict(what),
        DirectoryError::Invalid(what) => invalid_input(what),
        DirectoryError::Unavailable(what) => Fault::new("ServiceUnavailable", 503, what),
    }
}
