//! One request and its answer: headers, credentials, redirects, time.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use crate::message::header::{AUTHORIZATION, CONTENT_TYPE, IF_RANGE, LOCATION};
use crate::message::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use tfjs_artifacts::{Error, ErrorKind, Operation};

use crate::address::{Address, Origin, Url};
use crate::client::{Header, Reach, header};
use crate::error::status_text;
use crate::response::{Response, Validator, stalled};
use crate::retry::Retries;
use crate::timer::within;
use crate::transport::{Failure, Outgoing};
use crate::upload::Upload;
use crate::{HttpClient, RequestInfo};

/// The most redirects that are followed, as in browsers half of it would be enough.
const MAX_REDIRECTS: usize = 10;

const MODEL_VERSION: HeaderName = HeaderName::from_static("x-model-version");

/// A client at work for one model.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    policy: Arc<Policy>,
    /// What all answers of one load have to agree about.
    version: Option<Arc<ModelVersion>>,
}

/// How a client talks about one model.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) client: HttpClient,
    /// Who gets credentials.
    origins: Vec<Origin>,
    /// User info of the model's URLs, each for the origin that it was written for.
    basic: Vec<(Origin, HeaderValue)>,
    /// How many of `origins` are not those of the model's URLs, but named by the user; they stand first.
    named: usize,
}

impl Deref for Session {
    type Target = Policy;

    fn deref(&self) -> &Policy {
        &self.policy
    }
}

/// The version of a model that the server tells with each of its files, as tfjs-server does.
#[derive(Debug)]
struct ModelVersion {
    /// The URL that those of the model's files begin with. What lies elsewhere may be of another model.
    folder: String,
    told: Mutex<Option<String>>,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<&'a Upload>,
    /// Whether the browser's cache is not asked.
    pub(crate) passes_cache: bool,
    /// Which try it is, from 1.
    pub(crate) attempt: u32,
}

impl<'a> Ask<'a> {
    pub(crate) fn new(method: Method, url: &'a Url, retries: &Retries) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: None, passes_cache: false, attempt: retries.attempt() }
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        // Values that came from a server's headers, and numbers.
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Wants a range of the version that has this validator, or else all of another.
    ///
    /// Not in a browser, where pages of other origins would have to ask whether they may (a preflight), and many servers that
    /// give ranges say no: there the answer has to show the validator, see [`Validator::is_proven_by`].
    pub(crate) fn with_if_range(self, validator: &Validator) -> Self {
        match validator.if_range() {
            Some(validator) if ASKS_IF_RANGE => self.with_header(IF_RANGE, validator),
            _ => self,
        }
    }
}

/// Whether ranges are asked for on condition.
pub(crate) const ASKS_IF_RANGE: bool = !cfg!(target_arch = "wasm32");

impl Session {
    /// For a model at one or two addresses.
    pub(crate) fn new<'a>(client: &HttpClient, addresses: impl IntoIterator<Item = &'a Address>) -> Self {
        let mut origins = client.config().credential_origins.clone();
        let prefix = client.config().weight_path_prefix.as_deref().and_then(|prefix| Url::parse(prefix).ok());
        origins.extend(prefix.map(|prefix| prefix.origin()));
        let named = origins.len();
        let mut basic = Vec::new();
        for address in addresses {
            let origin = address.url.origin();
            if let Some((user, password)) = &address.user_info {
                let value = basic_auth(user, password.as_deref().unwrap_or_default());
                basic.extend(value.map(|value| (origin.clone(), value)));
            }
            origins.push(origin);
        }
        let policy = Policy { client: client.clone(), origins, basic, named };
        Self { policy: Arc::new(policy), version: None }
    }

