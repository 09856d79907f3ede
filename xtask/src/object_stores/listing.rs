//! Many models below one prefix: listed page by page, in memory that does not grow with them.

use std::path::Path;

use anyhow::{Result, ensure};

use super::Stores;
use super::server::Took;

const FEW: usize = 2_500;
const MANY: usize = 10_000;
/// What a page of a list has at most.
const PAGE: usize = 1_000;
const LIMIT_KIB: u64 = 48 * 1024;

pub(super) fn run(stores: &Stores<'_>, _folder: &Path) -> Result<()> {
    let (few, many) = (list(stores, FEW)?, list(stores, MANY)?);
    let times = many.time.as_secs_f64() / few.time.as_secs_f64();
    println!("object-stores: four times the models took {times:.1} times as long");
    // Twice what is linear: the machine may be busy.
    ensure!(times < 8.0, "four times the models took {times:.1} times as long: more than linear");
    Ok(())
}

fn list(stores: &Stores<'_>, models: usize) -> Result<Took> {
    let server = stores.google(models)?;
    let before = server.counts()?;
    let (printed, took) = stores.measure(&server, &["ls", "gs://bucket/models"])?;
    let counts = server.counts()?.since(before);
    let listed = printed.lines().filter(|line| line.contains("gs://bucket/models/m")).count();
    ensure!(listed == models, "{listed} of {models} models were listed");
    let pages = models.div_ceil(PAGE) as u64;
    ensure!(counts.lists == pages, "{} pages were asked for, there are {pages}", counts.lists);
    let most = pages + models as u64;
    ensure!(counts.requests <= most, "{} requests for {models} models, {most} are enough", counts.requests);
    took.at_most(&format!("{models} models listed in {pages} pages, {} requests", counts.requests), LIMIT_KIB)
}
