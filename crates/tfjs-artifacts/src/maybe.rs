//! The one place where bounds depend on the target.
//!
//! Natively every future and handler is `Send`, so that they work on multi-threaded runtimes. On wasm32 a
//! future that awaits a JavaScript promise never is, so there the markers below ask for nothing.

use std::pin::Pin;

#[cfg(not(target_arch = "wasm32"))]
mod marker {
    /// `Send` on every target but wasm32, where it asks for nothing.
    pub trait MaybeSend: Send {}
    impl<T: Send + ?Sized> MaybeSend for T {}

    /// `Sync` on every target but wasm32, where it asks for nothing.
    pub trait MaybeSync: Sync {}
    impl<T: Sync + ?Sized> MaybeSync for T {}
}

#[cfg(target_arch = "wasm32")]
mod marker {
    /// `Send` on every target but wasm32, where it asks for nothing.
    pub trait MaybeSend {}
    impl<T: ?Sized> MaybeSend for T {}

    /// `Sync` on every target but wasm32, where it asks for nothing.
    pub trait MaybeSync {}
    impl<T: ?Sized> MaybeSync for T {}
}

pub use marker::{MaybeSend, MaybeSync};

/// An owned, type-erased stream: `Send` on every target but wasm32.
#[cfg(not(target_arch = "wasm32"))]
pub type BoxStream<'a, T> = Pin<Box<dyn futures::Stream<Item = T> + Send + 'a>>;

/// An owned, type-erased stream: `Send` on every target but wasm32.
#[cfg(target_arch = "wasm32")]
pub type BoxStream<'a, T> = Pin<Box<dyn futures::Stream<Item = T> + 'a>>;

/// An owned, type-erased future: `Send` on every target but wasm32.
#[cfg(not(target_arch = "wasm32"))]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An owned, type-erased future: `Send` on every target but wasm32.
#[cfg(target_arch = "wasm32")]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
