//! A table of attacks, each with the rule that stops it: through the real loaders and the server that receives uploads, each
//! is an error of the right kind, quickly, in little memory, and touches nothing outside.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod folders;
mod json;
mod site;
mod table;
mod uploads;
mod web;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tfjs_fs::FsHandler;
use tfjs_http::{HttpClient, HttpHandler, RetryPolicy};
use tfjs_io::{Error, Limit, Limits, LoadHandler, LoadOptions, decode_weights};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::site::Site;
use crate::table::{Attack, How, WEIGHTS};

/// How long an attack may take, on a machine that has time for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Says to the process that it is the one whose memory is measured.
const MEASURED: &str = "TFJS_ATTACKS_MEASURED";

#[tokio::test]
async fn every_attack_is_refused() {
    let attacks: Vec<_> =
        json::attacks().into_iter().chain(folders::attacks()).chain(web::attacks()).chain(uploads::attacks()).collect();
    let (mut refused, mut problems) = (0, Vec::new());
    for attack in &attacks {
        match refuse(attack).await {
            Ok(doors) => refused += doors,
            Err(problem) => problems.push(format!("{}: {problem}", attack.name)),
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let distinct: std::collections::BTreeSet<_> = attacks.iter().map(|attack| attack.name).collect();
    assert_eq!(distinct.len(), attacks.len(), "each has a name of its own");
    tell(&format!("{} attacks were refused at {refused} doors", attacks.len()));
    if std::env::var_os(MEASURED).is_some() {
        tell(&format!("peak of {} KiB", peak_kib()));
    }
}

/// The page about security has each limit with its default.
#[test]
fn the_table_of_limits_is_that_of_the_code() {
    let page = include_str!("../../docs/security.md");
    let rows: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | ")).collect();
    assert_eq!(rows.len(), Limit::ALL.len());
    for (limit, (name, rest)) in Limit::ALL.into_iter().zip(rows) {
        let default = rest.split([' ', '|']).next().unwrap();
        assert_eq!((name, default), (limit.name(), limit.default_value().to_string().as_str()));
    }
}

/// In a process of its own: what other tests take at the same time does not count.
#[cfg(target_os = "linux")]
#[test]
fn all_attacks_together_take_64_mib() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let output = child.args(["every_attack_is_refused", "--exact", "--nocapture"]).env(MEASURED, "1").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let peak = text.split_once("peak of ").and_then(|(_, rest)| rest.split_once(" KiB")).unwrap().0;
    let peak: u64 = peak.parse().unwrap();
    tell(&format!("all attacks together took {peak} KiB"));
    assert!(peak < 64 << 10, "{peak} KiB");
}

/// Tries it at each of its doors, and says at how many.
async fn refuse(attack: &Attack) -> Result<usize, String> {
    match attack.how {
        How::Json(json) => {
            at_folder(attack, |folder| model(folder, json)).await?;
            at_site(attack, |site| served_model(site, json)).await?;
            at_server(attack, || uploads::of_json(json), None).await?;
            Ok(3)
        }
        How::Read(json) => {
            at_folder(attack, |folder| model(folder, json)).await?;
            at_site(attack, |site| served_model(site, json)).await?;
            Ok(2)
        }
        How::Folder(make) => {
            at_folder(attack, make).await?;
            Ok(1)
        }
        How::Web(make) => {
            at_site(attack, make).await?;
            Ok(1)
        }
        How::Upload(make, status) => {
            at_server(attack, make, Some(status)).await?;
            Ok(1)
        }
    }
}

fn model(folder: &Path, json: &[u8]) -> &'static str {
    fs::write(folder.join("model.json"), json).unwrap();
    ""
}

fn served_model(site: &mut Site, json: &[u8]) -> Limits {
    site.file("/m/model.json", json);
    site.file("/m/w.bin", WEIGHTS);
    Limits::new()
}

/// A folder with `model`, in which `w.bin` is, and `secret.bin` beside it.
fn surroundings() -> TempDir {
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("model")).unwrap();
    fs::write(outside.path().join("model/w.bin"), WEIGHTS).unwrap();
    fs::write(outside.path().join("secret.bin"), WEIGHTS).unwrap();
    outside
}

async fn at_folder(attack: &Attack, make: impl FnOnce(&Path) -> &'static str) -> Result<(), String> {
    let outside = surroundings();
    let folder = outside.path().join("model");
    let path = folder.join(make(&folder));
    let before = listing(outside.path());
    for options in [LoadOptions::new(), LoadOptions::lazy()] {
        let handler = FsHandler::from_path(&path);
        check(attack, "folder", async || load(&handler, &options).await).await?;
    }
    untouched(&outside, &before)
}

