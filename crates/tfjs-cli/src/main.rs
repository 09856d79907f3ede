//! The `tfjs` command.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod output;
mod progress;

use std::process::ExitCode;

use args::{Args, Command};
use output::{Failure, message, report};
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

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
    let asks = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    // Listening to it would undo what `nohup` does.
    let hangup = is_ended_by_hangup().then(|| signal(SignalKind::hangup()));
    async {
        let [mut interrupt, mut terminate] = asks;
        let mut hangup = hangup.unwrap_or_else(|| Err(std::io::ErrorKind::Unsupported.into()));
        tokio::select! {
            () = received(&mut interrupt) => {}
            () = received(&mut terminate) => {}
            () = received(&mut hangup) => {}
        }
    }
}

/// Whether the end of a terminal ends the process, as far as the system tells: Linux does.
#[cfg(unix)]
fn is_ended_by_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    let hangup = SignalKind::hangup().as_raw_value() - 1;
    ignored.is_some_and(|ignored| ignored & (1 << hangup) == 0)
}

/// Waits for a signal; for ever if the system does not tell of it.
#[cfg(unix)]
async fn received(signal: &mut std::io::Result<Signal>) {
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
