//! The server that the tests of HTTP talk to from inside the browser.

use std::env::consts::EXE_SUFFIX;
use std::net::TcpListener;
use std::process::Command;

use anyhow::{Result, ensure};
use xshell::cmd;

use crate::project::Project;
use crate::services::Service;

/// Tells its address to the tests, while they are compiled.
pub(crate) const VARIABLE: &str = "TFJS_TEST_SERVER";

const BINARY: &str = "damageable-server";

/// The address has a part in what is compiled: with the same one as last time, nothing is compiled anew.
const USUAL: &str = "127.0.0.1:47113";
const ANY: &str = "127.0.0.1:0";

/// The server; dropping it ends it.
pub(super) struct TestServer(Service);

impl TestServer {
    pub(super) fn start(project: &Project) -> Result<Self> {
        let sh = &project.sh;
        cmd!(sh, "cargo build --package tfjs-tests --bin {BINARY}").run()?;
        let binary = project.target.join("debug").join(format!("{BINARY}{EXE_SUFFIX}"));
        ensure!(binary.is_file(), "{BINARY} was built, but there is no {}", binary.display());

        let address = if TcpListener::bind(USUAL).is_ok() { USUAL } else { ANY };
        let mut command = Command::new(binary);
        command.args(["--listen", address]);
        let service = Service::that_tells(BINARY, command)?;
        println!("{BINARY}: {}", service.url);
        Ok(Self(service))
    }

    pub(super) fn url(&self) -> &str {
        &self.0.url
    }
}

/// Where the server usually is, for who compiles the tests and does not run them.
pub(crate) fn usual_url() -> String {
    format!("http://{USUAL}")
}
