//! Random edits, commands and admins' requests, over a random graph of modules, through the real bot:
//! what is loaded, what answers and what is kept must be what a simple model says.
//!
//! `steps.rs`: what may happen. `disk.rs` and `text.rs`: the files. `sources.rs`, `load.rs` and
//! `expected.rs`: the model, with `parts.rs` for what hangs together. `run.rs`: both side by side. `cases.rs`: what once went wrong.
//!
//! `COGSMITH_MODEL_STEPS` has so many random steps taken, new ones each time; `COGSMITH_MODEL_SEED` is the
//! number from which the steps follow.
mod cases;
mod disk;
mod expected;
mod load;
mod parts;
mod run;
mod sources;
mod steps;
mod text;

use crate::support::times;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use run::Difference;
use std::time::Instant;
use steps::{Step, steps};

/// Steps of a run at most.
const LONGEST: usize = 80;
/// Steps that are taken when nothing else is asked for.
const QUICK_STEPS: usize = 100;
const STEPS: usize = 300;
/// The steps of the suite are always the same: there a failure is to speak of the change, not of luck. Whoever asks
/// for a number of steps searches, with new ones each time.
const SEED: u64 = 2;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Does the steps with a bot of their own.
fn run(steps: &[Step]) -> Result<(), Difference> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run::run(steps))
}

#[test]
fn random_steps_lead_to_what_the_model_says() {
    let wanted = number("COGSMITH_MODEL_STEPS")
        .map_or(times(QUICK_STEPS, STEPS), |steps| steps.try_into().unwrap());
    let mut config = Config::default();
    let is_search = std::env::var("COGSMITH_MODEL_STEPS").is_ok();
    config.rng_seed = match number("COGSMITH_MODEL_SEED") {
        Some(seed) => RngSeed::Fixed(seed),
        None if is_search => RngSeed::Random,
        None => RngSeed::Fixed(SEED),
    };
    let mut runner = TestRunner::new(config);
    let strategy = steps(LONGEST);
    let mut done = 0;
    let began = Instant::now();
    while done < wanted {
        let steps = strategy.new_tree(&mut runner).unwrap().current();
        if let Err(why) = run(&steps) {
            eprintln!("{done} good steps, then {}", why.what);
            let (steps, why) = least(steps, why);
            panic!(
                "{}\nafter {done} good steps; the least that leads there:\n{steps:?}",
                why.what
            );
        }
        done += steps.len();
    }
    let seconds = began.elapsed().as_secs_f64();
    eprintln!("{done} steps in {seconds:.1} s");
}

/// Leaves away whatever does not matter for a difference.
fn least(mut steps: Vec<Step>, mut why: Difference) -> (Vec<Step>, Difference) {
    steps.truncate(why.step + 1);
    let mut fails = |fewer: &mut Vec<Step>| match run(fewer) {
        Err(difference) => {
            fewer.truncate(difference.step + 1);
            why = difference;
            true
        }
        Ok(()) => false,
    };
    let mut length = steps.len() / 2;
    while length > 0 {
        let mut end = steps.len();
        while end > 0 {
            let begin = end.saturating_sub(length);
            let mut fewer = [&steps[..begin], &steps[end.min(steps.len())..]].concat();
            if fails(&mut fewer) {
                steps = fewer;
            }
            end = begin.min(steps.len());
        }
        length /= 2;
    }
    let mut index = 0;
    while index < steps.len() {
        let with = |simpler| [&steps[..index], &[simpler], &steps[index + 1..]].concat();
        let simpler = simpler(&steps[index]).into_iter().map(with);
        match simpler
            .map(|mut fewer| fails(&mut fewer).then_some(fewer))
            .find_map(|fewer| fewer)
        {
            Some(fewer) => steps = fewer,
            None => index += 1,
        }
    }
    (steps, why)
}

/// The step without one of its parts.
fn simpler(step: &Step) -> Vec<Step> {
    fn but_one<T: Clone>(parts: &[T]) -> impl Iterator<Item = Vec<T>> {
        let few = if parts.len() > 1 { parts.len() } else { 0 };
        (0..few).map(|index| [&parts[..index], &parts[index + 1..]].concat())
    }
    match step {
        Step::Files(edits) => but_one(edits).map(Step::Files).collect(),
        Step::Hurry(edits, admin) => but_one(edits).map(|it| Step::Hurry(it, *admin)).collect(),
        Step::WhileOff(steps) => but_one(steps).map(Step::WhileOff).collect(),
        _ => Vec::new(),
    }
}
