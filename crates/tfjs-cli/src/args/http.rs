//! `--header` and `--bearer-token-env`: what web servers are told, and which of them. `--upload`: in which form they get a model.

use std::collections::BTreeSet;

use tfjs_io::{Error, HttpClient, ObjectStoreRoutes, Router};

/// How http:// and https:// URLs are asked for.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options for http:// and https://")]
pub(crate) struct Http {
    /// Sends a header to the host of the URL given, and to no other. If there are two, on different hosts, it has to say which one is
    /// meant, as in `https://example.org=X-Api-Key: 1`. Can be given several times
    #[arg(long = "header", value_name = "[ORIGIN=]NAME: VALUE")]
    headers: Vec<String>,
    /// Sends the bearer token that this environment variable holds, likewise
    #[arg(long = "bearer-token-env", value_name = "[ORIGIN=]VAR")]
    bearer_token_envs: Vec<String>,
}

/// How models are sent to http:// and https:// URLs.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Options for http:// and https://")]
pub(crate) struct Upload {
    /// In which form a model is sent to DST; `file` unless said otherwise
    #[arg(long, value_name = "FORM", value_enum)]
    upload: Option<UploadForm>,
}

/// What a server gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum UploadForm {
    /// One upload with all weights in one file, as TensorFlow.js sends it; every server for its uploads takes it
    File,
    /// One upload with each weight file by itself, so that groups and cuts arrive as they are; `tfjs serve` takes it
    Files,
    /// A PUT for each file, model.json last; for servers that keep what they are sent, not for `tfjs serve`
    Put,
}

impl Upload {
    fn of(self, client: HttpClient) -> HttpClient {
        match self.upload {
            None | Some(UploadForm::File) => client,
            Some(UploadForm::Files) => client.with_part_per_file(),
            Some(UploadForm::Put) => client.with_put_per_file(),
        }
    }

    /// That something is uploaded, if it was said how.
    pub(super) fn check(self, destination: &str) -> Result<(), String> {
        if self.upload.is_some() && !is_web(destination) {
            return Err("--upload: DST is neither at http:// nor at https://, so nothing is uploaded".to_owned());
        }
        Ok(())
    }

    /// Whether what is sent there keeps the names that we give to weight files.
    pub(super) fn keeps_names(self, destination: &str) -> bool {
        !is_web(destination) || self.upload == Some(UploadForm::Put)
    }
}

/// The router of commands that have no options for HTTP.
pub(crate) fn router() -> Result<Router, Error> {
    router_with(&HttpClient::new())
}

/// Object stores are reached as the environment says.
fn router_with(client: &HttpClient) -> Result<Router, Error> {
    tfjs_io::default_routes_with_stores(client, &ObjectStoreRoutes::from_env()).build()
}

impl Http {
    /// The router that asks like that.
    pub(crate) fn router(&self) -> Result<Router, Error> {
        router_with(&self.checked_client()?)
    }

    /// The router that asks like that, and sends in this form.
    pub(crate) fn router_with(&self, upload: Upload) -> Result<Router, Error> {
        router_with(&upload.of(self.checked_client()?))
    }

    /// What is wrong with the options has been told before.
    fn checked_client(&self) -> Result<HttpClient, Error> {
        self.client().map_err(|problem| Error::new(tfjs_io::ErrorKind::InvalidUrl, problem))
    }

