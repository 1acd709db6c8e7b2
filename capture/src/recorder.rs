//! The recorder: announces calls before they run and records them when they have.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_catalog::Catalog;
use opentrail_event::{AccountId, Category, EventId};
use opentrail_journal::{Backlog, Call, Capture, Error, Journal, Outcome, Position, Refused, Ticket, Urgency};
use opentrail_selector::{DataEvent, Interest};
use opentrail_world::World;
use tokio::sync::watch;

use crate::book::Book;
use crate::compose;
use crate::gap::Gaps;
use crate::memo::{MEMO_ENTRIES, Memo};
use crate::mend::{self, Allowance};

/// How often [`Recorder::run`] looks after open intents and lets the journal go.
pub const TEND_PERIOD: Duration = Duration::from_secs(1);
/// As the journal knows us.
pub(crate) const HOLDER: &str = "capture";

/// Implements [`Capture`] over a journal.
///
/// Cast: **wire** announces and finishes calls, each on a task of its own that is never cancelled between the two. **The
/// book** knows the open intents. **[`Recorder::recover`]** closes what an earlier life left open; until it has,
/// nothing is taken in. **[`Recorder::run`]** holds the journal for the book and keeps old intents from holding it for long.
pub struct Recorder {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) world: World,
    pub(crate) book: Arc<Book>,
    pub(crate) recovered: AtomicBool,
    pub(crate) memo: Option<Memo>,
    interest: Arc<dyn Interest>,
    backlog: Option<Arc<dyn Backlog>>,
    allowance: Allowance,
    pub(crate) gaps: Gaps,
}

impl Recorder {
    /// A recorder that takes nothing in until [`Recorder::recover`] has returned. To be made before any follower holds
    /// the journal: it holds all there is until it knows what it needs.
    pub fn new(journal: Arc<dyn Journal>, interest: Arc<dyn Interest>, world: World) -> Self {
        let start = journal.start();
        journal.hold(HOLDER, start.clone());
        let book = Arc::new(Book::new(start));
        let (recovered, allowance) = (AtomicBool::new(false), Allowance::default());
        Self { journal, world, book, recovered, memo: None, interest, backlog: None, allowance, gaps: Gaps::default() }
    }

    /// From now on `backlog` is asked before an account's call or events are taken in.
    pub fn with_backlog(self, backlog: Arc<dyn Backlog>) -> Self {
        Self { backlog: Some(backlog), ..self }
    }

    /// From now on `catalog` keeps up to where no call is open, so that a start looks through little of the journal however
    /// much it keeps for others. It must be kept and lost together with the journal.
    pub fn with_memo(self, catalog: Arc<dyn Catalog>) -> Self {
        Self { memo: Some(Memo::new(catalog, MEMO_ENTRIES)), ..self }
    }

