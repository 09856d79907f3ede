//! The `tfjs` command.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod output;
mod progress;

use std::process::ExitCode;

use args::{Args, Command};
use output::{Failure, message, report};

fn main() -> ExitCode {
    let args = Args::read();
    // A server has many things to do at a time; all other commands have one.
    let runtime = match &args.command {
        Command::Serve(_) => tokio::runtime::Builder::new_multi_thread().enable_all().build(),
        _ => tokio::runtime::Builder::new_current_thread().enable_all().build(),
    };
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure::from(error)),
    };
    let command = async {
        if let Command::Serve(serve) = &args.command {
            return commands::serve::run(serve, end_requested()).await;
        }
        // Dropping a command that is interrupted takes back what it has begun.
        tokio::select! {
            done = commands::run(args.command) => done,
            () = end_requested() => {
                message("error: interrupted");
                Err(Failure::Told)
            }
        }
    };
    match runtime.block_on(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

/// Waits until somebody wants the process to end. From the call on, not from when it is waited for: who sees what a command
/// prints may end it.
#[cfg(unix)]
fn end_requested() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let asks = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    async {
        let [mut interrupt, mut terminate] = asks;
        tokio::select! {
            () = received(&mut interrupt) => {}
            () = received(&mut terminate) => {}
        }
    }
}

/// Waits for a signal; for ever if the system does not tell of it.
#[cfg(unix)]
async fn received(signal: &mut std::io::Result<tokio::signal::unix::Signal>) {
    match signal {
        Ok(signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}

/// Waits until somebody wants the process to end.
#[cfg(not(unix))]
async fn end_requested() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
