//! The specs of `spec/`, each as a test of its own.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use cogsmith::config::{Environment, load};
use cogsmith::spec::cases;
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.json");
    let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
    let config = load(&path, &environment).expect("the project's own configuration is right");
    let cases = cases(&config).expect("the project's own specs can be found");
    let trials = cases.into_iter().map(|case| {
        let name = case.name.clone();
        Trial::test(name, move || {
            case.run()
                .map_err(|failure| Failed::from(failure.to_string()))
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
