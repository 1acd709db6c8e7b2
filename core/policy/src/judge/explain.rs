//! The same ruling with every step to it: for `opentrail policy check`, and for IAM's simulations.

use std::collections::HashSet;
use std::fmt;

use super::voices::Voices;
use super::{Attached, Case, Layer, Ruling, Source, weigh};
use crate::language::{Asked, Effect, Lowered, Matched, Verdict};

/// How one resource was decided about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation<'a> {
    /// `*` where the action is about no resource in particular.
    pub resource: &'a str,
    pub ruling: Ruling<'a>,
    /// Every layer, in the order in which their denials are told.
    pub steps: Vec<Step<'a>>,
}

/// What one layer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<'a> {
    pub layer: Layer,
    /// From 0; only control policies have more than one.
    pub level: usize,
    pub outcome: Outcome,
    /// Of each of its policies; of those that were not asked, none.
    pub opinions: Vec<Opinion<'a>>,
}

/// What came of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Denies,
    Allows,
    /// Its policies say nothing about it, or there are none.
    Silent,
    /// It has no say, and why.
    NotAsked(&'static str),
}

/// What one policy said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion<'a> {
    pub source: &'a Source,
    pub verdict: Verdict,
    /// All statements about the request, those outweighed by others included.
    pub matched: Vec<Matched>,
    /// Condition keys without a value, as the policy spells them, that may have made statements not match.
    pub missing: Vec<String>,
}

/// Decides as [`judge`](super::judge()) does, and says how: for each resource, or for `*` where there is none.
pub fn explain<'a>(case: &Case<'a>) -> Vec<Explanation<'a>> {
    let action = Lowered::new(case.action);
    let each = |resource: &'a str| {
        let asked = Asked::new(case.caller, &action, resource, case.context);
        let ruling = weigh(case, resource, &Voices::hear(case, &asked));
        Explanation { resource, ruling, steps: steps(case, &asked) }
    };
    match case.resources {
        [] => vec![each("*")],
        resources => resources.iter().map(|arn| each(arn.as_str())).collect(),
    }
}

fn steps<'a>(case: &Case<'a>, asked: &Asked<'_>) -> Vec<Step<'a>> {
    let rights = case.rights;
    let step = |layer, level, policies: &'a [Attached]| {
        let not_asked = case.not_asked(layer);
        let opinions: Vec<Opinion<'a>> = match not_asked {
            Some(_) => Vec::new(),
            None => policies.iter().map(|attached| opinion(&attached.source, &attached.policy, asked)).collect(),
        };
        let outcome = not_asked.map_or_else(|| outcome_of(&opinions), Outcome::NotAsked);
        Step { layer, level, outcome, opinions }
    };
    let mut all = Vec::new();
    for (layer, levels) in
        [(Layer::ServiceControl, rights.service_control.as_slice()), (Layer::ResourceControl, case.resource_control)]
    {
        all.extend(levels.iter().enumerate().map(|(level, policies)| step(layer, level, policies)));
    }
    let of_resource: Vec<Opinion<'a>> =
        case.resource_policy.iter().map(|policy| opinion(&Source::Resource, policy, asked)).collect();
    all.push(Step { layer: case.owner_layer(), level: 0, outcome: outcome_of(&of_resource), opinions: of_resource });
    all.push(step(Layer::Identity, 0, &rights.identity));
    all.push(step(Layer::Boundary, 0, rights.boundary.as_slice()));
    all.push(step(Layer::Session, 0, case.session.unwrap_or_default()));
    all
}

fn opinion<'a>(source: &'a Source, policy: &'a crate::Policy, asked: &Asked<'_>) -> Opinion<'a> {
    let missing = each_once(policy.missing(asked).into_iter()).into_iter().map(str::to_owned).collect();
    Opinion { source, verdict: policy.verdict(asked), matched: policy.matched(asked), missing }
}

/// Names of condition keys, which know no case. A policy that somebody hands over has room for thousands.
fn each_once<'k>(keys: impl Iterator<Item = &'k str>) -> Vec<&'k str> {
    let mut seen = HashSet::new();
    keys.filter(|key| seen.insert(key.to_ascii_lowercase())).collect()
}

fn outcome_of(opinions: &[Opinion<'_>]) -> Outcome {
    let any = |wanted: fn(&Verdict) -> bool| opinions.iter().any(|opinion| wanted(&opinion.verdict));
    if any(|verdict| matches!(verdict, Verdict::Denied { .. })) {
        return Outcome::Denies;
    }
    if any(|verdict| matches!(verdict, Verdict::Allowed { .. })) { Outcome::Allows } else { Outcome::Silent }
}

impl<'a> Explanation<'a> {
    /// The statements that made it so, as IAM's simulations show them: those that deny, and where none does, those that allow.
    pub fn determining(&self) -> Vec<(Layer, &'a Source, &Matched)> {
        let of = |effect: Effect| {
            let mut all = Vec::new();
            for step in &self.steps {
                for opinion in &step.opinions {
                    let matched = opinion.matched.iter().filter(|matched| matched.effect == effect);
                    all.extend(matched.map(|matched| (step.layer, opinion.source, matched)));
                }
            }
            all
        };
        let denying = of(Effect::Deny);
        if denying.is_empty() { of(Effect::Allow) } else { denying }
    }

    /// The condition keys without a value that any policy looked for, each once.
    pub fn missing(&self) -> Vec<&str> {
        let opinions = self.steps.iter().flat_map(|step| &step.opinions);
        each_once(opinions.flat_map(|opinion| &opinion.missing).map(String::as_str))
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            write!(f, "{}", step.layer)?;
            if step.level > 0 {
                write!(f, ", level {}", step.level + 1)?;
            }
            match step.outcome {
                Outcome::Denies => writeln!(f, ": denies")?,
                Outcome::Allows => writeln!(f, ": allows")?,
                Outcome::Silent if step.opinions.is_empty() => writeln!(f, ": none")?,
                Outcome::Silent => writeln!(f, ": does not allow")?,
                Outcome::NotAsked(why) => writeln!(f, ": not asked, {why}")?,
            }
            for opinion in &step.opinions {
                writeln!(f, "  {}: {}", opinion.source, opinion.verdict)?;
            }
        }
        let word = if self.ruling.is_allowed() { "allowed" } else { "denied" };
        write!(f, "{word} on {}", self.resource)
    }
}
