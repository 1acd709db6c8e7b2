//! How a row of the table is an operation: a draft is handed to a function and committed, again if its ground moved.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_policy::{Committed, Directory};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer, Touched};

use crate::faults::{busy, unavailable};
use crate::what::What;

/// A change of IAM's records, or a look at them.
pub(crate) type Draft<'e> = opentrail_policy::Draft<'e, Fault>;
/// What an operation answers.
pub(crate) type Answer = Result<Document, Fault>;
/// What an operation does.
pub(crate) type Run = for<'d, 'e> fn(&'d mut Draft<'e>, &'d Cx, &'d Document) -> BoxFuture<'d, Answer>;

/// A row of the table.
pub(crate) struct Verb {
    pub(crate) directory: Arc<Directory>,
    pub(crate) facts: &'static Facts,
    pub(crate) what: What,
    pub(crate) run: Run,
}

impl Operation for Verb {
    fn facts(&self) -> &'static Facts {
        self.facts
    }

    fn touches<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        async move {
            let mut draft = self.directory.draft(cx.account());
            self.what.touched(self.facts.name, &mut draft, cx, input).await
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            for _ in 0..Draft::ATTEMPTS_MAX {
                let mut draft = self.directory.draft(cx.account());
                let output = (self.run)(&mut draft, cx, input).await?;
                match draft.commit().await.map_err(unavailable)? {
                    Committed::Done => return Ok(output.into()),
                    Committed::Again => {}
                    Committed::Refused(fault) => return Err(fault),
                }
            }
            Err(busy())
        }
        .boxed()
    }
}
