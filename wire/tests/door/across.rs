//! Calls about what is another account's: who reads of them (`spec/recorded.md` 11).

use http::Method;
use opentrail_event::{AccountId, Owner};

use crate::house::{Ask, House};
use crate::toys::FOREIGN;

/// What the recorder is told of a call to `path`: who gets a copy, as known before and after, and whose the resource is
/// said to be.
async fn told(path: &str, status: u16) -> (bool, bool, Option<Owner>) {
    let house = House::open().await;
    let reply = house.send(&Ask::new(Method::GET, path).sign("s3", house.now())).await;
    assert_eq!(reply.status, status, "{path}: {}", reply.body);
    let (call, outcome) = house.record();
    let other: AccountId = FOREIGN.parse().unwrap();
    assert!(call.copy_for.is_none_or(|account| account == other));
    assert!(outcome.copy_for.is_none_or(|account| account == other));
    let shown = outcome.resources.unwrap_or(call.resources);
    (call.copy_for.is_some(), outcome.copy_for.is_some(), shown.into_iter().next().map(|resource| resource.owner))
}

#[tokio::test]
async fn an_owner_reads_of_callers_that_its_policy_spoke_about() {
    let owner = Owner::Account(FOREIGN.parse().unwrap());
    // Allowed, and what came of it.
    assert_eq!(told("/foreign-policy/k", 200).await, (true, true, Some(owner)));
    assert_eq!(told("/foreign-policy/fails", 404).await, (true, true, Some(owner)));
    // Denied by a statement.
    assert_eq!(told("/foreign-policy/explicit-denied", 403).await, (true, true, Some(owner)));
    // Nothing said: a stranger does not write into another's history.
    assert_eq!(told("/foreign-policy/denied", 403).await, (false, false, Some(Owner::Hidden)));
    assert_eq!(told("/foreign/denied", 403).await, (false, false, Some(Owner::Hidden)));
    // Nothing foreign about it.
    assert_eq!(told("/own/k", 200).await, (false, false, None));
    assert_eq!(told("/own/explicit-denied", 403).await, (false, false, None));
}

/// As AWS says of its own STS, a denied assumption is the caller's account's alone, whatever the trust policy says.
#[tokio::test]
async fn of_a_role_that_may_not_be_assumed_its_owner_reads_nothing() {
    let house = House::open().await;
    for (role, status, is_told) in [("explicit-denied", 403, false), ("denied", 403, false), ("ops", 200, true)] {
        let role = format!("arn%3Aaws%3Aiam%3A%3A{FOREIGN}%3Arole%2F{role}");
        let form = format!("Action=AssumeRole&Version=2011-06-15&RoleSessionName=ana&RoleArn={role}");
        let reply = house.send(&Ask::query(&form).sign("sts", house.now())).await;
        assert_eq!(reply.status, status, "{}", reply.body);
        let (call, outcome) = house.record();
        assert_eq!((call.copy_for.is_some(), outcome.copy_for.is_some()), (is_told, is_told), "{role}");
    }
}
