//! Compiles the C++ of `src/luau/` against the headers of Luau that the crate `luau-analyze` brings along. That crate
//! has compiled Luau itself.

#![allow(clippy::panic, reason = "a build that cannot go on ends")]

use serde_json::Value;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCES: [&str; 3] = [
    "src/luau/failing.cpp",
    "src/luau/frontend.cpp",
    "src/luau/unknown_fields.cpp",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/luau");
    println!("cargo:rerun-if-changed=Cargo.lock");
    let luau = luau();
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").files(SOURCES);
    for part in ["Analysis", "Ast", "Common", "Compiler", "Config", "VM"] {
        let include = luau.join(part).join("include");
        assert!(include.is_dir(), "{} is not there", include.display());
        // As headers of the system, so that warnings are about this project's own file.
        build.flag("-isystem").flag(include);
    }
    build.compile("cogsmith_luau_frontend");
}

/// The folder of Luau's sources. A build script is not told where a dependency lies, but cargo knows.
fn luau() -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--locked", "--offline", "--format-version", "1"])
        .output()
        .unwrap_or_else(|error| panic!("cargo metadata cannot be run: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata failed: {said}");
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("cargo metadata is not JSON: {error}"));
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .filter(|package| package["name"] == "luau-analyze")
        .filter_map(|package| Path::new(package["manifest_path"].as_str()?).parent())
        .map(|folder| folder.join("luau"))
        .next()
        .unwrap_or_else(|| panic!("luau-analyze is not among the dependencies"))
}
