//! Makes the binary small: what the linker can do, measured in bench/results/build.md.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |key: &str, value: &str| std::env::var(key).is_ok_and(|found| found == value);
    // There rustc brings its own LLD, which knows these options.
    if is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && is("CARGO_CFG_TARGET_ARCH", "x86_64")
    {
        // 380,000 relocations of eight bytes each as a bitmap; folding of functions with the same code; no symbols
        // (cargo's `strip` leaves them in).
        for option in ["-z,pack-relative-relocs", "--icf=all", "--strip-all"] {
            println!("cargo:rustc-link-arg-bins=-Wl,{option}");
        }
    }
}
