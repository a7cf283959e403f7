//! Generated Luau and generated arguments against the host. It may refuse whatever it likes, in words; it may
//! not fail.
//!
//! `cargo test --test sandbox fuzz::` makes a few hundred programs and some thousand calls; for longer runs see
//! docs/sandbox.md. Cases that were found once are kept in `cases/`.
mod choices;
mod functions;
mod host;
mod programs;
mod values;

use crate::support::times;
use choices::Choices;
use functions::Functions;
use host::{Case, Host};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

/// Cases of one run, if `BOLERO_RANDOM_ITERATIONS` does not say otherwise.
const QUICK_CASES: usize = 10;
const CASES: usize = 40;
/// Programs of one case that are run while a cog loads (at the top level, and in `cog.on_load`), and in handlers.
const LOADERS: usize = 2;
const HANDLERS: usize = 8;
/// Calls of one handler.
const CALLS: usize = 12;
/// After so many calls a function none may have been left out.
const MOST_CALLS_A_FUNCTION: usize = 8;
/// Bytes of the fuzzer's for one case.
const INPUT: RangeInclusive<usize> = 1_024..=8_192;

#[test]
fn no_program_brings_the_host_down() {
    let mut host = Host::new("programs");
    let functions = Functions::new(&host.functions());
    let mut fuzzed = AssertUnwindSafe((&mut host, &functions));
    bolero::check!()
        .with_iterations(times(QUICK_CASES, CASES))
        .with_generator(bolero::produce_with::<Vec<u8>>().len(INPUT))
        .with_max_len(2 * INPUT.end())
        .with_shrink_time(Duration::ZERO)
        .for_each(move |input: &Vec<u8>| {
            let (host, functions) = &mut *fuzzed;
            let share = input.len().div_ceil(LOADERS + HANDLERS);
            let mut shares = input.chunks(share).map(Choices);
            let mut programs = shares
                .by_ref()
                .map(|mut choices| programs::program(&mut choices, functions));
            host.run(&Case {
                loading: programs.by_ref().take(LOADERS).collect(),
                handling: programs.collect(),
            });
        });
    host.finish();
    println!("{} programs", host.programs());
}

#[test]
fn no_argument_brings_the_host_down() {
    let mut host = Host::new("arguments");
    let functions = Functions::new(&host.functions());
    let (mut called, mut calls) = (BTreeSet::new(), 0_usize);
    let mut fuzzed = AssertUnwindSafe((&mut host, &functions, &mut called, &mut calls));
    bolero::check!()
        .with_iterations(times(QUICK_CASES, CASES))
        .with_generator(bolero::produce_with::<Vec<u8>>().len(INPUT))
        .with_max_len(2 * INPUT.end())
        .with_shrink_time(Duration::ZERO)
        .for_each(move |input: &Vec<u8>| {
            let (host, functions, called, calls) = &mut *fuzzed;
            let mut choices = Choices(input);
            // All functions come in their turn, from one that is chosen.
            let mut next = choices.below(functions.0.len());
            let mut programs = |count| {
                let mut one = || {
                    let mut text = "local a, b, c, d\n".to_owned();
                    for _ in 0..CALLS {
                        let call = functions.call_of(next, &mut choices);
                        writeln!(text, "a, b, c = {}", call.checked()).unwrap();
                        called.insert(call.path);
                        next += 1;
                        **calls += 1;
                    }
                    text
                };
                (0..count).map(|_| one()).collect()
            };
            host.run(&Case {
                loading: programs(LOADERS),
                handling: programs(HANDLERS),
            });
        });
    host.finish();
    let all = functions.0.len();
    assert!(
        called.len() == all || calls < MOST_CALLS_A_FUNCTION * all,
        "{} of {all}",
        called.len()
    );
    println!("{calls} calls of {} functions out of {}", called.len(), all);
}

#[test]
fn what_was_found_stays_mended() {
    let mut host = Host::new("cases");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox/fuzz/cases");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let program = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        found += 1;
        host.run(&Case {
            loading: vec![program.clone(), program.clone()],
            handling: vec![program],
        });
    }
    assert!(found > 0, "no case is kept");
    host.finish();
}
