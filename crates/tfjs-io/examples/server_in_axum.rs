//! The model server inside of a server of one's own, and a client of it: `cargo run -p tfjs-io --example server_in_axum`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use axum::routing::get;
use tfjs_io::{MemoryStore, Router};
use tfjs_server::{Models, ServerOptions, Token};

/// A model of this repository.
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/models/tiny");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Models lie in memory here; any scheme that can list and remove will do.
    let places = Router::builder().route(MemoryStore::new().route()).build()?;
    let models = tfjs_server::router(
        Models::new(places, "memory://")?,
        ServerOptions::new().with_token(Token::new("correct-horse-battery")?),
    );
    let application =
        axum::Router::new().route("/", get(|| async { "an application of one's own" })).nest_service("/models", models);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { axum::serve(listener, application).await });

    // What `model.save('http://.../models/tiny')` of TensorFlow.js does, with its token.
    let client = tfjs_io::HttpClient::new().with_bearer_token("correct-horse-battery")?;
    let router = tfjs_io::default_routes_with(&client).build()?;
    let url = format!("http://{address}/models/tiny/model.json");
    let saved = router.copy_model(TINY, &url, &tfjs_io::LoadOptions::new(), &tfjs_io::SaveOptions::new()).await?;
    println!("uploaded {} bytes of weights to {url}", saved.model_artifacts_info.weight_data_bytes);

    let loaded = tfjs_io::load(&url).await?;
    println!("loaded {:?} from there", loaded.weights.map(|weights| weights.data().byte_length()));
    server.abort();
    Ok(())
}
