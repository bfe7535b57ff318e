//! Writes hanok-pit's `mod` lines down with the paths of their files, without those that name the query engine.

use std::path::Path;
use std::{env, fs};

const ENGINE: &str = "use datafusion::";

fn main() {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let source = Path::new(&manifest).join("../../crates/hanok-pit/src");
    let read = |name: &str| fs::read_to_string(source.join(name)).expect("a source file of hanok-pit");
    let mut modules = String::new();
    for line in read("lib.rs").lines().filter(|line| line.starts_with("mod ")) {
        let name = line.trim_start_matches("mod ").trim_end_matches(';');
        let file = format!("{name}.rs");
        if !read(&file).contains(ENGINE) {
            modules += &format!("#[path = {:?}]\n{line}\n", source.join(&file));
        }
        println!("cargo::rerun-if-changed={}", source.join(&file).display());
    }
    println!("cargo::rerun-if-changed={}", source.join("lib.rs").display());
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("modules.rs"), modules).expect("a folder to write to");
}