    /// That the options can be followed, and say who of these places is to know a secret.
    pub(super) fn check(&self, places: &[&str]) -> Result<(), String> {
        self.client()?;
        let hosts: BTreeSet<_> = places.iter().filter_map(|place| HttpClient::origin_of(place).ok()).collect();
        let headers = self.headers.iter().map(|said| ("--header", said));
        let tokens = self.bearer_token_envs.iter().map(|said| ("--bearer-token-env", said));
        for (option, said) in headers.chain(tokens) {
            if hosts.is_empty() && !places.iter().any(|place| is_web(place)) {
                return Err(format!("{option}: no URL given is at http:// or https://, so nobody would be told"));
            }
            match (Said::parse(said)?.origin, hosts.first().zip(hosts.last())) {
                (Some(origin), _) if !hosts.contains(&origin) => {
                    return Err(format!("{option}: none of the URLs given is on `{origin}`"));
                }
                (None, Some((one, other))) if one != other => {
                    return Err(format!(
                        "{option}: the URLs given are on two hosts, `{one}` and `{other}`; say which of them is meant, \
                         as in {option} '{one}=...'"
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The client that asks like that, or which option is wrong; values of headers are not repeated.
    fn client(&self) -> Result<HttpClient, String> {
        let mut client = HttpClient::new();
        for said in &self.headers {
            let wrong = |problem: &str| format!("--header: {problem}");
            let said = Said::parse(said).map_err(|problem| wrong(&problem))?;
            let (name, value) =
                said.what.split_once(':').ok_or_else(|| wrong("expected a name, a colon and a value"))?;
            let (name, value) = (name.trim(), value.trim());
            let added = match &said.origin {
                Some(origin) => client.with_header_for(origin, name, value),
                None => client.with_header(name, value),
            };
            client = added.map_err(|error| wrong(&error.to_string()))?;
        }
        for said in &self.bearer_token_envs {
            let said = Said::parse(said).map_err(|problem| format!("--bearer-token-env: {problem}"))?;
            let variable = said.what;
            let problem = |problem| format!("--bearer-token-env: the environment variable `{variable}` {problem}");
            let token = std::env::var(variable).map_err(|_| problem("is not set, or is not text"))?;
            let added = match &said.origin {
                Some(origin) => client.with_header_for(origin, "Authorization", &format!("Bearer {}", token.trim())),
                None => client.with_bearer_token(token.trim()),
            };
            client = added.map_err(|_| problem("holds no token"))?;
        }
        Ok(client)
    }
}

/// Whether a place is at http:// or https://.
fn is_web(place: &str) -> bool {
    place.split_once("://").is_some_and(|(scheme, _)| is_web_scheme(scheme))
}

fn is_web_scheme(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// What an option says, and to whom.
struct Said<'a> {
    /// `None`: to the one that there is.
    origin: Option<String>,
    what: &'a str,
}

impl<'a> Said<'a> {
    /// Only what begins as the URL of a web server is an origin: no name of a header or variable does.
    fn parse(text: &'a str) -> Result<Self, String> {
        let url = text.split_once("://").filter(|(scheme, _)| !scheme.contains([':', '=', ' ']));
        let Some((scheme, rest)) = url else { return Ok(Self { origin: None, what: text }) };
        if !is_web_scheme(scheme) {
            return Err(format!("`{scheme}://` is neither https:// nor http://: no header goes anywhere else"));
        }
        let expected = "expected an origin, such as https://example.org, and `=` behind it";
        let (host, what) = rest.split_once('=').ok_or(expected)?;
        let origin = text.strip_suffix(what).and_then(|text| text.strip_suffix('=')).unwrap_or_default();
        if host.contains(['/', '?', '#', '@']) {
            return Err(format!("{expected}; an origin is only scheme, host and port, without a slash behind them"));
        }
        Ok(Self { origin: Some(HttpClient::origin_of(origin).map_err(|_| expected)?), what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[&str], places: &[&str]) -> Result<(), String> {
        let headers = headers.iter().map(|header| (*header).to_owned()).collect();
        Http { headers, bearer_token_envs: Vec::new() }.check(places)
    }

    #[test]
    fn one_host_needs_no_name() {
        assert_eq!(check(&["X: 1"], &["http://a/m", "./m"]), Ok(()));
        assert_eq!(check(&["X: 1"], &["http://a/m", "HTTP://A:80/n"]), Ok(()));
        assert_eq!(check(&["http://a=X: b=c"], &["http://a/m"]), Ok(()));
        assert_eq!(check(&["http://[::1]:8=X: 1", "X: http://a=b"], &["http://[::1]:8/m"]), Ok(()));
    }

    #[test]
    fn without_a_host_nobody_would_be_told() {
        for places in [&["s3://b/m"][..], &["./m", "file:///n"], &["http/m"]] {
            let error = check(&["X: hush"], places).unwrap_err();
            assert!(error.contains("nobody would be told") && !error.contains("hush"), "{error}");
        }
        assert_eq!(check(&[], &["./m"]), Ok(()));
    }

    #[test]
    fn of_two_hosts_one_is_named() {
        let two = ["https://a/m", "https://b/m"];
        assert_eq!(check(&["https://a=X: 1", "https://B:443=X: 2"], &two), Ok(()));
        let unnamed = check(&["X: hush"], &two).unwrap_err();
        assert!(unnamed.contains("`https://a` and `https://b`") && !unnamed.contains("hush"), "{unnamed}");
        let other = check(&["https://c=X: hush"], &two).unwrap_err();
        assert!(other.contains("none of the URLs given is on `https://c`") && !other.contains("hush"), "{other}");
        // Another port is another server.
        assert!(check(&["X: 1"], &["http://a/m", "http://a:8/m"]).is_err());
    }

    #[test]
    fn what_is_no_origin() {
        for header in
            ["http://a", "http://a/m=X: hush", "http://u:hush@a=X: 1", "https://=X: hush", "http://a b=X: hush"]
        {
            let error = check(&[header], &["http://a/m"]).unwrap_err();
            assert!(error.contains("expected an origin") && !error.contains("hush"), "{error}");
        }
        for header in ["ftp://example.org=X: hush", "htps://a=X: hush"] {
            let error = check(&[header], &["http://a/m"]).unwrap_err();
            assert!(error.contains("neither https:// nor http://") && !error.contains("hush"), "{error}");
        }
    }
}
