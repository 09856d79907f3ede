//! Copies a model from an object store to the disk, through a window of memory: `cargo run -p tfjs-io --features s3 --example s3_to_disk --
//! s3://bucket/model FOLDER`, with the variables of the environment that the AWS SDKs read.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it does")]

use tfjs_io::{HttpClient, LoadOptions, ObjectStoreRoutes, ProgressSink, SaveOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(source), Some(destination)) = (arguments.next(), arguments.next()) else {
        return Err("usage: s3_to_disk s3://bucket/model FOLDER".into());
    };
    let router = tfjs_io::default_routes_with_stores(&HttpClient::new(), &ObjectStoreRoutes::from_env()).build()?;
    let progress = ProgressSink::new(|progress: tfjs_io::Progress| eprintln!("{progress:?}"));
    let saved = router
        .copy_model(&source, &destination, &LoadOptions::new(), &SaveOptions::new().with_progress(progress))
        .await?;
    println!("{} bytes of weights", saved.model_artifacts_info.weight_data_bytes);
    Ok(())
}
