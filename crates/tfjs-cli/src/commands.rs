//! The subcommands, one module each.

mod completions;
mod convert;
mod diff;
mod graph;
mod inspect;
mod ls;
mod man;
mod rm;
pub(crate) mod serve;
mod summary;
mod sync;
mod tensors;
mod transfer;
mod verify;

use tfjs_io::ModelArtifacts;

use crate::args::{Command, Source, surplus_bytes};
use crate::output::Failure;

pub(crate) async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Inspect(source) => inspect::run(&source).await,
        Command::Tensors { source, name, check } => tensors::run(&source, name.as_deref(), check).await,
        Command::Summary(source) => summary::run(&source).await,
        Command::Diff(diff) => diff::run(&diff).await,
        Command::Graph(graph) => graph::run(&graph).await,
        Command::Verify(source) => verify::run(&source).await,
        Command::Cp(transfer) => transfer::run(&transfer, transfer::Kind::Copy).await,
        Command::Mv(transfer) => transfer::run(&transfer, transfer::Kind::Move).await,
        Command::Convert(convert) => convert::run(&convert).await,
        Command::Sync(sync) => sync::run(&sync).await,
        Command::Rm { url, json, allow_surplus, trust } => {
            rm::run(&url, json, surplus_bytes(allow_surplus), &trust).await
        }
        Command::Ls { url, json } => ls::run(&url, json).await,
        Command::Serve(serve) => serve::run(&serve, std::future::pending()).await,
        Command::Completions { shell } => completions::run(shell),
        Command::Man { folder } => man::run(&folder),
    }
}

/// Loads a model without reading its weights.
async fn load_lazily(source: &Source) -> Result<ModelArtifacts, tfjs_io::Error> {
    source.reading.http.router()?.load(&source.url, &source.reading.lazily()).await
}
