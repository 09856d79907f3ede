//! Takes the programs out of the guide for programs in a page, for `guide.rs` to compile and the page to run.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

const GUIDE: &str = "../../docs/guides/browser-app.md";

/// Files for its blocks of Rust.
const PROGRAMS: [&str; 2] = ["errors.rs", "cancelling.rs"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={GUIDE}");
    let guide = fs::read_to_string(GUIDE)?;
    let blocks: Vec<_> = guide.split("```rust,no_run\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    if blocks.len() != PROGRAMS.len() {
        return Err(format!("{GUIDE} has {} programs: {} were expected", blocks.len(), PROGRAMS.len()).into());
    }
    for (name, block) in PROGRAMS.iter().zip(blocks) {
        // What readers do not see stands for what another block has.
        let lines: Vec<_> = block.lines().filter(|line| !line.starts_with("# ")).collect();
        fs::write(Path::new(&env::var("OUT_DIR")?).join(name), lines.join("\n"))?;
    }
    Ok(())
}
