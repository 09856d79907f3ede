//! Over the web: what others serve we load, what TensorFlow.js uploads to us comes back the same, and what we upload is received by
//! a server that users of TensorFlow.js have.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail, ensure};

use super::subjects::{Kind, Subject};
use crate::comparison::{self, Comparison};
use crate::oracle::{Answer, Job, Oracle, RequestInit, Tensor};
use crate::project::Project;
use crate::services::Service;
use crate::tfjs::Tfjs;
use crate::tools;

/// What `tfjs serve` asks uploads for here.
const TOKEN: &str = "token-of-the-conformance-run";

/// One exchange, and how it fared.
struct Exchange {
    what: String,
    comparison: Comparison,
}

/// Compares everything that goes over the web; prints a line for each exchange and one for each kind of exchange.
pub(super) fn run(
    project: &Project,
    oracle: &Oracle<'_>,
    tfjs: &Tfjs<'_>,
    subjects: &[Subject],
    folder: &Path,
) -> Result<()> {
    let published: Vec<_> = subjects.iter().filter(|subject| subject.kind == Kind::Model).collect();
    let mut sums = Vec::new();

    println!("\nover the web: what others serve, `tfjs tensors` decodes as from the file");
    sums.push(("served by nginx", report(from_nginx(project, tfjs, &published, folder)?)));
    sums.push(("served by python3 -m http.server", report(from_python(project, tfjs, &published)?)));
    sums.push(("served by tfjs serve", report(from_tfjs(tfjs, &published, folder)?)));

    println!("\nover the web: what TensorFlow.js uploads to `tfjs serve`, both load from there");
    sums.push(("uploaded by TensorFlow.js", report(uploads(oracle, tfjs, subjects, &folder.join("uploads"))?)));

    println!("\nover the web: what `tfjs cp` uploads, a Flask server receives");
    sums.push(("received by Flask", report(to_flask(project, oracle, tfjs, subjects, &folder.join("flask"))?)));

    println!();
    for (what, sum) in &sums {
        println!("{what} {}/{}", sum.clean, sum.all);
    }
    ensure!(sums.iter().all(|(_, sum)| sum.clean == sum.all && sum.all > 0), "see the lines that say DIFFERS");
    Ok(())
}

struct Sum {
    clean: usize,
    all: usize,
}

fn report(exchanges: Vec<Exchange>) -> Sum {
    let mut sum = Sum { clean: 0, all: exchanges.len() };
    for Exchange { what, comparison } in exchanges {
        let is_clean = comparison.is_clean();
        sum.clean += usize::from(is_clean);
        let verdict = if is_clean { "ok" } else { "DIFFERS" };
        println!("  {what:<62} {:>4} tensors  {verdict}", comparison.expected);
        for difference in comparison.differences.iter().take(10) {
            println!("      {difference}");
        }
    }
    sum
}

/// The packages as they were unpacked, folders and odd names included.
fn from_nginx(project: &Project, tfjs: &Tfjs<'_>, published: &[&Subject], folder: &Path) -> Result<Vec<Exchange>> {
    let nginx = tools::nginx(project)?;
    let root = project.target.join("models");
    let server = Service::nginx(&nginx, &root, &folder.join("nginx"))?;
    from_files(&server, &root, tfjs, published, "nginx")
}

fn from_python(project: &Project, tfjs: &Tfjs<'_>, published: &[&Subject]) -> Result<Vec<Exchange>> {
    tools::python(project)?;
    let root = project.target.join("models");
    let server = Service::python(&root)?;
    from_files(&server, &root, tfjs, published, "python3 -m http.server")
}

fn from_files(
    server: &Service,
    root: &Path,
    tfjs: &Tfjs<'_>,
    published: &[&Subject],
    name: &str,
) -> Result<Vec<Exchange>> {
    let exchange = |subject: &&Subject| {
        let path = subject.path.strip_prefix(root)?;
        Ok(downloaded(tfjs, subject, &format!("{}/{}", server.url, path.display()), name))
    };
    published.iter().map(exchange).collect()
}

