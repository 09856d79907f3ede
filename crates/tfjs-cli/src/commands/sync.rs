//! `tfjs sync`: many models, only what changed.

use serde::Serialize;
use tfjs_io::{Compare, Durability, Error, Location, Resume, SaveOptions, SyncAction, SyncItem, SyncOptions, SyncPlan};

use crate::args::Sync;
use crate::output::{self, Failure};
use crate::progress;

/// What is printed with `--json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'r> {
    dry_run: bool,
    models: &'r [Row],
    /// What went wrong with models that could not be looked at.
    errors: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    source: Option<String>,
    destination: String,
    action: String,
    bytes: u64,
    error: Option<String>,
}

pub(super) async fn run(sync: &Sync) -> Result<(), Failure> {
    let (router, options) = (sync.reading.http.router_with(sync.upload)?, options(sync));
    let plan = router.plan_sync(&sync.source, &sync.destination, &options).await?;
    let failed = if sync.dry_run { Vec::new() } else { router.run_sync(&plan, &options).await };
    for error in plan.errors.iter().chain(failed.iter().map(|(_, error)| error)) {
        output::error(error);
    }
    let is_whole = plan.errors.is_empty() && failed.is_empty();
    // What goes comes last: if some of it could not be removed, the rest was.
    let is_delete = |index: &usize| plan.items.get(*index).is_some_and(|item| item.action == SyncAction::Delete);
    let is_copied = plan.errors.is_empty() && failed.iter().all(|(index, _)| is_delete(index));
    if !is_copied && plan.items.iter().any(|item| item.action == SyncAction::Delete) && !sync.dry_run {
        output::message("nothing was removed, since not all models could be copied or looked at");
    }
    let rows: Vec<_> =
        plan.items.iter().enumerate().map(|(index, item)| row(index, item, &failed, is_copied)).collect();
    let told = if sync.json {
        output::json(&Report {
            dry_run: sync.dry_run,
            models: &rows,
            errors: plan.errors.iter().map(|error| error.chain().to_string()).collect(),
        })
    } else {
        tell(sync, &plan, &rows)
    };
    told.map_err(|failure| if sync.dry_run { failure } else { failure.after(|| done(&rows)) })?;
    if is_whole { Ok(()) } else { Err(Failure::Told) }
}

/// What was done, when the rows cannot be printed.
fn done(rows: &[Row]) -> String {
    let idle = [SyncAction::Unchanged.to_string(), KEPT.to_owned()];
    let done = rows.iter().filter(|row| row.error.is_none() && !idle.contains(&row.action)).count();
    format!("copied or removed all the same: {done} of {}", rows.len())
}

/// What becomes of a model that would have been removed, if not all of the others could be copied.
const KEPT: &str = "kept";

fn options(sync: &Sync) -> SyncOptions {
    let mut options = SyncOptions::new();
    options.load = sync.reading.lazily();
    options.save = SaveOptions::new().with_links(sync.reading.trust.links());
    options.save.resume = sync.resume.then(Resume::new);
    if sync.no_sync {
        options.save.durability = Durability::Relaxed;
    }
    if sync.checksum {
        options.compare = Compare::Bytes;
    }
    (options.delete, options.allow_empty) = (sync.delete, sync.force);
    options.models_at_once = sync.jobs;
    options.progress = Some(progress::bar());
    options
}

fn row(index: usize, item: &SyncItem, failed: &[(usize, Error)], is_copied: bool) -> Row {
    let location = |url: &tfjs_io::ModelUrl| Location::new(&url.to_string()).to_string();
    let error = failed.iter().find(|(of, _)| *of == index).map(|(_, error)| error.chain().to_string());
    let stays = item.action == SyncAction::Delete && !is_copied;
    Row {
        name: item.name.clone(),
        source: item.source.as_ref().map(location),
        destination: location(&item.destination),
        action: if stays { KEPT.to_owned() } else { item.action.to_string() },
        bytes: item.bytes,
        error,
    }
}

/// For people: what is done, and how much is the same.
fn tell(sync: &Sync, plan: &SyncPlan, rows: &[Row]) -> Result<(), Failure> {
    let is_done = |row: &&Row| row.action != SyncAction::Unchanged.to_string();
    let cells = |row: &Row| {
        let result = if row.error.is_some() { "failed" } else { &row.action };
        let name = if row.name.is_empty() { row.destination.clone() } else { row.name.clone() };
        vec![result.to_owned(), output::bytes(row.bytes), name]
    };
    let table: Vec<_> = rows.iter().filter(is_done).map(cells).collect();
    output::table(&table)?;
    let unchanged = plan.items.iter().filter(|item| item.action == SyncAction::Unchanged).count();
    let [source, destination] = [&sync.source, &sync.destination].map(|url| Location::new(url));
    let would = if sync.dry_run { "nothing was changed: " } else { "" };
    let models = output::count(plan.items.len(), "model");
    let are = if plan.items.len() == 1 { "is" } else { "are" };
    output::lines([format!("{would}{source} to {destination}: {unchanged} of {models} {are} unchanged")])
}
