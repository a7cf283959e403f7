//! What is logged in this process: each test that looks has a cog's name of its own.

use std::io::{self, Write};
use std::sync::Mutex;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Kept;

impl Write for Kept {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps the log from now on.
pub fn listen() {
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(|| Kept);
    // Another test of this process may have been first.
    let _first = subscriber.try_init().is_ok();
}

/// The lines that say all of this.
pub fn logged(parts: &[&str]) -> Vec<String> {
    let log = String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned();
    let lines = log
        .lines()
        .filter(|line| parts.iter().all(|part| line.contains(part)));
    lines.map(str::to_owned).collect()
}
