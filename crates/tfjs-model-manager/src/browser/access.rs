//! The way to a model: a URL, and the token of its server.

use tfjs_io::{Error, HttpClient, Router};

/// A router that shows this token to the servers of the URLs it is given, and to no other.
pub(crate) fn router(token: Option<&str>) -> Result<Router, Error> {
    match token.filter(|token| !token.is_empty()) {
        None => tfjs_io::default_router(),
        Some(token) => {
            let client = HttpClient::new().with_bearer_token(token)?;
            tfjs_io::default_routes_with(&client).build()
        }
    }
}
