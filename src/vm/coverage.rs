//! Which lines of modules run, and how often: Luau's own counters. For the runner of specs; a bot counts nothing.
//!
//! The counters are part of a VM's functions. A VM keeps those of its modules' files (`Recorder`), and hands their
//! numbers over when it is asked, or when it goes.

use super::resolve::Source;
use crate::lock::lock;
use mlua::chunk::Compiler;
use mlua::{Function, Lua};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// How exactly Luau counts: also parts of a statement that are not always run.
const LEVEL: u8 = 2;

/// The counts of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileCoverage {
    /// How often each line that has code was run.
    pub lines: BTreeMap<u32, u64>,
    /// How often each function with a name was run, by its line and name.
    pub functions: BTreeMap<(u32, String), u64>,
}

impl FileCoverage {
    fn add(&mut self, other: &Self) {
        for (line, hits) in &other.lines {
            *self.lines.entry(*line).or_default() += hits;
        }
        for (function, hits) in &other.functions {
            *self.functions.entry(function.clone()).or_default() += hits;
        }
    }
}

/// Has a VM hand its numbers over, if it is still there.
type Live = Box<dyn Fn() + Send>;

/// The counts of many VMs together.
#[derive(Default)]
pub struct Coverage {
    /// By the paths of files.
    files: Mutex<BTreeMap<String, FileCoverage>>,
    live: Mutex<Vec<Live>>,
}

impl std::fmt::Debug for Coverage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Coverage")
    }
}

impl Coverage {
    /// Has a VM hand its numbers over with the others.
    pub(super) fn register(&self, live: Live) {
        lock(&self.live).push(live);
    }

    /// Takes over what has been counted in VMs that are still there. What runs in them afterwards is not counted.
    pub fn collect(&self) {
        // A VM may be waited for here, and what runs in it may wait for this lock.
        let live = std::mem::take(&mut *lock(&self.live));
        for live in live {
            live();
        }
    }

    /// Adds the counts of files that a VM has loaded.
    pub fn add_to(&self, all: &mut BTreeMap<String, FileCoverage>) {
        for (path, file) in lock(&self.files).iter() {
            all.entry(path.clone()).or_default().add(file);
        }
    }
}

/// The files of one VM, as functions.
#[derive(Debug)]
pub(super) struct Recorder {
    coverage: Arc<Coverage>,
    files: Mutex<Vec<(Arc<str>, Function)>>,
}

impl Recorder {
    pub(super) fn new(coverage: &Arc<Coverage>) -> Self {
        Self {
            coverage: Arc::clone(coverage),
            files: Mutex::default(),
        }
    }

    /// One more file, which is about to run.
    pub(super) fn note(&self, path: &Arc<str>, main: &Function) {
        lock(&self.files).push((Arc::clone(path), main.clone()));
    }

    /// Hands the numbers over. What runs afterwards is not counted.
    pub(super) fn hand_over(&self) {
        // The VM's own lock is taken below, and whoever has that may want this one.
        let files = std::mem::take(&mut *lock(&self.files));
        for (path, main) in files {
            let counted = counted(&main);
            let mut files = lock(&self.coverage.files);
            files.entry(path.to_string()).or_default().add(&counted);
        }
    }
}

/// A compiler whose code counts. Nothing is put in the place of calls, or functions would seem not to have run.
pub(super) fn compiler() -> Compiler {
    Compiler::new()
        .set_optimization_level(1)
        .set_debug_level(1)
        .set_coverage_level(LEVEL)
}

/// The lines of a file that nobody has loaded, none of them run. Nothing for a file with a syntax error.
pub fn never_run(source: &Source) -> Option<FileCoverage> {
    let bytecode = compiler().compile(source.text.as_bytes()).ok()?;
    let lua = Lua::new();
    let main = lua.load(bytecode).into_function().ok()?;
    Some(counted(&main))
}

/// What a file's function and those inside of it have counted.
fn counted(main: &Function) -> FileCoverage {
    let mut counted = FileCoverage::default();
    main.coverage(|part| {
        let hits = (0_u32..).zip(&part.hits).filter(|(_, hits)| **hits >= 0);
        let hits: Vec<(u32, u64)> = hits
            .map(|(line, hits)| (line, u64::from(hits.unsigned_abs())))
            .collect();
        for (line, hits) in &hits {
            // Several functions may have a part of one line.
            let known = counted.lines.entry(*line).or_default();
            *known = (*known).max(*hits);
        }
        if let Some(name) = part.function {
            let line = u32::try_from(part.line_defined).unwrap_or_default();
            let runs = hits.first().map_or(0, |(_, hits)| *hits);
            counted.functions.insert((line, name), runs);
        }
    });
    counted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::resolve::ModuleId;

    #[test]
    fn lines_with_code_are_counted() {
        let text = "local function twice(x)\n    if x > 1 then\n        return x\n    end\n    return 2 * x\nend\n-- a comment\nreturn twice(1) + twice(1)\n";
        let source = Source::new(ModuleId::new("utils/twice"), text);
        let unrun = never_run(&source).unwrap();
        assert_eq!(
            unrun.lines.keys().copied().collect::<Vec<_>>(),
            [1, 2, 3, 5, 8]
        );
        assert!(unrun.lines.values().all(|hits| *hits == 0));

        let lua = Lua::new();
        let main = lua
            .load(compiler().compile(text).unwrap())
            .into_function()
            .unwrap();
        main.call::<u32>(()).unwrap();
        let counted = counted(&main);
        let hits: Vec<_> = counted.lines.into_iter().collect();
        assert_eq!(hits, [(1, 1), (2, 2), (3, 0), (5, 2), (8, 1)]);
        assert_eq!(counted.functions[&(1, "twice".to_owned())], 2);
    }
}
