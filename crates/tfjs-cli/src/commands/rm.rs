//! `tfjs rm`: removes a model.

use crate::output::{self, Failure};

pub(super) async fn run(url: &str, json: bool) -> Result<(), Failure> {
    let info = tfjs_io::remove_model(url).await?;
    if json {
        output::json(&info)
    } else {
        output::lines([format!("removed {url} ({} of weights)", output::bytes(info.weight_data_bytes))])
    }
}
