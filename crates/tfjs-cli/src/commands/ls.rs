//! `tfjs ls`: the models below a place.

use futures::TryStreamExt as _;
use futures::stream::StreamExt as _;
use serde::Serialize;
use tfjs_io::{ListedModel, ModelArtifactsInfo};

use crate::args::router;
use crate::output::{self, Failure};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    url: String,
    model_artifacts_info: ModelArtifactsInfo,
}

pub(super) async fn run(url: &str, json: bool) -> Result<(), Failure> {
    let mut models = router()?.list_models(url).into_stream();
    let (mut rows, mut failed) = (Vec::new(), false);
    while let Some(model) = models.next().await {
        match model {
            Ok(ListedModel { url, info, .. }) => rows.push(Row { url: url.to_string(), model_artifacts_info: info }),
            // A broken model must not hide the others.
            Err(error) => {
                failed = true;
                output::error(&error);
            }
        }
    }
    if json {
        output::json(&rows)?;
    } else {
        let cells = |row: &Row| {
            let info = &row.model_artifacts_info;
            vec![info.date_saved.to_string(), output::bytes(info.weight_data_bytes), row.url.clone()]
        };
        output::table(&rows.iter().map(cells).collect::<Vec<_>>())?;
    }
    if failed { Err(Failure::Told) } else { Ok(()) }
}
