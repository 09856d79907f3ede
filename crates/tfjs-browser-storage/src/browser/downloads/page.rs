//! Links that are clicked so that the browser downloads what they lead to.

use futures::channel::oneshot;
use gloo_timers::future::TimeoutFuture;
use tfjs_artifacts::{Error, ErrorKind};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, Document, HtmlAnchorElement, Node, Url};

use crate::error::thrown;
use crate::global::global;

/// Milliseconds between two clicks: browsers drop all but one of downloads that begin at once.
const GAP: u32 = 300;

/// How long a URL stays, in milliseconds: the browser may read it long after the click, when the user has said where to.
const URL_LIFETIME: u32 = 40_000;

/// A file to be downloaded.
#[derive(Debug)]
pub(super) struct Download {
    pub(super) name: String,
    pub(super) content: Blob,
}

/// Where links can be clicked.
#[derive(Debug)]
pub(super) struct Page {
    document: Document,
    parent: Node,
}

impl Page {
    pub(super) fn current() -> Result<Self, Error> {
        let document: Option<Document> = global("document").map_err(|error| refused(&error))?;
        let Some(document) = document else {
            let message = "only a page can download, and a worker has no `document`: send the model to the page, or save to \
                           `indexeddb://` or `opfs://`";
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        let body = document.body().map(Node::from);
        let parent = body.or_else(|| document.document_element().map(Node::from));
        let parent =
            parent.ok_or_else(|| Error::new(ErrorKind::Unsupported, "the page has no element to put a link into"))?;
        Ok(Self { document, parent })
    }

    /// Asks the browser for all files, in their order. Once this has begun it goes on, also when the future is dropped: half of
    /// a model is of no use to anybody.
    pub(super) async fn download(self, files: Vec<Download>) -> Result<(), Error> {
        let (sender, asked) = oneshot::channel();
        spawn_local(async move {
            // Nobody listens any more when the future was dropped.
            let _ = sender.send(self.click_each(&files).await);
        });
        asked.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Unexpected, "the downloads were not begun")))
    }

    async fn click_each(&self, files: &[Download]) -> Result<(), Error> {
        for (index, file) in files.iter().enumerate() {
            if index > 0 {
                TimeoutFuture::new(GAP).await;
            }
            self.click(file).map_err(|error| refused(&error))?;
        }
        Ok(())
    }

    fn click(&self, file: &Download) -> Result<(), JsValue> {
        let url = ObjectUrl::of(&file.content)?;
        let link = self.document.create_element("a")?.dyn_into::<HtmlAnchorElement>();
        // In a document of SVG, for example, an `a` is something else.
        let link = link.map_err(|_| JsValue::from(js_sys::TypeError::new("this document is not HTML")))?;
        link.set_href(&url.0);
        link.set_download(&file.name);
        link.set_hidden(true);
        // Some browsers do nothing about a link that is not in the page.
        self.parent.append_child(&link)?;
        link.click();
        link.remove();
        spawn_local(async move {
            TimeoutFuture::new(URL_LIFETIME).await;
            drop(url);
        });
        Ok(())
    }
}

fn refused(error: &JsValue) -> Error {
    thrown(error, "the browser does not let this page download")
}

/// The URL of a Blob, which lives as long as this does.
struct ObjectUrl(String);

impl ObjectUrl {
    fn of(blob: &Blob) -> Result<Self, JsValue> {
        Url::create_object_url_with_blob(blob).map(Self)
    }
}

impl Drop for ObjectUrl {
    fn drop(&mut self) {
        // It can only be gone already.
        let _ = Url::revoke_object_url(&self.0);
    }
}
