//! Where the checker is.

use std::env::{self, consts::EXE_SUFFIX};
use std::path::{Path, PathBuf};

/// What builds it.
pub const BUILD: &str = "cargo build --manifest-path tools/typecheck/Cargo.toml";

const NAME: &str = "cogsmith-typecheck";

/// Where cargo puts it, from the folder of `config.json`.
const BUILT: [&str; 2] = [
    "tools/typecheck/target/release",
    "tools/typecheck/target/debug",
];

/// The checker: beside this program, or where it is built. Nothing if it is in neither place.
pub fn program(root: &Path) -> Option<PathBuf> {
    let own = env::current_exe().ok();
    let own = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let built = BUILT.iter().map(|folder| root.join(folder));
    let mut folders = own.into_iter().chain(built);
    folders.find_map(|folder| {
        let program = folder.join(format!("{NAME}{EXE_SUFFIX}"));
        program.is_file().then_some(program)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_the_project_is_found() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(program(root.path()), None);
        let folder = root.path().join(BUILT[1]);
        std::fs::create_dir_all(&folder).unwrap();
        let built = folder.join(format!("{NAME}{EXE_SUFFIX}"));
        std::fs::write(&built, "").unwrap();
        assert_eq!(program(root.path()), Some(built));
    }
}
