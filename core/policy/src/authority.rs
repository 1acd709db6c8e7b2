//! The one decider: who has which rights is the directory's to say, what follows from them is [`judge`]'s.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::judge::{explain, judge};
use crate::{
    Attached, Caller, Case, Context, Decide, Decision, Directory, IdentitiesUnavailable, Kind, Layer, Outcome, Policy,
    Principal, PrincipalKind, Question, Rights, RightsOf, Ruling, Source,
};

/// Actions of `opentrail` that are about the house, not about one account.
const OPERATOR_ONLY: [&str; 2] = ["opentrail:CreateAccount", "opentrail:ListAccounts"];
/// What callers have who are not narrowed by policies of their own.
const EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Decides by the policies of users, groups and roles, of sessions, and of what is touched (`spec/policy.md` 4).
///
/// Two things are this server's own: the operator may do everything that the service `opentrail` does, on any account, and
/// everything else in its own account; and nobody else may do what is about the house.
pub struct Authority {
    directory: Arc<Directory>,
    everything: Arc<Rights>,
    /// A denial by a statement of a policy that has an ARN says which (`spec/policy.md` 5).
    names_policies: bool,
}

/// Why a decision is what it is, about one of the things that are touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// An ARN, or `*`.
    pub resource: String,
    pub allowed: bool,
    /// Every layer that has a say, in the order in which their denials are told.
    pub steps: Vec<ExplainedStep>,
    /// Condition keys that a policy looked for and that had no value.
    pub missing: Vec<String>,
}

/// What one layer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedStep {
    /// `permissions boundary`
    pub layer: String,
    /// `denies`, `allows`, `silent`, or `not asked` and why.
    pub outcome: String,
    /// Each of its policies, and what it says.
    pub policies: Vec<(String, String)>,
}

impl Authority {
    /// Decides by what `directory` says.
    pub fn new(directory: Arc<Directory>) -> Self {
        let policy = Policy::parse(EVERYTHING.as_bytes(), &Kind::Identity).expect("a policy written above");
        let everything = Attached { source: Source::Given("everything".into()), policy: Arc::new(policy) };
        let everything = Arc::new(Rights { identity: vec![everything], ..Rights::default() });
        Self { directory, everything, names_policies: false }
    }

    /// The same, whose denials name the policy that a statement of denies, where it has an ARN and caller and what is touched
    /// belong to one account: what another account's policies are called is not the caller's to know.
    #[must_use]
    pub fn naming_policies(self, yes: bool) -> Self {
        Self { names_policies: yes, ..self }
    }

    /// Decides, and says how.
    pub async fn explain(&self, question: Question<'_>) -> Result<(Decision, Vec<Explained>), IdentitiesUnavailable> {
        if let Some(decision) = by_the_house(&question) {
            return Ok((decision, Vec::new()));
        }
        self.with_case(&question, |case| {
            let explained = explain(case).into_iter().map(|one| Explained {
                resource: one.resource.to_owned(),
                allowed: one.ruling.is_allowed(),
                steps: one.steps.iter().map(step).collect(),
                missing: one.missing().into_iter().map(str::to_owned).collect(),
            });
            (self.decision(case), explained.collect())
        })
        .await
    }

    async fn with_case<T>(
        &self,
        question: &Question<'_>,
        ask: impl FnOnce(&Case<'_>) -> T,
    ) -> Result<T, IdentitiesUnavailable> {
        let principal = question.principal;
        let rights = match &principal.kind {
            PrincipalKind::Operator => self.everything.clone(),
            PrincipalKind::Federated { by, .. } if **by == PrincipalKind::Root => self.everything.clone(),
            _ => self.directory.rights(principal).await?,
        };
        let session = self.session(principal).await?;
        let tagged = tagged(question.context, &rights);
        let caller = Caller::from(principal);
        let case = Case {
            session: session.as_deref(),
            resources: question.resources,
            resource_account: question.resource_account,
            resource_policy: question.policy,
            resource_kind: question.kind,
            ..Case::new(&caller, &rights, question.action, tagged.as_ref().unwrap_or(question.context))
        };
        Ok(ask(&case))
    }

    fn decision(&self, case: &Case<'_>) -> Decision {
        let ruling = judge(case);
        match ruling.because(case.action, self.names_policies && !case.is_cross_account()) {
            None => Decision::Allow,
            Some(because) => {
                let spoken =
                    matches!(ruling, Ruling::Deny { layer: Layer::Resource | Layer::Trust, explicit: true, .. });
                Decision::Deny { because, explicit: spoken }
            }
        }
    }

    /// What narrows the session. A managed policy that is gone allows nothing any more.
    async fn session(&self, principal: &Principal) -> Result<Option<Vec<Attached>>, IdentitiesUnavailable> {
        let Some(session) = principal.session.as_deref().filter(|session| session.is_narrowed()) else {
            return Ok(None);
        };
        let inline = session.inline.iter().map(|policy| policy.policy.clone());
        let mut all: Vec<Attached> = inline.map(|policy| Attached { source: Source::Session, policy }).collect();
        for arn in &session.managed {
            let found = self.directory.managed_policy(principal.account, arn).await;
            let found = found.map_err(|error| IdentitiesUnavailable(error.to_string()))?;
            all.extend(found.map(|(arn, policy)| Attached { source: Source::Managed(arn), policy }));
        }
        Ok(Some(all))
    }
}

impl Decide for Authority {
    fn decide<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Decision> {
        async move {
            if let Some(decision) = by_the_house(&question) {
                return decision;
            }
            let decided = self.with_case(&question, |case| self.decision(case)).await;
            decided.unwrap_or_else(|error| Decision::Unavailable { why: error.to_string() })
        }
        .boxed()
    }
}

/// What is this server's own to decide.
fn by_the_house(question: &Question<'_>) -> Option<Decision> {
    if question.principal.is_operator() {
        return question.action.starts_with("opentrail:").then_some(Decision::Allow);
    }
    OPERATOR_ONLY.contains(&question.action).then(|| not_allowed(question.action))
}

fn not_allowed(action: &str) -> Decision {
    Decision::Deny { because: format!("because no identity-based policy allows the {action} action"), explicit: false }
}

/// The circumstances with the tags of the user or role, which those of the session replace; `None` where there are none.
fn tagged(context: &Context, rights: &Rights) -> Option<Context> {
    let mut tagged = None;
    for (key, value) in &rights.tags {
        let key = format!("aws:PrincipalTag/{key}");
        if context.values(&key).is_empty() {
            tagged.get_or_insert_with(|| context.clone()).set(&key, value.as_str());
        }
    }
    tagged
}

fn step(step: &crate::Step<'_>) -> ExplainedStep {
    let outcome = match step.outcome {
        Outcome::Denies => "denies".to_owned(),
        Outcome::Allows => "allows".to_owned(),
        Outcome::Silent if step.opinions.is_empty() => "none".to_owned(),
        Outcome::Silent => "does not allow".to_owned(),
        Outcome::NotAsked(why) => format!("not asked, {why}"),
    };
    let layer = match step.level {
        0 => step.layer.to_string(),
        level => format!("{}, level {}", step.layer, level + 1),
    };
    let policies = step.opinions.iter().map(|one| (one.source.to_string(), one.verdict.to_string())).collect();
    ExplainedStep { layer, outcome, policies }
}
