//! Bytecode, made once for each source and shared by all cogs.

use super::coverage;
use super::resolve::Source;
use super::trace::{Fault, clean, split_place};
use std::sync::atomic::{AtomicU64, Ordering};

/// How often this process has compiled a source.
static COMPILATIONS: AtomicU64 = AtomicU64::new(0);

/// How many sources this process has compiled so far, including those with errors; each counts once, however many cogs
/// run it.
pub fn compilations() -> u64 {
    COMPILATIONS.load(Ordering::Relaxed)
}

/// A source's bytecode, compiled once for all cogs. All VMs that share a source count lines, or none.
pub fn compiled(source: &Source, counts_lines: bool) -> Result<&[u8], Fault> {
    let bytecode = source.bytecode.get_or_init(|| {
        COMPILATIONS.fetch_add(1, Ordering::Relaxed);
        let compiler = if counts_lines {
            coverage::compiler()
        } else {
            mlua::chunk::Compiler::new()
                .set_optimization_level(1)
                .set_debug_level(1)
        };
        let bytecode = compiler.compile(source.text.as_bytes());
        bytecode.map_err(|error| error.to_string())
    });
    match bytecode {
        Ok(bytecode) => Ok(bytecode),
        Err(message) => Err(syntax_fault(source, message)),
    }
}

/// Luau's compiler says `3: Expected …`; the file is ours to add.
fn syntax_fault(source: &Source, message: &str) -> Fault {
    let message = message
        .strip_prefix("syntax error: ")
        .unwrap_or(message)
        .lines()
        .next()
        .unwrap_or_default();
    let placed = format!("{}:{}", source.path, message.trim_start_matches(':'));
    let (place, message) = match split_place(&placed) {
        (None, _) => (None, message.to_owned()),
        placed => placed,
    };
    let mut place = place.unwrap_or_default();
    place.file = source.path.to_string();
    Fault::Syntax {
        place: Box::new(place),
        message: clean(&message),
    }
}