async fn at_site(attack: &Attack, make: impl FnOnce(&mut Site) -> Limits) -> Result<(), String> {
    let mut site = Site::default();
    let limits = make(&mut site);
    let served = site.serve().await;
    let client = HttpClient::new().with_retry(RetryPolicy::new().with_attempts(1));
    let handler = HttpHandler::from_url(&format!("{}/m/model.json", served.url), &client).unwrap();
    check(attack, "web", async || load(&handler, &LoadOptions::new().with_limits(limits)).await).await
}

/// Loads a model and decodes all of it.
async fn load(handler: &dyn LoadHandler, options: &LoadOptions) -> Result<(), Error> {
    let artifacts = handler.load(options).await?;
    if let Some(weights) = &artifacts.weights {
        weights.verify().await?;
        weights.verify_checksums().await?;
        decode_weights(weights).await?;
    }
    Ok(())
}

async fn check(attack: &Attack, door: &str, load: impl AsyncFn() -> Result<(), Error>) -> Result<(), String> {
    let Err(error) = in_time(load).await? else { return Err(format!("{door}: it went through; {}", attack.rule)) };
    let text = error.chain().to_string();
    if error.kind() == attack.kind && text.contains(attack.says) {
        return Ok(());
    }
    Err(format!("{door}: not {:?} with `{}`, but {:?}: {text}", attack.kind, attack.says, error.kind()))
}

/// Sends an upload to a server of models. It answers with the status, or with any that blames the client.
async fn at_server(attack: &Attack, make: impl FnOnce() -> Vec<u8>, status: Option<u16>) -> Result<(), String> {
    let outside = surroundings();
    let models = outside.path().join("models");
    fs::create_dir(&models).unwrap();
    let before = listing(outside.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut options = tfjs_server::ServerOptions::new();
    // By default 16 MiB, of which the test would take several times as much to make the request.
    options.upload_limits = options.upload_limits.with(Limit::JsonBytes, 1 << 20);
    let app = tfjs_server::router(
        tfjs_server::Models::new(tfjs_io::default_router().unwrap(), models.to_str().unwrap()).unwrap(),
        options,
    );
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let serve = tfjs_server::serve(listener, app, tfjs_server::ServeOptions::new(), async { drop(ended.await) });
    let server = tokio::spawn(serve);
    let request = make();
    let answer = in_time(async || {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The server may answer, and close, before all is sent.
        let _ = stream.write_all(&request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    })
    .await?;
    drop(end);
    server.await.unwrap();
    let answered: u16 = answer.get(9..12).map_or(0, |status| status.parse().unwrap());
    let body: serde_json::Value =
        answer.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok()).unwrap_or_default();
    let error = body.get("error").and_then(serde_json::Value::as_str).unwrap_or_default();
    let is_refused = match status {
        Some(status) => answered == status && error.contains(attack.says),
        None => (400..500).contains(&answered),
    };
    if !is_refused || answer.contains(outside.path().to_str().unwrap()) {
        return Err(format!("upload: not {status:?} with `{}`, but {answer}", attack.says));
    }
    untouched(&outside, &before)
}

fn untouched(outside: &TempDir, before: &[String]) -> Result<(), String> {
    let after = listing(outside.path());
    if after == before { Ok(()) } else { Err(format!("something was touched: {before:?} became {after:?}")) }
}

/// Runs it, and once more, up to twice, should it have taken long: the machine may have had other things to do.
async fn in_time<T>(run: impl AsyncFn() -> T) -> Result<T, String> {
    let mut took = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        let result = run().await;
        took = start.elapsed();
        if took < PATIENCE {
            return Ok(result);
        }
    }
    Err(format!("it took {took:?}"))
}

/// Everything in a folder: names, kinds, lengths, and the beginnings of files.
fn listing(folder: &Path) -> Vec<String> {
    let mut listed = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let beginning =
            if metadata.is_file() && metadata.len() < 1 << 20 { fs::read(&path).unwrap() } else { Vec::new() };
        listed.push(format!("{} {:?} {} {beginning:?}", path.display(), metadata.file_type(), metadata.len()));
        if metadata.is_dir() {
            listed.extend(listing(&path));
        }
    }
    listed.sort();
    listed
}

/// The most memory that this process has had.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

#[expect(clippy::print_stdout, reason = "how many there are is what the test has to say")]
fn tell(text: &str) {
    println!("{text}");
}
