//! Who is asked about callers: toys for tests about other things, and the real decider over a directory in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_catalog::memory::MemoryCatalog;
use opentrail_event::AccountId;
use opentrail_policy::{
    Authority, Context, Decide, Decision, Directory, IdentitiesUnavailable, Named, Principals, Question, Seal,
    SealError, UserPolicy,
};
use opentrail_s3::S3Guards;
use opentrail_wire::{Announced, Cx};
use opentrail_world::World;

use crate::door::{ALICE, BOB};

struct OwnOnly;

impl Decide for OwnOnly {
    fn decide<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Decision> {
        let own = question.resource_account.is_none_or(|owner| owner == question.principal.account);
        async move { if own { Decision::Allow } else { Decision::Deny { because: "foreign".into(), explicit: false } } }
            .boxed()
    }
}

impl Principals for OwnOnly {
    fn bind<'a>(&'a self, named: &'a Named) -> BoxFuture<'a, Result<Option<String>, IdentitiesUnavailable>> {
        async { Ok(Some(named.text())) }.boxed()
    }

    fn names<'a>(
        &'a self,
        _bound: &'a BTreeMap<String, String>,
    ) -> BoxFuture<'a, Result<BTreeMap<String, String>, IdentitiesUnavailable>> {
        async { Ok(BTreeMap::new()) }.boxed()
    }

    fn accounts(
        &self,
        _after: Option<AccountId>,
        _limit: usize,
    ) -> BoxFuture<'_, Result<Vec<AccountId>, IdentitiesUnavailable>> {
        async { Ok(Vec::new()) }.boxed()
    }
}

/// Everybody may do everything with what is theirs.
pub(crate) fn toys() -> S3Guards {
    S3Guards { decide: Arc::new(OwnOnly), principals: Arc::new(OwnOnly) }
}

struct Open;

impl Seal for Open {
    fn seal(&self, _context: &str, plain: &[u8]) -> Vec<u8> {
        plain.to_vec()
    }

    fn open(&self, _context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(sealed.to_vec())
    }
}

/// The real ones: accounts of Alice and Bob, each with the users `adm` (who may do everything), `ro` (who may read) and `no`
/// (who may do nothing). Besides the directory, the catalog that it reads.
pub(crate) async fn real() -> (S3Guards, Arc<Directory>, MemoryCatalog) {
    let catalog = MemoryCatalog::default();
    let (world, _) = World::simulated(7, "2026-11-21T10:00:00Z".parse().unwrap());
    let directory = Directory::open(Arc::new(catalog.clone()), Arc::new(Open), world).await.unwrap();
    for (account, name) in [(ALICE, "alice"), (BOB, "bob")] {
        let account: AccountId = account.parse().unwrap();
        directory.create_account(name, Some(account)).await.unwrap();
        for (user, policy) in [("adm", Some(UserPolicy::Admin)), ("ro", Some(UserPolicy::ReadOnly)), ("no", None)] {
            directory.create_user(account, user, "/", policy).await.unwrap();
        }
    }
    let decide = Arc::new(Authority::new(directory.clone()));
    (S3Guards { decide, principals: directory.clone() }, directory, catalog)
}

/// As the door asks.
pub(crate) async fn decide(decide: &dyn Decide, cx: &Cx, announced: &Announced) -> Decision {
    let mut context: Context = cx.context();
    context.merge(announced.context.clone());
    let question = Question {
        principal: &cx.principal,
        action: &announced.action,
        resources: &announced.arns,
        resource_account: announced.owner,
        policy: announced.policy.as_deref(),
        kind: announced.kind,
        context: &context,
    };
    decide.decide(question).await
}
