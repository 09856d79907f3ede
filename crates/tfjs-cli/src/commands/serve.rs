//! `tfjs serve`: a server of the models of a folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tfjs_fs::FsHandler;
use tfjs_io::{Limit, ModelUrl};
use tfjs_server::axum::http::HeaderValue;
use tfjs_server::{AllowedOrigins, Models, Page, PageError, ServeOptions, ServerOptions, Token};
use tokio::net::TcpListener;

use crate::args::{LogFormat, Serve};
use crate::output::{self, Failure};

/// Serves until `end` is done.
pub(crate) async fn run(serve: &Serve, end: impl Future<Output = ()>) -> Result<(), Failure> {
    log_to_stderr(serve.log_format);
    let options = server_options(serve)?;
    if options.token.is_none() && !serve.listen.ip().is_loopback() && !serve.allow_anonymous_writes && !serve.read_only
    {
        let address = serve.listen;
        return refuse(&format!(
            "everybody who can reach {address} could upload and remove models: set a token with --token-env or \
             --token-file, or say --read-only or --allow-anonymous-writes"
        ));
    }
    let models = models(&serve.folder)?;
    let listener = match TcpListener::bind(serve.listen).await {
        Ok(listener) => listener,
        Err(error) => return refuse(&format!("cannot listen on {}: {error}", serve.listen)),
    };
    let listening = format!("listening on http://{}", listener.local_addr()?);
    // Its clients are others than the reader of this line.
    if let Err(failure) = output::lines([&listening]) {
        output::message(&listening);
        output::tell(&failure);
    }
    tfjs_server::serve(listener, tfjs_server::router(models, options), serve_options(serve), end).await;
    Ok(())
}

fn refuse<T>(message: &str) -> Result<T, Failure> {
    output::message(&format!("error: {message}"));
    Err(Failure::Told)
}

/// The models of a folder. Whether one has been replaced is seen from its files, without loading it.
fn models(folder: &Path) -> Result<Models, Failure> {
    let folder_text = folder.display();
    if !folder.is_dir() {
        let what = if folder.exists() { "is no folder" } else { "does not exist; make it first" };
        return refuse(&format!("`{folder_text}` {what}"));
    }
    let Some(base) = folder.to_str() else {
        return refuse(&format!("the path `{folder_text}` is not UTF-8"));
    };
    let version_of = |url: &ModelUrl| FsHandler::from_url(url).ok()?.version();
    let models = Models::at(tfjs_io::default_router()?, ModelUrl::plain_path(base))?;
    Ok(models.with_version_of(version_of))
}

fn server_options(serve: &Serve) -> Result<ServerOptions, Failure> {
    let mut options = ServerOptions::new();
    // Where there is room for models. The files have no names.
    options.spool_folder = Some(serve.folder.clone());
    options.token = token(serve)?;
    if serve.protect_reads && options.token.is_none() {
        return refuse("--protect-reads needs a token: set one with --token-env or --token-file");
    }
    options.protects_reads = serve.protect_reads;
    options.page = serve.page.as_ref().map(|folder| page(folder.as_deref())).transpose()?;
    options.is_read_only = serve.read_only;
    if !serve.allow_origin.is_empty() {
        let origins = serve.allow_origin.iter().map(|origin| HeaderValue::try_from(origin.as_str()));
        options.allowed_origins = AllowedOrigins::List(origins.collect::<Result<_, _>>()?);
    }
    if let Some(bytes) = serve.max_upload_size {
        options.max_upload_bytes = bytes.get();
    }
    options.limits = serve.trust.apply(options.limits);
    options.upload_limits = serve.trust.apply(options.upload_limits);
    options.links = serve.trust.links();
    options.save.links = options.links;
    if let Some(bytes) = serve.max_json_size {
        options.upload_limits = options.upload_limits.with(Limit::JsonBytes, bytes.get());
    }
    if let Some(uploads) = serve.max_uploads {
        options.max_uploads = uploads.get();
    }
    if let Some(seconds) = serve.idle_timeout {
        options.idle_timeout = Duration::from_secs(seconds.get());
    }
    Ok(options)
}

/// The page of a folder, or of the places where one is beside the command.
fn page(folder: Option<&Path>) -> Result<Page, Failure> {
    let folder = match folder {
        Some(folder) => folder.to_owned(),
        None => installed_page()?,
    };
    Page::read(&folder)
        .or_else(|error| refuse(&format!("{}; `cargo xtask page --build` makes a page in target/page", chain(&error))))
}

/// An error and what it came of, on one line.
fn chain(error: &PageError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn installed_page() -> Result<PathBuf, Failure> {
    let command = std::env::current_exe()?;
    let places = command.parent().map(|folder| [folder.join("page"), folder.join("../share/tfjs/page")]);
    let Some(places) = places else {
        return refuse("nobody knows where this command lies: name the folder, --page=DIR");
    };
    let Some(found) = places.iter().find(|place| place.is_dir()) else {
        let [beside, shared] = &places;
        return refuse(&format!(
            "the page is neither at `{}` nor at `{}`: `cargo xtask page --install` puts it there, or name its folder, --page=DIR",
            beside.display(),
            shared.display()
        ));
    };
    Ok(found.clone())
}

fn serve_options(serve: &Serve) -> ServeOptions {
    let mut options = ServeOptions::new();
    if let Some(connections) = serve.max_connections {
        options.max_connections = connections.get();
    }
    if let Some(seconds) = serve.idle_timeout {
        options.write_timeout = Duration::from_secs(seconds.get());
        options.header_timeout = options.header_timeout.min(options.write_timeout);
    }
    if let Some(seconds) = serve.shutdown_timeout {
        options.shutdown_timeout = Duration::from_secs(seconds);
    }
    options
}

/// The token of an environment variable or a file. It is not taken as an argument: those are there for everybody to see.
fn token(serve: &Serve) -> Result<Option<Token>, Failure> {
    let (place, text) = if let Some(variable) = &serve.token_env {
        let Ok(text) = std::env::var(variable) else {
            return refuse(&format!("the environment variable {variable} of --token-env is not set, or not text"));
        };
        (format!("the environment variable {variable}"), text)
    } else if let Some(file) = &serve.token_file {
        match std::fs::read_to_string(file) {
            Ok(text) => (format!("`{}`", file.display()), text),
            Err(error) => return refuse(&format!("cannot read the token in `{}`: {error}", file.display())),
        }
    } else {
        return Ok(None);
    };
    match Token::new(&text) {
        Ok(token) => Ok(Some(token)),
        Err(error) => refuse(&format!("{place}: {error}")),
    }
}

/// A log that nobody reads any more costs no request: nobody is told of lines that could not be written.
fn log_to_stderr(format: LogFormat) {
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .log_internal_errors(false);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}
