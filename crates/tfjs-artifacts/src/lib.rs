#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod artifacts;
mod byte_source;
mod checksum;
mod date;
mod dtype;
mod error;
mod file_name;
mod graph_def;
mod info;
mod json;
mod limits;
mod location;
mod maybe;
mod model_json;
mod printable;
mod quantization;
mod rel_path;
mod repeated;
mod shape;
mod shard_layout;
mod sniff;
mod weight_data;
mod weight_spec;
mod weights;

pub use artifacts::{ModelArtifacts, ModelFormat, ModelTopology};
pub use byte_source::ByteSource;
pub use checksum::{Sha256, Sha256Error, ShardHasher};
pub use date::{DateError, DateSaved};
pub use dtype::DType;
pub use error::{Chain, Error, ErrorKind, Operation};
pub use file_name::{fetchable_stem, file_name_problem, is_windows_device};
pub use graph_def::GraphDefError;
pub use info::{Completion, ModelArtifactsInfo, SaveResponse, SaveResult, TopologyType};
pub use json::{JsonError, RawJson, array_index};
pub use limits::{Limit, LimitError, Limits, UnknownLimit};
pub use location::{Location, split_scheme};
pub use maybe::{BoxFuture, BoxStream, MaybeSend, MaybeSync};
pub use model_json::{
    ManifestError, ModelJson, WeightsManifestGroup, encode_legacy_manifest, encode_manifest, encode_model_json,
    encode_weight_specs,
};
pub use printable::printable;
pub use quantization::{Quantization, QuantizationDType};
pub use rel_path::{RelPath, RelPathError};
pub use shape::{Shape, ShapeError};
pub use shard_layout::{LayoutError, PlannedShard, ShardLayout, ShardNames, Sharding};
pub use sniff::{Sniffed, sniff, sniff_model, sniff_strictly};
pub use weight_data::{Segment, WeightData};
pub use weight_spec::{StoredSize, WeightSpec};
pub use weights::{ChecksumMismatch, Shard, SurplusBytes, TensorPlace, WeightGroup, Weights, WeightsError};

#[doc(no_inline)]
pub use async_trait::async_trait;
#[doc(no_inline)]
pub use bytes::Bytes;
