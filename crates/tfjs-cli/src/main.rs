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

/// Waits until somebody wants the process to end.
async fn end_requested() {
    #[cfg(unix)]
    let ended = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => terminate.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let ended = std::future::pending::<Option<()>>();
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => {
            if pressed.is_err() {
                std::future::pending::<()>().await;
            }
        }
        _ = ended => {}
    }
}