    /// Tends until `stop` shows true. Failures are logged and tried again with the next round.
    ///
    /// To be started only when every follower holds the journal: from its first round on capture holds no more than it
    /// needs itself, and what nobody holds is let go.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = self.world.sleep(TEND_PERIOD) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
            if let Err(refused) = self.tend().await {
                tracing::warn!(error = %refused, "tend open intents");
            }
        }
        // What was missed since the last round must not be forgotten with this life.
        self.fill_gaps().await;
        let end = self.journal.watch().borrow().clone();
        self.remember(&self.book.hold(end), true).await;
    }

    /// Whether the record of this data event may be wanted by anyone: in the caller's account, or in the one that gets a copy.
    fn wanted(&self, call: &Call) -> bool {
        let ask = |resource_type: &str, resource_arn: &str| {
            [Some(call.account), call.copy_for].into_iter().flatten().any(|account| {
                self.interest.wants(&DataEvent {
                    account,
                    region: &call.region,
                    event_source: &call.event_source,
                    event_name: &call.event_name,
                    read_only: call.class.read_only,
                    resource_type,
                    resource_arn,
                })
            })
        };
        match call.class.category {
            Category::Management => true,
            Category::Data | Category::NetworkActivity | Category::Insight if call.resources.is_empty() => ask("", ""),
            _ => call.resources.iter().any(|resource| ask(resource.kind, resource.arn.as_str())),
        }
    }

    /// The reserve is for what closes an announced call, for our own operations, and for so many of those that mend what fills
    /// a journal. Anything else that a tenant can call must not reach it, or it is no reserve; nor must a call that does
    /// not run.
    fn urgency(&self, call: &Call) -> Urgency {
        let mends = || mend::mends(call) && self.allowance.take(call.account, self.world.monotonic());
        if mend::own(call) || mends() { Urgency::ControlPlane } else { Urgency::Normal }
    }

    /// Whether what lies behind the journal still takes something of this account.
    pub(crate) fn room_behind(&self, account: AccountId) -> Result<(), Refused> {
        let Some(why) = self.backlog.as_ref().and_then(|backlog| backlog.over(account)) else { return Ok(()) };
        metrics::counter!("opentrail_capture_refused_total", "why" => "backlog").increment(1);
        Err(Refused::Busy(why))
    }

    pub(crate) fn ready(&self) -> Result<(), Refused> {
        if self.recovered.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(Refused::Unavailable("what an earlier run left open is still being looked into".into()))
    }

    async fn announce(&self, call: Call) -> Result<Ticket, Refused> {
        self.ready()?;
        let event_id = EventId::from_bytes(self.world.uuid_v4());
        let wanted = self.wanted(&call);
        if !wanted {
            return Ok(Ticket { event_id, wanted, urgency: Urgency::Normal, call });
        }
        let urgency = self.urgency(&call);
        if urgency == Urgency::Normal {
            self.room_behind(call.account)?;
        }
        if !call.needs_intent() {
            // Its only entry comes when it has run. Without room for that it had better not run.
            self.journal.room(call.account, urgency).map_err(refused)?;
            return Ok(Ticket { event_id, wanted, urgency, call });
        }
        let announcing = self.book.announce().map_err(|_| {
            metrics::counter!("opentrail_capture_refused_total", "why" => "intents").increment(1);
            Refused::Busy(format!("{} calls are under way", crate::OPEN_INTENTS_MAX))
        })?;
        let intent = compose::intent(&call, event_id, self.world.now(), urgency);
        let at = self.journal.append(vec![intent]).await.map_err(refused)?;
        announcing.landed(event_id, first(&at)?, self.world.monotonic());
        Ok(Ticket { event_id, wanted, urgency, call })
    }

    async fn record(&self, ticket: Ticket, outcome: Outcome) -> Result<Option<Position>, Refused> {
        let Ticket { event_id, wanted, urgency, call } = ticket;
        if !wanted {
            return Ok(None);
        }
        self.ready()?;
        let now = self.world.now();
        if !call.needs_intent() {
            let entries = compose::records(&call, &outcome, event_id, now, urgency);
            let at = self.journal.append(entries).await.map_err(refused)?;
            metrics::counter!("opentrail_capture_records_total").increment(at.len() as u64);
            return first(&at).map(Some);
        }
        let Some(settling) = self.book.settle(event_id).await else {
            return Err(Refused::Unavailable(format!("call {event_id} was not announced, or is recorded already")));
        };
        let entries = compose::records(&call, &outcome, event_id, now, Urgency::ControlPlane);
        match self.journal.append(entries.clone()).await {
            Ok(at) => {
                settling.landed();
                metrics::counter!("opentrail_capture_records_total").increment(at.len() as u64);
                first(&at).map(Some)
            }
            Err(error) => {
                if let Error::Full { .. } = error {
                    settling.no_room(entries);
                }
                Err(refused(error))
            }
        }
    }

    async fn take_back(&self, ticket: Ticket) -> Result<(), Refused> {
        let Ticket { event_id, wanted, call, .. } = ticket;
        if !wanted || !call.needs_intent() {
            return Ok(());
        }
        self.ready()?;
        let Some(settling) = self.book.settle(event_id).await else {
            return Err(Refused::Unavailable(format!("call {event_id} was not announced, or is recorded already")));
        };
        let entries = vec![compose::withdrawal(&call, event_id)];
        match self.journal.append(entries.clone()).await {
            Ok(_) => {
                settling.landed();
                metrics::counter!("opentrail_capture_withdrawn_total").increment(1);
                Ok(())
            }
            Err(error) => {
                if let Error::Full { .. } = error {
                    settling.no_room(entries);
                }
                Err(refused(error))
            }
        }
    }
}

impl Capture for Recorder {
    fn begin(&self, call: Call) -> BoxFuture<'_, Result<Ticket, Refused>> {
        self.announce(call).boxed()
    }

    fn finish(&self, ticket: Ticket, outcome: Outcome) -> BoxFuture<'_, Result<Option<Position>, Refused>> {
        self.record(ticket, outcome).boxed()
    }

    fn withdraw(&self, ticket: Ticket) -> BoxFuture<'_, Result<(), Refused>> {
        self.take_back(ticket).boxed()
    }

    fn missed(&self, account: AccountId) {
        metrics::counter!("opentrail_capture_missed_total").increment(1);
        self.gaps.missed(account, self.world.now(), || EventId::from_bytes(self.world.uuid_v4()));
    }
}

/// What a caller is told about a journal that does not take entries.
pub(crate) fn refused(error: Error) -> Refused {
    let why = if matches!(error, Error::Full { .. }) { "full" } else { "unavailable" };
    metrics::counter!("opentrail_capture_refused_total", "why" => why).increment(1);
    match error {
        Error::Full { .. } => Refused::Busy(error.to_string()),
        Error::TooLarge { .. } | Error::Truncated { .. } | Error::Unavailable(_) => {
            Refused::Unavailable(error.to_string())
        }
    }
}

fn first(at: &[Position]) -> Result<Position, Refused> {
    at.first().copied().ok_or_else(|| Refused::Unavailable("the journal gave no position".into()))
}
