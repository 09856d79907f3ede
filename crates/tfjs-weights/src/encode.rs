//! From tensors to specs and bytes.

use std::io::{self, Write};

use futures::{AsyncWrite, AsyncWriteExt as _};
use tfjs_artifacts::{Segment, WeightData, WeightSpec, array_index};

use crate::Tensor;

/// Specs and bytes of tensors, in their order: what `tf.io.encodeWeights` does.
///
/// Each tensor's memory becomes a segment of the data; nothing is copied on little-endian machines. A `group`
/// (`"optimizer"`) goes into every spec. Like the reference, this does not look at names; those of one model must
/// be unique, which [`Weights`](tfjs_artifacts::Weights) checks.
pub fn encode_weights(tensors: impl IntoIterator<Item = Tensor>, group: Option<&str>) -> (Vec<WeightSpec>, WeightData) {
    let (mut specs, mut segments) = (Vec::new(), Vec::new());
    for tensor in tensors {
        specs.push(spec_in_group(&tensor, group));
        segments.push(Segment::Memory(tensor.into_le_bytes()));
    }
    (specs, WeightData::from_segments(segments))
}

/// Writes tensors back to back and returns their specs. See [`WeightsWriter`] for one tensor at a time.
///
/// # Errors
/// Whatever the writer reports.
pub fn encode_into<'a>(
    tensors: impl IntoIterator<Item = &'a Tensor>,
    writer: &mut impl Write,
) -> io::Result<Vec<WeightSpec>> {
    let mut weights = WeightsWriter::new(writer, None);
    for tensor in tensors {
        weights.write(tensor)?;
    }
    Ok(weights.finish()?.1)
}

/// A sink of tensors: writes the bytes of each as it comes, and remembers only the specs.
///
/// End with [`finish`](Self::finish) or [`finish_async`](Self::finish_async): a buffering writer that is only dropped may
/// keep its last bytes, or lose an error.
#[derive(Debug)]
pub struct WeightsWriter<W> {
    writer: W,
    group: Option<String>,
    specs: Vec<WeightSpec>,
}

impl<W> WeightsWriter<W> {
    /// Writes into `writer`. A `group` (`"optimizer"`) goes into every spec.
    pub fn new(writer: W, group: Option<&str>) -> Self {
        Self { writer, group: group.map(str::to_owned), specs: Vec::new() }
    }

    fn remember(&mut self, tensor: &Tensor) {
        self.specs.push(spec_in_group(tensor, self.group.as_deref()));
    }
}

impl<W: Write> WeightsWriter<W> {
    /// Writes a tensor; its memory is not copied on the way on little-endian machines.
    ///
    /// # Errors
    /// Whatever the writer reports.
    pub fn write(&mut self, tensor: &Tensor) -> io::Result<()> {
        self.writer.write_all(&tensor.le_bytes())?;
        self.remember(tensor);
        Ok(())
    }

    /// Flushes the writer, and gives it back with the specs of what was written, in order.
    ///
    /// # Errors
    /// Whatever the writer reports.
    pub fn finish(mut self) -> io::Result<(W, Vec<WeightSpec>)> {
        self.writer.flush()?;
        Ok((self.writer, self.specs))
    }
}

impl<W: AsyncWrite + Unpin> WeightsWriter<W> {
    /// Writes a tensor into an asynchronous writer; its memory is not copied on the way on little-endian machines.
    ///
    /// # Errors
    /// Whatever the writer reports.
    pub async fn write_async(&mut self, tensor: &Tensor) -> io::Result<()> {
        self.writer.write_all(&tensor.le_bytes()).await?;
        self.remember(tensor);
        Ok(())
    }

    /// Flushes the asynchronous writer, and gives it back with the specs of what was written, in order.
    ///
    /// # Errors
    /// Whatever the writer reports.
    pub async fn finish_async(mut self) -> io::Result<(W, Vec<WeightSpec>)> {
        self.writer.flush().await?;
        Ok((self.writer, self.specs))
    }
}

fn spec_in_group(tensor: &Tensor, group: Option<&str>) -> WeightSpec {
    let mut spec = tensor.spec();
    spec.group = group.map(str::to_owned);
    spec
}

/// Brings tensors into the order in which the reference encodes an object of named tensors: names that are array indices first,
/// ascending, then the others as they are (`Object.keys`).
pub fn sort_like_object_keys(tensors: &mut [Tensor]) {
    tensors.sort_by_key(|tensor| array_index(tensor.name()).unwrap_or(u32::MAX));
}
