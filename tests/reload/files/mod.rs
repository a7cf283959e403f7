//! Files as editors, shells and git leave them, through the real watcher: what is reloaded, how often, and
//! what is refused.

mod folders;
mod links;
mod nothing;
mod refused;
mod saves;

use std::path::Path;
use std::process::Command;

/// A debounce window that no pause of a test's writer reaches, however busy the machine is.
const PATIENT: &str = r#"{ "hot_reload": { "reload_delay": 1.5 } }"#;

fn run(program: &str, arguments: &[&str], folder: &Path) {
    let mut command = Command::new(program);
    let done = command
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{program} {arguments:?}: {done:?}");
}
