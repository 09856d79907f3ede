//! `tfjs cp` and `tfjs mv`.

use tfjs_io::{Checksums, LoadOptions, SaveOptions, SaveResult};

use crate::args::Transfer;
use crate::output::{self, Failure};
use crate::progress;

pub(super) async fn copy(transfer: &Transfer) -> Result<(), Failure> {
    let (load, save) = options(transfer);
    let router = tfjs_io::default_router()?;
    let saved = router.copy_model(&transfer.source, &transfer.destination, &load, &save).await?;
    tell(transfer, "copied", &saved)
}

pub(super) async fn rename(transfer: &Transfer) -> Result<(), Failure> {
    let (load, save) = options(transfer);
    let router = tfjs_io::default_router()?;
    let saved = router.move_model(&transfer.source, &transfer.destination, &load, &save).await?;
    tell(transfer, "moved", &saved)
}

fn options(transfer: &Transfer) -> (LoadOptions, SaveOptions) {
    let load = LoadOptions::lazy().with_surplus_bytes(transfer.surplus_bytes());
    let mut save = SaveOptions::new().with_progress(progress::bar());
    save.weights_file_name.clone_from(&transfer.weights_file_name);
    save.sharding = transfer.shard_size.unwrap_or_default();
    if transfer.checksums {
        save.checksums = Checksums::Write;
    }
    (load, save)
}

fn tell(transfer: &Transfer, done: &str, saved: &SaveResult) -> Result<(), Failure> {
    if transfer.json {
        return output::json(saved);
    }
    let weights = output::bytes(saved.model_artifacts_info.weight_data_bytes);
    output::lines([format!("{done} {} to {} ({weights} of weights)", transfer.source, transfer.destination)])
}
