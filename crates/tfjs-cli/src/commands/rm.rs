//! `tfjs rm`: removes a model.

use tfjs_io::{Limits, RemoveOptions, SurplusBytes};

use crate::args::{TrustArgs, router};
use crate::output::{self, Failure};

pub(super) async fn run(url: &str, json: bool, surplus_bytes: SurplusBytes, trust: &TrustArgs) -> Result<(), Failure> {
    let options = RemoveOptions::new()
        .with_surplus_bytes(surplus_bytes)
        .with_limits(trust.apply(Limits::new()))
        .with_links(trust.links());
    let info = router()?.remove_model(url, &options).await?;
    if json {
        output::json(&info)
    } else {
        output::lines([format!("removed {url} ({} of weights)", output::bytes(info.weight_data_bytes))])
    }
}
