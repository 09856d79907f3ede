//! `cargo xtask`: everything that a developer or CI runs on this workspace, the same commands for both.
//!
//! A task that needs a tool and does not find it installs it where it can, or fails with the command to run; it never skips silently.
//! What is fetched or made on the way lies in `target/`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "telling a person at a terminal what happens is what xtask is for"
)]

mod api;
mod azurite;
mod backends;
mod bench;
mod browser;
mod build;
mod bundle;
mod ci;
mod comparison;
mod compiler;
mod conformance;
mod counted;
mod cross;
mod differential;
mod disk;
mod dist;
mod examples;
mod features;
mod fuzz;
mod goldens;
mod graphs;
mod guides;
mod hex;
mod instructions;
mod interop_browser;
mod large;
mod memory;
mod minimal_versions;
mod models;
mod npm;
mod object_stores;
mod oracle;
mod package;
mod page;
mod project;
mod runner;
mod services;
mod size;
mod soak;
mod tensor_files;
mod tfjs;
mod tidy;
mod toolchain;
mod tools;
mod wasm;
mod zoo;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::project::Project;

/// The developer's tasks of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run everything that CI runs; the last line printed is `N passed, M failed`
    Ci(ci::Options),
    /// Check the house rules that neither rustfmt nor clippy knows
    Tidy,
    /// Fetch the published models that conformance reads, into target/models
    Models,
    /// Write tests/goldens and tests/models anew, with the real TensorFlow.js
    Goldens {
        /// Write nothing; fail if what is committed differs
        #[arg(long)]
        check: bool,
    },
    /// Run the examples
    Examples,
    /// Run what the guides tell their readers to run
    Guides,
    /// Compare with the real TensorFlow.js, tensor by tensor, reading and writing
    Conformance,
    /// Compare what TensorFlow.js says of graphs with what we say
    Graphs,
    /// Compare files of safetensors and NumPy with what the Python packages read and write
    TensorFiles,
    /// Compare with the real TensorFlow.js over random models, whole and damaged
    Differential(differential::Options),
    /// Compare with the real TensorFlow.js over models with every class of layer: summaries, and what they predict when we have saved them
    Zoo,
    /// Fuzz the parsers and decoders: input that nobody would write by hand
    Fuzz(fuzz::Options),
    /// Build for this machine or another target, with a compiler that has it
    Build(build::Options),
    /// Run the same tests on every target, and compare the digests of the same models
    Cross(cross::Options),
    /// Compile what runs in a browser for one, without a warning
    Wasm,
    /// Run the tests that need a browser, in Chromium
    Browser(browser::Options),
    /// Let the real TensorFlow.js and this workspace read what the other has stored, in a real Chromium
    Interop(interop_browser::Options),
    /// Measure what a page has to download, and demand that it is small
    Size(size::Options),
    /// Try every step of a save as the last one, kill processes that save, and demand that nothing is lost
    Soak(soak::Options),
    /// Keep models in an emulator of Azure Blob Storage, with the command, and run the suite of every backend there
    Azurite,
    /// Build the page that manages models, and serve it with a folder of models
    Page(page::Options),
    /// Run the suites of all backends, and compare the tables of what each can do with what they have shown
    Backends {
        /// Write the tables anew
        #[arg(long)]
        write: bool,
    },
    /// Compare the public items of every crate with those that docs/api keeps
    Api(api::Options),
    /// Compile every crate without its features, and with each alone
    Features,
    /// Compile the crates with the oldest versions of their dependencies that Cargo.toml allows
    MinimalVersions,
    /// Check the crates with the oldest Rust that they declare
    Msrv,
    /// Make every crate as it would be published
    Package(package::Options),
    /// Keep models in object stores, with the command: kill it, count what it reads, and measure its memory
    ObjectStores,
    /// Copy a model of 5 GiB and demand that it takes at most 64 MiB of memory
    Memory(memory::Options),
    /// Measure, and compare with plain copies, plain I/O, and TensorFlow.js
    Bench(bench::Options),
    /// Count the instructions of the loops over weights, and demand that they are not more than before
    Instructions {
        /// Make what is counted the new baseline
        #[arg(long)]
        write: bool,
    },
}

fn main() -> ExitCode {
    // Cargo knows no arguments for a program that it calls as rustdoc but those of rustdoc.
    let code = if api::is_called_as_rustdoc() { api::rustdoc() } else { run(Arguments::parse().task) };
    match code {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    let project = Project::find()?;
    match task {
        // The summary must be the last line, so a failure is told by the exit code alone.
        Task::Ci(options) => return Ok(ci::run(&project, &options)),
        Task::Tidy => tidy::run(&project)?,
        Task::Models => models::list(&project)?,
        Task::Goldens { check: true } => goldens::check(&project)?,
        Task::Goldens { check: false } => goldens::write(&project)?,
        Task::Examples => examples::run(&project)?,
        Task::Guides => guides::run(&project)?,
        Task::Conformance => conformance::run(&project)?,
        Task::Graphs => graphs::run(&project)?,
        Task::TensorFiles => tensor_files::run(&project)?,
        Task::Differential(options) => differential::run(&project, &options)?,
        Task::Zoo => zoo::run(&project)?,
        Task::Fuzz(options) => fuzz::run(&project, &options)?,
        Task::Build(options) => build::run(&project, &options)?,
        Task::Cross(options) => cross::run(&project, &options)?,
        Task::Browser(options) => browser::run(&project, &options)?,
        Task::Interop(options) => interop_browser::run(&project, &options)?,
        Task::Size(options) => size::check(&project, options)?,
        Task::Wasm => wasm::check(&project)?,
        Task::Soak(options) => soak::run(&project, &options)?,
        Task::Page(options) => page::run(&project, &options)?,
        Task::Api(options) => api::run(&project, options)?,
        Task::Features => features::check(&project)?,
        Task::MinimalVersions => minimal_versions::check(&project)?,
        Task::Msrv => toolchain::check(&project)?,
        Task::Package(options) => package::run(&project, options)?,
        Task::Azurite => azurite::judge(&project)?,
        Task::Backends { write } => backends::run(&project, write)?,
        Task::ObjectStores => object_stores::run(&project).map(drop)?,
        Task::Memory(options) => memory::run(&project, &options)?,
        Task::Bench(options) => bench::run(&project, &options)?,
        Task::Instructions { write: false } => instructions::check(&project)?,
        Task::Instructions { write: true } => instructions::write(&project)?,
    }
    Ok(ExitCode::SUCCESS)
}
