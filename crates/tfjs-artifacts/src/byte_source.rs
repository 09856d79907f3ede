//! Something whose bytes can be read later, range by range.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Error, MaybeSend, MaybeSync};

/// Bytes that are not in memory: a file, an HTTP object that honours `Range`, a record in a database.
///
/// Implementers check that what they read is still what they promised: a file that changed size since it was
/// opened is an error, not other bytes. [`WeightData`](crate::WeightData) checks that the number of bytes
/// returned is the number asked for.
///
/// On wasm32 futures need not be `Send`: write both attributes above your `impl`, as they stand here.
///
/// ```
/// use tfjs_artifacts::{ByteSource, Bytes, Error, async_trait};
///
/// /// Ten thousand ones, made on demand.
/// #[derive(Debug)]
/// struct Ones;
///
/// #[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
/// #[cfg_attr(not(target_arch = "wasm32"), async_trait)]
/// impl ByteSource for Ones {
///     fn byte_length(&self) -> u64 {
///         10_000
///     }
///
///     fn version(&self) -> Option<String> {
///         Some("ones".to_owned())
///     }
///
///     async fn read(&self, range: std::ops::Range<u64>) -> Result<Bytes, Error> {
///         Ok(vec![1; (range.end - range.start) as usize].into())
///     }
/// }
/// ```
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
pub trait ByteSource: fmt::Debug + MaybeSend + MaybeSync {
    /// How many bytes there are; constant for the life of the source.
    fn byte_length(&self) -> u64;

    /// A text that is another one for other bytes, such as the time stamp of a file or the ETag of an HTTP object; constant for
    /// the life of the source. `None` if the medium has nothing of the kind.
    fn version(&self) -> Option<String>;

    /// Reads exactly the bytes of `range`, which lies within `0..byte_length()`. An empty range asks whether the others are still what
    /// they were: a medium that can tell cheaply does.
    ///
    /// # Errors
    /// Whatever the medium reports; its location names the medium, not the model.
    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error>;
}
