//! Models on their way: picked, loaded, copied, moved, downloaded, removed.

use tfjs_io::{
    DownloadsHandler, Error, LoadHandler as _, LoadOptions, RemoveOptions, Router, SaveHandler as _, SaveOptions,
    browser_files,
};
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::File;

use super::access::{router, router_for_new};
use super::failure::Failure;
use super::job::Job;

#[wasm_bindgen]
impl Job {
    /// Saves the model among files that were picked or dropped. A file's `webkitRelativePath` says where it lay. A server is told
    /// to take nothing but what is new, if `is_new`.
    ///
    /// # Errors
    /// When there is no model among the files, and those of the save.
    #[wasm_bindgen(js_name = addFiles)]
    pub async fn add_files(
        &self,
        files: Vec<File>,
        destination: String,
        token: Option<String>,
        is_new: bool,
    ) -> Result<(), Failure> {
        let options = SaveOptions::new().with_progress(self.progress());
        let save = async {
            let artifacts = browser_files(files).load(&LoadOptions::lazy()).await?;
            destination_router(token.as_deref(), is_new)?.save(&artifacts, &destination, &options).await
        };
        self.run(save).await.map(drop)
    }

    /// Copies a model; each side has a token of its own, and `is_new` is as in `addFiles`.
    ///
    /// # Errors
    /// Those of the load and of the save.
    #[wasm_bindgen(js_name = copyModel)]
    pub async fn copy_model(
        &self,
        source: String,
        source_token: Option<String>,
        destination: String,
        destination_token: Option<String>,
        is_new: bool,
    ) -> Result<(), Failure> {
        let options = SaveOptions::new().with_progress(self.progress());
        let copy = async {
            let artifacts = router(source_token.as_deref())?.load(&source, &LoadOptions::lazy()).await?;
            destination_router(destination_token.as_deref(), is_new)?.save(&artifacts, &destination, &options).await
        };
        self.run(copy).await.map(drop)
    }

    /// Moves a model within the browser: the source is removed when the copy can be loaded.
    ///
    /// # Errors
    /// Those of the load and of the save. The source is there then.
    #[wasm_bindgen(js_name = moveModel)]
    pub async fn move_model(&self, source: String, destination: String) -> Result<(), Failure> {
        let options = SaveOptions::new().with_progress(self.progress());
        let moved = async {
            let router = tfjs_io::default_router()?;
            router.move_model(&source, &destination, &LoadOptions::lazy(), &options).await
        };
        self.run(moved).await.map(drop)
    }

    /// Lets the browser download a model, as one zip file or as it is.
    ///
    /// # Errors
    /// Those of the load; a page never learns what became of a download.
    #[wasm_bindgen(js_name = downloadModel)]
    pub async fn download_model(
        &self,
        source: String,
        token: Option<String>,
        name: String,
        is_zip: bool,
    ) -> Result<(), Failure> {
        let options = SaveOptions::new().with_progress(self.progress());
        let download = async {
            let artifacts = router(token.as_deref())?.load(&source, &LoadOptions::lazy()).await?;
            let handler = DownloadsHandler::new(&name)?;
            let handler = if is_zip { handler.with_zip() } else { handler };
            handler.save(&artifacts, &options).await
        };
        self.run(download).await.map(drop)
    }
}

/// Removes a model of the browser.
///
/// # Errors
/// When there is none, or the browser refuses.
#[wasm_bindgen(js_name = removeModel)]
pub async fn remove_model(url: String) -> Result<(), Failure> {
    tfjs_io::default_router()?.remove_model(&url, &RemoveOptions::new()).await?;
    Ok(())
}

fn destination_router(token: Option<&str>, is_new: bool) -> Result<Router, Error> {
    if is_new { router_for_new(token) } else { router(token) }
}
