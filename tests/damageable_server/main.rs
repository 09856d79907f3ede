//! The server of the tests that run in a browser: models that can be damaged, and places where everything goes wrong.
//!
//! `damageable-server [--listen 127.0.0.1:PORT]` prints `listening on http://127.0.0.1:PORT` and serves until it is killed. Beside
//! the routes of tfjs-server there are
//!
//! - `POST /.damage`: `{"model": .., "damage": .., "text": ..}` damages a stored model in the way that has this name in
//!   [`Damage`]; `text` is what `ReplaceJson` puts there;
//! - `/.fault/CASE/FAULT/..`: see [`faults`].
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test's server: a panic is how it fails, and its address is told"
)]

mod faults;
mod reply;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use axum::response::IntoResponse;
use axum::routing::post;
use tfjs_server::ServeOptions;
use tfjs_testkit::Damage;
use tfjs_tests::served;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let damage = post(damage).with_state(Arc::new(folder.path().to_owned()));
    let app = Router::new().route("/.damage", damage).merge(faults::router()).merge(served::app(folder.path()));
    let listener = TcpListener::bind(address()).await.unwrap();
    println!("listening on http://{}", listener.local_addr().unwrap());
    tfjs_server::serve(listener, app, ServeOptions::new(), std::future::pending()).await;
}

/// What `--listen` says, or any port of this machine.
fn address() -> String {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => "127.0.0.1:0".to_owned(),
        ["--listen", address] => address.to_owned(),
        _ => panic!("usage: damageable-server [--listen 127.0.0.1:PORT]"),
    }
}

/// What is to be damaged, and how.
#[derive(serde::Deserialize)]
struct Wanted {
    model: String,
    damage: String,
    #[serde(default)]
    text: String,
}

async fn damage(State(folder): State<Arc<PathBuf>>, body: String) -> impl IntoResponse {
    let wanted: Wanted = serde_json::from_str(&body).unwrap();
    let damage = match wanted.damage.as_str() {
        "ShortenWeights" => Damage::ShortenWeights,
        "LengthenWeights" => Damage::LengthenWeights,
        "ChangeWeights" => Damage::ChangeWeights,
        "RemoveWeights" => Damage::RemoveWeights,
        "WeightsAreHtml" => Damage::WeightsAreHtml,
        // It lives as long as the tests do.
        "ReplaceJson" => Damage::ReplaceJson(wanted.text.leak()),
        "TruncateJson" => Damage::TruncateJson,
        other => panic!("no such damage here: {other}"),
    };
    served::damage(&folder.join(wanted.model), damage);
    (StatusCode::OK, [(ACCESS_CONTROL_ALLOW_ORIGIN, "*")])
}
