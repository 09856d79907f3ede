//! What a server allows.

use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use tfjs_artifacts::{Limit, Limits};
use tfjs_router::{Checksums, Links, SaveOptions};

use crate::{Page, Token};

/// Limits and permissions of a [`router`](crate::router).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// The token that writing needs: POST, PUT and DELETE. `None`, the default, lets everybody write.
    pub token: Option<Token>,
    /// Whether reading needs the token too. Default: no.
    pub protects_reads: bool,
    /// Whether nobody writes at all. Default: no.
    pub is_read_only: bool,
    /// Which web pages may use the server. Default: [`AllowedOrigins::Any`].
    pub allowed_origins: AllowedOrigins,
    /// The most bytes of an upload, with everything around the parts. Default: 8 GiB.
    pub max_upload_bytes: u64,
    /// How much of what an uploaded model claims is believed. Its `model.json` is held in memory: parsed, it takes some ten
    /// times as much, and all uploads at a time may have twice as many bytes as one. Default: 16 MiB of JSON
    /// ([`Limit::JsonBytes`]), and otherwise that of [`Limits`].
    pub upload_limits: Limits,
    /// How much of what a model that is served claims is believed. Default: that of [`Limits`].
    pub limits: Limits,
    /// Whether links may lead out of a model's folder, for reading and for removing; for saving see `save`. Default: no.
    pub links: Links,
    /// The most parts of an upload, and the most weight files of a model that is uploaded. Default: 1024.
    pub max_parts: usize,
    /// The most uploads at a time; more are told to come back. Default: 16.
    pub max_uploads: usize,
    /// How long an upload may send nothing. Default: 30 seconds.
    pub idle_timeout: Duration,
    /// The least bytes per second of an upload, on average and after a grace time of one `idle_timeout`. Default: 1024.
    pub min_upload_rate: u64,
    /// Where uploads are kept that can only be stored when all of them is there. Default: the system's folder for temporary
    /// files.
    pub spool_folder: Option<PathBuf>,
    /// How models are saved. Default: with checksums, so that a client can tell files of two uploads apart.
    pub save: SaveOptions,
    /// A web page that is served beside the models, at `/.page/`. Default: none.
    pub page: Option<Page>,
}

/// Which web pages may use the server from a browser. A client that is no browser does not ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AllowedOrigins {
    /// All may read. All may write if that takes a token; without one only pages of this machine may (`localhost`,
    /// `127.0.0.1`, `[::1]`), since any page that its user visits could.
    #[default]
    Any,
    /// These may read and write, such as `https://example.org`.
    List(Vec<HeaderValue>),
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            token: None,
            protects_reads: false,
            is_read_only: false,
            allowed_origins: AllowedOrigins::default(),
            max_upload_bytes: 8 << 30,
            upload_limits: Limits::new().with(Limit::JsonBytes, 16 << 20),
            limits: Limits::new(),
            links: Links::StayInside,
            max_parts: 1024,
            max_uploads: 16,
            idle_timeout: Duration::from_secs(30),
            min_upload_rate: 1024,
            spool_folder: None,
            save: SaveOptions::new().with_checksums(Checksums::Write),
            page: None,
        }
    }
}

impl ServerOptions {
    /// Everybody may read and write, within the documented limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks writers for a token.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Asks readers for the token too. Without a token it changes nothing.
    #[must_use]
    pub fn with_protected_reads(mut self) -> Self {
        self.protects_reads = true;
        self
    }

    /// Lets nobody write.
    #[must_use]
    pub fn with_read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    /// Also serves a web page.
    #[must_use]
    pub fn with_page(mut self, page: Page) -> Self {
        self.page = Some(page);
        self
    }
}

/// Limits of the connections of [`serve`](crate::serve()).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServeOptions {
    /// How long a client may take for the head of a request, and how long a connection may wait for one. Default: 15
    /// seconds.
    pub header_timeout: Duration,
    /// How long a client may take nothing of an answer. Default: 30 seconds.
    pub write_timeout: Duration,
    /// The most connections at a time; others wait to be accepted. Default: 512.
    pub max_connections: usize,
    /// The most bytes of a request's line and headers, which are read in steps: up to twice as many may get through. At least
    /// 8 KiB. Default: 64 KiB.
    pub max_head_bytes: usize,
    /// How long requests may go on when the server is to end. Default: 10 seconds.
    pub shutdown_timeout: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(30),
            max_connections: 512,
            max_head_bytes: 64 << 10,
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

impl ServeOptions {
    /// The documented limits.
    pub fn new() -> Self {
        Self::default()
    }
}
