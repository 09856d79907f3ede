//! The servers (`tests/object-store-server`), and the command that talks to them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use xshell::cmd;

use crate::memory::peak_kib;
use crate::project::Project;
use crate::services::Service;
use crate::tools;

const SERVER: &str = "object-store-server";

/// How the server is compiled: as the tests are, which costs nothing more, or so that it is as fast as it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// The programs.
pub(crate) struct Stores<'p> {
    pub(crate) project: &'p Project,
    server: PathBuf,
    tfjs: PathBuf,
    time: PathBuf,
}

/// A running server. Its bucket is called `bucket`.
pub(crate) struct Server {
    pub(crate) service: Service,
    environment: Vec<(&'static str, String)>,
}

/// What a server was asked so far.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) lists: u64,
    pub(crate) sent_bytes: u64,
}

/// What a command took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    pub(crate) time: Duration,
    pub(crate) peak_kib: u64,
}

impl<'p> Stores<'p> {
    pub(crate) fn ready(project: &'p Project, profile: Profile) -> Result<Self> {
        let time = tools::gnu_time(project)?;
        let tfjs = project.tfjs()?;
        let sh = &project.sh;
        let server = match profile {
            Profile::Debug => project.test_program(SERVER)?,
            Profile::Release => {
                cmd!(sh, "cargo build --release --package tfjs-object-store-server").run()?;
                project.target.join("release").join(format!("{SERVER}{}", std::env::consts::EXE_SUFFIX))
            }
        };
        Ok(Self { project, server, tfjs, time })
    }

    /// S3's protocol over a folder, which is made.
    pub(crate) fn s3(&self, folder: &Path) -> Result<Server> {
        fs::create_dir_all(folder.join("bucket"))?;
        let mut command = Command::new(&self.server);
        command.arg("s3").arg(folder);
        let service = Service::that_tells("object-store-server s3", command)?;
        let environment = vec![
            ("AWS_ENDPOINT_URL", service.url.clone()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test-key".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test-secret".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
        ];
        Ok(Server { service, environment })
    }

    /// Google's protocol, with so many models.
    pub(crate) fn google(&self, models: usize) -> Result<Server> {
        let mut command = Command::new(&self.server);
        command.args(["google", &models.to_string()]);
        let service = Service::that_tells("object-store-server google", command)?;
        let environment = vec![
            ("GOOGLE_BASE_URL", service.url.clone()),
            ("GOOGLE_ALLOW_HTTP", "true".to_owned()),
            ("GOOGLE_BEARER_TOKEN", "test-token".to_owned()),
        ];
        Ok(Server { service, environment })
    }

    pub(crate) fn tfjs(&self) -> &Path {
        &self.tfjs
    }

    /// The command, as a process that is still to be started.
    pub(crate) fn command(&self, server: &Server, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.tfjs);
        command.args(arguments).envs(server.environment());
        command
    }

    /// Runs the command; gives what it prints.
    pub(crate) fn read(&self, server: &Server, arguments: &[&str]) -> Result<String> {
        let (sh, tfjs) = (&self.project.sh, &self.tfjs);
        Ok(cmd!(sh, "{tfjs} {arguments...}").envs(server.environment()).quiet().read()?)
    }

    /// Runs the command; gives what it prints and what it took.
    pub(crate) fn measure(&self, server: &Server, arguments: &[&str]) -> Result<(String, Took)> {
        let (sh, time, tfjs) = (&self.project.sh, &self.time, &self.tfjs);
        let report = self.project.target.join("object-stores-time.txt");
        let start = Instant::now();
        let printed =
            cmd!(sh, "{time} -v -o {report} {tfjs} {arguments...}").envs(server.environment()).quiet().read()?;
        let time = start.elapsed();
        let peak_kib = peak_kib(&fs::read_to_string(&report)?)?;
        fs::remove_file(&report)?;
        Ok((printed, Took { time, peak_kib }))
    }
}

impl Server {
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.environment.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Asks what it was asked.
    pub(crate) fn counts(&self) -> Result<Counts> {
        let address = self.service.url.strip_prefix("http://").context("its URL begins with http://")?;
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET /-/counts HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("the server's answer has no body")?;
        serde_json::from_str(body).with_context(|| format!("the server counts so: {body}"))
    }
}

impl Counts {
    /// What was asked since.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            requests: self.requests - earlier.requests,
            lists: self.lists - earlier.lists,
            sent_bytes: self.sent_bytes - earlier.sent_bytes,
        }
    }
}

impl Took {
    /// Demands that it took at most so much memory.
    pub(crate) fn at_most(self, what: &str, limit_kib: u64) -> Result<Self> {
        let Self { time, peak_kib } = self;
        println!(
            "object-stores: {what}: {:.1} s, peak resident {} MiB (limit {} MiB)",
            time.as_secs_f64(),
            peak_kib.div_ceil(1024),
            limit_kib / 1024
        );
        ensure!(peak_kib <= limit_kib, "{what} took {peak_kib} KiB of memory, {limit_kib} KiB are allowed");
        Ok(self)
    }
}
