//! `--header` and `--bearer-token-env`: what web servers are told, and which of them.

use tfjs_io::{Error, HttpClient, ObjectStoreRoutes, Router};

/// How http:// and https:// URLs are asked for.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options for http:// and https://")]
pub(crate) struct Http {
    /// Sends a header to the hosts of the URLs given, and to no other. Can be given several times
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Sends the bearer token that this environment variable holds
    #[arg(long, value_name = "VAR")]
    bearer_token_env: Option<String>,
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
        // What is wrong with the options has been told before.
        let client = self.client().map_err(|problem| Error::new(tfjs_io::ErrorKind::InvalidUrl, problem))?;
        router_with(&client)
    }

    /// That the options can be followed.
    pub(super) fn check(&self) -> Result<(), String> {
        self.client().map(drop)
    }

    /// The client that asks like that, or which option is wrong; values of headers are not repeated.
    fn client(&self) -> Result<HttpClient, String> {
        let mut client = HttpClient::new();
        for header in &self.headers {
            let (name, value) = header.split_once(':').ok_or("--header: expected a name, a colon and a value")?;
            client = client.with_header(name.trim(), value.trim()).map_err(|error| format!("--header: {error}"))?;
        }
        if let Some(variable) = &self.bearer_token_env {
            let problem = |problem| format!("--bearer-token-env: the environment variable `{variable}` {problem}");
            let token = std::env::var(variable).map_err(|_| problem("is not set, or is not text"))?;
            client = client.with_bearer_token(token.trim()).map_err(|_| problem("holds no token"))?;
        }
        Ok(client)
    }
}