    /// For one load of the model with this JSON: an answer that is of another version of the model than those before is an error
    /// of the kind [`Conflict`](ErrorKind::Conflict), for as long as weights are read.
    pub(crate) fn of_one_version(&self, json: &Url) -> Self {
        let until_query = json.as_str().split(['?', '#']).next().unwrap_or_default();
        let folder = until_query.trim_end_matches(|c| c != '/').to_owned();
        let version = ModelVersion { folder, told: Mutex::default() };
        Self { policy: Arc::clone(&self.policy), version: Some(Arc::new(version)) }
    }

    /// The user info that an origin is shown: its own, or, of an origin that the user named, that of the model.
    fn basic_for(&self, origin: &Origin) -> Option<&HeaderValue> {
        let own = self.basic.iter().find(|(of, _)| of == origin);
        let is_named = || self.origins.iter().take(self.named).any(|named| named == origin);
        own.or_else(|| self.basic.first().filter(|_| is_named())).map(|(_, value)| value)
    }

    /// Sends a request, follows redirects, and returns the answer, whatever its status.
    pub(crate) async fn send(&self, ask: Ask<'_>) -> Result<Response, Failure> {
        let mut hop = Hop {
            has_credentials: self.trusts(ask.url),
            url: ask.url.clone(),
            method: ask.method.clone(),
            body: ask.body,
        };
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(&ask, &hop).await?;
            let Some(next) = self.redirect(&response, &hop)? else {
                if self.is_of_another_version(ask.url, &response) {
                    let message = "the server says that the model was changed since this load began; load it again";
                    return Err(sent(Error::new(ErrorKind::Conflict, message)));
                }
                return Ok(response);
            };
            hop = next;
        }
        Err(sent(Error::new(ErrorKind::Transport, format!("the server redirects more than {MAX_REDIRECTS} times"))))
    }

    /// Servers that tell no versions, and files that they do not keep, prove nothing.
    fn is_of_another_version(&self, url: &Url, response: &Response) -> bool {
        let (Some(version), Some(told)) = (&self.version, response.header(&MODEL_VERSION)) else { return false };
        let mut first = version.told.lock().unwrap_or_else(PoisonError::into_inner);
        url.as_str().starts_with(&version.folder) && first.get_or_insert_with(|| told.to_owned()) != told
    }

    fn trusts(&self, url: &Url) -> bool {
        self.origins.contains(&url.origin())
    }

    async fn send_once(&self, ask: &Ask<'_>, hop: &Hop<'_>) -> Result<Response, Failure> {
        let idle = self.client.config().idle_timeout;
        let mut headers = self.headers(ask, hop).await?;
        if let Some(upload) = hop.body
            && let Ok(content_type) = HeaderValue::from_str(&upload.content_type)
        {
            headers.insert(CONTENT_TYPE, content_type);
        }
        let (method, passes_cache) = (hop.method.clone(), ask.passes_cache);
        let outgoing = Outgoing { method, url: &hop.url, headers, body: hop.body, passes_cache };
        let sending = self.client.send(outgoing);
        futures::pin_mut!(sending);
        let patience = hop.body.map_or(idle, |upload| idle.saturating_add(upload.time_in_buffers()));
        let before = hop.body.map_or(0, Upload::moved);
        let mut moved = before;
        let sent_or_not = loop {
            if let Some(done) = within(patience, sending.as_mut()).await {
                break done;
            }
            // As long as the server takes the body, it is not idle.
            let now = hop.body.map_or(0, Upload::moved);
            if now == moved {
                return Err(sent(stalled(patience, ask.attempt)));
            }
            moved = now;
        };
        match sent_or_not {
            // What says that it is done must have taken everything.
            Ok(incoming)
                if incoming.status.is_success()
                    && let Some(upload) = hop.body
                    && upload.moved() - before < upload.byte_length() =>
            {
                let (taken, all) = (upload.moved() - before, upload.byte_length());
                let message = format!(
                    "the server answered {} after {taken} of {all} bytes: it did not take the upload",
                    status_text(incoming.status)
                );
                Err(sent(Error::new(ErrorKind::Unexpected, message)))
            }
            Ok(incoming) => Ok(Response::new(incoming, idle, ask.attempt)),
            // Weights that cannot be read are no fault of the server.
            Err(_) if let Some(error) = hop.body.and_then(Upload::take_error) => {
                Err(Failure { error, is_unsent: false })
            }
            Err(failure) => Err(failure),
        }
    }

    /// The user's headers, those of the hook, and those that the request itself needs.
    async fn headers(&self, ask: &Ask<'_>, hop: &Hop<'_>) -> Result<HeaderMap, Error> {
        let config = self.client.config();
        let mut headers = HeaderMap::new();
        let basic = self.basic_for(&hop.url.origin());
        if let Some(basic) = basic.filter(|_| hop.has_credentials) {
            headers.insert(AUTHORIZATION, basic.clone());
        }
        let is_for_all = |header: &&Header| match &header.reach {
            Reach::Public => true,
            Reach::Trusted => hop.has_credentials,
            Reach::Only(_) => false,
        };
        let only_it = Reach::Only(hop.url.origin());
        let is_for_it = |header: &&Header| hop.has_credentials && header.reach == only_it;
        put(&mut headers, &mut config.headers.iter().filter(is_for_all));
        put(&mut headers, &mut config.headers.iter().filter(is_for_it));
        if let Some(hook) = config.hook.as_ref().filter(|_| hop.has_credentials) {
            let (method, url) = (hop.method.to_string(), hop.url.to_string());
            for (name, value) in hook.headers(RequestInfo { method, url, attempt: ask.attempt }).await? {
                let header = header(&name, &value)?;
                headers.insert(header.name, header.value);
            }
        }
        for (name, value) in &ask.headers {
            headers.insert(name.clone(), value.clone());
        }
        Ok(headers)
    }

    /// The next hop, if the answer is a redirect.
    fn redirect<'b>(&self, response: &Response, hop: &Hop<'b>) -> Result<Option<Hop<'b>>, Failure> {
        // A browser follows redirects of loads by itself, and those of uploads are errors before they come here.
        if cfg!(target_arch = "wasm32") {
            return Ok(None);
        }
        let is_redirect = matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308);
        let Some(location) = response.header(&LOCATION).filter(|_| is_redirect) else { return Ok(None) };
        let refuse = |message| Err(sent(Error::new(ErrorKind::InvalidUrl, message)));
        let Ok(mut url) = hop.url.join(location) else {
            return refuse("the server redirects to something that is no URL");
        };
        match (hop.url.scheme(), url.scheme()) {
            (_, "https") | ("http", "http") => {}
            ("https", "http") if self.client.config().allows_downgrade => {}
            ("https", "http") => {
                return refuse("the server redirects from https to http, which anybody on the way could read");
            }
            _ => return refuse("the server redirects to something that is neither http nor https"),
        }
        // User info of a server's own making is not ours.
        let _ = (url.set_username(""), url.set_password(None));
        let becomes_get = response.status == StatusCode::SEE_OTHER
            || (hop.method == Method::POST && matches!(response.status.as_u16(), 301 | 302));
        if becomes_get && hop.body.is_some() {
            return refuse(
                "the server redirects the upload to where it would arrive without its body, such as a page to log in; \
                 nothing was saved: upload to the URL that takes it",
            );
        }
        let (method, body) = match hop.method {
            Method::GET | Method::HEAD => (hop.method.clone(), None),
            _ if becomes_get => (Method::GET, None),
            _ => (hop.method.clone(), hop.body),
        };
        // Once left, the origin is not trusted again.
        Ok(Some(Hop { has_credentials: hop.has_credentials && self.trusts(&url), url, method, body }))
    }
}

