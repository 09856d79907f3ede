//! Connections: how many, how slow, and how they end.

mod guarded;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use self::guarded::Guarded;
use crate::ServeOptions;

/// Answers connections with a router until `shutdown` is done; then lets requests that are under way end, as long as the
/// options allow. What is not done by then is dropped: an upload leaves nothing behind.
///
/// It guards what the router cannot see: slow heads, clients that take no answer, too many connections. HTTP/1.1 is spoken;
/// put a proxy in front for TLS and HTTP/2.
pub async fn serve(listener: TcpListener, router: Router, options: ServeOptions, shutdown: impl Future<Output = ()>) {
    let (end, ended) = watch::channel(false);
    let slots = Arc::new(Semaphore::new(options.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = async {
            // A slot before a connection: those that are too many wait in the system's queue.
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            (slot, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let connection = connection(stream, router.clone(), options.clone(), ended.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    // Mostly too many open files, which others will close.
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    let _ = end.send(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(options.shutdown_timeout, all).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections are cut off");
        connections.shutdown().await;
    }
}

/// Answers the requests of one connection.
async fn connection(stream: TcpStream, router: Router, options: ServeOptions, mut ended: watch::Receiver<bool>) {
    // Answers are written in large pieces; the last must not wait for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Guarded::new(stream, options.write_timeout));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .max_buf_size(options.max_head_bytes.max(8 << 10))
        .serve_connection(io, TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = async { drop(ended.wait_for(|ended| *ended).await) } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke off");
    }
}
