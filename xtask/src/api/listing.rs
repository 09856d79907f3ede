//! The public items of libraries, as rustdoc tells them to the crate public-api.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use public_api::Builder;
use serde::Deserialize;

use super::rustdoc;
use crate::compiler::Compiler;
use crate::project::{Package, Project};

/// The format of rustdoc's JSON that this version of public-api reads. To read a later one, raise the version of public-api in
/// Cargo.toml together with `rust-version`.
const FORMAT: u32 = 57;

/// What the compiler finds out by itself, and nobody relies on: `Send`, `Sync` and `Unpin` are enough.
const LEFT_OUT: [&str; 5] = [
    "core::marker::Freeze",
    "core::marker::StructuralPartialEq",
    "core::marker::UnsafeUnpin",
    "core::panic::unwind_safe::RefUnwindSafe",
    "core::panic::unwind_safe::UnwindSafe",
];

#[derive(Deserialize)]
struct Head {
    format_version: u32,
}

/// The items of each package, by its name: first what a module has, then what is below it, always in the same order.
pub(super) fn of(
    project: &Project,
    compiler: &Compiler,
    packages: &[&Package],
) -> Result<BTreeMap<String, Vec<String>>> {
    let named = packages.iter().flat_map(|package| ["--package", &package.name]);
    let cargo = compiler.cargo(project, "doc")?.args(["--no-deps", "--all-features", "--lib"]).args(named);
    rustdoc::writes_json(cargo, compiler.is_stable())?.run()?;

    let folder = compiler.output("doc");
    let mut listings = BTreeMap::new();
    for package in packages {
        let library = package.library().with_context(|| format!("{} has no library", package.name))?;
        let items = read(&folder.join(format!("{library}.json")))?;
        ensure!(!items.is_empty(), "rustdoc found no public item in {}", package.name);
        listings.insert(package.name.clone(), items);
    }
    Ok(listings)
}

fn read(path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let head: Head = serde_json::from_str(&text).with_context(|| format!("{} is not rustdoc's", path.display()))?;
    ensure!(
        head.format_version == FORMAT,
        "{} has format {}, and {FORMAT} is read: use a compiler of the version that Cargo.toml declares",
        path.display(),
        head.format_version
    );
    let api = Builder::from_rustdoc_json(path).omit_blanket_impls(true).build();
    let api = api.with_context(|| format!("reading {}", path.display()))?;
    Ok(api.items().map(ToString::to_string).filter(|item| !is_left_out(item)).collect())
}

fn is_left_out(item: &str) -> bool {
    let implementation = item.strip_prefix("impl ").map(|rest| rest.trim_start_matches('!'));
    // `impl<T> core::marker::Freeze for Type<T>`
    let with_generics = || item.strip_prefix("impl<").and_then(|rest| rest.split_once("> ")).map(|(_, rest)| rest);
    implementation.or_else(with_generics).is_some_and(|rest| {
        LEFT_OUT
            .iter()
            .any(|name| rest.trim_start_matches('!').strip_prefix(name).is_some_and(|rest| rest.starts_with(" for ")))
    })
}

#[cfg(test)]
mod tests {
    use super::is_left_out;

    #[test]
    fn what_nobody_relies_on_is_left_out() {
        for item in [
            "impl core::marker::Freeze for a::B",
            "impl !core::panic::unwind_safe::UnwindSafe for a::B",
            "impl<T> !core::panic::unwind_safe::RefUnwindSafe for a::B<T>",
            "impl<'a, T> core::marker::UnsafeUnpin for a::B<'a, T> where T: core::marker::UnsafeUnpin",
        ] {
            assert!(is_left_out(item), "{item}");
        }
        for item in [
            "impl core::marker::Send for a::B",
            "impl !core::marker::Sync for a::B",
            "impl<T> core::marker::Unpin for a::B<T> where T: core::marker::Unpin",
            "impl a::B",
            "pub fn a::core::marker::Freeze for ()",
        ] {
            assert!(!is_left_out(item), "{item}");
        }
    }
}
