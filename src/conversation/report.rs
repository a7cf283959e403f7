//! A replay as text, for the command line.

use super::compare::{StepOutcome, StepState};
use std::fmt::Write as _;

/// What is different, and how many steps were the same.
pub fn report(name: &str, outcomes: &[StepOutcome]) -> String {
    let mut text = String::new();
    let different = outcomes.iter().filter(|it| it.state != StepState::Same);
    // Writing into a string cannot fail.
    for outcome in different.clone() {
        let why = match outcome.state {
            StepState::Numbers => " (only numbers differ)",
            _ => "",
        };
        let _always = writeln!(text, "Step {}, {}{why}", outcome.number, outcome.told).is_ok();
        let pairs = outcome.answers.iter();
        for pair in pairs.filter(|pair| pair.state != StepState::Same) {
            for line in &pair.lines {
                let _always = writeln!(text, "  {} {}", line.mark, line.text).is_ok();
            }
        }
    }
    let (steps, different) = (outcomes.len(), different.count());
    let steps = match steps {
        1 => "1 step".to_owned(),
        steps => format!("{steps} steps"),
    };
    let _always = match different {
        0 => write!(text, "{name}: {steps}, all as recorded."),
        1 => write!(
            text,
            "{name}: {steps}, 1 is not as recorded (- recorded, + now)."
        ),
        some => write!(
            text,
            "{name}: {steps}, {some} are not as recorded (- recorded, + now)."
        ),
    };
    text
}
