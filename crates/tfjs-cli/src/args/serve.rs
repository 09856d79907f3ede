//! What `tfjs serve` can be told.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::ValueHint;

use super::TrustArgs;
use super::sizes::size;

/// A server of models.
#[derive(Debug, clap::Args)]
#[expect(clippy::option_option, reason = "`--page` is not given, given alone, or given with a folder")]
pub(crate) struct Serve {
    /// The folder with the models, each in a folder of its own
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Where to listen, HOST:PORT; port 0 takes a free one, which the first line on standard output tells
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// Takes the token that writing needs from an environment variable
    #[arg(long, value_name = "VAR", conflicts_with = "token_file")]
    pub(crate) token_env: Option<String>,
    /// Takes the token that writing needs from a file
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,
    /// Asks for the token for reading too
    #[arg(long)]
    pub(crate) protect_reads: bool,
    /// Lets nobody upload or remove models
    #[arg(long, conflicts_with = "allow_anonymous_writes")]
    pub(crate) read_only: bool,
    /// Lets everybody upload and remove models who can reach an address that is not this machine's alone
    #[arg(long)]
    pub(crate) allow_anonymous_writes: bool,
    /// Lets web pages of this origin use the server, such as `https://example.org`, and no others. Can be given several
    /// times. Without it all may read, and those may write that know the token or are of this machine
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub(crate) allow_origin: Vec<String>,
    /// Also serves the page that manages models, and sends browsers to it that open the address: of a folder that `cargo xtask page`
    /// has made. Without a folder, the one beside the command (`page`) or where it was installed (`../share/tfjs/page`)
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, value_hint = ValueHint::DirPath)]
    pub(crate) page: Option<Option<PathBuf>>,
    /// The most bytes of an upload
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_upload_size: Option<NonZeroU64>,
    /// The most bytes of an uploaded model.json; 16MiB unless said otherwise
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_json_size: Option<NonZeroU64>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    /// The most uploads at a time
    #[arg(long, value_name = "N")]
    pub(crate) max_uploads: Option<NonZeroUsize>,
    /// The most connections at a time
    #[arg(long, value_name = "N")]
    pub(crate) max_connections: Option<NonZeroUsize>,
    /// How many seconds a client may be silent, or take nothing of an answer
    #[arg(long, value_name = "SECONDS")]
    pub(crate) idle_timeout: Option<NonZeroU64>,
    /// How many seconds requests may go on when the server is to end
    #[arg(long, value_name = "SECONDS")]
    pub(crate) shutdown_timeout: Option<u64>,
    /// How requests are logged on standard error
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON document on each line.
    Json,
}

/// The first address that a host and a port mean.
fn address(text: &str) -> Result<SocketAddr, String> {
    let found =
        text.to_socket_addrs().map_err(|error| format!("HOST:PORT is wanted, such as 127.0.0.1:8080 ({error})"))?;
    found.into_iter().next().ok_or_else(|| "the host has no address".to_owned())
}

/// An origin as browsers write it: nothing behind the host and port.
fn origin(text: &str) -> Result<String, String> {
    let host = text.split_once("://").map_or("", |(_, host)| host);
    let is_origin =
        !host.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) && !host.contains(['/', '?', '#']);
    if is_origin {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("expected an origin, such as https://example.org".to_owned())
    }
}
