//! The way to a model: a URL, and the token of its server.

use tfjs_io::{Error, HttpClient, Router};

/// A router that shows this token to the servers of the URLs it is given, and to no other.
pub(crate) fn router(token: Option<&str>) -> Result<Router, Error> {
    let client = client(token)?;
    tfjs_io::default_routes_with(&client).build()
}

/// A router that saves to a server only where nothing is: RFC 9110, 13.1.2.
pub(crate) fn router_for_new(token: Option<&str>) -> Result<Router, Error> {
    let client = client(token)?.with_header("If-None-Match", "*")?;
    tfjs_io::default_routes_with(&client).build()
}

fn client(token: Option<&str>) -> Result<HttpClient, Error> {
    let client = HttpClient::new();
    match token.filter(|token| !token.is_empty()) {
        Some(token) => client.with_bearer_token(token),
        None => Ok(client),
    }
}
