//! Servers that run while a task needs them: on loopback, each on a port of its own, gone when the task is.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; dropping it ends it.
pub(crate) struct Service {
    name: &'static str,
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
}

impl Service {
    /// nginx over the files below `root`; what it writes goes below `folder`.
    pub(crate) fn nginx(nginx: &Path, root: &Path, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let port = free_port()?;
        let configuration = folder.join("nginx.conf");
        fs::write(&configuration, nginx_conf(port, root, folder))?;
        let mut command = Command::new(nginx);
        command.arg("-c").arg(&configuration).arg("-e").arg(folder.join("error.log"));
        Self::on_port("nginx", command, port)
    }

    /// Python's own file server, which knows no ranges.
    pub(crate) fn python(root: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("python3");
        command.args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string(), "--directory"]).arg(root);
        Self::on_port("python3 -m http.server", command, port)
    }

    /// Azurite, with its containers in memory; what it writes all the same goes below `folder`. It tells nobody about itself.
    pub(crate) fn azurite(script: &Path, folder: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("node");
        command.arg(script).current_dir(folder).args(["--blobPort", &port.to_string()]);
        command.args(["--silent", "--disableTelemetry", "--inMemoryPersistence", "--skipApiVersionCheck"]);
        Self::on_port("azurite", command, port)
    }

    /// `tfjs serve` over a folder.
    pub(crate) fn tfjs(tfjs: &Path, folder: &Path, options: &[&str]) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let mut command = Command::new(tfjs);
        command.arg("serve").arg(folder).args(["--listen", "127.0.0.1:0"]).args(options);
        Self::that_tells("tfjs serve", command)
    }

    /// A server whose first line on stdout ends with its URL.
    pub(crate) fn that_tells(name: &'static str, mut command: Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut service = Self { name, child: child.with_context(|| format!("starting {name}"))?, url: String::new() };
        let stdout = service.child.stdout.take().with_context(|| format!("{name} has no stdout"))?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        match line.trim_end().rsplit_once(' ') {
            Some((_, url)) if url.starts_with("http://127.0.0.1:") => url.clone_into(&mut service.url),
            _ => bail!("{name} should have told where it listens, but printed {line:?}"),
        }
        Ok(service)
    }

    /// A server that has been told its port.
    fn on_port(name: &'static str, mut command: Command, port: u16) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let url = format!("http://127.0.0.1:{port}");
        let mut service = Self { name, child: child.with_context(|| format!("starting {name}"))?, url };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = service.child.try_wait()? {
                bail!("{} ended before it listened: {status}", service.name);
            }
            if start.elapsed() > PATIENCE {
                bail!("{} does not listen on port {port} after {} seconds", service.name, PATIENCE.as_secs());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(service)
    }

    /// Its process, for those who look at what it takes.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // One that has ended by itself is what is wanted, too.
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("{} could not be ended: {error}", self.name);
        }
    }
}

/// A port that nobody listens on. Somebody else may take it before it is used; then the server ends, and says so.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// One process, so that ending it ends all; no log, so that only the files are served.
fn nginx_conf(port: u16, root: &Path, folder: &Path) -> String {
    let (root, folder) = (root.display(), folder.display());
    format!(
        "daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    sendfile on;
    types {{ application/json json; }}
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root \"{root}\";
    }}
}}
"
    )
}
