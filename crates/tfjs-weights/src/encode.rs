//! From tensors to specs and bytes.

use tfjs_artifacts::{Segment, WeightData, WeightSpec};

use crate::Tensor;

/// Specs and bytes of tensors, in their order: what `tf.io.encodeWeights` does.
///
/// Each tensor's memory becomes a segment of the data; nothing is copied on little-endian machines. A `group`
/// (`"optimizer"`) goes into every spec. Like the reference, this does not look at names; those of one model must
/// be unique, which [`Weights`](tfjs_artifacts::Weights) checks.
pub fn encode_weights(tensors: impl IntoIterator<Item = Tensor>, group: Option<&str>) -> (Vec<WeightSpec>, WeightData) {
    let (mut specs, mut segments) = (Vec::new(), Vec::new());
    for tensor in tensors {
        let mut spec = tensor.spec();
        spec.group = group.map(str::to_owned);
        specs.push(spec);
        segments.push(Segment::Memory(tensor.into_le_bytes()));
    }
    (specs, WeightData::from_segments(segments))
}