/// What was uploaded to it, model by model.
fn from_tfjs(tfjs: &Tfjs<'_>, published: &[&Subject], folder: &Path) -> Result<Vec<Exchange>> {
    let server = Service::tfjs(tfjs.binary(), &folder.join("served"), &[])?;
    published
        .iter()
        .map(|subject| {
            let url = format!("{}/{}", server.url, subject.folder_name());
            // A bare manifest is no upload that TensorFlow.js knows: it is put there as a file.
            let file = folder.join("served").join(subject.folder_name());
            let destination = if has_topology(&subject.path) { Path::new(&url) } else { &file };
            tfjs.copy(&subject.path, destination, &[])?;
            Ok(downloaded(tfjs, subject, &format!("{url}/model.json"), "tfjs serve"))
        })
        .collect()
}

/// The tensors at a URL against those of the file.
fn downloaded(tfjs: &Tfjs<'_>, subject: &Subject, url: &str, from: &str) -> Exchange {
    let comparison = match (tfjs.tensors(Path::new(url)), tfjs.tensors(&subject.path)) {
        (Ok(found), Ok(expected)) => comparison::tensors(&found, &expected),
        (Err(error), _) | (_, Err(error)) => Comparison::failed("`tfjs tensors` failed", &error.to_string()),
    };
    Exchange { what: format!("{} from {from}", subject.name), comparison }
}

/// Which models TensorFlow.js can make a `LayersModel` of; it uploads all others as artifacts.
const LAYERS_MODELS: [&str; 2] = ["tiny", "trained-layers"];

/// TensorFlow.js saves by POST, and by PUT with a token in a header; then both load what is there.
fn uploads(oracle: &Oracle<'_>, tfjs: &Tfjs<'_>, subjects: &[Subject], folder: &Path) -> Result<Vec<Exchange>> {
    let token_file = folder.join("token");
    fs::create_dir_all(folder)?;
    fs::write(&token_file, TOKEN)?;
    let token_option = token_file.to_string_lossy().into_owned();
    let open = Service::tfjs(tfjs.binary(), &folder.join("open"), &[])?;
    let guarded = Service::tfjs(tfjs.binary(), &folder.join("guarded"), &["--token-file", &token_option])?;

    let uploads: Vec<_> = subjects
        .iter()
        .filter(|subject| matches!(subject.kind, Kind::Model | Kind::Golden) && has_topology(&subject.path))
        .flat_map(|subject| [Upload::by_post(subject, &open.url), Upload::by_put(subject, &guarded.url)])
        .collect();
    let jobs: Vec<_> = uploads.iter().flat_map(Upload::jobs).collect();
    let answers = oracle.ask(&jobs)?;
    uploads.iter().zip(answers.chunks_exact(2)).map(|(upload, answers)| upload.judge(tfjs, answers)).collect()
}

/// One upload by TensorFlow.js.
struct Upload<'s> {
    subject: &'s Subject,
    url: String,
    load_url: String,
    request_init: Option<RequestInit>,
}

impl<'s> Upload<'s> {
    fn by_post(subject: &'s Subject, server: &str) -> Self {
        let name = subject.folder_name();
        let (url, load_url) = (format!("{server}/upload?name={name}"), format!("{server}/{name}/model.json"));
        Self { subject, url, load_url, request_init: None }
    }

    fn by_put(subject: &'s Subject, server: &str) -> Self {
        let url = format!("{server}/{}", subject.folder_name());
        let headers = BTreeMap::from([("Authorization".to_owned(), format!("Bearer {TOKEN}"))]);
        let load_url = format!("{url}/model.json");
        Self { subject, url, load_url, request_init: Some(RequestInit { method: "PUT".to_owned(), headers }) }
    }

