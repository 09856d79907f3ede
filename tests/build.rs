//! Takes the handlers out of the documentation that explains how to write one, for `handlers.rs` to compile and to try.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// Documents, each with the name of its handler's file.
const DOCUMENTS: [(&str, &str); 2] =
    [("../crates/tfjs-router/README.md", "readme.rs"), ("../docs/guides/custom-handler.md", "guide.rs")];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::var("OUT_DIR")?;
    for (document, name) in DOCUMENTS {
        println!("cargo::rerun-if-changed={document}");
        let handler = handler(&fs::read_to_string(document)?);
        let handler = handler.ok_or_else(|| format!("{document} has no handler any more"))?;
        fs::write(Path::new(&folder).join(name), handler)?;
    }
    Ok(())
}

/// The first block of Rust in which there is one, up to what readers do not see: there the block begins to use it.
fn handler(document: &str) -> Option<String> {
    let mut blocks = document.split("```rust\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let block = blocks.find(|block| block.contains("impl SaveHandler for"))?;
    let lines: Vec<_> = block.lines().take_while(|line| !line.starts_with("# ")).collect();
    Some(lines.join("\n"))
}
