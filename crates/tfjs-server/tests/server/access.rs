//! Tokens, origins and browsers.

use tfjs_server::axum::http::HeaderValue;
use tfjs_server::{AllowedOrigins, ServerOptions, Token};

use crate::support::{Server, model};

const TOKEN: &str = "correct-horse-battery";
const AUTHORIZATION: &str = "authorization: Bearer correct-horse-battery";

fn with_token() -> ServerOptions {
    ServerOptions::new().with_token(Token::new(TOKEN).unwrap())
}

#[tokio::test]
async fn writing_takes_the_token() {
    let server = Server::with_options(with_token()).await;
    // Larger than what fits into any buffer: the answer must arrive all the same.
    let form = model(1, 2_000_000);
    for headers in [&[][..], &["authorization: Bearer wrong-horse-battery"], &["authorization: Basic Y29ycmVjdA=="]] {
        let answer = server.upload_with("POST", "/m", headers, &form).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer realm=\"tfjs\"")));
        assert!(!answer.error(401).contains("horse"));
        assert_eq!(server.request("DELETE", "/m", headers).await.status, 401);
    }
    assert_eq!(server.listing(), ["models"]);
    assert_eq!(server.upload_with("POST", "/m", &[AUTHORIZATION], &form).await.status, 200);
    assert_eq!(server.get("/m/model.json").await.status, 200);
    assert_eq!(server.request("DELETE", "/m", &[AUTHORIZATION]).await.status, 200);
}

#[tokio::test]
async fn reading_takes_the_token_if_it_is_protected() {
    let server = Server::with_options(with_token().with_protected_reads()).await;
    assert_eq!(server.upload_with("POST", "/m", &[AUTHORIZATION], &model(1, 10)).await.status, 200);
    for path in ["/", "/m/model.json", "/m/model.weights.bin", "/nothing"] {
        assert_eq!(server.get(path).await.status, 401, "{path}");
        assert_ne!(server.request("GET", path, &[AUTHORIZATION]).await.status, 401, "{path}");
    }
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn nobody_writes_to_a_read_only_server() {
    let server = Server::with_options(with_token().with_read_only()).await;
    assert_eq!(server.upload_with("POST", "/m", &[AUTHORIZATION], &model(1, 10)).await.status, 403);
    assert_eq!(server.get("/").await.body, b"[]\n");
}

#[tokio::test]
async fn preflights() {
    let server = Server::new().await;
    let asks = "access-control-request-method: POST";
    let local = server.request("OPTIONS", "/upload", &["origin: http://localhost:5173", asks]).await;
    assert_eq!((local.status, local.header("access-control-allow-origin")), (204, Some("*")));
    assert!(local.header("access-control-allow-methods").unwrap().contains("POST"));
    for header in ["authorization", "content-type", "range", "if-range", "if-match", "if-none-match"] {
        let mut allowed = local.header("access-control-allow-headers").unwrap().split(", ");
        assert!(allowed.any(|allowed| allowed == header), "{header}");
    }
    assert_eq!(local.header("access-control-allow-private-network"), None);
    let private = "access-control-request-private-network: true";
    let private = server.request("OPTIONS", "/upload", &["origin: http://localhost:5173", asks, private]).await;
    assert_eq!(private.header("access-control-allow-private-network"), Some("true"));
    let other = server.request("OPTIONS", "/upload", &["origin: https://example.org", asks]).await;
    assert_eq!(other.header("access-control-allow-methods"), Some("GET, HEAD"));
    let read = server.request("GET", "/", &["origin: https://example.org"]).await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, Some("*")));
    assert!(read.header("access-control-expose-headers").unwrap().contains("etag"));
    // A refusal is for the page to see, too.
    assert_eq!(
        server.request("GET", "/x/y", &["origin: https://example.org"]).await.header("access-control-allow-origin"),
        Some("*")
    );
}

#[tokio::test]
async fn pages_of_others_do_not_write_without_a_token() {
    let server = Server::new().await;
    for origin in ["origin: https://example.org", "origin: null"] {
        assert_eq!(server.upload_with("POST", "/m", &[origin], &model(1, 10)).await.status, 403);
        assert_eq!(server.request("DELETE", "/m", &[origin]).await.status, 403);
    }
    assert_eq!(server.upload_with("POST", "/m", &["origin: http://localhost:5173"], &model(1, 10)).await.status, 200);
    let server = Server::with_options(with_token()).await;
    let headers = ["origin: https://example.org", AUTHORIZATION];
    assert_eq!(server.upload_with("POST", "/m", &headers, &model(1, 10)).await.status, 200);
}

#[tokio::test]
async fn origins_may_be_listed() {
    let mut options = ServerOptions::new();
    options.allowed_origins = AllowedOrigins::List(vec![HeaderValue::from_static("https://example.org")]);
    let server = Server::with_options(options).await;
    let listed = server.request("GET", "/", &["origin: https://example.org"]).await;
    assert_eq!((listed.status, listed.header("access-control-allow-origin")), (200, Some("https://example.org")));
    assert_eq!(listed.header("vary"), Some("origin"));
    assert_eq!(server.upload_with("POST", "/m", &["origin: https://example.org"], &model(1, 10)).await.status, 200);
    let other = server.request("GET", "/", &["origin: http://localhost"]).await;
    assert_eq!((other.status, other.header("access-control-allow-origin")), (403, None));
    assert_eq!(server.get("/").await.status, 200, "a client that is no browser");
}

#[tokio::test]
async fn request_ids_are_repeated_if_they_are_harmless() {
    let server = Server::new().await;
    assert_eq!(server.request("GET", "/", &["x-request-id: abc-1"]).await.header("x-request-id"), Some("abc-1"));
    let made = server.request("GET", "/", &["x-request-id: a b"]).await;
    assert!(made.header("x-request-id").is_some_and(|id| id != "a b" && id.len() > 16));
}