    fn is_of_layers_model(&self) -> bool {
        LAYERS_MODELS.contains(&self.subject.name.as_str())
    }

    /// The upload, and what TensorFlow.js finds there; `judge` takes the answers in this order.
    fn jobs(&self) -> [Job; 2] {
        let upload = Job::Upload {
            source: self.subject.path.clone(),
            url: self.url.clone(),
            load_url: self.load_url.clone(),
            request_init: self.request_init.clone(),
            as_model: self.is_of_layers_model(),
        };
        [upload, Job::Digest { path: self.load_url.clone().into() }]
    }

    fn judge(&self, tfjs: &Tfjs<'_>, answers: &[Answer]) -> Result<Exchange> {
        let [sent, theirs] = answers else { bail!("the oracle gave too few answers") };
        let comparison = match (tfjs.tensors(Path::new(&self.load_url)), sent.error.as_ref().or(theirs.error.as_ref()))
        {
            (_, Some(error)) => Comparison::failed("TensorFlow.js failed", error),
            (Err(error), None) => Comparison::failed("`tfjs tensors` failed", &error.to_string()),
            (Ok(ours), None) => {
                let mut comparison = comparison::tensors(&ours, &sent.tensors);
                comparison.differences.extend(comparison::tensors(&theirs.tensors, &sent.tensors).differences);
                comparison.differences.extend(sent.differences.iter().flatten().cloned());
                comparison
            }
        };
        let by = if self.is_of_layers_model() { "model.save" } else { "io.http" };
        let method = if self.request_init.is_some() { "PUT with a header" } else { "POST" };
        Ok(Exchange { what: format!("{} by {by}, {method}", self.subject.name), comparison })
    }
}

/// An upload is a model with a JSON topology; a bare manifest has none.
fn has_topology(path: &Path) -> bool {
    fs::read(path).is_ok_and(|json| json.trim_ascii_start().starts_with(b"{"))
}

/// Our upload into the server of TensorFlow.js's documentation; what it wrote is read by TensorFlow.js.
fn to_flask(
    project: &Project,
    oracle: &Oracle<'_>,
    tfjs: &Tfjs<'_>,
    subjects: &[Subject],
    folder: &Path,
) -> Result<Vec<Exchange>> {
    let python = tools::flask(project)?;
    let mut exchanges = Vec::new();
    for subject in subjects.iter().filter(|subject| LAYERS_MODELS.contains(&subject.name.as_str())) {
        let received = folder.join(&subject.name);
        fs::create_dir_all(&received)?;
        let mut command = Command::new(&python);
        command.arg(project.root.join("tests").join("interop").join("flask_server.py")).arg(&received);
        let server = Service::that_tells("the Flask server", command)?;
        let url = format!("{}/upload", server.url);
        let what = format!("{} by POST", subject.name);
        if let Err(error) = tfjs.copy(&subject.path, Path::new(&url), &[]) {
            exchanges.push(Exchange { what, comparison: Comparison::failed("`tfjs cp` failed", &error.to_string()) });
            continue;
        }
        let jobs = [subject.path.clone(), received.join("model.json")].map(|path| Job::Digest { path });
        let mut answers = oracle.ask(&jobs)?;
        let mut tensors = || -> Vec<Tensor> { answers.pop().map(|answer| answer.tensors).unwrap_or_default() };
        let (found, expected) = (tensors(), tensors());
        let mut comparison = comparison::tensors(&found, &expected);
        comparison.differences.extend(unexpected_files(&received)?);
        exchanges.push(Exchange { what, comparison });
    }
    Ok(exchanges)
}

/// The server writes each part under the file name that came with it.
fn unexpected_files(folder: &Path) -> Result<Option<String>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<Result<Vec<_>>>()?;
    names.sort_unstable();
    let is_right = names == ["model.json", "model.weights.bin"];
    Ok((!is_right).then(|| format!("the server received {names:?}")))
}