/// A request on its way along redirects.
#[derive(Debug)]
struct Hop<'a> {
    url: Url,
    method: Method,
    body: Option<&'a Upload>,
    has_credentials: bool,
}

/// Headers of the user's replace those that are there; two of the same name stand beside each other.
fn put(headers: &mut HeaderMap, users: &mut dyn Iterator<Item = &Header>) {
    let mut seen = Vec::new();
    for header in users {
        if seen.contains(&&header.name) {
            headers.append(header.name.clone(), header.value.clone());
        } else {
            headers.insert(header.name.clone(), header.value.clone());
            seen.push(&header.name);
        }
    }
}

/// The server may have seen it.
fn sent(error: Error) -> Failure {
    Failure { error, is_unsent: false }
}

/// `Authorization: Basic`.
fn basic_auth(user: &str, password: &str) -> Option<HeaderValue> {
    let text = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Says of an error where it arose and what was being done.
pub(crate) fn at(url: &Url, operation: Operation) -> impl FnOnce(Error) -> Error + use<> {
    let url = url.to_string();
    move |error| error.with_operation(operation).with_location(&url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Incoming;

    /// Where an answer with this status and `Location` leads from a URL.
    fn redirect(client: &HttpClient, from: &str, status: u16, to: &str) -> Result<Option<String>, Error> {
        let address = Address::parse(from).unwrap();
        let session = Session::new(client, [&address]);
        let hop = Hop { url: address.url, method: Method::GET, body: None, has_credentials: true };
        let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_str(to).unwrap())]);
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Incoming { status, headers, length_hint: None, body: Box::pin(futures::stream::empty()) };
        let answer = Response::new(answer, std::time::Duration::from_secs(1), 1);
        let next = session.redirect(&answer, &hop).map_err(|failure| failure.error)?;
        Ok(next.map(|next| format!("{} {}", next.url, next.has_credentials)))
    }

    #[test]
    fn redirects() {
        let client = HttpClient::new();
        let check = |from, status, to, expected: Option<&str>| {
            assert_eq!(redirect(&client, from, status, to).unwrap().as_deref(), expected);
        };
        check("https://a/x", 302, "/y", Some("https://a/y true"));
        check("https://a/x", 302, "https://b/y", Some("https://b/y false"));
        check("https://a/x", 302, "https://a:8443/y", Some("https://a:8443/y false"));
        check("http://a/x", 308, "https://a/y", Some("https://a/y false"));
        check("https://a/x", 302, "https://user:password@a/y", Some("https://a/y true"));
        check("https://a/x", 200, "/y", None);
        check("https://a/x", 304, "/y", None);
    }

    #[test]
    fn redirects_from_https_to_http_are_refused() {
        let error = redirect(&HttpClient::new(), "https://a/x", 302, "http://a/y").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl);
        let client = HttpClient::new().with_downgrading_redirects();
        let next = redirect(&client, "https://a/x", 302, "http://a/y").unwrap();
        assert_eq!(next.as_deref(), Some("http://a/y false"));
    }

    #[test]
    fn user_info_is_for_its_own_origin_and_for_those_that_the_user_named() {
        let addresses = ["https://a:1@one/m.pb", "https://two/m.json", "https://b:2@three/m"]
            .map(|url| Address::parse(url).unwrap());
        let client = HttpClient::new().with_credentials_for("https://mirror").unwrap();
        let session = Session::new(&client, &addresses);
        let shown = |url| session.basic_for(&Url::parse(url).unwrap().origin()).cloned();
        assert_eq!(shown("https://one/w.bin"), basic_auth("a", "1"));
        assert_eq!(shown("https://two/w.bin"), None);
        assert_eq!(shown("https://three/w.bin"), basic_auth("b", "2"));
        assert_eq!(shown("https://mirror/w.bin"), basic_auth("a", "1"));
        assert_eq!(shown("https://one:8443/w.bin"), None);
    }

    #[test]
    fn basic_authorization() {
        let check = |user, password, expected: &str| {
            assert_eq!(basic_auth(user, password).unwrap().to_str().unwrap(), format!("Basic {expected}"));
        };
        check("Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        check("a", "b", "YTpi");
        check("a", "bc", "YTpiYw==");
        check("a", "bcd", "YTpiY2Q=");
    }
}
