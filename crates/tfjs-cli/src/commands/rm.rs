//! `tfjs rm`: removes a model.

use tfjs_io::{Location, RemoveOptions, SurplusBytes};

use crate::args::{TrustArgs, router};
use crate::output::{self, Failure};

pub(super) async fn run(url: &str, json: bool, surplus_bytes: SurplusBytes, trust: &TrustArgs) -> Result<(), Failure> {
    let options =
        RemoveOptions::new().with_surplus_bytes(surplus_bytes).with_limits(trust.limits()).with_links(trust.links());
    let info = router()?.remove_model(url, &options).await?;
    // A token in a URL is for the server, not for a log.
    let place = Location::new(url);
    let told = if json {
        output::json(&info)
    } else {
        output::lines([format!("removed {place} ({} of weights)", output::bytes(info.weight_data_bytes))])
    };
    told.map_err(|failure| failure.after(|| format!("the model at {place} was removed all the same")))
}
